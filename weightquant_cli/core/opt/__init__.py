"""Paddle Lite's own `opt`, where there is one: found, run within bounds, its result looked at.

Gives `find_opt` and `convert`.
May import the rooms of `core` before it (model and lite), `formats` and `errors`.
"""
