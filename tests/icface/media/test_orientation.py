"""Quarter turns and mirrorings are undone exactly."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from icface.media.orientation import UPRIGHT, Orientation

ALL = [Orientation(*ways) for ways in product((False, True), repeat=3)]
PICTURE = np.arange(5 * 7 * 3).reshape(5, 7, 3)


@pytest.mark.parametrize("way", ALL, ids=str)
def test_what_was_turned_upright_is_turned_back(way: Orientation) -> None:
    assert (way.stored(way.upright(PICTURE)) == PICTURE).all()
    assert way.upright(PICTURE).shape[1::-1] == way.size(7, 5)


@pytest.mark.parametrize("way", ALL, ids=str)
def test_a_box_of_the_upright_picture_is_found_in_the_stored_one(way: Orientation) -> None:
    upright = way.upright(PICTURE)
    left, top, width, height = way.stored_box((1, 2, 3, 2), upright.shape[1::-1])
    assert (
        way.upright(PICTURE[top : top + height, left : left + width]) == upright[2:4, 1:4]
    ).all()


def test_a_picture_is_transposed_first_and_then_mirrored() -> None:
    assert (
        Orientation(transposed=True, mirrored=True).upright(PICTURE) == np.rot90(PICTURE, -1)
    ).all()
    assert (
        Orientation(transposed=True, upside_down=True).upright(PICTURE) == np.rot90(PICTURE)
    ).all()
    assert (
        Orientation(upside_down=True, mirrored=True).upright(PICTURE) == np.rot90(PICTURE, 2)
    ).all()
    assert (Orientation(mirrored=True).upright(PICTURE) == PICTURE[:, ::-1]).all()


def test_a_missing_or_short_matrix_means_upright() -> None:
    assert Orientation.of_matrix(None) == Orientation.of_matrix(b"") == UPRIGHT
    assert UPRIGHT.upright_already
