"""A change of light multiplies the photo's pixels, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.geometry import Similarity
from icface.model.surface.layers import Light
from icface.rendering.lighting import lit

SAME = Similarity((1, 0, 0, 0, 1, 0))


def shade(log: float, **how: object) -> Light:
    """A square of that light in the middle of 60 x 60 pixels."""
    field = np.zeros((60, 60), np.float32)
    field[20:40, 20:40] = log
    return Light(field, SAME, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_linear_light_is_multiplied_and_all_else_stays(dtype: type, channels: int) -> None:
    top = np.iinfo(dtype).max
    photo = np.full((60, 60, channels), top // 2, dtype)
    result = lit(photo, shade(-0.4), SAME)
    linear = (result[30, 30, :3] / top) ** 2.2 / (photo[30, 30, :3] / top) ** 2.2
    assert linear == pytest.approx(np.exp(-0.4), abs=0.02)
    assert (result[:18] == photo[:18]).all()
    assert (result[..., 3:] == photo[..., 3:]).all()
    assert result.dtype == dtype


def test_light_that_changes_nothing_returns_the_same_pixels() -> None:
    photo = np.full((60, 60, 3), 90, np.uint8)
    assert lit(photo, shade(0.0), SAME) is photo


def test_values_do_not_leave_the_range() -> None:
    photo = np.full((60, 60, 3), 250, np.uint8)
    assert lit(photo, shade(0.25), SAME)[30, 30].tolist() == [255] * 3


def test_light_lies_where_the_grid_lies() -> None:
    photo = np.full((300, 300, 3), 100, np.uint8)
    result = lit(photo, shade(-0.4), Similarity((3, 0, 60, 0, 3, 90)))
    rows, columns = (np.flatnonzero((result[..., 0] < 99).any(1 - axis)) for axis in (0, 1))
    assert (columns[0], columns[-1]) == (pytest.approx(120, abs=3), pytest.approx(178, abs=3))
    assert (rows[0], rows[-1]) == (pytest.approx(150, abs=3), pytest.approx(208, abs=3))


def test_light_beyond_the_pixels_changes_nothing() -> None:
    photo = np.full((60, 60, 3), 100, np.uint8)
    assert (lit(photo, shade(-0.4), Similarity((1, 0, 500, 0, 1, 0))) == photo).all()


def test_channels_that_skin_swallows_darken_more() -> None:
    photo = np.full((60, 60, 3), 100, np.uint8)
    red, green, blue = lit(photo, shade(-0.4, of_channels=(0.8, 1.0, 1.2)), SAME)[30, 30]
    assert red > green > blue
