"""Save and run one PIR program with Paddle 3.3.1: what every script here does with its cases."""

import json
import os
import shutil

import numpy as np
import paddle


def operations(path):
    """The names of all operations in a stored program."""
    with open(path) as file:
        text = json.load(file)
    found = set()

    def walk(block):
        for op in block["ops"]:
            found.add(op["#"])
            for region in op.get("regions", []):
                for inner in region["blocks"]:
                    walk(inner)

    walk(text["program"]["regions"][0]["blocks"][0])
    return sorted(found)


def run(prefix, feeds):
    """The outputs of a stored program: run by Paddle's predictor without any optimization."""
    from paddle import inference

    config = inference.Config(prefix + ".json", prefix + ".pdiparams")
    config.disable_gpu()
    config.switch_ir_optim(False)
    config.disable_mkldnn()
    config.disable_glog_info()
    predictor = inference.create_predictor(config)
    for name, array in feeds.items():
        handle = predictor.get_input_handle(name)
        handle.reshape(array.shape)
        handle.copy_from_cpu(np.array(array, order="C"))  # a copy: some operations work in place
    predictor.run()
    return [
        predictor.get_output_handle(name).copy_to_cpu() for name in predictor.get_output_names()
    ]


def one_parameter():
    ones = paddle.nn.initializer.Constant(1.0)
    return paddle.static.create_parameter([1], "float32", default_initializer=ones)


def build(prefix, function, feeds, dynamic=()):
    """Store `function` over these inputs as a PIR program, and its parameters.

    Inputs in `dynamic` have no dims known in advance.
    """
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        variables = []
        for name, array in feeds.items():
            shape = [-1] * array.ndim if name in dynamic else list(array.shape)
            variables.append(paddle.static.data(name, shape, str(array.dtype)))
        outputs = function(*variables)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        outputs.append(one_parameter() * 2.0)  # the predictor refuses a model without any
        executor = paddle.static.Executor(paddle.CPUPlace())
        executor.run(startup)
        paddle.static.save_inference_model(prefix, variables, outputs, executor, program=main)
    return run(prefix, feeds)


def convert(source, prefix):
    """Store a .pdmodel as PIR, with the translator that Paddle 3 has for older models."""
    from paddle import pir
    from paddle.pir_utils import OldIrGuard

    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    with OldIrGuard(), paddle.static.scope_guard(paddle.static.Scope()):
        executor = paddle.static.Executor(paddle.CPUPlace())
        program, _, _ = paddle.static.load_inference_model(source, executor)
        for op in program.global_block().ops:
            if op.has_attr("op_callstack"):
                op._remove_attr("op_callstack")
        translated = pir.translate_to_pir(program.desc)
    paddle.base.core.serialize_pir_program(translated, prefix + ".json", 1, True, True, True)
    shutil.copy(source + ".pdiparams", prefix + ".pdiparams")


def build_old(prefix, operator, feeds):
    """Store one operator of Paddle 2 as PIR.

    Args:
        prefix: where.
        operator: its type, its inputs by slot (names of feeds), its outputs (slot -> element
            type) and attributes.
        feeds: the arrays.
    """
    from paddle.pir_utils import OldIrGuard

    type, inputs, outputs, attributes = operator
    with OldIrGuard():
        main, startup = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(main, startup):
            block = main.global_block()
            variables = {
                name: paddle.static.data(name, list(array.shape), str(array.dtype))
                for name, array in feeds.items()
            }
            made = {
                slot: block.create_var(name="out_" + slot, dtype=dtype, shape=[1])
                for slot, dtype in outputs.items()
            }
            slots = {
                slot: [variables[name] for name in names.split()] for slot, names in inputs.items()
            }
            block.append_op(type=type, inputs=slots, outputs=made, attrs=attributes)
            fetched = [*made.values(), one_parameter() * 2.0]
            executor = paddle.static.Executor(paddle.CPUPlace())
            executor.run(startup)
            paddle.static.save_inference_model(
                prefix + "_old", list(variables.values()), fetched, executor, program=main
            )
    convert(prefix + "_old", prefix)
    return run(prefix, feeds)
