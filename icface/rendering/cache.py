"""A cache bounded in bytes that drops the least recently used values first."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def bytes_in(value: object) -> int:
    """Bytes of all arrays and tensors (anything with ``nbytes``) in a value, at any depth."""
    own = getattr(value, "nbytes", None)
    if own is not None:
        return int(own)
    if dataclasses.is_dataclass(value):
        return sum(bytes_in(getattr(value, part.name)) for part in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return sum(bytes_in(item) for item in value.values())
    if isinstance(value, (tuple, list)):
        return sum(bytes_in(item) for item in value)
    return 0


class FrameCache(Generic[Key, Value]):
    """Values by key, least recently used first out; used by one thread at a time.

    Parameters
    ----------
    limit_bytes : int
        Bound on the sum of `bytes_in` over the values. A single value above it is handed out but
        not stored.
    """

    def __init__(self, limit_bytes: int) -> None:
        if limit_bytes < 0:
            raise ValueError(f"A cache holds 0 bytes or more, not {limit_bytes}.")
        self._limit = limit_bytes
        self._held = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    @property
    def held_bytes(self) -> int:
        """Bytes of all stored values."""
        return self._held

    def clear(self) -> None:
        """Drop all values."""
        self._values.clear()
        self._held = 0

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of a key, made now if it is not stored; nothing changes if `make` raises."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        value = make()
        size = bytes_in(value)
        if size <= self._limit:
            self._values[key] = value, size
            self._held += size
            while self._held > self._limit:
                _, (_, freed) = self._values.popitem(last=False)
                self._held -= freed
        return value
