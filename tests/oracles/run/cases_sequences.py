"""Cases of sequences, recurrent layers and decoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightquant_cli.core.run import Tensor

from .cases_images import Random, floats
from .operator_runs import Case

LOD = ((0, 3, 4, 9),)


def sequence(rng: Random, width: int, lod: tuple[tuple[int, ...], ...] = LOD) -> Tensor:
    return Tensor(floats(rng, lod[-1][-1], width), lod)


def sequences(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x = sequence(rng, 4)
    for paddle in ("1.8.5", "2.6.2"):
        for kind in ("AVERAGE", "SUM", "SQRT", "LAST", "FIRST", "MAX"):
            attributes = {"pooltype": kind, "is_test": True, "pad_value": 0.5}
            others = ("MaxIndex",)
            types = {"MaxIndex": "int32"}
            yield Case("sequence_pool", {"X": x}, attributes, paddle=paddle, others=others,
                       dtypes=types)  # fmt: skip
        yield Case("sequence_softmax", {"X": sequence(rng, 1)}, {}, paddle=paddle)
        yield Case("sequence_reverse", {"X": x}, {}, {"Y": 1}, paddle)
        yield Case("sequence_reshape", {"X": x}, {"new_dim": 2}, paddle=paddle)
        for start in (-1, 0, -3):
            attributes = {"contextStart": start, "contextLength": 3, "contextStride": 1}
            inputs = {"X": x, "Filter": floats(rng, 12, 5)}
            yield Case("sequence_conv", inputs, attributes, paddle=paddle)
        inputs = {"X": x, "PadValue": np.zeros(1, np.float32)}
        slots = {"Out": 1, "Length": 1}
        types = {"Length": "int64"}
        for length in (-1, 7):
            attributes = {"padded_length": length}
            yield Case("sequence_pad", inputs, attributes, slots, paddle, dtypes=types)
        inputs = {"X": floats(rng, 2, 4, 3), "Length": np.array([3, 1])}
        yield Case("sequence_unpad", inputs, {}, paddle=paddle)
        inputs = {"X": floats(rng, 3, 4), "Y": sequence(rng, 2)}
        yield Case("sequence_expand_as", inputs, {}, paddle=paddle)
        yield Case("sequence_expand", inputs, {"ref_level": 0}, paddle=paddle)
        inputs = {"X": sequence(rng, 4, ((0, 2, 3, 6),)), "Y": Tensor(floats(rng, 5, 1),
                                                                   ((0, 2, 3, 5),))}  # fmt: skip
        yield Case("sequence_expand", inputs, {"ref_level": 0}, paddle=paddle)
        yield Case("sequence_concat", {"X": [x, sequence(rng, 4, ((0, 1, 3, 4),))]}, {},
                   paddle=paddle)  # fmt: skip
        inputs = {"X": x, "Offset": np.array([[1], [0], [2]]), "Length": np.array([[2], [1], [2]])}
        yield Case("sequence_slice", inputs, {}, paddle=paddle)
        tokens = Tensor(rng.integers(0, 5, (9, 1)), LOD)
        types = {"Out": "int64"}
        attributes = {"win_size": 3, "pad_value": 7}
        yield Case("sequence_enumerate", {"X": tokens}, attributes, paddle=paddle, dtypes=types)
        yield Case("sequence_erase", {"X": tokens}, {"tokens": [1, 2]}, paddle=paddle, dtypes=types)
    yield Case("sequence_mask", {"X": np.array([2, 0, 3])}, {"maxlen": 4, "out_dtype": 5}, {"Y": 1})
    yield Case("lod_reset", {"X": x}, {"target_lod": [0, 2, 9]}, paddle="1.8.5")
    inputs = {"X": x, "Y": np.array([0, 5, 9], np.int32)}
    yield Case("lod_reset", inputs, {}, paddle="1.8.5")
    attributes = {"kernels": [2, 3], "strides": [1, 2], "paddings": [0, 1, 1, 0]}
    yield Case("im2sequence", {"X": floats(rng, 2, 3, 5, 6)}, attributes, paddle="1.8.5")
    inputs = {"X": x, "Filter": floats(rng, 3, 4)}
    yield Case("row_conv", inputs, {}, paddle="1.8.5")


def recurrent(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    for number in range(4):
        size = 5
        inputs = {"Input": sequence(rng, 3 * size), "Weight": floats(rng, size, 3 * size),
                  "Bias": floats(rng, 1, 3 * size)}  # fmt: skip
        if number == 2:
            inputs["H0"] = floats(rng, 3, size)
        attributes = {"is_reverse": number == 1, "origin_mode": number == 3,
                      "is_test": True}  # fmt: skip
        others = ("BatchGate", "BatchResetHiddenPrev", "BatchHidden")
        for paddle in ("1.8.5", "2.6.2"):
            yield Case("gru", inputs, attributes, {"Hidden": 1}, paddle, others)
        peepholes = number % 2 == 0
        inputs = {"Input": sequence(rng, 4 * size), "Weight": floats(rng, size, 4 * size),
                  "Bias": floats(rng, 1, (7 if peepholes else 4) * size)}  # fmt: skip
        if number == 2:
            inputs |= {"H0": floats(rng, 3, size), "C0": floats(rng, 3, size)}
        attributes = {"use_peepholes": peepholes, "is_reverse": number == 1}
        gates = ("BatchGate", "BatchCellPreAct")
        yield Case("lstm", inputs, attributes, {"Hidden": 1, "Cell": 1}, "1.8.5", gates)
        inputs = {"Input": floats(rng, 2, 15), "HiddenPrev": floats(rng, 2, 5),
                  "Weight": floats(rng, 5, 15), "Bias": floats(rng, 1, 15)}  # fmt: skip
        attributes = {"activation": 2, "gate_activation": 1, "origin_mode": number == 3}
        slots = {"Hidden": 1, "Gate": 1, "ResetHiddenPrev": 1}
        yield Case("gru_unit", inputs, attributes, slots, "1.8.5")
    inputs = {"X": floats(rng, 3, 20), "C_prev": floats(rng, 3, 5)}
    yield Case("lstm_unit", inputs, {"forget_bias": 0.5}, {"C": 1, "H": 1}, "1.8.5")
    yield from _layers(rng)


def _layers(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    gates = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
    for mode, count in gates.items():
        for layers, ways, lengths in ((1, 1, False), (2, 2, False), (1, 2, True)):
            width, size = 3, 4
            matrices, biases = [], []
            for layer in range(layers):
                for _ in range(ways):
                    inner = width if layer == 0 else ways * size
                    matrices += [floats(rng, count * size, inner), floats(rng, count * size, size)]
                    biases += [floats(rng, count * size), floats(rng, count * size)]
            states = [floats(rng, layers * ways, 2, size) for _ in range(1 + (mode == "LSTM"))]
            inputs = {"Input": floats(rng, 5, 2, width), "PreState": states,
                      "WeightList": matrices + biases}  # fmt: skip
            if lengths:
                inputs["SequenceLength"] = np.array([5, 3], np.int32)
            attributes = {"mode": mode, "num_layers": layers, "is_bidirec": ways == 2,
                          "input_size": width, "hidden_size": size, "is_test": True}  # fmt: skip
            slots = {"Out": 1, "State": len(states)}
            yield Case("rnn", inputs, attributes, slots, others=("DropoutState", "Reserve"))


def decoding(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    types = {"ViterbiPath": "int64"}
    for paddle in ("1.8.5", "2.6.2"):
        inputs = {"Emission": sequence(rng, 4), "Transition": floats(rng, 6, 4)}
        yield Case("crf_decoding", inputs, {}, {"ViterbiPath": 1}, paddle, dtypes=types)
    inputs = {"Emission": floats(rng, 2, 5, 4), "Transition": floats(rng, 6, 4),
              "Length": np.array([5, 3])}  # fmt: skip
    yield Case("crf_decoding", inputs, {}, {"ViterbiPath": 1}, dtypes=types)
    inputs = {"Input": floats(rng, 2, 5, 4), "Transition": floats(rng, 4, 4),
              "Length": np.array([5, 5])}  # fmt: skip
    for bounded in (True, False):
        attributes = {"include_bos_eos_tag": bounded}
        slots = {"Path": 1, "Scores": 1}
        yield Case("viterbi_decode", inputs, attributes, slots, dtypes={"Path": "int64"})
    tokens = Tensor(np.array([[0], [1], [1], [0], [2], [2], [2], [0], [3]], np.int32), LOD)
    types = {"Output": "int32"}
    attributes = {"blank": 0, "merge_repeated": True}
    yield Case("ctc_align", {"Input": tokens}, attributes, {"Output": 1}, "1.8.5", dtypes=types)
