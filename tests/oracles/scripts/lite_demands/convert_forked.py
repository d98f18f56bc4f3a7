"""Convert many models with opt, each in a process of its own (runs under Paddle Lite).

The library is loaded once, and every conversion runs in a child that is forked from that state:
an abort ends the child alone, and nothing of one conversion is left for the next. With "run", the
result is also loaded and run, in another child.

The job: {"opts": [{"model", "params", "target", "out", "run": {...} or null}], "results": file}.
A result: {"nb", "signal", "said"} and, where it was run, {"ran", "run_said"}.
"""

import json
import os
import signal
import sys
import time

import numpy as np
from paddlelite import lite

SECONDS = 60


def convert(task):
    opt = lite.Opt()
    opt.set_model_file(task["model"])
    opt.set_param_file(task["params"])
    opt.set_model_type("naive_buffer")
    opt.set_optimize_out(task["out"])
    opt.set_valid_places(task["target"])
    opt.run()


def run(task):
    config = lite.MobileConfig()
    config.set_model_from_file(task["out"] + ".nb")
    predictor = lite.create_paddle_predictor(config)
    given = task["run"]
    arrays = np.load(given["feeds"])
    # Paddle Lite does not copy: the arrays must live until the run is over.
    alive = [np.ascontiguousarray(arrays["arr_%d" % i]) for i in range(len(arrays.files))]
    names = given["names"]
    # Before 2.11 inputs have no names here: they are in the order of their feed operators.
    named = hasattr(predictor, "get_input_names")
    asked = list(predictor.get_input_names()) if named else names
    for index, name in enumerate(asked):
        place = names.index(name) if name in names else index
        tensor = predictor.get_input(index)
        feed(tensor, alive[place])
        if given["lods"][place]:
            tensor.set_lod(given["lods"][place])
    predictor.run()
    count = given["outputs"]
    outputs = [taken(predictor.get_output(index)) for index in range(count)]
    np.savez(given["out"], *outputs)


def feed(tensor, array):
    if hasattr(tensor, "from_numpy"):
        tensor.from_numpy(array)
        return
    tensor.resize(list(array.shape))  # 2.6.0
    kinds = {"float32": tensor.set_float_data, "int32": tensor.set_int32_data}
    kinds[str(array.dtype)](array.ravel().tolist())


def taken(tensor):
    if hasattr(tensor, "numpy"):
        return tensor.numpy().copy()
    return np.array(tensor.float_data(), "float32").reshape(tensor.shape())  # 2.6.0


def in_a_child(function, task, log):
    """The child's exit status, and what it printed."""
    child = os.fork()
    if child == 0:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        code = 1
        try:
            function(task)
            code = 0
        except BaseException as error:
            os.write(2, ("PYTHON %s: %s\n" % (type(error).__name__, error)).encode())
        finally:
            os._exit(code)
    deadline = time.time() + SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.time() > deadline:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    with open(log, "rb") as stream:
        said = stream.read().decode("utf-8", "replace")
    os.unlink(log)
    return status, said


def handle(task, log):
    nb = task["out"] + ".nb"
    if os.path.exists(nb):
        os.unlink(nb)
    status, said = in_a_child(convert, task, log)
    result = {"nb": os.path.exists(nb), "status": status, "said": said[-3000:]}
    if result["nb"] and task.get("run"):
        if os.path.exists(task["run"]["out"]):
            os.unlink(task["run"]["out"])  # that of another run
        status, said = in_a_child(run, task, log)
        result.update(
            ran=os.path.exists(task["run"]["out"]), run_status=status, run_said=said[-3000:]
        )
    if result["nb"] and not task.get("keep"):
        os.unlink(nb)
    return result


def main():
    with open(sys.argv[1]) as stream:
        job = json.load(stream)
    results = [handle(task, job["results"] + ".log") for task in job["opts"]]
    with open(job["results"], "w") as stream:
        json.dump(results, stream)


main()
