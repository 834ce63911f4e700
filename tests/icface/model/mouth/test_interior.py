"""The inside of a mouth, drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icface.face.geometry import rotation_matrix
from icface.model.mouth.anatomy import Jaw
from icface.model.mouth.interior import PhotoTeeth, draw_interior
from icface.model.mouth.light import Light
from icface.model.mouth.tones import Tones
from icface.model.mouth.view import View

PER_CM = 12.0
WIDE, HIGH = 90, 72
TONES = Tones(
    tooth=np.array((0.9, 0.85, 0.8), np.float32),
    tongue=np.array((0.8, 0.5, 0.48), np.float32),
    gum=np.array((0.7, 0.4, 0.4), np.float32),
    dark=np.array((0.09, 0.05, 0.05), np.float32),
)
WIDE_OPEN = Light(teeth=1.0, flesh=1.0, dark=1.0, shade=0.4)
NO_TEETH = PhotoTeeth(outline=np.zeros((4, 2)), share=0.0)


def seen(
    opened: float, *, yaw: float = 0.0, tones: Tones = TONES, own: PhotoTeeth = NO_TEETH
) -> np.ndarray:
    """An opening 6 cm wide and as tall as the jaw makes it, its middle on the upper lip."""
    pixels = np.diag([1.0, -1.0]) @ rotation_matrix(yaw, 0, 0)[:2] * PER_CM
    view = View(pixels=pixels, origin=np.array([WIDE / 2 - 0.5, 10.0]), size=(WIDE, HIGH))
    low = 10.0 + (0.2 + 3.5 * opened) * PER_CM
    t = np.linspace(0, np.pi, 11)[:-1]
    lower = np.stack([WIDE / 2 - 36 * np.cos(t), 10 + (low - 10) * np.sin(t)], 1)
    upper = np.stack([WIDE / 2 + 36 * np.cos(t), 10 - 2 * np.sin(t)], 1)
    return draw_interior(view, Jaw(opened), np.concatenate([lower, upper]), tones, own)


def bright(picture: np.ndarray) -> np.ndarray:
    return picture.min(2) > 0.52


def flesh(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 0.4) & (picture[..., 1] < 0.72 * picture[..., 0])


def test_upper_teeth_stay_in_the_skull_and_the_tongue_follows_the_jaw() -> None:
    half, wide = seen(0.5), seen(0.9)
    top = [np.flatnonzero(bright(p)[:22, WIDE // 2 + 3]).max() for p in (half, wide)]
    assert top[0] == top[1]
    tongue = []
    for picture in (half, wide):
        rows = 10 + np.flatnonzero(flesh(picture)[10:, WIDE // 2 + 6])
        tongue.append(
            np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)[0]
        )  # gums of the lower teeth come after it
    assert tongue[1].mean() > tongue[0].mean() + 0.6 * PER_CM
    assert len(tongue[1]) > len(tongue[0])


def test_behind_teeth_and_tongue_it_is_dark() -> None:
    picture = seen(0.9)
    between = picture[:, WIDE // 2]
    gap = between[np.flatnonzero(bright(picture)[:30, WIDE // 2 + 3]).max() + 2 :].mean(1)
    assert gap.min() < 0.15


def test_teeth_turn_with_the_head() -> None:
    def middle(yaw: float) -> float:
        row = np.clip(seen(0.6, yaw=yaw)[14].min(1) - 0.3, 0, None)
        return float(np.average(np.arange(WIDE), weights=row))

    left, ahead, right = (middle(yaw) for yaw in (20.0, 0.0, -20.0))
    assert (
        left < ahead - 1 < right - 2
    )  # teeth lie behind the lips, about which the head turns here
    assert ahead == pytest.approx(WIDE / 2 - 0.5, abs=1.5)


def test_grey_tones_make_a_grey_mouth() -> None:
    tooth, tongue, gum, dark = (np.full(3, v, np.float32) for v in (0.9, 0.6, 0.5, 0.06))
    grey = Tones(tooth=tooth, tongue=tongue, gum=gum, dark=dark)
    picture = seen(0.7, tones=replace(grey, coloured=0.0))
    assert np.ptp(picture, axis=2).max() < 1e-5
    assert picture.std() > 0.1


def test_no_tooth_is_drawn_below_those_that_the_photo_shows() -> None:
    own = np.array([[10.0, 8.0], [45.0, 7.0], [80.0, 8.0], [45.0, 9.5]])
    plain, beneath = seen(0.6), seen(0.6, own=PhotoTeeth(outline=own, share=1.0))
    assert bright(plain)[12:15, 40:50].any()
    assert not bright(beneath)[12:15, 40:50].any()


def test_gums_show_above_the_teeth_where_lips_rise() -> None:
    pixels = np.diag([1.0, -1.0]) @ np.eye(3)[:2] * PER_CM
    view = View(pixels=pixels, origin=np.array([WIDE / 2 - 0.5, 40.0]), size=(WIDE, HIGH))
    lips = np.array([[5.0, 40.0], [45.0, 70.0], [85.0, 40.0], [45.0, 2.0]])
    picture = draw_interior(view, Jaw(0.3), lips, TONES, NO_TEETH)
    assert flesh(picture)[25:30, 42:48].mean() > 0.9
    assert bright(picture)[38:42, 47:50].any()


def test_rows_of_teeth_end_in_shade_on_both_sides() -> None:
    picture = seen(0.6, tones=TONES.lit(WIDE_OPEN))[12].mean(1)
    middle = WIDE // 2
    for side in (picture[middle:], picture[:middle][::-1]):
        assert side[:6].mean() > 1.4 * side[18:24].mean() > 2 * side[30:36].mean()
        assert np.abs(np.diff(side[30:])).max() < 0.1
    left, right = picture[middle - 24 : middle].mean(), picture[middle : middle + 24].mean()
    assert left == pytest.approx(right, rel=0.1)


def test_the_edge_of_the_upper_lip_shades_the_teeth_below_it_most() -> None:
    column = seen(0.6)[:, WIDE // 2 + 4].mean(1)
    assert column[9] < 0.85 * column[12]


def test_lower_teeth_show_their_tips_over_the_lip_of_a_wide_mouth() -> None:
    picture = seen(0.9)
    low = int(10 + (0.2 + 3.5 * 0.9) * PER_CM)
    assert bright(picture)[low - 4 : low, WIDE // 2 - 6 : WIDE // 2 + 6].any()


def test_lips_that_draw_back_do_not_shade_what_lies_behind_them() -> None:
    shaded, bare = seen(0.6), seen(0.6, tones=replace(TONES, shade=0.0))
    rows = np.s_[9:12, 40:50]
    assert bare[rows].mean() > 1.07 * shaded[rows].mean()
    np.testing.assert_allclose(bare[40:, 35:55], shaded[40:, 35:55], atol=0.02)


def test_the_light_of_a_mouth_that_opens_evenly_changes_evenly() -> None:
    light = np.array([seen(opened)[12:20, 20:70].mean() for opened in np.linspace(0.1, 1, 46)])
    assert np.abs(np.diff(light)).max() < 0.03
