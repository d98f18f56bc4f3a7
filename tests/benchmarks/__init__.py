"""How fast, and in how much memory: `python -m tests.benchmarks`. No part of the test run."""
