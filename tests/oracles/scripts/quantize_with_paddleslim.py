"""PaddleSlim's quant_post_dynamic, for a list of jobs (runs under PaddleSlim 2.6.0)."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import matplotlib.pyplot  # noqa: E402, F401 (before paddle, whose zlib makes it crash)
import paddle  # noqa: E402
from paddleslim.quant import quant_post_dynamic  # noqa: E402

paddle.enable_static()

for job in json.load(open(sys.argv[1])):
    quant_post_dynamic(**job)
