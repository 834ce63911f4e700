"""The background behind a person: filled from around, with a matte as fine as the pixels."""

from __future__ import annotations

import cv2
import numpy as np

from icface.arrays import F32, U8
from icface.model.surface.backdrop import backdrop_of, luma_of
from icface.model.surface.head import WIDE

MIDDLE = (WIDE - 1) / 2
RADIUS = 90.0


def distance() -> F32:
    y, x = np.mgrid[:WIDE, :WIDE].astype(np.float32)
    return np.hypot(x - MIDDLE, y - MIDDLE)


def picture() -> U8:
    """A dark disc before a wall that grows brighter to the right."""
    wall = np.broadcast_to(np.linspace(120, 220, WIDE)[None, :, None], (WIDE, WIDE, 3))
    return np.where(distance()[..., None] < RADIUS, 40, wall).astype(np.uint8)


def matte(radius: float = RADIUS) -> F32:
    """What the network sees of the disc: right, but soft."""
    return cv2.resize(
        np.clip((radius - distance()) / 12 + 0.5, 0, 1).astype(np.float32), (256, 256)
    )


def test_the_wall_goes_on_behind_the_person() -> None:
    backdrop = backdrop_of(picture(), matte())
    wall = np.linspace(120, 220, WIDE)
    ring = (distance() > RADIUS - 25) & (distance() < RADIUS)
    off = np.abs(backdrop.behind[..., 0] * 255 - wall[None])[ring]
    assert off.max() < 12
    assert backdrop.hidden[distance() < RADIUS].min() == 1
    assert backdrop.hidden[distance() > RADIUS + 25].max() == 0


def test_the_matte_follows_the_edge_of_the_picture() -> None:
    """The network's edge is 12 pixels soft; the disc's is sharp."""
    backdrop = backdrop_of(picture(), matte())
    assert backdrop.person[distance() < RADIUS - 3].min() > 0.9
    assert backdrop.person[distance() > RADIUS + 3].max() < 0.1


def test_the_matte_of_a_finer_picture_is_as_fine_as_its_pixels() -> None:
    backdrop = backdrop_of(picture(), matte())
    fine = cv2.resize(picture(), None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    gain, offset = (cv2.resize(a, None, fx=3, fy=3) for a in (backdrop.gain, backdrop.offset))
    found = backdrop.matte(luma_of(fine.astype(np.float32) / 255), gain, offset)
    rising = ((found > 0.1) & (found < 0.9))[round(MIDDLE * 3)]
    assert rising.sum() <= 24  # both edges together; the network's are 72


def test_people_who_are_not_joined_to_the_face_are_background() -> None:
    there = matte()
    there[10:40, 10:40] = 1
    backdrop = backdrop_of(picture(), there)
    assert backdrop.person[:60, :60].max() == 0
    assert backdrop.hidden[:60, :60].max() == 0


def test_a_picture_without_anybody_is_all_background() -> None:
    backdrop = backdrop_of(picture(), np.zeros((256, 256), np.float32))
    assert not backdrop.person.any()
    assert not backdrop.hidden.any()


def test_a_picture_that_is_all_person_has_nothing_to_fill_from() -> None:
    backdrop = backdrop_of(picture(), np.ones((256, 256), np.float32))
    assert np.isfinite(backdrop.behind).all()
    assert (backdrop.person == 1).all()
