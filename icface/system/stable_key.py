"""Keys for caches and half-done work: the same values give the same key in every process.

`hash` and the `repr` of a set differ from one process to the next, and so do keys that are made of
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import Field, fields, is_dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np


def stable_key(*parts: object) -> str:
    """A key of 32 hexadecimal digits that stands for values.

    Parameters
    ----------
    *parts
        None, numbers, texts, bytes, paths, fractions, arrays, and sequences, sets, mappings and
        dataclasses of these. Of a dataclass, fields that do not count in comparisons are left out;
        a digest that it works out for itself (a field ``digest`` that is not given to it) stands
        for all of it.

    Raises
    ------
    TypeError
        For anything else, since its `repr` could differ from one process to the next.
    """
    return hashlib.blake2b(_encoded(parts), digest_size=16).hexdigest()


def _encoded(value: object) -> bytes:
    """Bytes that say the kind and the content of a value, without ambiguity."""
    kind, content = _content(value)
    return b"%s:%d:%s" % (kind.encode(), len(content), content)


def _content(value: object) -> tuple[str, bytes]:
    if value is None or isinstance(value, (bool, int, float)):
        return type(value).__name__, repr(value).encode()
    for types, encode in _KINDS:
        if isinstance(value, types):
            return types[0].__name__, encode(value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__qualname__, _of_fields(value)
    raise TypeError(
        f"A key cannot be made of {type(value).__qualname__}: give plain values or a dataclass of "
        "these."
    )


def _of_fields(value: Any) -> bytes:
    """The fields of a dataclass by name, or the digest that stands for them."""
    compared = [field for field in fields(value) if field.compare]
    own = [field for field in compared if _is_own_digest(field)]
    named = [
        field.name.encode() + b"=" + _encoded(getattr(value, field.name))
        for field in own or compared
    ]
    return b"".join(named)


def _is_own_digest(field: Field[Any]) -> bool:
    return field.name == "digest" and not field.init


def _of_array(value: Any) -> bytes:
    array = np.ascontiguousarray(value)
    return f"{array.dtype.str}{array.shape}".encode() + array.tobytes()


def _of_mapping(value: Any) -> bytes:
    return b"".join(sorted(_encoded(name) + _encoded(item) for name, item in value.items()))


_KINDS: tuple[tuple[tuple[type, ...], Callable[[Any], bytes]], ...] = (
    ((str,), lambda text: text.encode("utf-8", "surrogateescape")),
    ((bytes,), bytes),
    ((Fraction,), lambda number: str(number).encode()),
    ((PurePath,), lambda path: str(path).encode("utf-8", "surrogateescape")),
    ((np.ndarray, np.generic), _of_array),
    ((tuple, list), lambda items: b"".join(map(_encoded, items))),
    ((AbstractSet,), lambda items: b"".join(sorted(map(_encoded, items)))),
    ((Mapping,), _of_mapping),
)
