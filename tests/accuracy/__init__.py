"""What rounding does to answers, on text that somebody might read: `python -m tests.accuracy`.

No part of the test run. It renders lines and pages (`corpus`), runs models on them in PaddlePaddle
2.6.2 and in Paddle Lite (`evaluate`), and prints a table for many settings (`__main__`).
"""
