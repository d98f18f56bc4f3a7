"""Run one model that opt has converted for x86 (runs under Paddle Lite)."""

import json
import sys

import numpy as np
from paddlelite.lite import MobileConfig, create_paddle_predictor

job = json.load(open(sys.argv[1]))
config = MobileConfig()
config.set_model_from_file(job["nb"])
predictor = create_paddle_predictor(config)
feeds = job["feeds"]
arrays = np.load(feeds["file"])
# Paddle Lite does not copy: the arrays must live until the run is over.
alive = [np.ascontiguousarray(arrays["arr_%d" % index]) for index in range(len(feeds["names"]))]
names = (
    list(predictor.get_input_names()) if hasattr(predictor, "get_input_names") else feeds["names"]
)
for index, name in enumerate(names):
    place = feeds["names"].index(name) if name in feeds["names"] else index
    tensor = predictor.get_input(index)
    tensor.from_numpy(alive[place])
    if feeds["lods"][place]:
        tensor.set_lod(feeds["lods"][place])
predictor.run()
names = predictor.get_output_names()
outputs = [predictor.get_output(index).numpy().copy() for index in range(len(names))]
np.savez(job["out"], *outputs)
