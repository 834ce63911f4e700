"""The chart of the face, and where a photo's pixels lie on it."""

from __future__ import annotations

import numpy as np
import pytest

from icface.model.networks.weights import models_dir
from icface.model.skin.chart import (
    CORNER_CM,
    SIDE_CM,
    CanvasChart,
    chart_in_photo,
    chart_of,
    map_from_chart,
)
from icface.model.skin.shading_maps import ShadingMaps


def test_a_chart_looks_like_a_face() -> None:
    nose, left_ear, chin = chart_of(np.array([[0, -1, 11], [7, 0, 3], [0, -9, 8.0]]))
    assert nose[0] == 0
    assert left_ear[0] > 6  # to the subject's left
    assert chin[1] > nose[1] > 0  # downwards


def test_the_corners_of_the_square_are_the_corners_of_a_map() -> None:
    left, top = CORNER_CM
    corners = np.array([[left, top], [left + SIDE_CM, top + SIDE_CM]])
    assert map_from_chart(96).points(corners) == pytest.approx(np.array([[-0.5] * 2, [95.5] * 2]))


def test_landmarks_lie_at_their_places() -> None:
    places = ShadingMaps.from_file(models_dir() / "shading.safetensors").places
    landmarks = places * 7.0 + np.array([128.0, 120.0])
    found = chart_in_photo(landmarks, places, landmarks[None].astype(np.float64))[0]
    assert np.linalg.norm(found - places, axis=1).max() < 0.05


def test_a_rectangle_that_the_photo_does_not_show_has_no_bounds() -> None:
    line = np.linspace(0, 5, 50, dtype=np.float32)
    chart = CanvasChart(points=np.stack(np.meshgrid(line, line), -1), phase=0.0)
    assert chart.bounds(7, 7, 9, 9) is None
    assert chart.bounds(1, 2, 3, 4) == (10, 20, 30, 40)
