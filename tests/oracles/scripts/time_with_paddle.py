"""Time the forward run of stored models with Paddle 2.6.2's executor; seconds, one list each."""

import json
import sys
import time

import numpy as np
import paddle
from paddle import static

paddle.enable_static()
job = json.load(open(sys.argv[1]))
times = []
for each in job:
    exe = static.Executor(paddle.CPUPlace())
    with static.scope_guard(static.Scope()):
        program, names, fetches = static.load_inference_model(each["prefix"], exe)
        feed = {names[0]: np.load(each["input"])}
        own = []
        for _ in range(each["runs"] + 1):
            start = time.perf_counter()
            exe.run(program, feed=feed, fetch_list=fetches)
            own.append(time.perf_counter() - start)
        times.append(own[1:])  # the first run prepares
print(json.dumps(times))
