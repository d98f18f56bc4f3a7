"""The facts of a model, from its headers alone, and what takes a look at its data.

Gives `summarize` and `measure`.
May import the rooms of `core` before it, `formats` and `errors`.
"""
