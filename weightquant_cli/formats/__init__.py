"""Bytes on disk and records in memory, for programs and parameters; knows nothing of quantizing."""
