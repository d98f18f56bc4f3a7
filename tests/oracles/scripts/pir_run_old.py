"""Run many stored models with Paddle 2.6.2 in one process; a failure does not stop the rest."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import paddle  # noqa: E402

paddle.enable_static()


def run(prefix, feeds):
    executor = paddle.static.Executor(paddle.CPUPlace())
    with paddle.static.scope_guard(paddle.static.Scope()):
        program, _, fetches = paddle.static.load_inference_model(prefix, executor)
        return executor.run(program, feed=feeds, fetch_list=fetches, return_numpy=False)


errors = {}
for job in json.load(open(sys.argv[1])):
    with np.load(job["in"]) as stored:
        feeds = {name: stored["arr_%d" % i] for i, name in enumerate(job["feeds"])}
    try:
        outputs = run(job["prefix"], feeds)
        np.savez(job["out"], *[np.array(each) for each in outputs])
    except Exception as error:
        errors[job["name"]] = str(error)[-700:]
print("ERRORS" + json.dumps(errors))
