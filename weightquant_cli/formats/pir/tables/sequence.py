"""Recurrent layers and decoders."""

from __future__ import annotations

RULES = {
    "rnn": (
        "rnn | Input PreState WeightList SequenceLength - | Out DropoutState State Reserve | "
        "dropout_prob:float is_bidirec:bool input_size:int hidden_size:int num_layers:int "
        "mode:str seed:int is_test:bool"
    ),
    "crf_decoding": "crf_decoding | Emission Transition Label Length | ViterbiPath |",
    "viterbi_decode": (
        "viterbi_decode | Input Transition Length | Scores Path | include_bos_eos_tag:bool"
    ),
}
