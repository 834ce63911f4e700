"""Closing lids, on eyes drawn with a pencil."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.face.landmarks import LEFT_BROW_EDGE, LEFT_EYE, RIGHT_BROW_EDGE, RIGHT_EYE
from icface.model.eyes.below_brow import BelowBrow
from icface.model.eyes.eye_photo import EyePhoto, eye_photos
from icface.model.eyes.lid_fill import FilledEye, fill_eye, seen_eye
from icface.model.eyes.lid_retouch import retouched
from icface.model.eyes.lid_skin import LidSkin, lid_skins
from icface.model.eyes.lid_window import lid_window, on_square
from icface.model.mouth.patch import Patch
from icface.model.networks.lid_retoucher import LidRetoucher
from icface.model.networks.neutralizer import GRID
from icface.model.networks.weights import models_dir

WIDTH, TALL, DETAIL = 28.0, 10.0, 4
SKIN, SHADOW, LASH, WHITE, IRIS = (
    (200, 150, 120),
    (150, 110, 130),
    (30, 20, 15),
    (240,) * 3,
    (60,) * 3,
)


def almond(x: float, outer: int) -> np.ndarray:
    """A contour from its outer corner, on the right (1) or the left (-1), over the upper lid."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([x + outer * WIDTH / 2 * np.cos(turn), 100 - TALL / 2 * np.sin(turn)], 1)


def picture(brightness: float = 1.0) -> np.ndarray:
    """A photo, `DETAIL` pixels per grid pixel: grainy skin, shadowed lids, lashes and eyes."""
    photo = np.full((GRID * DETAIL, GRID * DETAIL, 3), SKIN, np.float64)
    y, x = (np.mgrid[: GRID * DETAIL, : GRID * DETAIL] + 0.5) / DETAIL - 0.5
    for middle in (150, 80):
        far = np.hypot((x - middle) / WIDTH * 2, (y - 100) / TALL * 2)
        photo[(far < 1.8) & (y < 100)] = SHADOW
        photo[(far < 1.2) & (y < 101)] = LASH
        photo[far < 0.95] = WHITE
        photo[(far < 0.95) & (np.hypot(x - middle, y - 100) < 4)] = IRIS
    grain = np.random.default_rng(1).normal(0, 5, (GRID * DETAIL, GRID * DETAIL, 1))
    return np.clip((photo + grain) * brightness, 0, 255).astype(np.uint8)


def landmarks() -> np.ndarray:
    points = np.full((478, 2), GRID / 2)
    points[list(LEFT_EYE)], points[list(RIGHT_EYE)] = almond(150, 1), almond(80, -1)
    for middle, brow in ((150, LEFT_BROW_EDGE), (80, RIGHT_BROW_EDGE)):
        points[list(brow)] = [(middle + dx, 76) for dx in (-12, -6, 0, 6, 12)]
    return points


def surface() -> np.ndarray:
    ys, xs = np.mgrid[50:160, 30:210]
    return np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)


def photos(image: np.ndarray | None = None) -> tuple[EyePhoto, ...]:
    crop = Similarity((1 / DETAIL, 0, (1 / DETAIL - 1) / 2, 0, 1 / DETAIL, (1 / DETAIL - 1) / 2))
    return eye_photos(picture() if image is None else image, crop, landmarks())


def filled(image: np.ndarray | None = None) -> tuple[FilledEye, ...]:
    return tuple(fill_eye(photo) for photo in photos(image))


def lids(image: np.ndarray | None = None) -> tuple[LidSkin, ...]:
    source = surface()
    return lid_skins(source, np.ones(len(source), bool), filled(image), ControlVector())


def closing(skin: LidSkin, share: float) -> np.ndarray:
    """Surface points when the upper lid of one eye is down by this share of the opening."""
    moved = surface()
    rows = np.unique(skin.upper.rows)
    moved[rows, 1] += share * 2 * np.maximum(100 - moved[rows, 1], 0)
    return moved


def closed_at(share: float, image: np.ndarray | None = None) -> Patch | None:
    """The patch over the left eye when its upper lid is down by this share of the opening."""
    skin = lids(image)[0]
    return skin.drawn(closing(skin, share), share)


def shown(patch: Patch, *places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Colours, 0..255, and coverage of a patch at places of the grid."""
    at = patch.patch_from_grid.points(np.array(places, np.float64)).round().astype(int)
    return patch.colour[at[:, 1], at[:, 0]] * 255, patch.mask[at[:, 1], at[:, 0]]


def test_an_eye_is_painted_out_with_the_skin_around_it() -> None:
    for photo in photos():
        filled = fill_eye(photo)
        eye = filled.painted > 0.99
        assert eye.mean() > 0.05
        assert np.abs(filled.skin[eye].mean(0) * 255 - SKIN).max() < 60
        assert filled.skin[eye].mean(1).min() > photo.pixels.mean(2).min() + 0.2  # no lash is left
        assert (filled.skin[filled.painted == 0] == photo.pixels[filled.painted == 0]).all()


def test_painted_skin_has_the_grain_of_the_photo() -> None:
    photo = photos()[0]
    filled = fill_eye(photo)
    own = photo.pixels[-photo.size // 5 :, photo.size // 4 : -photo.size // 4].mean(2)
    made = filled.skin.mean(2)[filled.painted > 0.999]
    fine = np.abs(np.diff(own, axis=1)).mean()
    rows = np.flatnonzero((filled.painted > 0.999).sum(1) > photo.size // 5)
    middle = filled.skin[
        rows, photo.size // 2 - photo.size // 12 : photo.size // 2 + photo.size // 12
    ]
    assert 0.4 * fine < np.abs(np.diff(middle.mean(2), axis=1)).mean() < 1.6 * fine
    assert made.std() < 0.15


def test_nothing_is_drawn_over_an_eye_that_hardly_closes() -> None:
    assert closed_at(0.0) is None
    assert closed_at(0.05) is None
    slight, whole = closed_at(0.15), closed_at(1.0)
    assert slight is not None
    assert whole is not None
    assert slight.mask.max() < whole.mask.max() <= 1 + 1e-6


def test_the_lid_lies_between_brow_and_lower_lid_and_ends_at_the_border() -> None:
    whole = closed_at(1.0)
    assert whole is not None
    rows, columns = np.nonzero(whole.mask > 0.5)
    x, y = whole.patch_from_grid.inverse().points(np.stack([columns, rows], 1).astype(np.float64)).T
    assert x.min() > 150 - 0.95 * WIDTH
    assert x.max() < 150 + 0.95 * WIDTH
    assert y.min() > 74
    assert y.max() < 100 + TALL / 2 + 0.25 * WIDTH
    assert whole.mask[[0, -1]].max() == whole.mask[:, [0, -1]].max() == 0


def test_the_eye_below_a_half_closed_lid_is_left_alone() -> None:
    half = closed_at(0.5)
    assert half is not None
    assert shown(half, (150, 104), (145, 104))[1].max() < 0.2


def test_the_eye_that_was_there_is_gone_when_it_is_closed() -> None:
    whole = closed_at(1.0)
    assert whole is not None
    colours, cover = shown(whole, (150, 97), (143, 97), (157, 97))
    assert cover.min() > 0.95
    assert np.abs(colours - SKIN).max() < 75


def test_the_line_of_a_closed_lid_is_dark_and_lies_at_its_edge() -> None:
    whole = closed_at(1.0)
    assert whole is not None
    column = np.arange(92, 112, 0.25)
    colours, cover = shown(whole, *[(152.0, y) for y in column])
    light = colours.mean(1) * cover + np.mean(SKIN) * (1 - cover)
    assert column[light.argmin()] == pytest.approx(100 + TALL / 2, abs=0.12 * WIDTH)
    assert light.min() < 0.55 * np.mean(SKIN)


def test_a_lash_of_the_photo_stays_at_the_edge_of_a_half_closed_lid() -> None:
    half = closed_at(0.4)
    assert half is not None
    edge = 100 - TALL / 2 + 0.4 * TALL
    light = shown(half, *[(150.0, edge - up) for up in np.arange(0.3, 2.0, 0.2)])[0].mean(1)
    assert light.min() < 0.6 * np.mean(SKIN)


def test_the_lid_of_an_eye_in_a_shadow_is_no_lighter_than_the_shadow() -> None:
    whole = closed_at(1.0, picture(0.3))
    assert whole is not None
    assert whole.colour[whole.mask > 0.9].mean() * 255 < np.mean(SKIN) * 0.35


def test_the_lid_of_an_eye_that_is_closed_in_the_photo_stays_the_photos() -> None:
    source = surface()
    shut = ControlVector.of({"eyeBlink_L": 0.75})
    left, right = lid_skins(source, np.ones(len(source), bool), filled(), shut)
    assert (left.hidden, right.hidden) == (0.0, 1.0)
    assert left.drawn(source, 1.0) is None


def test_nothing_is_drawn_on_dark_glasses() -> None:
    dark = picture()
    y, x = (np.mgrid[: GRID * DETAIL, : GRID * DETAIL] + 0.5) / DETAIL - 0.5
    for middle in (150, 80):
        dark[np.hypot((x - middle) / 20, (y - 100) / 15) < 1] = (20, 25, 25)
    assert max(seen_eye(photo) for photo in photos(dark)) == 0
    assert min(seen_eye(photo) for photo in photos()) == 1
    assert closed_at(1.0, dark) is None


def test_the_rim_of_glasses_stays_before_the_lid() -> None:
    rimmed = picture()
    rimmed[88 * DETAIL : 90 * DETAIL] = (20, 20, 40)
    whole, bare = closed_at(1.0, rimmed), closed_at(1.0)
    assert whole is not None
    assert bare is not None
    assert shown(whole, (150, 89))[1].max() < 0.1 < shown(bare, (150, 89))[1].min()


def test_a_grey_photo_gets_grey_lids() -> None:
    grey = np.repeat(picture().mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
    whole = closed_at(1.0, grey)
    assert whole is not None
    assert np.ptp(whole.colour, axis=2).max() < 1e-3


def test_lids_go_with_the_head() -> None:
    lid = lids()[0]
    moved = closing(lid, 1.0)
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    straight = lid.drawn(moved, 1.0)
    rolled = lid.drawn((moved - 128) @ turn.T + 128, 1.0)
    assert straight is not None
    assert rolled is not None
    assert rolled.patch_from_grid.turn_deg - straight.patch_from_grid.turn_deg == pytest.approx(
        20, abs=1.5
    )
    assert np.abs(rolled.mask - straight.mask).mean() < 0.03


def test_lashes_lean_to_the_outer_corner_on_both_sides() -> None:
    left, right = lids()
    patches = [lid.drawn(closing(lid, 1.0), 1.0) for lid in (left, right)]
    assert all(patch is not None for patch in patches)
    one, other = (patch.mask for patch in patches if patch is not None)
    assert np.abs(one - other[:, ::-1]).mean() < 0.02


def test_a_face_without_a_surface_has_no_lids() -> None:
    source = surface()
    assert lid_skins(source, np.zeros(len(source), bool), filled(), ControlVector()) == ()
    assert len(lids()) == 2


def test_eyes_too_small_to_draw_are_left_out() -> None:
    small = landmarks()
    small[list(LEFT_EYE)] = (150, 100) + (small[list(LEFT_EYE)] - (150, 100)) / 20
    found = eye_photos(picture(), Similarity((0.25, 0, 0, 0, 0.25, 0)), small)
    assert [photo.side for photo in found] == ["R"]
    assert replace(found[0], side="L").outer == 1


def test_a_brow_takes_its_hair_along_and_leaves_lid_and_lashes() -> None:
    source = surface()
    below = BelowBrow.of(filled()[0], source, np.ones(len(source), bool))
    rise = np.where(source[:, 1] < 90, -4.0, 0.0)[None]
    moved = below.moved(rise)[0]

    def at(x: float, y: float) -> float:
        return float(moved[np.hypot(*(source - (x, y)).T).argmin()])

    assert abs(at(150, 96)) < 0.1  # the lid's edge
    assert at(150, 74) == pytest.approx(-4, abs=0.1)  # hair
    skin = [at(150, y) for y in np.arange(77, 95)]
    assert (np.diff(skin) >= -1e-6).all()
    assert np.diff(skin).max() < 1.0  # stretched evenly


class Brightens(LidRetoucher):
    """Adds the same light everywhere, redder than blue."""

    def forward(self, drawn: torch.Tensor) -> torch.Tensor:
        tint = torch.tensor([0.2, 0.1, 0.0])[None, :, None, None]
        return tint.expand(len(drawn), 3, *drawn.shape[2:]) * drawn[:, 3:]


def test_light_is_added_to_a_closed_lid_and_to_no_other() -> None:
    plain, image = lids()[0], picture()
    (lit, _) = retouched(lids(), photos(image), surface(), Brightens())
    before, after = (s.drawn(closing(s, 1.0), 1.0) for s in (plain, lit))
    assert before is not None
    assert after is not None
    more = shown(after, (150, 97))[0] - shown(before, (150, 97))[0]
    assert more[0, 0] > more[0, 1] > 5
    assert np.array_equal(before.mask, after.mask)
    half = [s.drawn(closing(s, 0.5), 0.5) for s in (plain, lit)]
    assert half[0] is not None
    assert half[1] is not None
    assert np.array_equal(half[0].colour, half[1].colour)


def test_light_on_a_grey_photo_is_grey() -> None:
    grey = np.repeat(picture().mean(2, keepdims=True).astype(np.uint8), 3, axis=2)
    lit = retouched(lids(grey), photos(grey), surface(), Brightens())[0]
    assert lit.touch is not None
    assert lit.touch.max() > 0.01
    assert np.ptp(lit.touch, axis=2).max() < 1e-6


def test_the_shipped_retoucher_keeps_to_the_drawing() -> None:
    network = LidRetoucher.from_file(models_dir() / "lids.safetensors")
    lit = retouched(lids(), photos(), surface(), network)[0]
    assert lit.touch is not None
    assert np.isfinite(lit.touch).all()
    assert np.abs(lit.touch).max() < 0.3
    assert np.abs(lit.touch[[0, -1]]).max() < 0.01  # no border shows


def test_a_window_goes_back_to_where_it_was_cut() -> None:
    smooth = cv2.GaussianBlur(photos()[0].pixels, (0, 0), 3)
    for outer in (1, -1):
        back = on_square(lid_window(smooth, 0.05, outer), 0.05, outer, len(smooth))
        inside = back[..., 0] > 0.05
        assert inside.mean() > 0.15
        assert (
            np.abs(back - smooth)[cv2.erode(inside.astype(np.uint8), np.ones((9, 9))) > 0].max()
            < 0.1
        )
