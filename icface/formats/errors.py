"""The error of a file that is not what it should be."""

from __future__ import annotations


class FormatError(ValueError):
    """A file that cannot be read or written as tracking data; the message names file, line, column and the remedy."""
