"""Small programs for the audit: each case adds a few operators to an empty program (1.8, 2.6).

A case is a function that takes a `Builder` and returns its output variables. `build` stores the
program, the values that were fed, and what Paddle itself answers.
"""

import json
import os
import sys
import traceback
import zlib

import numpy as np
import paddle

OLD = paddle.__version__.startswith("1.")
if OLD:
    import paddle.fluid as static
else:
    from paddle import static

    paddle.enable_static()


class Builder:
    """Inputs of one case: declared variables together with the values to feed."""

    def __init__(self, name):
        self.rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
        self.variables = []
        self.feeds = {}
        self.lods = {}

    def put(self, value, spec=None, lod=None):
        """An input with this value; `spec` is its declared shape, by default that of the value."""
        name = "in%d" % len(self.feeds)
        shape = list(value.shape if spec is None else spec)
        dtype = str(value.dtype)
        if OLD:
            level = 0 if lod is None else len(lod)
            variable = static.data(name, shape, dtype, lod_level=level)
        else:
            variable = static.data(name, shape, dtype)
        variable.stop_gradient = True
        self.variables.append(variable)
        self.feeds[name] = value
        self.lods[name] = lod or []
        return variable

    def f(self, *shape, **options):
        """A float32 input, normally distributed; or uniform where `low` and `high` are given."""
        dtype = options.get("dtype", "float32")
        if "low" in options:
            value = self.rng.uniform(options["low"], options["high"], shape)
        else:
            value = self.rng.standard_normal(shape)
        return self.put(value.astype(dtype), options.get("spec"), options.get("lod"))

    def i(self, *shape, **options):
        """An integer input, int64 unless told otherwise, from `low` 0 to `high` 8."""
        value = self.rng.randint(options.get("low", 0), options.get("high", 8), shape)
        value = value.astype(options.get("dtype", "int64"))
        return self.put(value, options.get("spec"), options.get("lod"))

    def b(self, *shape):
        """A boolean variable, made from two inputs: Paddle Lite's Python runtime feeds none."""
        return self.f(*shape) > self.f(*shape)

    def weight(self, *shape, **options):
        """A parameter."""
        low, high = options.get("low", -0.5), options.get("high", 0.5)
        value = self.rng.uniform(low, high, shape).astype("float32")
        return (
            static.create_parameter(
                list(shape), "float32", default_initializer=constant(value), is_bias=False
            )
            if not OLD
            else static.layers.create_parameter(
                list(shape), "float32", default_initializer=constant(value)
            )
        )

    def raw(self, type, inputs, attrs=None, outputs=(("Out", "float32"),), lists=()):
        """An operator that no layer makes; its outputs."""
        block = static.default_main_program().global_block()
        made = {}
        for slot, dtype in outputs:
            name = "%s_%s_%d" % (type, slot, len(block.ops))
            made[slot] = [block.create_var(name=name, dtype=dtype, shape=None)]
        given = {slot: v if isinstance(v, list) else [v] for slot, v in inputs.items()}
        block.append_op(type=type, inputs=given, outputs=made, attrs=attrs or {})
        results = [made[slot][0] for slot, _ in outputs]
        return results[0] if len(results) == 1 else results


def constant(value):
    """An initializer with these values."""
    if OLD:
        return static.initializer.NumpyArrayInitializer(value)
    return paddle.nn.initializer.Assign(value)


def fed(value, lod, place):
    """A value as the executor takes it."""
    if not lod:
        return value
    lengths = [np.diff(level).tolist() for level in lod]
    return static.create_lod_tensor(value, lengths, place)


def readable(output):
    """An output whose values can be compared: Paddle Lite hands out no booleans."""
    if "bool" not in str(output.dtype).lower() and str(output.dtype) != "VarType.BOOL":
        return output
    if OLD:
        return static.layers.cast(output, "float32")
    return paddle.cast(output, "float32")


def save(folder, feeds, outputs, exe, program):
    """Store the inference program in `folder`, in the names of its Paddle."""
    if OLD:
        names = [variable.name for variable in feeds]
        static.io.save_inference_model(
            folder,
            names,
            outputs,
            exe,
            main_program=program,
            model_filename="__model__",
            params_filename="__params__",
        )
    else:
        static.save_inference_model(
            os.path.join(folder, "inference"), feeds, outputs, exe, program=program
        )


def build_one(name, case, folder):
    """Build, store and run one case; what the audit needs to know of it."""
    os.makedirs(folder)
    builder = Builder(name)
    program, startup = static.Program(), static.Program()
    program.random_seed = startup.random_seed = 1
    place = static.CPUPlace() if OLD else paddle.CPUPlace()
    names = static.unique_name if OLD else paddle.utils.unique_name
    with names.guard(), static.scope_guard(static.Scope()), static.program_guard(program, startup):
        outputs = case(builder)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        outputs = [readable(output) for output in outputs]
        exe = static.Executor(place)
        exe.run(startup)
        save(folder, builder.variables, outputs, exe, program.clone(for_test=True))
    stored = any(variable.persistable for variable in program.list_vars())
    # Run what was stored, as a user would: the export prunes and edits.
    with static.scope_guard(static.Scope()):
        if OLD:
            loaded, names, fetches = static.io.load_inference_model(
                folder,
                exe,
                model_filename="__model__",
                params_filename="__params__" if stored else None,
            )
        else:
            loaded, names, fetches = static.load_inference_model(
                os.path.join(folder, "inference"), exe
            )
        feed = {n: fed(builder.feeds[n], builder.lods[n], place) for n in names}
        results = exe.run(loaded, feed=feed, fetch_list=fetches, return_numpy=False)
        np.savez(os.path.join(folder, "out.npz"), *[np.array(result) for result in results])
    np.savez(os.path.join(folder, "in.npz"), *[builder.feeds[n] for n in names])
    files = ("__model__", "__params__") if OLD else ("inference.pdmodel", "inference.pdiparams")
    if not os.path.exists(os.path.join(folder, files[1])):
        open(os.path.join(folder, files[1]), "wb").close()
    return {
        "name": name,
        "folder": folder,
        "program": files[0],
        "params": files[1],
        "feeds": names,
        "lods": [builder.lods[n] for n in names],
    }


def build(cases, job):
    """Build all `cases`, a dictionary by name, and write the list of what was built."""
    built, failed = [], {}
    wanted = job.get("only")
    for number, name in enumerate(cases):
        if wanted and name not in wanted:
            continue
        folder = os.path.join(job["out"], "%03d" % number)
        try:
            built.append(build_one(name, cases[name], folder))
        except Exception:  # the next case is built all the same, and the audit tells of this one
            failed[name] = traceback.format_exc()[-600:]
    with open(job["manifest"], "w") as stream:
        json.dump({"built": built, "failed": failed, "paddle": paddle.__version__}, stream)


def main(cases):
    """Run as a script with a job file."""
    with open(sys.argv[1]) as stream:
        build(cases, json.load(stream))
