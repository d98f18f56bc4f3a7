"""Settings of every test: hypothesis finds the same examples in every run, and none is timed.

`pytest --hypothesis-profile=search` looks for new examples, and for more of them.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=60)
settings.register_profile("search", deadline=None, database=None, max_examples=2000)
settings.load_profile("steady")
