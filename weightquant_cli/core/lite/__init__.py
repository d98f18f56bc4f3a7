"""What Paddle Lite does and demands: everything that rests on its measured behaviour (FACTS.md).

Gives the table of operators whose weights it dequantizes (`targets`), the attributes that mark a
quantized weight (`tags`, `scales`, `storage`), what it dequantizes (`dequantized_inputs`), what
`opt` fuses or folds (`fusions`), what it gives to other `readers` of the weight, and what it
demands of any program (`demands`).
May import `core.model`, `formats` and `errors`.
"""
