"""Will Paddle Lite run a quantized model right, and how far is it from its FP32 original?

Gives `check`, the findings, the comparison with a reference and the quality gates.
May import the rooms of `core` before it (model to quantize), `formats` and `errors`.
"""
