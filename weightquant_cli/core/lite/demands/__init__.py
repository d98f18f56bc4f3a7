"""What Paddle Lite demands of a program, measured: will opt take it, and what can be mended.

Gives `findings` (what speaks against a program, by version of Paddle Lite), `missing_attributes`
and `mend` (what can be put right without changing an answer). Pure functions over a `Program`; the
facts are data (`measured.json`), written by the audit in `tests/oracles/lite_demands`. DEMANDS.md,
one folder up, tells what was measured and how.
May import `formats` and `errors`.
"""
