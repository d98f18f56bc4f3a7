"""The command line: click on top of the core. Option names are known here alone.

May import `core`, `formats` and `errors`; click, rich and tqdm are used nowhere else.
"""
