"""Run several models of one input on the same batches (runs under Paddle 2.6.2).

The job has `models` (prefixes), `outs` (an .npy file for each: its output number `output` on all
inputs), `inputs` (an .npz of one array) and `batch`. Outputs whose second axis differs are filled
with NaN.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import paddle  # noqa: E402
from paddle import static  # noqa: E402
from pieces import joined  # noqa: E402

paddle.enable_static()


def main(job):
    """The output of every model on all inputs."""
    exe = static.Executor(paddle.CPUPlace())
    inputs = np.load(job["inputs"])["arr_0"]
    for folder, out in zip(job["models"], job["outs"], strict=True):
        with static.scope_guard(static.Scope()):
            program, names, fetches = static.load_inference_model(folder, exe)
            pieces = [
                np.array(
                    exe.run(
                        program, feed={names[0]: inputs[i : i + job["batch"]]}, fetch_list=fetches
                    )[job["output"]]
                )
                for i in range(0, len(inputs), job["batch"])
            ]
        np.save(out, joined(pieces))


main(json.load(open(sys.argv[1])))
