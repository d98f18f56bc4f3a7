"""Completion at the shell's tab key.

May import `core`, `errors` and click.
"""

VARIABLE = "_WEIGHTQUANT_COMPLETE"
"""The environment variable by which a shell's script asks for completions."""
