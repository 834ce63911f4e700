"""The line of closed lids, on an eye drawn with a pencil."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.landmarks import LEFT_EYE, RIGHT_EYE
from icface.model.eyes.lashes import SIZE, Lashes, lashes_of
from icface.model.eyes.lids import closing
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fine_crop import FINE_CROP_SCALE, FINE_CROP_SIZE

WIDTH, TALL = 28.0, 10.0


def almond(x: float) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([x + WIDTH / 2 * np.cos(turn), 100 - TALL / 2 * np.sin(turn)], 1)


def face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surface points, landmarks, and a bright picture with dark upper lashes."""
    ys, xs = np.mgrid[60:140, 40:200]
    landmarks = np.full((478, 2), GRID / 2)
    landmarks[list(LEFT_EYE)], landmarks[list(RIGHT_EYE)] = almond(150), almond(80)
    fine_crop = np.full((FINE_CROP_SIZE, FINE_CROP_SIZE, 3), 200, np.uint8)
    for x in (80, 150):
        for px, py in almond(x)[:9]:
            at = np.round(np.array([px, py]) * FINE_CROP_SCALE).astype(int)
            fine_crop[at[1] - 2 : at[1] + 3, at[0] - 3 : at[0] + 4] = (40, 30, 20)
    return np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64), landmarks, fine_crop


def lashes() -> tuple[Lashes, ...]:
    source, landmarks, fine_crop = face()
    return lashes_of(source, np.ones(len(source), bool), landmarks, fine_crop)


def test_both_eyes_have_lashes_darker_than_their_lids() -> None:
    left, right = lashes()
    assert (left.side, right.side) == ("L", "R")
    assert left.width == pytest.approx(WIDTH)
    assert left.colour == pytest.approx((np.array([40, 30, 20]) - 200) / 255, abs=0.05)


def test_the_line_lies_where_the_edge_of_the_lid_is_moved_to() -> None:
    source = face()[0]
    left = lashes()[0]
    edge = almond(150)[:9]
    line = left.line(source)
    assert np.abs(np.interp(edge[::-1, 0], line[::-1, 0], line[::-1, 1]) - edge[::-1, 1]).max() < 1
    shift = np.array([3.0, 7.0])
    assert left.line(source + shift) == pytest.approx(line + shift)


def test_the_line_comes_as_the_eye_closes_and_is_nothing_along_the_border() -> None:
    left = lashes()[0]
    line = left.line(face()[0])
    assert left.drawn(line, 0.2) is None
    half, whole = left.drawn(line, 0.7), left.drawn(line, 1.0)
    assert half is not None
    assert whole is not None
    assert 0 < half.mask.max() < whole.mask.max() <= 1
    assert whole.mask[[0, -1]].max() == whole.mask[:, [0, -1]].max() == 0
    rows, columns = np.nonzero(whole.mask > 0.8 * whole.mask.max())
    found = whole.patch_from_grid.inverse().points(np.stack([columns, rows], 1).astype(np.float64))
    assert np.abs(found[:, None] - line[None]).sum(2).min(1).max() < 3
    assert len(whole.colour) == SIZE


def test_nothing_is_drawn_for_a_face_without_a_surface() -> None:
    source, landmarks, fine_crop = face()
    assert lashes_of(source, np.zeros(len(source), bool), landmarks, fine_crop) == ()


def test_lids_meet_before_the_slider_ends_and_open_as_they_are_asked() -> None:
    assert closing(0.0, 0.4) == pytest.approx(0.5)
    assert closing(0.0, 1.0) == 1.0
    assert closing(0.4, 0.6) == pytest.approx(0.6)
    assert closing(0.5, -0.3) == -0.3
    assert closing(0.0, 0.0) == 0.0
