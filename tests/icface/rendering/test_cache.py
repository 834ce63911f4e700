from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.rendering.cache import FrameCache, bytes_in

Cache = FrameCache[str, np.ndarray]


def block(n: int) -> np.ndarray:
    return np.zeros(n, np.uint8)


@dataclass(frozen=True)
class Pair:
    first: object
    second: object


def test_a_value_weighs_what_its_arrays_weigh_wherever_they_are() -> None:
    assert bytes_in(block(5)) == 5
    assert bytes_in(Pair(block(3), (block(1), [block(1)]))) == 5
    assert bytes_in({"a": block(2), "b": Pair(1, "text")}) == 2
    assert bytes_in(None) == 0


def test_a_tensor_weighs_its_bytes() -> None:
    import torch

    assert bytes_in(Pair(torch.zeros(4, 4), None)) == 64


def test_a_value_is_made_once() -> None:
    cache, made = Cache(10), []

    def make() -> np.ndarray:
        made.append(block(3))
        return made[-1]

    assert cache.get_or_make("a", make) is cache.get_or_make("a", make)
    assert len(made) == 1
    assert "a" in cache
    assert (len(cache), cache.held_bytes) == (1, 3)


def test_what_was_used_least_recently_is_forgotten_first() -> None:
    cache = Cache(10)
    for key in "abc":
        cache.get_or_make(key, lambda: block(3))
    cache.get_or_make("a", lambda: block(99))
    cache.get_or_make("d", lambda: block(3))
    assert [key for key in "abcd" if key in cache] == ["a", "c", "d"]


def test_a_value_heavier_than_the_bound_is_handed_out_but_not_kept() -> None:
    cache = Cache(10)
    cache.get_or_make("small", lambda: block(10))
    assert len(cache.get_or_make("large", lambda: block(11))) == 11
    assert "large" not in cache
    assert "small" in cache


def test_a_value_that_cannot_be_made_leaves_the_cache_as_it_was() -> None:
    cache = Cache(10)
    cache.get_or_make("a", lambda: block(4))
    with pytest.raises(ZeroDivisionError):
        cache.get_or_make("b", lambda: block(1 // 0))
    assert (len(cache), cache.held_bytes) == (1, 4)


def test_a_bound_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="not -1"):
        Cache(-1)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12))))
def test_the_bound_holds_whatever_is_asked_for(asked: list[tuple[str, int]]) -> None:
    cache = Cache(20)
    for key, size in asked:
        cache.get_or_make(key, lambda size=size: block(size))  # type: ignore[misc]
        assert 0 <= cache.held_bytes <= 20
    if asked:
        assert asked[-1][0] in cache


def test_a_cache_that_was_cleared_holds_nothing_and_goes_on() -> None:
    cache: Cache = FrameCache(100)
    for name in "abc":
        cache.get_or_make(name, lambda: block(30))
    cache.clear()
    assert (len(cache), cache.held_bytes) == (0, 0)
    cache.get_or_make("d", lambda: block(30))
    assert cache.held_bytes == 30
