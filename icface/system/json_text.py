"""JSON of any origin, read with bounds on its numbers and its depth, with errors in plain words."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

MOST_DIGITS = 100
"""Of a whole number; no number in a file of ours has more than 20."""
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxdict, _SHOWN.maxlist, _SHOWN.maxstring, _SHOWN.maxother = 2, 3, 3, 60, 60
Pairs = Callable[[list[tuple[str, Any]]], Any]


class JsonError(ValueError):
    """A text that is not JSON, or holds more than is read; the message says where and why."""


def parsed(text: str | bytes, *, pairs: Pairs | None = None, constants: bool = False) -> Any:
    """The value of a text of JSON.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8, with a byte order mark or without.
    pairs : callable, optional
        Makes an object of the pairs of its names and values; a dict, of two values of a name the
        later one, by default.
    constants : bool
        Take ``NaN`` and ``Infinity``, which are no JSON and which Python writes all the same.

    Raises
    ------
    JsonError
        For all that is not JSON, whole numbers of more than `MOST_DIGITS` digits, and deeper
        nesting than Python follows.
    """
    return _in_words(lambda: _decoder(pairs, constants=constants).decode(_text(text)))


def values(text: str, *, constants: bool = False) -> Iterator[tuple[int, Any]]:
    """Line number and value of each JSON value in a text: a list's items, or one after the other.

    Only one of them is held at a time, however many there are. Raises `JsonError` as `parsed` does.
    """
    decoder = _decoder(None, constants=constants)
    at, line, counted = _next(text, 0, ""), 1, 0
    listed = text.startswith("[", at)
    at = _next(text, at + 1, "") if listed else at
    while at < len(text) and not (listed and text[at] == "]"):
        line, counted = line + text.count("\n", counted, at), at
        start = at
        value, at = _in_words(lambda: decoder.raw_decode(text, start))  # noqa: B023  (called at once)
        yield line, value
        at = _next(text, at, "," if listed else "")
    if listed and at >= len(text):
        raise JsonError(f"line {text.count(chr(10)) + 1}: the list is never closed")
    if listed and (rest := _next(text, at + 1, "")) < len(text):
        raise JsonError(
            f"line {text.count(chr(10), 0, rest) + 1}: something follows the end of the list"
        )


def named_twice(names: Iterable[str]) -> str | None:
    """The first name that comes a second time; None if none does."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def shown(value: object) -> str:
    """A value's `repr` for a message, shortened."""
    return _SHOWN.repr(value)


def _text(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JsonError(f"byte {error.start}: not text in UTF-8") from None


def _decoder(pairs: Pairs | None, *, constants: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=pairs,
        parse_int=_whole,
        parse_constant=None if constants else _no_constant,
    )


def _in_words(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except json.JSONDecodeError as error:
        raise JsonError(
            f"line {error.lineno}, character {error.colno}: not JSON ({error.msg})"
        ) from None
    except RecursionError:
        raise JsonError("nested deeper than any file of ours") from None


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise JsonError(f"a number of {len(digits)} digits; at most {MOST_DIGITS} are read")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not a number of JSON; write null where there is none")


def _next(text: str, at: int, separator: str) -> int:
    """The place of the next value, past white space and one separator."""
    passed = False
    while at < len(text) and (
        text[at].isspace() or (separator and text[at] == separator and not passed)
    ):
        passed |= text[at] == separator
        at += 1
    return at
