"""Run one model that opt has converted for x86 on many inputs (runs under Paddle Lite).

The job has `nb`, `inputs` (an .npz of one array), `batch`, and `out`: an .npy file for its output
number `output` on all inputs. Outputs whose second axis differs are filled with NaN.
"""

import json
import sys

import numpy as np
from paddlelite.lite import MobileConfig, create_paddle_predictor
from pieces import joined


def main(job):
    """The output of the model on all inputs."""
    config = MobileConfig()
    config.set_model_from_file(job["nb"])
    predictor = create_paddle_predictor(config)
    inputs = np.load(job["inputs"])["arr_0"]
    pieces = []
    for start in range(0, len(inputs), job["batch"]):
        # Paddle Lite does not copy: the array must live until the run is over.
        piece = np.ascontiguousarray(inputs[start : start + job["batch"]])
        predictor.get_input(0).from_numpy(piece)
        predictor.run()
        pieces.append(predictor.get_output(job["output"]).numpy().copy())
    np.save(job["out"], joined(pieces))


main(json.load(open(sys.argv[1])))
