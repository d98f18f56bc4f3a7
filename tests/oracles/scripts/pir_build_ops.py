"""Build a PIR program for each case of the `pir_cases_*` files with Paddle 3.3.1, and run it."""

import importlib
import json
import sys
import traceback
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import paddle  # noqa: E402
import pir_save  # noqa: E402

FAMILIES = ("math", "shapes", "layers", "index", "detection", "flow", "old")


def main(job):
    paddle.enable_static()
    wanted = job.get("only")
    told = []
    for family in FAMILIES:
        cases = importlib.import_module("pir_cases_" + family).CASES
        for name, case in cases.items():
            if wanted and name not in wanted:
                continue
            function, feeds = case[0], case[1]
            options = case[2] if len(case) > 2 else {}
            prefix = "%s/%s/m" % (job["folder"], name)
            try:
                build = pir_save.build if callable(function) else pir_save.build_old
                outputs = build(prefix, function, feeds, **options)
            except Exception:
                told.append({"name": name, "error": traceback.format_exc()[-600:]})
                continue
            np.savez(prefix + ".in.npz", *feeds.values())
            np.savez(prefix + ".out.npz", *outputs)
            told.append(
                {
                    "name": name,
                    "feeds": list(feeds),
                    "operations": pir_save.operations(prefix + ".json"),
                }
            )
    print("CASES" + json.dumps(told))


main(json.load(open(sys.argv[1])))
