"""Recurrent layers: `gru` and `lstm` over sequences (1.x), their single steps, and `rnn` (2.x)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ....errors import counted
from ..call import Call
from ..registry import kernel
from ..values import Array, Tensor
from .gates import gate
from .special import sigmoid


def batches(offsets: Sequence[int], reverse: bool) -> Iterator[tuple[Array, Array]]:
    """For each moment, the sequences that are so long and their rows at that moment.

    Reversed sequences are read from their ends.
    """
    starts, ends = np.asarray(offsets[:-1]), np.asarray(offsets[1:])
    sizes = ends - starts
    for moment in range(int(sizes.max(initial=0))):
        alive = np.flatnonzero(sizes > moment)
        rows = ends[alive] - 1 - moment if reverse else starts[alive] + moment
        yield alive, rows


@kernel("gru", "fusion_gru", out="Hidden")
def gru(call: Call) -> dict[str, Tensor]:
    """Input [rows, 3 * size] holds x @ W for update, reset and candidate.

    Weight holds [size, 2 * size] for the gates, and behind it [size, size] for the candidate.
    """
    if call.type == "fusion_gru":
        tensor = call.tensor("X")
        projected = tensor.array @ call.array("WeightX")
        weight = call.array("WeightH")
    else:
        tensor = call.tensor("Input")
        projected, weight = tensor.array, call.array("Weight")
    size = projected.shape[1] // 3
    if call.has("Bias"):
        projected = projected + call.array("Bias").reshape(-1)
    lod = tensor.lod or ((0, len(projected)),)
    state = np.zeros((len(lod[-1]) - 1, size), projected.dtype)
    if call.has("H0"):
        state = call.array("H0").copy()
    gates, candidate = gru_weights(weight, size)
    cell = _gru_cell(call, call.flag("origin_mode"))
    hidden = np.empty((len(projected), size), projected.dtype)
    for alive, rows in batches(lod[-1], call.flag("is_reverse")):
        state[alive] = hidden[rows] = cell(projected[rows], state[alive], gates, candidate)[0]
    return {"Hidden": Tensor(hidden, tensor.lod)}


def gru_weights(weight: Array, size: int) -> tuple[Array, Array]:
    """The two matrices that lie one behind the other in memory."""
    flat = weight.reshape(-1)
    split = 2 * size * size
    return flat[:split].reshape(size, 2 * size), flat[split:].reshape(size, size)


class _gru_cell:
    """One step of a GRU; `origin_mode` keeps the old state by the update gate, not the new."""

    def __init__(self, call: Call, origin: bool) -> None:
        self._gate = gate(call, "gate_activation", "sigmoid")
        self._activation = gate(call, "activation", "tanh")
        self._origin = origin

    def __call__(
        self, x: Array, state: Array, gates: Array, candidate: Array
    ) -> tuple[Array, Array, Array]:
        size = state.shape[1]
        both = self._gate(x[:, : 2 * size] + state @ gates)
        update, reset = both[:, :size], both[:, size:]
        kept = reset * state
        new = self._activation(x[:, 2 * size :] + kept @ candidate)
        share = 1 - update if self._origin else update
        hidden = state + share * (new - state)
        return hidden, np.concatenate([both, new], axis=1), kept


@kernel("gru_unit", out="Hidden")
def gru_unit(call: Call) -> dict[str, Array]:
    """One step for a batch."""
    x, state = call.array("Input"), call.array("HiddenPrev")
    if call.has("Bias"):
        x = x + call.array("Bias").reshape(-1)
    gates, candidate = gru_weights(call.array("Weight"), state.shape[1])
    cell = _gru_cell(call, call.flag("origin_mode"))
    hidden, all_gates, kept = cell(x, state, gates, candidate)
    return {"Hidden": hidden, "Gate": all_gates, "ResetHiddenPrev": kept}


@kernel("lstm", "fusion_lstm", out="Hidden")
def lstm(call: Call) -> dict[str, Tensor]:
    """Input [rows, 4 * size] holds x @ W for candidate, input, forget and output gate.

    Bias has 4 * size values, and 3 * size more for peepholes: input, forget, output.
    """
    if call.type == "fusion_lstm":
        tensor = call.tensor("X")
        projected, weight = tensor.array @ call.array("WeightX"), call.array("WeightH")
    else:
        tensor = call.tensor("Input")
        projected, weight = tensor.array, call.array("Weight")
    size = projected.shape[1] // 4
    bias = call.array("Bias").reshape(-1)
    projected = projected + bias[: 4 * size]
    peepholes = bias[4 * size :].reshape(3, size) if call.flag("use_peepholes", True) else None
    lod = tensor.lod or ((0, len(projected)),)
    count = len(lod[-1]) - 1
    hidden, memory = (
        call.array(slot).copy() if call.has(slot) else np.zeros((count, size), projected.dtype)
        for slot in ("H0", "C0")
    )
    outputs = np.empty((2, len(projected), size), projected.dtype)
    step = _lstm_cell(call, peepholes)
    for alive, rows in batches(lod[-1], call.flag("is_reverse")):
        gates = projected[rows] + hidden[alive] @ weight
        hidden[alive], memory[alive] = step(gates, memory[alive])
        outputs[0, rows], outputs[1, rows] = hidden[alive], memory[alive]
    return {"Hidden": Tensor(outputs[0], tensor.lod), "Cell": Tensor(outputs[1], tensor.lod)}


class _lstm_cell:
    """One step of an LSTM, from the gates' sums before their activations."""

    def __init__(self, call: Call, peepholes: Array | None) -> None:
        self._gate = gate(call, "gate_activation", "sigmoid")
        self._cell = gate(call, "cell_activation", "tanh")
        self._candidate = gate(call, "candidate_activation", "tanh")
        self._peepholes = peepholes

    def __call__(self, gates: Array, memory: Array) -> tuple[Array, Array]:
        new, enter, forget, leave = np.split(gates, 4, axis=1)
        if self._peepholes is not None:
            enter = enter + memory * self._peepholes[0]
            forget = forget + memory * self._peepholes[1]
        new = self._candidate(new)
        memory = self._gate(forget) * memory + self._gate(enter) * new
        if self._peepholes is not None:
            leave = leave + memory * self._peepholes[2]
        return self._gate(leave) * self._cell(memory), memory


@kernel("lstm_unit", out="H")
def lstm_unit(call: Call) -> dict[str, Array]:
    """One step for a batch; X holds input, forget and output gate, and the candidate."""
    enter, forget, leave, new = np.split(call.array(), 4, axis=1)
    forget = forget + np.float32(call.number("forget_bias", 0.0))
    memory = sigmoid(forget) * call.array("C_prev") + sigmoid(enter) * np.tanh(new)
    return {"C": memory, "H": sigmoid(leave) * np.tanh(memory)}


@kernel("rnn")
def rnn(call: Call) -> dict[str, Array | list[Array]]:
    """Layers of LSTM, GRU or simple cells over Input [moments, batch, features].

    WeightList has for each layer and direction the input's and the state's matrix, and behind all
    of these the two biases of each. States are [layers * directions, batch, size].
    """
    mode = call.one_of("mode", "LSTM", tuple(_CELLS))
    layers, ways = call.integer("num_layers", 1), 2 if call.flag("is_bidirec") else 1
    x, states = call.array("Input"), call.arrays("PreState")
    weights = call.arrays("WeightList")
    cells = layers * ways
    if len(weights) < 2 * cells:
        raise ValueError(f"{counted(len(weights), 'weight')} for {counted(cells, 'cell')}")
    biases = weights[2 * cells :]
    alive = _alive(call, x)
    last: list[list[Array]] = [[] for _ in states]
    for layer in range(layers):
        outputs = []
        for way in range(ways):
            cell = layer * ways + way
            pair = weights[2 * cell : 2 * cell + 2]
            offsets = biases[2 * cell : 2 * cell + 2] or [np.zeros(1, x.dtype)] * 2
            start = [state[cell] for state in states]
            output, end = _layer(mode, x, start, (*pair, *offsets), alive, way == 1)
            outputs.append(output)
            for states_of, state in zip(last, end, strict=True):
                states_of.append(state)
        x = np.concatenate(outputs, axis=-1)
    return {"Out": x, "State": [np.stack(states_of) for states_of in last]}


def _alive(call: Call, x: Array) -> Array | None:
    """[moments, batch, 1]: whether the moment lies within the sequence; None where all do."""
    if not call.has("SequenceLength"):
        return None
    sizes = call.array("SequenceLength").reshape(-1)
    return (np.arange(len(x))[:, None] < sizes)[..., None]


def _layer(
    mode: str,
    x: Array,
    states: list[Array],
    weights: tuple[Array, ...],
    alive: Array | None,
    backwards: bool,
) -> tuple[Array, list[Array]]:
    w_input, w_state, b_input, b_state = weights
    projected = x.reshape(-1, x.shape[-1]) @ w_input.T + b_input
    projected = projected.reshape(*x.shape[:2], -1)
    out = np.empty((*x.shape[:2], states[0].shape[-1]), x.dtype)
    moments = reversed(range(len(x))) if backwards else range(len(x))
    for moment in moments:
        new = _CELLS[mode](projected[moment], states[0] @ w_state.T + b_state, states)
        if alive is None:
            states, out[moment] = new, new[0]
            continue
        inside = alive[moment]
        states = [np.where(inside, n, o) for n, o in zip(new, states, strict=True)]
        out[moment] = np.where(inside, new[0], 0)
    return out, states


def _lstm_step(x: Array, h: Array, states: list[Array]) -> list[Array]:
    enter, forget, new, leave = np.split(x + h, 4, axis=-1)
    memory = sigmoid(forget) * states[1] + sigmoid(enter) * np.tanh(new)
    return [sigmoid(leave) * np.tanh(memory), memory]


def _gru_step(x: Array, h: Array, states: list[Array]) -> list[Array]:
    size = states[0].shape[-1]
    both = sigmoid(x[:, : 2 * size] + h[:, : 2 * size])
    new = np.tanh(x[:, 2 * size :] + both[:, :size] * h[:, 2 * size :])
    return [new + both[:, size:] * (states[0] - new)]


_CELLS: dict[str, Callable[[Array, Array, list[Array]], list[Array]]] = {
    "LSTM": _lstm_step,
    "GRU": _gru_step,
    "RNN_TANH": lambda x, h, states: [np.tanh(x + h)],
    "RNN_RELU": lambda x, h, states: [np.maximum(x + h, 0)],
}


@kernel("row_conv")
def row_conv(call: Call) -> Tensor:
    """Each row becomes the weighted sum of itself and the rows behind it, by column."""
    tensor, weights = call.tensor("X"), call.array("Filter")
    x = tensor.array
    result = np.zeros_like(x)
    lod = tensor.lod or ((0, len(x)),)
    for start, end in zip(lod[-1], lod[-1][1:], strict=False):
        for ahead, weight in enumerate(weights[: end - start]):
            result[start : end - ahead] += x[start + ahead : end] * weight
    return Tensor(result, tensor.lod)
