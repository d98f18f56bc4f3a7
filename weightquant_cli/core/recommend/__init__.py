"""Which setting to take: what several of them make of one model, and which is enough.

Gives `recommend`.
May import the rooms of `core` before it (model to check), `formats` and `errors`.
"""
