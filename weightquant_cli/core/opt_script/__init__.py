"""A POSIX shell script that converts a model with Paddle Lite's `opt`.

Gives `make_opt_script` and `write_opt_script`.
May import the rooms of `core` before it, `formats` and `errors`.
"""
