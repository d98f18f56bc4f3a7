"""The model as it was read: operators, weights, who reads and writes what, inputs and outputs.

Gives `Model`, `Weight`, `Reader`, `OperatorRef`, `feeds`, `fetches`.
May import `formats` and `errors`.
"""
