"""The options of the commands, declared once, and made into the options of the core.

May import `core`, `errors` and click.
"""
