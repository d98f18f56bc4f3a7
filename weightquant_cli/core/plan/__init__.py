"""What is to be done with every weight, decided before any data is read.

Gives `QuantizeOptions`, `make_plan`, `Plan`, the plan for one weight (`KeptWeight` with its reason,
or `QuantizedWeight`), the rewrites of operators, and the plan as a file.
May import `core.lite`, `core.model`, `formats` and `errors`.
"""
