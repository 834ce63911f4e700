"""The mouth of a photo: when its inside is drawn, how it is lit, and which teeth stay."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from icface.face.controls import ControlVector, apply_deltas
from icface.face.geometry import Similarity, rotation_matrix
from icface.model.mouth.mouth import Mouth, behind_lips
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


def shown(of: Mouth, gap_cm: float, *, faded_in: float = 1.0, turn: np.ndarray = AHEAD) -> float:
    controls = apply_deltas(ControlVector(), {"AU27": float(np.clip(gap_cm / 3.5, 0, 1))})
    return sum(float(p.mask.sum()) for p in of.patch(ring(gap_cm), controls, turn, PIVOT, faded_in))


def test_nothing_is_drawn_in_a_mouth_that_stays_closed_or_is_not_edited() -> None:
    assert mouth().patch(ring(0.02), ControlVector(), AHEAD, PIVOT, 1.0) == ()
    assert mouth().patch(ring(2.0), ControlVector(), AHEAD, PIVOT, 0.0) == ()


def test_the_inside_comes_gradually_and_never_less_as_the_mouth_opens() -> None:
    found = [shown(mouth(), gap) for gap in np.linspace(0, 1.5, 61)]
    steps = np.diff(found)
    assert steps.min() >= 0
    assert found[0] == 0 < found[-1]
    assert steps.max() < 0.12 * found[-1]


def test_a_photo_that_shows_teeth_keeps_them() -> None:
    of = mouth(0.8, hidden=0)
    assert of.upper_only == 1
    assert shown(of, 0.8) < 0.3 * shown(mouth(), 0.8)
    (patch,) = of.patch(ring(2.5), ControlVector(), AHEAD, PIVOT, 1.0)
    teeth, tongue = (
        patch.patch_from_grid.points(np.array([[128.0, 138.0], [128.0, 152.0]])).round().astype(int)
    )
    assert patch.mask[teeth[1], teeth[0]] < 0.01
    assert patch.mask[tongue[1], tongue[0]] > 0.99


def test_a_gap_without_teeth_stays_without_them() -> None:
    picture = np.full((GRID, GRID, 3), (200, 150, 120), np.uint8)
    here = Similarity((1, 0, 0, 0, 1, 0))
    closed, gaping = (mouth(gap).inspected(picture, here) for gap in (0.0, 1.1))
    assert (closed.bare, gaping.bare, gaping.hidden) == (0, 1, 1)
    teeth = []
    for of in (closed, gaping):
        (patch,) = of.patch(
            ring(2.5), apply_deltas(ControlVector(), {"AU27": 0.8}), AHEAD, PIVOT, 1.0
        )
        column, row = (
            patch.patch_from_grid.points(np.array([[130.0, 138.0]])).round().astype(int)[0]
        )
        teeth.append(patch.colour[row, column].min() > 0.5)
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


def test_teeth_that_a_photo_shows_turn_with_the_skull_and_not_with_lips() -> None:
    still = np.zeros((GRID, GRID, 2), np.float32)
    nothing = np.zeros((GRID, GRID), np.float32)
    flow = Flow(still, nothing > 0, still + 5, nothing, nothing + 1)
    fixed = behind_lips(mouth(0.8, hidden=0), flow, ring(2.0), AHEAD, PIVOT)
    assert fixed.back[145, 128] == pytest.approx(1, abs=0.02)
    assert fixed.back_field[145, 128] == pytest.approx(0, abs=1e-4)
    assert fixed.back_field[60, 60] == pytest.approx(5)
    assert (fixed.cavity[145, 128], fixed.cavity[60, 60]) == (pytest.approx(1, abs=0.02), 0)
    turned = behind_lips(mouth(0.8, hidden=0), flow, ring(2.0), rotation_matrix(10, 0, 0), PIVOT)
    depth = 70 - 0.6 * PER_CM
    assert turned.back_field[145, 128, 0] == pytest.approx(-depth * np.tan(np.radians(10)), abs=0.5)
    loose = behind_lips(replace(mouth(), upper_only=0.0), flow, ring(2.0), AHEAD, PIVOT)
    assert loose.back_field is flow.back_field


def test_teeth_are_lit_more_the_further_a_mouth_opens_and_when_it_smiles() -> None:
    def brightest(gap_cm: float, edit: dict[str, float]) -> float:
        (patch,) = mouth(hidden=0).patch(
            ring(gap_cm), apply_deltas(ControlVector(), edit), AHEAD, PIVOT, 1.0
        )
        return float(patch.colour.min(2)[patch.mask > 0.9].max())

    talking = [brightest(gap, {"AU26": 0.3}) for gap in (0.5, 1.0, 2.0)]
    assert talking == sorted(talking)
    assert talking[0] < 0.75 * talking[-1]
    assert brightest(0.5, {"AU26": 0.3, "AU12L": 0.8, "AU12R": 0.8}) > 1.2 * talking[0]
