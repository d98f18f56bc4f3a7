"""Paddle's own WeightQuantization, for a list of jobs (runs under Paddle 1.8.5 and 2.6.2)."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import paddle  # noqa: E402

if paddle.__version__.startswith("1."):
    from paddle.fluid import Scope, scope_guard
    from paddle.fluid.contrib.slim.quantization import WeightQuantization
else:
    from paddle.static import Scope, scope_guard
    from paddle.static.quantization import WeightQuantization

    paddle.enable_static()

for job in json.load(open(sys.argv[1])):
    loaded = {key: job.pop(key) for key in ("model_dir", "model_filename", "params_filename")}
    with scope_guard(Scope()):
        WeightQuantization(**loaded).quantize_weight_to_int(**job)
