from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.document import Region
from icface.face.geometry import Box
from icface.rendering.protection import protect

WHITE, BLACK = np.full((60, 80, 3), 255, np.uint8), np.zeros((60, 80, 3), np.uint8)


def region(
    shape: str = "ellipse",
    feather: float = 0,
    box: tuple[float, float, float, float] = (20, 10, 60, 50),
) -> Region:
    return Region(box=Box(*box), shape=shape, feather=feather)


def test_a_box_keeps_the_original_inside_and_the_edit_outside() -> None:
    made = protect(WHITE, BLACK, [region("box")])
    assert (made[12:48, 22:58] == 0).all()
    assert (made[:8] == 255).all()
    assert (made[:, 63:] == 255).all()
    assert (WHITE == 255).all()


def test_an_ellipse_leaves_its_corners_to_the_edit() -> None:
    made = protect(WHITE, BLACK, [region()])
    assert (made[30, 40] == 0).all()
    assert (made[12, 22] == 255).all()


def test_a_soft_edge_goes_over_from_one_to_the_other() -> None:
    row = protect(WHITE, BLACK, [region("box", feather=10)])[30, :, 0].astype(int)
    assert (row[28:52] == 0).all()
    assert (np.diff(row[50:70]) >= 0).all()
    assert len(set(row[50:70])) > 5


def test_nothing_is_copied_where_nothing_is_protected_or_edited() -> None:
    assert protect(WHITE, BLACK, []) is WHITE
    assert protect(WHITE, WHITE, [region()]) is WHITE
    assert protect(WHITE, BLACK, [region(box=(200, 200, 210, 210))]) is WHITE


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_and_alpha_stay(dtype: type) -> None:
    edited, original = np.full((60, 80, 4), 200, dtype), np.full((60, 80, 4), 100, dtype)
    made = protect(edited, original, [region("box")])
    assert made.dtype == dtype
    assert (made[30, 40] == 100).all()


@given(st.floats(0.2, 3))
def test_a_smaller_copy_is_protected_in_the_same_place(scale: float) -> None:
    size = round(60 * scale), round(80 * scale), 3
    made = protect(np.full(size, 255, np.uint8), np.zeros(size, np.uint8), [region("box")], scale)
    rows, columns = np.nonzero(made[..., 0] < 128)
    assert abs(rows.mean() - (30.5 * scale - 0.5)) < 1
    assert abs(columns.mean() - (40.5 * scale - 0.5)) < 1


def test_several_regions_are_protected() -> None:
    made = protect(
        WHITE, BLACK, [region("box", box=(0, 0, 10, 10)), region("box", box=(70, 50, 80, 60))]
    )
    assert (made[4, 4] == 0).all()
    assert (made[55, 75] == 0).all()
    assert (made[30, 40] == 255).all()
