"""Stretches of a clip become people: by place and size within a shot, by look over a cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.face.geometry import Box
from icface.tracking.people import Stretch, look_of, people
from tests.faces import ASTRONAUT_BOX, observation_in

FAIR, DARK = (np.full((8, 8, 3), level, np.float32) for level in (100, 140))


def seen(
    first: int, last: int, *, x: float = 0, size: float = 100, look: NDArray[Any] = FAIR
) -> Stretch:
    """A face at one place from a frame to another, 25 a second."""
    box = Box(x, 0, x + size, size)
    stretch = Stretch.begin(first, first / 25, box, look)
    for row in range(first + 1, last + 1):
        stretch.go_on(row, row / 25, box, look)
    return stretch


def test_a_face_lost_and_found_in_its_place_is_one_persons() -> None:
    assert people([seen(0, 20), seen(30, 50, x=60, look=FAIR + 10)], []) == [[0, 1]]


@pytest.mark.parametrize(
    "other",
    [
        seen(30, 50, x=400, look=DARK),
        seen(30, 50, size=300, look=DARK),
        seen(30, 50, look=DARK),
        seen(20, 50, look=FAIR),
    ],
    ids=["far", "larger", "of another look", "in the same frame"],
)
def test_another_person_is_somebody_else(other: Stretch) -> None:
    assert sorted(people([seen(0, 20), other], [])) == [[0], [1]]


def test_over_a_cut_only_the_look_tells() -> None:
    assert people([seen(0, 24), seen(25, 60, x=900, size=300)], [25]) == [[0, 1]]
    assert sorted(people([seen(0, 24), seen(25, 60, look=FAIR + 12)], [25])) == [[0], [1]]


def test_two_who_take_turns_are_told_apart() -> None:
    shots = [
        seen(0, 24),
        seen(25, 49, look=DARK),
        seen(50, 74, look=FAIR + 3),
        seen(75, 120, look=DARK - 3),
    ]
    assert people(shots, [25, 50, 75]) == [[1, 3], [0, 2]]


def test_two_at_once_keep_their_places_when_both_are_lost() -> None:
    before = [seen(0, 20), seen(0, 20, x=300)]
    after = [seen(24, 40, x=290), seen(24, 40, x=10)]
    assert sorted(people([*before, *after], [])) == [[0, 3], [1, 2]]


def test_who_is_seen_longest_and_largest_comes_first() -> None:
    assert people(
        [seen(0, 20), seen(0, 10, x=300), seen(0, 20, x=700, size=220, look=DARK)], []
    ) == [[2], [0], [1]]
    assert people([], []) == []


def test_a_look_does_not_hang_on_the_exposure(astronaut: NDArray[np.uint8]) -> None:
    face = observation_in(ASTRONAUT_BOX)
    bright, dim, mirrored = (
        look_of(p, face)
        for p in (astronaut, (astronaut * 0.6).astype(np.uint8), astronaut[:, ::-1])
    )
    assert bright.mean() == pytest.approx(100, abs=0.1)
    assert np.abs(bright - dim).mean() < 2
    assert np.abs(bright - mirrored).mean() > 20
