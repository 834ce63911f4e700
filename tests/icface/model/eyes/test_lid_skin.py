"""The skin of closed lids, on eyes drawn with a pencil."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.controls import ControlVector
from icface.face.landmarks import LEFT_BROW_EDGE, LEFT_EYE, RIGHT_BROW_EDGE, RIGHT_EYE
from icface.model.eyes.lid_skin import LidSkin, lid_skins
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fine_crop import FINE_CROP_SCALE, FINE_CROP_SIZE

WIDTH, TALL = 28.0, 10.0
SKIN, SHADOW, LASH, WHITE = (200, 150, 120), (150, 110, 130), (30, 20, 15), (240, 240, 240)


def almond(x: float, outer: int) -> np.ndarray:
    """A contour from its outer corner, on the right (1) or the left (-1), over the upper lid."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([x + outer * WIDTH / 2 * np.cos(turn), 100 - TALL / 2 * np.sin(turn)], 1)


def face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surface points, landmarks, and a picture with made-up lids, black lashes and eyes."""
    ys, xs = np.mgrid[50:140, 30:210]
    landmarks = np.full((478, 2), GRID / 2)
    landmarks[list(LEFT_EYE)], landmarks[list(RIGHT_EYE)] = almond(150, 1), almond(80, -1)
    fine_crop = np.full((FINE_CROP_SIZE, FINE_CROP_SIZE, 3), SKIN, np.uint8)
    y, x = (np.mgrid[:FINE_CROP_SIZE, :FINE_CROP_SIZE] + 0.5) / FINE_CROP_SCALE - 0.5
    for middle, brow in ((150, LEFT_BROW_EDGE), (80, RIGHT_BROW_EDGE)):
        landmarks[list(brow)] = [(middle + dx, 74) for dx in (-12, -6, 0, 6, 12)]
        far = np.hypot((x - middle) / WIDTH * 2, (y - 100) / TALL * 2)
        fine_crop[(far < 1.8) & (y < 100)] = SHADOW
        fine_crop[far < 1.2] = LASH
        fine_crop[far < 0.9] = WHITE
    return np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64), landmarks, fine_crop


def lids() -> tuple[LidSkin, ...]:
    source, landmarks, fine_crop = face()
    return lid_skins(source, np.ones(len(source), bool), landmarks, fine_crop, ControlVector())


def closed_at(share: float, fine_crop: np.ndarray | None = None) -> Patch | None:
    """The patch over the left eye when its upper lid is down by this share of the opening."""
    source, landmarks, own = face()
    picture = own if fine_crop is None else fine_crop
    skin = lid_skins(source, np.ones(len(source), bool), landmarks, picture, ControlVector())[0]
    moved = source.copy()
    rows = np.unique(skin.edge.rows)
    moved[rows, 1] += share * 2 * np.maximum(100 - source[rows, 1], 0)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    return skin.drawn(moved, (flow, None, None), picture, share)


def test_a_lid_is_toned_like_itself_and_the_skin_around_not_like_the_eye() -> None:
    for lid in lids():
        middle = lid.tones[8:-12, 12:-12].reshape(-1, 3) * 255
        assert (middle > np.array(SHADOW) * 0.85).all()
        assert (middle < np.array(SKIN) * 1.1).all()
        across = np.abs(np.diff(lid.tones, axis=1)).max()
        assert max(across, np.abs(np.diff(lid.tones, axis=0)).max()) < 0.03  # smooth


def test_nothing_is_drawn_over_an_eye_that_hardly_closes() -> None:
    assert closed_at(0.0) is None
    assert closed_at(0.2) is None
    slight = closed_at(0.4)
    whole = closed_at(1.0)
    assert slight is not None
    assert whole is not None
    assert slight.mask.max() < 0.5 < whole.mask.max() <= 1


def test_the_lid_lies_between_edge_and_brow_and_ends_at_the_border() -> None:
    whole = closed_at(1.0)
    assert whole is not None
    rows, columns = np.nonzero(whole.mask > 0.5)
    x, y = whole.patch_from_grid.inverse().points(np.stack([columns, rows], 1).astype(np.float64)).T
    assert x.min() > 150 - 0.75 * WIDTH
    assert x.max() < 150 + 0.75 * WIDTH
    assert y.min() > 76
    assert y.max() < 100 + TALL / 2 + 2
    assert whole.mask[[0, -1]].max() == whole.mask[:, [0, -1]].max() == 0


def test_the_eye_below_a_half_closed_lid_is_left_alone() -> None:
    half = closed_at(0.5)
    assert half is not None
    at = half.patch_from_grid.points(np.array([[150.0, 101.0], [150.0, 103.0]])).round().astype(int)
    assert half.mask[at[:, 1], at[:, 0]].max() == 0


def test_the_eye_that_was_there_is_gone_when_it_is_closed() -> None:
    whole = closed_at(1.0)
    assert whole is not None
    x, y = whole.patch_from_grid.points(np.array([[150.0, 98.0]])).round().astype(int)[0]
    assert whole.mask[y, x] > 0.95
    shown = (
        np.array(WHITE) / 255 + whole.colour[y, x] * whole.mask[y, x]
    )  # no flow: the eye's white is what is moved
    assert np.abs(shown - np.array(SKIN) / 255).max() < 0.2
    assert whole.smooth is not None
    assert (whole.smooth <= whole.mask).all()


def test_the_lid_of_an_eye_in_a_shadow_is_no_lighter_than_the_shadow() -> None:
    source, landmarks, fine_crop = face()
    row = round(
        (100 + TALL / 2 + 0.1 * WIDTH) * FINE_CROP_SCALE
    )  # the edge of the shadow is just below the eye
    fine_crop[:row] = fine_crop[:row] // 8
    for lid in lid_skins(source, np.ones(len(source), bool), landmarks, fine_crop, ControlVector()):
        assert lid.tones.max() * 255 < np.mean(SKIN) * 0.35


def test_the_lid_of_an_eye_that_is_closed_in_the_photo_stays_the_photos() -> None:
    source, landmarks, fine_crop = face()
    shut = ControlVector.of({"eyeBlink_L": 0.75})
    left, right = lid_skins(source, np.ones(len(source), bool), landmarks, fine_crop, shut)
    assert (left.hidden, right.hidden) == (0.0, 1.0)
    flow = np.zeros((GRID, GRID, 2), np.float32)
    assert left.drawn(source, (flow, None, None), fine_crop, 1.0) is None


def test_a_grey_photo_gets_grey_lids() -> None:
    grey = np.repeat(face()[2].mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
    whole = closed_at(1.0, grey)
    assert whole is not None
    assert np.ptp(whole.colour, axis=2).max() < 1e-3


def test_lids_go_with_the_head() -> None:
    source, _, fine_crop = face()
    lid = lids()[0]
    flow = np.zeros((GRID, GRID, 2), np.float32)
    moved = source.copy()
    moved[np.unique(lid.edge.rows), 1] += 6
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    straight = lid.drawn(moved, (flow, None, None), fine_crop, 1.0)
    rolled = lid.drawn((moved - 128) @ turn.T + 128, (flow, None, None), fine_crop, 1.0)
    assert straight is not None
    assert rolled is not None
    assert rolled.patch_from_grid.turn_deg - straight.patch_from_grid.turn_deg == pytest.approx(
        20, abs=1.5
    )
    assert np.abs(rolled.mask - straight.mask).mean() < 0.03


def test_a_face_without_a_surface_has_no_lids() -> None:
    source, landmarks, fine_crop = face()
    assert (
        lid_skins(source, np.zeros(len(source), bool), landmarks, fine_crop, ControlVector()) == ()
    )
    assert len(lids()) == 2
