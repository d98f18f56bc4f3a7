"""Results as text, tables, JSON, CSV, Markdown and HTML.

May import `core` (its results), `errors` and rich.
"""
