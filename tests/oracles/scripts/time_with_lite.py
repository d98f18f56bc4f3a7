"""Time models that opt has converted for x86, in turns (runs under Paddle Lite)."""

import json
import sys
import time

import numpy as np
from paddlelite.lite import MobileConfig, create_paddle_predictor

RUNS = 100
job = json.load(open(sys.argv[1]))
feeds = job["feeds"]
arrays = np.load(feeds["file"])
# Paddle Lite does not copy: the arrays must live until the last run is over.
alive = [np.ascontiguousarray(arrays["arr_%d" % index]) for index in range(len(feeds["names"]))]
predictors = []
for model in job["models"]:
    config = MobileConfig()
    config.set_model_from_file(model)
    predictor = create_paddle_predictor(config)
    for index, name in enumerate(predictor.get_input_names()):
        place = feeds["names"].index(name)
        predictor.get_input(index).from_numpy(alive[place])
        if feeds["lods"][place]:
            predictor.get_input(index).set_lod(feeds["lods"][place])
    predictor.run()
    predictors.append(predictor)
best = [float("inf")] * len(predictors)
start = time.perf_counter()
for _ in range(RUNS):
    for index, predictor in enumerate(predictors):
        begin = time.perf_counter()
        predictor.run()
        best[index] = min(best[index], time.perf_counter() - begin)
    if time.perf_counter() - start > 20:
        break
print(json.dumps(best))
