"""What each command accepts: one frozen dataclass per command, each option defined once on it.

Gives the dataclasses, the core options made from them, and click's commands for them.
May import `core`, `formats`, `errors`, click, `completion` and `console`.
"""
