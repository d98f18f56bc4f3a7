"""The versions of Paddle Lite whose `opt` was measured."""

from __future__ import annotations

VERSIONS = ("2.9", "2.10", "2.11", "2.12", "2.13rc0")
"""Oldest first."""

NEWEST = VERSIONS[-1]
"""What is meant where no version is named: the newest that was measured."""
