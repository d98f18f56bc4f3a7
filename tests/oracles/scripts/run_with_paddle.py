"""Run stored models, for a list of jobs (runs under Paddle 1.8.5 and 2.6.2)."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import paddle  # noqa: E402

OLD = paddle.__version__.startswith("1.")
if OLD:
    import paddle.fluid as static

    load, place = static.io.load_inference_model, static.CPUPlace()
else:
    from paddle import static

    paddle.enable_static()
    load, place = static.load_inference_model, paddle.CPUPlace()


def fed(array, lod):
    if not lod:
        return array
    lengths = [np.diff(level).tolist() for level in lod]
    return static.create_lod_tensor(array, lengths, place)


def main(job):
    exe = static.Executor(place)
    with static.scope_guard(static.Scope()):
        program, _, fetches = load(job["model_dir"], exe, **job["names"])
        feeds = job["feeds"]
        arrays = np.load(feeds["file"])
        feed = {
            name: fed(arrays["arr_%d" % index], feeds["lods"][index])
            for index, name in enumerate(feeds["names"])
        }
        outputs = exe.run(
            program, feed=feed, fetch_list=fetches + job["others"], return_numpy=False
        )
        np.savez(job["out"], *[np.array(output) for output in outputs])


for each in json.load(open(sys.argv[1])):
    main(each)
