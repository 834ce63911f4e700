"""A person moves before a background that stays to the bit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.arrays import F32, AnyArray
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.model.face.encode import SourceEncoding, SourceEyes
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID
from icface.model.surface.backdrop import Backdrop, backdrop_of
from icface.model.surface.head import CROP, PAD, WIDE
from icface.model.surface.layers import FlowLayer, Surroundings
from icface.rendering import behind, compositor
from icface.rendering.compositor import composite

SIZE = 560
CENTRE = (280.0, 270.0)
SCALE = 1.25
"""Image pixels per grid pixel."""
RADIUS = 70.0
"""Of the person, grid pixels."""


def grid_places() -> tuple[F32, F32]:
    """Columns and rows (SIZE, SIZE) of the image's pixels on the grid."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    points = crop().points(np.stack([x.ravel(), y.ravel()], 1).astype(np.float64))
    return tuple(points.T.reshape(2, SIZE, SIZE).astype(np.float32))  # type: ignore[return-value]


def crop() -> Similarity:
    return Similarity.crop(centre=CENTRE, side=GRID * SCALE, roll_deg=0, size=GRID)


def from_middle() -> F32:
    x, y = grid_places()
    return np.hypot(x - (GRID - 1) / 2, y - (GRID - 1) / 2)


def image(dtype: type = np.uint8, channels: int = 3) -> AnyArray:
    """A dark disc before a wall with stripes."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    wall = 160 + 40 * np.sin(x / 5) + 20 * np.sin(y / 7)
    whole = np.where(from_middle() < RADIUS, 50, wall)
    scale = np.iinfo(dtype).max / 255
    return np.repeat((whole * scale)[..., None], channels, 2).astype(dtype)


def backdrop() -> Backdrop:
    small = cv2.warpAffine(
        image(), (Similarity((1, 0, PAD, 0, 1, PAD)) @ crop()).matrix, (WIDE, WIDE)
    )
    y, x = np.mgrid[:WIDE, :WIDE].astype(np.float32)
    middle = (WIDE - 1) / 2
    matte = (np.hypot(x - middle, y - middle) < RADIUS).astype(np.float32)
    return backdrop_of(small, cv2.resize(matte, (256, 256), interpolation=cv2.INTER_AREA))


def prediction(shift: float) -> FacePrediction:
    """Everything around the middle moves to the right, and less so further out."""
    fade = np.hanning(WIDE).astype(np.float32) ** 0.5
    flow = np.zeros((WIDE, WIDE, 2), np.float32)
    flow[..., 0] = -shift * np.outer(fade, fade)
    surroundings = Surroundings(flow, backdrop())
    return FacePrediction((FlowLayer("skin", flow[CROP].copy(), surroundings=surroundings),))


def encoding() -> SourceEncoding:
    return SourceEncoding(
        crop_from_image=crop(),
        controls=ControlVector(),
        fine_crop=np.zeros((1, 1, 3), np.uint8),
        part=np.zeros((1, 1), np.int64),
        mesh=None,  # type: ignore[arg-type]
        head=None,
        eyes=SourceEyes(),
        mouth=None,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("quality", ["draft", "full"])
@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 3), (np.uint8, 4), (np.uint16, 3)])
def test_the_background_stays_and_the_person_moves(
    dtype: type, channels: int, quality: str
) -> None:
    photo, shift = image(dtype, channels), 14.0
    made = composite(photo, encoding(), prediction(shift), quality=quality)  # type: ignore[arg-type]
    change = np.abs(made.astype(float) - photo)[..., 0] / np.iinfo(dtype).max
    x, y = grid_places()
    middle = (GRID - 1) / 2
    after = np.hypot(x - middle - shift * 0.95, y - middle)
    assert change[(from_middle() > RADIUS + 18) & (after > RADIUS + 18)].max() == 0
    person = made[after < RADIUS - 5][:, 0] / np.iinfo(dtype).max
    assert person == pytest.approx(50 / 255, abs=0.02)
    assert made.dtype == photo.dtype
    assert made.shape == photo.shape


def test_the_place_a_person_leaves_looks_like_the_wall() -> None:
    made = composite(image(), encoding(), prediction(20.0))
    x, y = grid_places()
    left_behind = (
        (from_middle() < RADIUS - 4)
        & (x < (GRID - 1) / 2 - RADIUS + 14)
        & (np.abs(y - (GRID - 1) / 2) < 15)
    )
    assert left_behind.sum() > 100
    seen = made[left_behind].mean()
    assert 135 < seen < 185  # the wall's mean is 160, the person's 50


def test_a_person_at_rest_is_the_photo_to_the_bit() -> None:
    photo = image()
    assert composite(photo, encoding(), prediction(0.0)) is photo


def test_a_scene_that_is_kept_is_not_taken_for_that_of_another_photo() -> None:
    wanted = prediction(14.0)
    first, second = image(), np.ascontiguousarray(image()[:, ::-1] // 2)
    once = composite(first, encoding(), wanted)
    other = composite(second, encoding(), wanted)
    assert (composite(first, encoding(), wanted) == once).all()
    assert (composite(second.copy(), encoding(), wanted) == other).all()
    assert (once != other).any()


def test_bands_of_a_large_face_see_the_same_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = composite(image(), encoding(), prediction(14.0))
    monkeypatch.setattr(compositor, "_BAND_PIXELS", 1 << 14)
    monkeypatch.setattr(behind, "_MOST_KEPT", 1)
    assert (composite(image(), encoding(), prediction(14.0)) == whole).all()
