"""What is to be done with every weight, decided before any data is read.

Gives `QuantizeOptions`, `make_plan`, `Plan`, the reasons why a weight is kept, the rewrites of
operators, and the plan as a file.
May import `core.lite`, `core.model`, `formats` and `errors`.
"""
