"""What Paddle Lite does and demands: everything that rests on its measured behaviour (FACTS.md).

Gives the table of operators whose weights it dequantizes (`targets`), the attributes that mark a
quantized weight (`tags`, `scales`, `storage`), and what `opt` fuses or folds (`fusions`).
May import `core.model`, `formats` and `errors`.
"""
