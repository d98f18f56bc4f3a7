"""Carry out a plan: every weight streamed into its place in the output.

Gives `quantize`, `preview`, `plan_model` (automatic bits), `dequantize`, the gates and the sizes.
May import the rooms of `core` before it (model, lite, plan, tensors), `formats` and `errors`.
"""
