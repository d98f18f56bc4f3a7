"""Files and folders: read safely, written whole or not at all, flushed, hashed.

May import `errors` and `formats.text`.
"""
