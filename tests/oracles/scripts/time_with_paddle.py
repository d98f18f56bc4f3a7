"""Time the forward run of stored models with Paddle 2.6.2; seconds, one list each.

With Paddle's executor, as it is for training and for `paddle.static`; or with `threads` given with
its inference engine, which rewrites and fuses the program first.
"""

import json
import sys
import time

import numpy as np
import paddle
from paddle import inference, static


def executed(job):
    exe = static.Executor(paddle.CPUPlace())
    named = job.get("names", {})
    program, names, fetches = static.load_inference_model(job["prefix"], exe, **named)
    feed = {names[0]: np.load(job["input"])}
    return lambda: exe.run(program, feed=feed, fetch_list=fetches)


def predicted(job):
    config = inference.Config(job["prefix"] + ".pdmodel", job["prefix"] + ".pdiparams")
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(job["threads"])
    predictor = inference.create_predictor(config)
    values = np.load(job["input"])

    def run():
        handle = predictor.get_input_handle(predictor.get_input_names()[0])
        handle.reshape(values.shape)
        handle.copy_from_cpu(values)
        predictor.run()
        for name in predictor.get_output_names():
            predictor.get_output_handle(name).copy_to_cpu()

    return run


paddle.enable_static()
times = []
for job in json.load(open(sys.argv[1])):
    with static.scope_guard(static.Scope()):
        run = predicted(job) if job.get("threads") else executed(job)
        own = []
        for _ in range(job["runs"] + 1):
            start = time.perf_counter()
            run()
            own.append(time.perf_counter() - start)
        times.append(own[1:])  # the first run prepares
print(json.dumps(times))
