"""Numbers as people read them; free of Qt."""

from __future__ import annotations

MINUS = "\u2212"
"""The minus sign, as wide as a plus; a hyphen is shorter and easily missed."""


def with_minus(text: str) -> str:
    """A number's text with a minus sign in place of a leading hyphen."""
    return MINUS + text[1:] if text.startswith("-") else text
