"""Lines for people and reports for programs, as every command prints them.

Names of files may hold anything but a slash: what a terminal would obey, or what makes a line read
backwards, is spelt out.
"""

from __future__ import annotations

import json
import re
from typing import Any, TextIO

import click

_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters of both sets, line and paragraph separators, and what turns the direction of
writing."""


def shown(text: str) -> str:
    """A text as one safe line: no cursor movement, terminal codes or direction marks."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def tell(*lines: str, err: bool = False) -> None:
    """Print lines, each on one line of its own whatever is in it.

    Parameters
    ----------
    *lines : str
    err : bool
        On the standard error.
    """
    if lines:
        click.echo("\n".join(map(shown, lines)), err=err)


def tell_report(report: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON in ASCII."""
    click.echo(json.dumps(report, indent=indent).replace("\x7f", "\\u007f"))


def redraw(line: str, *, file: TextIO | None = None, last: bool = False) -> None:
    """Write a line over the one before, on a terminal; on standard error by default."""
    click.echo(f"\r\x1b[K{shown(line)}", file=file, nl=last, err=file is None)
