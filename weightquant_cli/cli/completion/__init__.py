"""Completion at the shell's tab key.

May import `core`, `errors` and click.
"""
