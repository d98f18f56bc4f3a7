"""Whatever a program says, it is quantized rightly or refused: never anything else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    COMBINED,
    FP32,
    INT64,
    LAYOUTS,
    Array,
    Attr,
    Layout,
    ModelBuilder,
    add_attribute,
    normal,
    read_arrays,
    record,
    small_model,
    tree,
)
from tests.core.quantize import reference
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    WeightQuantError,
    WeightQuantizeType,
    dequantize,
    make_plan,
    preview,
    quantize,
    summarize,
)
from weightquant_cli.core.lite.tags import find_tags
from weightquant_cli.core.lite.targets import TARGETS
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.program import AttrType
from weightquant_cli.formats.text import encode

Edit = tuple[str, int, int, int]

VARIABLE_EDITS = [
    "rename variable", "persistable", "more dims", "fewer dims", "dims", "data type", "kind",
]  # fmt: skip
PLACE_EDITS = ["move operator", "copy operator", "drop operator"]
SLOT_EDITS = ["input", "slot", "drop input"]
OPERATOR_EDITS = ["operator type", "attribute", "sub-block", "another input", "output"]
KINDS = [*VARIABLE_EDITS, *PLACE_EDITS, *SLOT_EDITS, *OPERATOR_EDITS, "new block", "parent"]
TYPES = [*TARGETS, "conv2d_transpose", "batch_norm", "relu", "while", "elementwise_add", "feed"]
SLOTS = ["X", "Y", "W", "Filter", "Input", "Ids", "Bias", "Out", "Output"]
ATTRIBUTES = {
    "trans_y": True, "trans_x": True, "transpose_Y": True, "alpha": 2.0, "y_num_col_dims": 2,
    "padding_weights": True, "fc1.w_quant_scale": [1.0, 2.0], "quantization_type": "x",
    "quantize_weight_bits": 12, "with_quant_attr": True, "op_callstack": ["stack"],
    "head_number": 3, "fused_X": [1], "x_num_col_dims": "two",
}  # fmt: skip
edits = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
    max_size=12,
)


def base() -> ModelBuilder:
    """Every kind of operator that is known, and a shared weight."""
    model = small_model()
    ids = model.input("ids2", (-1,), INT64)
    model.matmul_v2("fc2.w.out0", "tied.w", normal(9, 6), trans_y=True)
    model.lookup_table(ids, "table2.w", normal(6, 5), type="lookup_table_v2")
    model.mul("fc1.w.out0", "fc2.w")
    model.fc("fc1.w.out0", "fc3.w", normal(10, 4))
    inner = model.program.block()
    inner.op("mul", {"X": "image", "Y": "fc1.w"}, {"Out": "inner.out"})
    model.op("while", {"X": ["fc1.w", "image"]}, {"Out": []}, {"sub_block": inner})
    return model


def apply(model: ModelBuilder, edit: Edit) -> None:
    """Change something, somewhere, into something else."""
    kind, where, what, which = edit
    blocks = model.program.desc.blocks
    block = blocks[where % len(blocks)]
    if kind == "new block":
        model.program.block(parent=what % len(blocks))
    elif kind == "parent":
        block.parent_idx = (what % 4) - 1
    elif kind in VARIABLE_EDITS and block.vars:
        edit_variable(block.vars[what % len(block.vars)], kind, which, some_name(model, which))
    elif kind in PLACE_EDITS and block.ops:
        edit_places(block, blocks[which % len(blocks)], kind, what % len(block.ops))
    elif block.ops:
        edit_operator(block.ops[what % len(block.ops)], kind, which, some_name(model, which))


def some_name(model: ModelBuilder, which: int) -> bytes:
    """The name of a variable, or of none."""
    names = [var.name for var in model.main.desc.vars]
    return [*names, b"nobody"][which % (len(names) + 1)]


def edit_variable(var: pb.VarDesc, kind: str, which: int, name: bytes) -> None:
    tensor = var.type.lod_tensor.tensor
    if kind == "rename variable":
        var.name = name
    elif kind == "persistable":
        var.persistable = not var.persistable
    elif kind == "kind":
        var.type.type = which % 16  # type: ignore[assignment]
    elif kind == "data type":
        tensor.data_type = which % 7  # type: ignore[assignment]
    elif kind == "more dims":
        tensor.dims.append(which % 4)
    elif kind == "fewer dims":
        del tensor.dims[-1:]
    elif tensor.dims:
        tensor.dims[which % len(tensor.dims)] = which % 7 - 1


def edit_places(block: pb.BlockDesc, other: pb.BlockDesc, kind: str, index: int) -> None:
    if kind != "drop operator":
        other.ops.add().CopyFrom(block.ops[index])
    if kind != "copy operator":
        del block.ops[index]


def edit_operator(op: pb.OpDesc, kind: str, which: int, name: bytes) -> None:
    if kind == "operator type":
        op.type = encode(TYPES[which % len(TYPES)])
    elif kind == "attribute":
        attribute = list(ATTRIBUTES)[which % len(ATTRIBUTES)]
        add_attribute(op, attribute, ATTRIBUTES[attribute])
    elif kind == "sub-block":
        add_attribute(op, "sub_block", Attr(AttrType.BLOCK, which % 4))
    elif kind == "another input":
        op.inputs.add(parameter=encode(SLOTS[which % len(SLOTS)]), arguments=[name])
    elif kind == "output" and op.outputs:
        op.outputs[0].arguments[:] = [name]
    elif kind in SLOT_EDITS and op.inputs:
        slot = op.inputs[which % len(op.inputs)]
        if kind == "slot":
            slot.parameter = encode(SLOTS[which % len(SLOTS)])
        else:
            slot.arguments[:] = [name] if kind == "input" else []


def with_records(model: ModelBuilder) -> ModelBuilder:
    """Records that fit what the program declares, where that is possible."""
    arrays: dict[str, Array] = {}
    for block in model.program.desc.blocks:
        for var in block.vars:
            tensor = var.type.lod_tensor.tensor
            dims = [abs(dim) for dim in tensor.dims]
            kinds = {FP32: "<f4", INT64: "<i8", 6: "<f8", 2: "<i4", 1: "<i2"}
            values = normal(*dims) * (100 if tensor.data_type == 1 else 1)
            arrays[var.name.decode()] = values.astype(kinds.get(tensor.data_type, "<f4"))
    declared = {
        var.name.decode()
        for block in model.program.desc.blocks
        for var in block.vars
        if var.persistable and var.type.type == 7
    }
    model.records = {name: record(arrays[name]) for name in sorted(declared)}
    return model


options = st.builds(
    QuantizeOptions,
    bits=st.integers(8, 16),
    weight_quantize_type=st.sampled_from(WeightQuantizeType),
    op_types=st.sampled_from([("all",), QuantizeOptions().op_types]),
    rewrite=st.booleans(),
)


@given(edits, options, st.sampled_from(sorted(LAYOUTS)))
def test_any_program_is_quantized_rightly_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[Edit],
    chosen: QuantizeOptions,
    layout: str,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    builder = base()
    for edit in changes:
        apply(builder, edit)
    try:
        model = with_records(builder).load(folder / "in", LAYOUTS[layout])
        summarize(model)
        plan = make_plan(model, chosen)
        planned = preview(model, plan, OutputOptions(folder / "out"))
    except WeightQuantError as error:
        assert str(error).isprintable()
        assert set(folder.iterdir()) <= {folder / "in"}
        return
    result = quantize(model, plan, OutputOptions(folder / "out"))
    assert planned.sizes == result.sizes
    assert result.sizes.after == sum(map(len, tree(folder / "out").values()))
    check_result(model, Model.load(folder / "out"), chosen)
    dequantize(Model.load(folder / "out"), OutputOptions(folder / "back"))
    assert find_tags(Model.load(folder / "back")) == ()


def check_result(source: Model, result: Model, chosen: QuantizeOptions) -> None:
    """Every weight is as it was, or is tagged once and holds the integers of the definition."""
    readers = {(w.name, reader.operator) for w in result.weights for reader in w.readers}
    tags = [tag for tag in find_tags(result) if (tag.weight, tag.operator) in readers]
    assert max(Counter(tag.weight for tag in tags).values(), default=1) == 1
    before, after = read_arrays(source), read_arrays(result)
    assert before.keys() == after.keys()
    by_weight = {tag.weight: tag for tag in tags}
    for name, array in before.items():
        tag = by_weight.get(name)
        if tag is None:
            turned = after[name].shape != array.shape
            assert np.array_equal(after[name].T if turned else after[name], array)
            assert not turned
            continue
        target = TARGETS[tag.operator.type]
        assert target.rewrite is None
        assert result.operator(tag.operator).inputs[target.slot] == (name,)
        stored = after[name]
        matrix = array if stored.shape == array.shape else array.T
        axis = target.channel_axis % matrix.ndim
        per_channel = chosen.granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
        integers, scale = reference.quantized(
            matrix, chosen.first_bits, axis if per_channel else None
        )
        equal = np.array_equal(stored, integers)
        square = matrix.shape == matrix.T.shape
        assert equal or (square and np.array_equal(stored.T, integers))
        values = tag.scales.value
        assert isinstance(values, tuple)
        if per_channel and equal:
            assert values == tuple(scale.tolist())
        assert len(values) in (1, stored.shape[axis])
        assert tag.bits is not None and tag.bits.value == 8 * stored.itemsize


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_quantized_model_with_damaged_bytes_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    source = small_model().load(folder / "in")
    options = QuantizeOptions(op_types=("all",))
    quantize(source, make_plan(source, options), OutputOptions(folder / "int", params="__params__"))
    for place, value in damage:
        path = folder / "int" / (COMBINED.program if place % 2 else "__params__")
        data = bytearray(path.read_bytes())
        data[place // 2 % len(data)] = value
        path.write_bytes(data)
    before = tree(folder)
    try:
        model = Model.load(folder / "int")
        summarize(model)
        find_tags(model)
        dequantize(model, OutputOptions(folder / "out"))
    except WeightQuantError as error:
        assert str(error).isprintable()
        assert tree(folder) == before


def test_without_edits_everything_is_quantized(tmp_path: Path) -> None:
    model = with_records(base()).load(tmp_path, Layout("__model__", None))
    plan = make_plan(model, QuantizeOptions(op_types=("all",)))
    assert len(plan.quantized) == 8
