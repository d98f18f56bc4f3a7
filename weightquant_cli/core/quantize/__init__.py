"""Carry out a plan: every weight streamed into its place in the output.

Gives `quantize`, `preview`, `plan_model` (automatic bits), `dequantize`, the gates and the sizes;
`adaptive` rounds by the model's answers.
May import the rooms of `core` before it (model to run), `formats`, `threads` and `errors`.
"""
