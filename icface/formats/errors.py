"""The error of a file that is not what it should be."""

from __future__ import annotations


class FormatError(ValueError):
    """Tracking data that cannot be read or written; names file, line, column and remedy."""
