"""What carriers do in the real Paddle Lite: spellings, places, readers, neighbours, cost.

The facts are in `weightquant_cli/core/lite/FACTS.md`; `audit.py` measures them anew.
"""
