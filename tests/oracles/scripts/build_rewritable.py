"""Small models around one operator that can be rewritten, for a list of cases (Paddle 2.6.2)."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import static
from paddle.base.layer_helper import LayerHelper

paddle.enable_static()
rng = np.random.default_rng(3)


def legacy(op_type, inputs, attrs):
    """An operator that Paddle 2.6 runs but has no function for any more."""
    helper = LayerHelper(op_type)
    out = helper.create_variable_for_type_inference("float32")
    helper.append_op(type=op_type, inputs=inputs, outputs={"Out": out}, attrs=attrs)
    return out


def matmul_v2(case, x, weight):
    return paddle.matmul(x, weight, transpose_y=case["transpose"])


def matmul(case, x, weight):
    attrs = {"transpose_X": False, "transpose_Y": case["transpose"], "alpha": 1.0}
    return legacy("matmul", {"X": x, "Y": weight}, attrs)


def lookup_table_v2(case, ids, weight):
    return paddle.nn.functional.embedding(ids, weight, padding_idx=case["padding_idx"])


def main(case):
    program, startup = static.Program(), static.Program()
    with static.program_guard(program, startup):
        lookup = case["type"] == "lookup_table_v2"
        x = static.data("x", case["declared"], "int64" if lookup else "float32")
        weight = static.create_parameter(case["weight"], "float32", name="w")
        y = globals()[case["type"]](case, x, weight)
        y = paddle.scale(y, 1.0, bias=0.5)
        exe = static.Executor(paddle.CPUPlace())
        with static.scope_guard(static.Scope()):
            exe.run(startup)
            value = rng.standard_normal(case["weight"]).astype("float32")
            static.global_scope().find_var("w").get_tensor().set(value, paddle.CPUPlace())
            static.save_inference_model(
                os.path.join(case["out"], "inference"), [x], [y], exe, program=program
            )


for each in json.load(open(sys.argv[1])):
    main(each)
