"""Comparisons, logic, and what is chosen by a condition."""

from __future__ import annotations

RULES = {
    "equal": "equal | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "not_equal": "not_equal | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "less_than": "less_than | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "less_equal": "less_equal | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "greater_than": "greater_than | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "greater_equal": "greater_equal | X Y | Out | axis:int:-1 force_cpu:bool:false",
    "equal_all": "equal_all | X Y | Out |",
    "logical_and": "logical_and | X Y | Out |",
    "logical_or": "logical_or | X Y | Out |",
    "logical_xor": "logical_xor | X Y | Out |",
    "logical_not": "logical_not | X | Out |",
    "bitwise_and": "bitwise_and | X Y | Out |",
    "bitwise_or": "bitwise_or | X Y | Out |",
    "bitwise_xor": "bitwise_xor | X Y | Out |",
    "bitwise_not": "bitwise_not | X | Out |",
    "is_empty": "is_empty | X | Out |",
    "where": "where | Condition X Y | Out |",
    "nonzero": "where_index | Condition | Out |",
    "masked_select": "masked_select | X Mask | Y |",
}
