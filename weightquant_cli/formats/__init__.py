"""Bytes on disk and records in memory, for programs and parameters; knows nothing of quantizing.

May import `errors`, and protobuf, which nothing above this layer sees.
"""
