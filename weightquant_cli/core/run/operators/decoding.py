"""Best paths: Viterbi decoding of CRF models, and CTC's collapsing of repeats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array, Tensor, offsets


@kernel("crf_decoding", out="ViterbiPath")
def crf_decoding(call: Call) -> Tensor:
    """The best tags for Emission; Transition is [2 + tags, tags]: start, end, from row to column.

    With Label, 1 where it agrees with the best path.
    """
    tensor, transition = call.tensor("Emission"), call.array("Transition")
    x = tensor.array
    if call.has("Length"):
        sizes = call.array("Length").reshape(-1).tolist()
        path = np.zeros(x.shape[:2], np.int64)
        for row, emission, size in zip(path, x, sizes, strict=True):
            row[:size] = best_path(emission[:size], transition[2:], transition[0], transition[1])
    else:
        level = call.lod("Emission")[-1]
        paths = [
            best_path(x[start:end], transition[2:], transition[0], transition[1])
            for start, end in pairwise(level)
        ]
        path = np.concatenate(paths)[:, None]
    if call.has("Label"):
        path = (path == call.array("Label").reshape(path.shape)).astype(np.int64)
    return Tensor(path, tensor.lod)


def best_path(emission: Array, moves: Array, start: Array, end: Array) -> Array:
    """Viterbi: the tags of the largest sum of emissions and transitions."""
    if not len(emission):
        return np.zeros(0, np.int64)
    score = start + emission[0]
    back = []
    for row in emission[1:]:
        total = score[:, None] + moves
        back.append(total.argmax(axis=0))
        score = total.max(axis=0) + row
    tags = [int((score + end).argmax())]
    for choice in reversed(back):
        tags.append(int(choice[tags[-1]]))
    return np.array(tags[::-1], np.int64)


@kernel("viterbi_decode", out="Path")
def viterbi_decode(call: Call) -> dict[str, Array]:
    """The best tags of padded sequences, and their scores (2.x).

    With `include_bos_eos_tag` the last tag starts and the one before it ends a sequence.
    """
    x, moves = call.array("Input"), call.array("Transition")
    sizes = call.array("Length").reshape(-1).tolist()
    tags = moves.shape[0]
    bounded = call.flag("include_bos_eos_tag", True)
    start = moves[-1] if bounded else np.zeros(tags, x.dtype)
    end = moves[:, -2] if bounded else np.zeros(tags, x.dtype)
    paths = np.zeros((len(x), max(sizes)), np.int64)
    scores = np.zeros(len(x), x.dtype)
    for index, size in enumerate(sizes):
        path = best_path(x[index, :size], moves, start, end)
        paths[index, :size] = path
        scores[index] = (
            x[index, np.arange(size), path].sum()
            + moves[path[:-1], path[1:]].sum()
            + start[path[0]]
            + end[path[-1]]
        )
    return {"Path": paths, "Scores": scores}


@kernel("ctc_align", out="Output", keeps_lod=False)
def ctc_align(call: Call) -> dict[str, Tensor]:
    """Token sequences without repeats and blanks; a single -1 where nothing is left."""
    tensor, blank = call.tensor("Input"), call.integer("blank", 0)
    merge = call.flag("merge_repeated", True)
    if call.has("InputLength"):
        return _padded_ctc(call, tensor.array, blank, merge)
    level = call.lod("Input")[-1]
    flat = tensor.array.reshape(-1)
    kept = [_collapsed(flat[start:end], blank, merge) for start, end in pairwise(level)]
    lod = (offsets([len(part) for part in kept]),)
    joined = np.concatenate(kept)
    if not joined.size:
        return {"Output": Tensor(np.array([[-1]], tensor.array.dtype), lod)}
    return {"Output": Tensor(joined[:, None], lod)}


def _collapsed(tokens: Array, blank: int, merge: bool) -> Array:
    keep = tokens != blank
    if merge:
        keep[1:] &= tokens[1:] != tokens[:-1]
    return np.asarray(tokens[keep])


def _padded_ctc(call: Call, x: Array, blank: int, merge: bool) -> dict[str, Tensor]:
    sizes = call.array("InputLength").reshape(-1).tolist()
    out = np.full(x.shape, call.integer("padding_value", 0), x.dtype)
    counts = []
    for row, tokens, size in zip(out, x, sizes, strict=True):
        kept = _collapsed(tokens[:size], blank, merge)
        row[: len(kept)] = kept
        counts.append([len(kept)])
    return {"Output": Tensor(out), "OutputLength": Tensor(np.array(counts, np.int64))}
