"""The mouth of a photo: when its inside is drawn, how it is lit, and which teeth stay."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.selectors import apply_deltas
from icface.model.mouth.behind_lips import behind_lips
from icface.model.mouth.mouth import Edit, Mouth, PosedLips, jaw_of
from icface.model.mouth.patch import Patch
from icface.model.mouth.tones import Tones
from icface.model.networks.neutralizer import GRID
from icface.model.surface.rasterise import Flow

PIVOT = np.array([128.0, 100.0])
TONES = Tones(
    tooth=np.array((0.9, 0.85, 0.8), np.float32),
    tongue=np.array((0.8, 0.5, 0.48), np.float32),
    gum=np.array((0.7, 0.4, 0.4), np.float32),
    dark=np.array((0.09, 0.05, 0.05), np.float32),
)
AHEAD = np.eye(3)
PER_CM = 8.0


def ring(gap_cm: float, *, width_cm: float = 5.0) -> np.ndarray:
    """(20, 2) an opening in the order of `INNER_LIPS`, grid pixels."""
    t = np.linspace(0, np.pi, 11)
    x, y = -np.cos(t) * width_cm / 2 * PER_CM, np.sin(t) * gap_cm * PER_CM
    lower, upper = np.stack([x, y], 1), np.stack([x[::-1], -0.1 * y[::-1]], 1)
    return np.concatenate([lower, upper[1:-1]]) + np.array([128.0, 136.0])


def mouth(gap_cm: float = 0.0, *, hidden: float | None = None) -> Mouth:
    rest = np.column_stack([ring(0.0) - PIVOT, np.full(20, 70.0)]) * (1, -1, 1)
    found = Mouth.between(rest, ring(gap_cm), ControlVector(), tones=TONES, pixels_per_cm=PER_CM)
    return found if hidden is None else replace(found, hidden=hidden)


def posed(of: Mouth, lips: np.ndarray, turn: np.ndarray = AHEAD) -> PosedLips:
    camera = np.column_stack([(of.opening - PIVOT) * (1, -1), np.full(20, 70.0)]) @ turn.T
    return PosedLips(lips=lips, before=camera[:, :2] * (1, -1) + PIVOT, turn=turn, pivot=PIVOT)


def edit(**units: float) -> Edit:
    return Edit(ControlVector(), apply_deltas(ControlVector(), units))


def shown(of: Mouth, gap_cm: float) -> float:
    opened = edit(AU27=float(np.clip(gap_cm / 3.5, 0, 1)))
    return sum(float(p.mask.sum()) for p in of.patch(posed(of, ring(gap_cm)), opened, 1.0))


def test_nothing_is_drawn_in_a_mouth_that_stays_closed_or_is_not_edited() -> None:
    assert mouth().patch(posed(mouth(), ring(0.02)), edit(), 1.0) == ()
    assert mouth().patch(posed(mouth(), ring(2.0)), edit(), 0.0) == ()


def test_lips_that_cross_are_closed() -> None:
    assert mouth().patch(posed(mouth(), ring(-0.8)), edit(), 1.0) == ()
    flow = everywhere_a_cavity()
    assert behind_lips(mouth(), flow, posed(mouth(), ring(-0.8)), edit()).cavity.max() == 0
    assert behind_lips(mouth(), flow, posed(mouth(), ring(0.8)), edit()).cavity.max() == 1


@pytest.mark.parametrize("gap_cm", [0.3, 0.8, 1.8])
@pytest.mark.parametrize("angles", [(0, 0, 8), (0, 0, -25), (20, 0, 0), (0, -15, 0), (12, 8, 5)])
def test_a_turn_alone_draws_nothing_in_an_open_mouth(
    gap_cm: float, angles: tuple[float, float, float]
) -> None:
    for hidden in (0.0, 1.0):
        of, turn = mouth(gap_cm, hidden=hidden), rotation_matrix(*angles)
        still = posed(of, of.opening, turn)
        assert of.patch(replace(still, lips=still.before), edit(), 1.0) == ()


def test_lips_that_funnel_before_a_shut_jaw_show_the_dark() -> None:
    def light(**units: float) -> float:
        (patch,) = mouth().patch(posed(mouth(), ring(1.2)), edit(**units), 1.0)
        return float(patch.colour[patch.mask > 0.9].mean())

    assert light(AU22=1) < 0.6 * light(mouthUpperUp_L=1)
    assert jaw_of(edit(AU22=1).after).opened > 0.05
    assert jaw_of(edit(AU22=1, AU27=1).after).opened == jaw_of(edit(AU27=1).after).opened


def test_an_upper_lip_is_raised_only_to_the_gum_and_corners_follow_it() -> None:
    of = mouth()
    raised, shut = np.full(36, 1.5), np.zeros(36)
    still = posed(of, of.opening)
    lips = still.before.copy()
    lips[11:, 1] -= 1.5 * PER_CM
    lifted = replace(still, lips=lips)
    (lowered, _), down = of.held_lips(lifted, raised, shut)
    assert down == pytest.approx((0, 1))
    assert 1.5 - lowered.max() / PER_CM < 0.7
    assert lowered[3:-3].min() > 0.7 * lowered.max()
    (smiled, _), _ = of.held_lips(lifted, shut, shut)
    assert smiled[[0, -1]].max() < 0.2 * smiled.max()
    (nothing, apart), _ = of.held_lips(still, raised, shut)
    assert not nothing.any()
    assert not apart.any()


def test_the_inside_comes_gradually_and_never_less_as_the_mouth_opens() -> None:
    found = [shown(mouth(), gap) for gap in np.linspace(0, 1.5, 61)]
    steps = np.diff(found)
    assert steps.min() >= 0
    assert found[0] == 0 < found[-1]
    assert steps.max() < 0.12 * found[-1]


def everywhere_a_cavity() -> Flow:
    still = np.zeros((GRID, GRID, 2), np.float32)
    nothing = np.zeros((GRID, GRID), np.float32)
    return Flow(still, nothing > 0, still + 5, nothing, nothing + 1)


def in_patch(patch: Patch, x: float, y: float) -> tuple[int, int]:
    column, row = patch.patch_from_grid.points(np.array([[x, y]])).round().astype(int)[0]
    return int(row), int(column)


def test_a_photo_that_shows_teeth_keeps_them() -> None:
    of = mouth(0.8, hidden=0)
    assert shown(of, 0.8) == 0
    (patch,) = of.patch(posed(of, ring(2.5)), edit(AU27=0.8), 1.0)
    assert patch.mask[in_patch(patch, 128, 138)] < 0.01
    assert patch.mask[in_patch(patch, 128, 152)] > 0.99


def test_what_hangs_on_the_jaw_is_drawn_out_first_and_drawn_anew_when_little_is_left() -> None:
    of = replace(mouth(2.0, hidden=0), skull_share=0.4)
    half = of.patch(posed(of, ring(2.6)), edit(AU27=0.2), 1.0)
    whole = of.patch(posed(of, ring(4.5)), edit(AU27=1), 1.0)
    assert sum(float(p.mask[in_patch(p, 128, 150)]) for p in half) < 0.01
    assert whole[0].mask[in_patch(whole[0], 128, 154)] > 0.9
    assert whole[0].mask[in_patch(whole[0], 128, 139)] < 0.01


def test_a_gap_without_teeth_stays_without_them() -> None:
    picture = np.full((GRID, GRID, 3), (200, 150, 120), np.uint8)
    here = Similarity((1, 0, 0, 0, 1, 0))
    closed, gaping = (mouth(gap).inspected(picture, here) for gap in (0.0, 1.1))
    assert (closed.bare, gaping.bare, gaping.hidden) == (0, 1, 1)
    teeth = []
    for of in (closed, gaping):
        (patch,) = of.patch(posed(of, ring(2.5)), edit(AU27=0.8), 1.0)
        teeth.append(patch.colour[in_patch(patch, 130, 138)].min() > 0.5)
    assert teeth == [True, False]


@pytest.mark.parametrize(
    "hues",
    [((200, 150, 120), (170, 100, 90), (230, 220, 205)), ((150,) * 3, (110,) * 3, (190,) * 3)],
)
def test_parted_lips_show_teeth_where_the_picture_is_bright_and_pale(
    hues: tuple[tuple[int, int, int], ...],
) -> None:
    skin, lip, tooth = hues
    picture = np.full((GRID, GRID, 3), skin, np.uint8)
    cv2.fillPoly(picture, [ring(0.8, width_cm=5.6).round().astype(np.int32)], lip)
    here = Similarity((1, 0, 0, 0, 1, 0))
    assert mouth(0.4).inspected(picture, here).hidden == 1
    cv2.fillPoly(picture, [ring(0.4).round().astype(np.int32)], tooth)
    assert mouth(0.4).inspected(picture, here).hidden < 0.3
    assert mouth(0.05).inspected(picture, here).hidden == 1


def test_teeth_that_fill_an_opening_are_fixed_in_the_skull_and_a_lower_part_on_the_jaw() -> None:
    picture = np.full((GRID, GRID, 3), (200, 150, 120), np.uint8)
    here = Similarity((1, 0, 0, 0, 1, 0))
    cv2.fillPoly(picture, [ring(1.2).round().astype(np.int32)], (90, 30, 25))
    assert mouth(1.2).inspected(picture, here).skull_share < 0.4
    cv2.fillPoly(picture, [ring(0.5).round().astype(np.int32)], (235, 225, 210))
    assert 0.3 < mouth(1.2).inspected(picture, here).skull_share < 0.6
    cv2.fillPoly(picture, [ring(1.2).round().astype(np.int32)], (235, 225, 210))
    assert mouth(1.2).inspected(picture, here).skull_share == 1


def test_teeth_that_a_photo_shows_turn_with_the_skull_and_not_with_lips() -> None:
    of, flow = mouth(0.8, hidden=0), everywhere_a_cavity()
    fixed = behind_lips(of, flow, posed(of, ring(2.0)), edit())
    assert fixed.back[140, 128] == pytest.approx(1, abs=0.02)
    assert fixed.back_field[140, 128] == pytest.approx(0, abs=1e-4)
    assert fixed.back_field[60, 60] == pytest.approx(5)
    assert (fixed.cavity[145, 128], fixed.cavity[60, 60]) == (pytest.approx(1, abs=0.02), 0)
    turn = rotation_matrix(10, 0, 0)
    turned = behind_lips(of, flow, posed(of, ring(2.0), turn), edit())
    depth = 70 - 0.6 * PER_CM
    assert turned.back_field[140, 128, 0] == pytest.approx(-depth * np.tan(np.radians(10)), abs=0.5)
    closed = mouth(hidden=1)
    loose = behind_lips(closed, flow, posed(closed, ring(2.0)), edit())
    assert loose.back_field is flow.back_field


def test_a_strip_of_teeth_that_would_have_to_grow_is_drawn_anew() -> None:
    of = mouth(0.3, hidden=0)
    lips = ring(0.3)
    assert of.shown(posed(of, lips)) == 1
    lips[11:, 1] -= 0.4 * PER_CM
    assert of.shown(posed(of, lips)) == 0
    (patch,) = of.patch(posed(of, lips), edit(), 1.0)
    assert patch.mask.max() > 0.9


def test_teeth_show_no_lip_above_them_when_the_upper_lip_rises() -> None:
    of = mouth(0.8, hidden=0)
    lips = ring(0.8)
    lips[11:, 1] -= 0.3 * PER_CM
    raised = behind_lips(of, everywhere_a_cavity(), posed(of, lips), edit())
    top = int(np.ceil(lips[15, 1])) + 1
    source = raised.back_field[top : top + 4, 128, 1] + np.arange(top, top + 4)
    assert (source > ring(0.8)[15, 1]).all()
    assert (np.diff(source) > 0).all()


def test_teeth_are_lit_more_the_further_a_mouth_opens_and_when_it_smiles() -> None:
    def brightest(gap_cm: float, **units: float) -> float:
        of = mouth(0.0)
        (patch,) = of.patch(posed(of, ring(gap_cm)), edit(**units), 1.0)
        return float(patch.colour.min(2)[patch.mask > 0.9].max())

    talking = [brightest(gap, AU26=0.3) for gap in (0.5, 1.0, 2.0)]
    assert talking == sorted(talking)
    assert talking[0] < 0.97 * talking[-1]
    assert brightest(0.5, AU26=0.3, AU12L=0.8, AU12R=0.8) > 1.03 * talking[0]
