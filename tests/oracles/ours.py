"""Our side of every comparison: quantize, dequantize, and read back what was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.oracles import lite
from tests.oracles.jobs import Array, Feeds
from tests.oracles.zoo import ZooModel
from weightquant_cli import (
    Model,
    OutputOptions,
    Quantized,
    QuantizeOptions,
    Weight,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.lite.scales import decode_scales
from weightquant_cli.core.lite.tags import Tag, find_tags


def load(model: ZooModel) -> Model:
    """The zoo's model, opened."""
    return Model.load(model.folder, model.program, model.params)


def quantized(model: ZooModel, folder: Path, options: QuantizeOptions) -> Quantized:
    """Quantize the zoo's model into `folder`."""
    loaded = load(model)
    return quantize(loaded, plan_model(loaded, options), OutputOptions(folder))


def dequantized(folder: Path, model: ZooModel, out: Path) -> Path:
    """The FP32 model of a quantized one."""
    dequantize(Model.load(folder, model.program, model.params), OutputOptions(out))
    return out


def lite_outputs(version: str, folder: Path, model: ZooModel, scratch: Path) -> list[Array]:
    """What Paddle Lite makes of a model that has the zoo model's file names and inputs."""
    feeds: Feeds = model.feeds
    scratch.mkdir(exist_ok=True)
    return lite.convert_and_run(version, folder, model.program, model.params, scratch, feeds)


@dataclass(frozen=True)
class Comparison:
    """Two quantized models side by side.

    Attributes:
        tensors: parameters that were compared byte for byte.
        scales: scales that were compared to the last bit.
        differences: what differs, one line each.
        subnormal: parameters that differ only in channels whose scale is subnormal, where Paddle's
            integers wrap around and ours are clipped.
    """

    tensors: int
    scales: int
    differences: tuple[str, ...]
    subnormal: tuple[str, ...]


def compare(ours: Model, theirs: Model) -> Comparison:
    """Compare every parameter's record, byte for byte, and every attribute of quantization."""
    our_tags = {tag.weight: tag for tag in find_tags(ours)}
    their_tags = {tag.weight: tag for tag in find_tags(theirs)}
    differences = []
    subnormal = []
    for name in theirs.stored.parameters:
        one, other = _record(ours, name), _record(theirs, name)
        if one == other:
            continue
        if name in our_tags and _differs_where_subnormal(
            ours.weight(name), our_tags[name], one, other
        ):
            subnormal.append(name)
        else:
            differences.append(f"{name}: the records differ")
    for name in sorted(our_tags.keys() ^ their_tags.keys()):
        differences.append(f"{name}: quantized on one side only")
    scales = 0
    for name in our_tags.keys() & their_tags.keys():
        tag, their = our_tags[name], their_tags[name]
        assert isinstance(tag.scales.value, tuple)
        scales += len(tag.scales.value)
        if (tag.scales, tag.bits, tag.type) != (their.scales, their.bits, their.type):
            differences.append(f"{name}: the attributes differ")
    return Comparison(len(theirs.stored.parameters), scales, tuple(differences), tuple(subnormal))


def _record(model: Model, name: str) -> bytes:
    with model.stored.parameters.reader(name) as reader:
        data = bytearray(reader.record.size)
        reader.read_record(memoryview(data), 0)
    return bytes(data)


def _differs_where_subnormal(weight: Weight, tag: Tag, one: bytes, other: bytes) -> bool:
    """Whether two records differ only in channels of a subnormal scale."""
    record = weight.record
    header = record.data_offset - record.offset
    stored = decode_scales(weight, tag)
    if one[:header] != other[:header] or stored.channel_axis is None:
        return False
    kind = record.dtype.numpy
    differs = np.frombuffer(one, kind, offset=header) != np.frombuffer(other, kind, offset=header)
    per_channel = np.moveaxis(differs.reshape(record.shape), stored.channel_axis, 0)
    channels = per_channel.reshape(len(stored.values), -1).any(axis=1)
    return bool((stored.values[channels] < np.finfo(np.float32).tiny).all())
