"""Measures of edited pictures, on drawings with known answers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.arrays import F64, U8
from icface.evaluation.looks.flow_steps import flow_steps_px, steps
from icface.evaluation.looks.folds import fold_changes, fold_masks
from icface.evaluation.looks.lid_lines import lid_lines, openness_of
from icface.evaluation.looks.mouth_light import (
    Cheek,
    cheek_of,
    inside_of,
    mouth_gap,
    mouth_light,
)
from icface.evaluation.looks.smears import smeared_px, stretch
from icface.face.geometry import Similarity
from icface.face.landmarks import EYES, INNER_LIPS, N_LANDMARKS
from icface.model.face.pose import FacePrediction
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.backdrop import Backdrop
from icface.model.surface.head import PAD
from icface.model.surface.layers import ColourLayer, FlowLayer, Surroundings

# ---------------------------------------------------------------------------------- steps of a flow


def split_flow(jump: float) -> np.ndarray:
    """A flow that jumps by so many grid pixels along a vertical line of 100 pixels."""
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[50:150, 120:, 0] = jump
    return flow


def square(value: float = 1.0) -> np.ndarray:
    """A cover of 60 rows of the line."""
    cover = np.zeros((GRID, GRID), np.float32)
    cover[40:110, 100:140] = value
    return cover


def test_a_jump_of_the_flow_is_found_where_it_is() -> None:
    found = steps(split_flow(5.0), np.ones((GRID, GRID), bool))
    assert found[50:150, 119].all()
    assert found[60:140].sum() == 80  # besides its ends


@pytest.mark.parametrize("jump", [0.5, 2.0])
def test_a_stretch_is_no_step(jump: float) -> None:
    assert not steps(split_flow(jump), np.ones((GRID, GRID), bool)).any()


def test_steps_are_counted_in_pixels_of_a_crop_of_320() -> None:
    flow = split_flow(0.0)
    flow[:, 120:, 0] = 5.0
    assert flow_steps_px(FacePrediction((FlowLayer("skin", flow),))) == 320


def test_skin_behind_a_layer_or_an_opaque_drawing_has_no_steps_that_are_seen() -> None:
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[:, 120:, 0] = 5.0
    skin = FlowLayer("skin", flow)
    covered = ColourLayer((0.0, 0.0, 0.0), square())
    drawn = Patch(
        Similarity((1, 0, 0, 0, 1, 0)), np.zeros((GRID, GRID, 3), np.float32), square(), opaque=True
    )
    alone = flow_steps_px(FacePrediction((skin,)))
    assert flow_steps_px(FacePrediction((skin, covered))) == alone - round(70 * 320 / GRID)
    assert flow_steps_px(FacePrediction((skin,), (drawn,))) == pytest.approx(
        alone - 70 * 320 / GRID, abs=2
    )


def test_steps_in_a_background_that_stays_are_not_seen() -> None:
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[:, 120:, 0] = 5.0
    wide = np.zeros((GRID + 2 * PAD, GRID + 2 * PAD), np.float32)
    person = wide.copy()
    person[PAD + 50 : PAD + 150] = 1
    flat = np.zeros((*wide.shape, 3), np.float32)
    backdrop = Backdrop(wide, wide, person, wide, flat, 0.0)
    around = Surroundings(np.zeros((*wide.shape, 2), np.float32), backdrop)
    layer = FlowLayer("skin", flow, surroundings=around)
    assert flow_steps_px(FacePrediction((layer,))) == 100 * 320 / GRID


def test_a_layer_with_a_sharp_edge_hides_all_that_its_edge_encloses() -> None:
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[:, 120:, 0] = 5.0
    near = FlowLayer("folds", np.zeros_like(flow), square(0.6), ramp_px=4.0)
    soft = FlowLayer("folds", np.zeros_like(flow), square(0.6))
    skin = FlowLayer("skin", flow)
    assert flow_steps_px(FacePrediction((skin, near))) == round((GRID - 70) * 320 / GRID)
    assert flow_steps_px(FacePrediction((skin, soft))) == 320


def test_two_smooth_layers_of_skin_have_no_steps() -> None:
    near = FlowLayer("skin", np.full((GRID, GRID, 2), 9.0, np.float32), square())
    far = FlowLayer("skin", np.zeros((GRID, GRID, 2), np.float32))
    assert flow_steps_px(FacePrediction((far, near))) == 0


# ------------------------------------------------------------------------------------------ smears


def zoomed(across: float, down: float) -> np.ndarray:
    """A flow through which a picture grows by these factors from its corner."""
    x, y = np.meshgrid(np.arange(GRID, dtype=np.float32), np.arange(GRID, dtype=np.float32))
    return np.dstack([x / across - x, y / down - y]).astype(np.float32)


def test_stretch_is_told_along_its_strongest_direction() -> None:
    assert stretch(zoomed(3.0, 1.0)) == pytest.approx(3.0, rel=1e-3)
    assert stretch(zoomed(1.5, 4.0)) == pytest.approx(4.0, rel=1e-3)
    assert stretch(zoomed(0.5, 0.4)) == pytest.approx(0.5, rel=1e-3)


def test_skin_drawn_out_is_counted_where_it_is_seen() -> None:
    flow = zoomed(3.0, 1.0)
    flow[150:] = 0
    skin = FlowLayer("skin", flow)
    counted = smeared_px(FacePrediction((skin,)))
    assert counted == pytest.approx(149 * GRID * (320 / GRID) ** 2, rel=0.02)
    eye = FlowLayer("eye", np.zeros_like(flow), square())
    hidden = counted - smeared_px(FacePrediction((skin, eye)))
    assert hidden == pytest.approx(70 * 40 * (320 / GRID) ** 2, abs=2)
    assert smeared_px(FacePrediction((FlowLayer("skin", zoomed(2.0, 2.0)),))) == 0


# -------------------------------------------------------------------------------------- shut lids


def eyes(openness: float) -> F64:
    """Landmarks of two level eyes, 120 pixels wide, 400 between their outer corners."""
    points = np.zeros((N_LANDMARKS, 2))
    for side, outer, inner in (("R", 100.0, 220.0), ("L", 500.0, 380.0)):
        contour = EYES[side]
        points[contour[0]], points[contour[8]] = (outer, 200.0), (inner, 200.0)
        points[contour[4]] = (outer + inner) / 2, 200.0 - openness * 120
        points[contour[12]] = (outer + inner) / 2, 200.0
    return points


def shut_eyes(*, line: float, sigma: float, lid: float) -> U8:
    """Skin of 150 below and `lid` times that above a line with a Gaussian profile, pixels."""
    y = np.arange(400) - 200.0
    skin = np.where(y < 0, 150 * lid, 150.0)
    depth = (1 - line) * np.exp(-0.5 * (y / sigma) ** 2)
    column = np.where(y < 0, skin - (skin - 150 * line) * np.exp(-0.5 * (y / sigma) ** 2), 0)
    column = np.where(y < 0, column, skin * (1 - depth))
    return np.repeat(np.repeat(column[:, None, None], 600, 1), 3, 2).round().astype(np.uint8)


@pytest.mark.parametrize(("line", "sigma", "lid"), [(0.4, 6.0, 1.2), (0.6, 4.0, 1.0)])
def test_a_drawn_line_is_as_dark_and_wide_as_it_was_drawn(
    line: float, sigma: float, lid: float
) -> None:
    picture = shut_eyes(line=line, sigma=sigma, lid=lid)
    wide = 2 * np.sqrt(2 * np.log(2)) * sigma / 120
    for side in "LR":
        found = lid_lines(picture, eyes(0.0), side)
        assert len(found) == 3
        for one in found:
            assert one.line == pytest.approx(line, abs=0.06)
            assert one.lid == pytest.approx(lid, abs=0.03)
            assert one.width == pytest.approx(wide, abs=0.025)


def test_a_wider_and_a_darker_line_read_so_at_any_size_of_the_picture() -> None:
    thin = shut_eyes(line=0.5, sigma=4.0, lid=1.1)
    thick = shut_eyes(line=0.3, sigma=8.0, lid=1.1)
    for scale in (1, 3):
        size = None if scale == 1 else (600 * scale, 400 * scale)
        a, b = (p if size is None else cv2.resize(p, size) for p in (thin, thick))
        one, other = (lid_lines(p, eyes(0.0) * scale, "R")[1] for p in (a, b))
        assert other.line < one.line - 0.1
        assert other.width > one.width + 0.03


def test_the_line_of_lids_that_were_drawn_shut_is_looked_for_at_the_lower_lid() -> None:
    found = lid_lines(shut_eyes(line=0.4, sigma=6.0, lid=1.2), eyes(0.4), "L")
    assert found[1].line == pytest.approx(0.4, abs=0.06)


def test_openness_is_the_gap_of_the_lids_over_the_width_of_the_eye() -> None:
    assert openness_of(eyes(0.3), "L") == pytest.approx(0.3)


# ------------------------------------------------------------------------------------------- mouths


def mouth(gap: float) -> F64:
    """An opening of 100 by `gap` pixels about (150, 150); below 0 its lips cross."""
    x = np.linspace(100, 200, 11)
    half = np.zeros(11)
    half[1:-1] = gap / 2
    lower = np.column_stack([x, 150 + half])
    upper = np.column_stack([x, 150 - half])[::-1]
    return np.vstack([lower, upper[1:-1]])


def test_percentiles_of_light_are_those_of_a_known_patch_over_the_cheek() -> None:
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[:, :150] = 186  # half of the light of white
    picture[:, 150:] = 255
    light = mouth_light(picture, mouth(60), Cheek(0.5, 76.0, 0.0), eyes_px=200.0)
    assert light is not None
    half = (186 / 255) ** 2.2 / 0.5
    assert light.percentiles[0] == pytest.approx(half, abs=1e-3)
    assert light.percentiles[4] == pytest.approx(2.0, abs=1e-3)
    assert light.teeth_lightness == pytest.approx((100 - 76) * 2.55, abs=0.1)


def test_redness_of_teeth_counts_from_the_cheeks() -> None:
    picture = np.full((300, 300, 3), (200, 150, 150), np.uint8)
    landmarks = np.full((N_LANDMARKS, 2), 20.0)
    cheek = cheek_of(picture, landmarks)
    same = mouth_light(picture, mouth(60), cheek, eyes_px=200.0)
    assert same is not None
    assert same.percentiles == pytest.approx((1.0,) * 5, abs=1e-6)
    assert same.teeth_redness == pytest.approx(0.0, abs=1e-6)
    picture[100:200] = 170
    grey = mouth_light(picture, mouth(60), cheek, eyes_px=200.0)
    assert grey is not None
    assert grey.teeth_redness == pytest.approx(-cheek.redness, abs=0.01)


@pytest.mark.parametrize("gap", [0.0, -40.0])
def test_lips_that_meet_or_cross_enclose_nothing(gap: float) -> None:
    assert not inside_of((300, 300), mouth(gap), margin=1).any()
    picture = np.full((300, 300, 3), 200, np.uint8)
    assert mouth_light(picture, mouth(gap), Cheek(0.5, 76.0, 0.0), eyes_px=200.0) is None


def test_the_gap_of_lips_counts_in_distances_of_the_eyes() -> None:
    points = eyes(0.3)
    points[INNER_LIPS[15]], points[INNER_LIPS[5]] = (300, 300), (300, 340)
    assert mouth_gap(points) == pytest.approx(0.1)


# -------------------------------------------------------------------------------------------- folds


def face_points() -> F64:
    """Landmarks with strips of folds apart from each other, grid pixels."""
    rng = np.random.default_rng(3)
    points = rng.uniform(60, 200, (N_LANDMARKS, 2))
    points[33], points[263] = (80, 90), (170, 90)
    for i, (right, left) in enumerate(((129, 358), (203, 423), (206, 426), (216, 436), (212, 432))):
        points[right], points[left] = (105 - 2 * i, 120 + 8 * i), (145 + 2 * i, 120 + 8 * i)
    for i, numbers in enumerate(((24, 229), (23, 230), (22, 231))):
        points[list(numbers)] = 90 + 5 * i, 103
    for i, numbers in enumerate(((254, 449), (253, 450), (252, 451))):
        points[list(numbers)] = 160 - 5 * i, 103
    return points


def noise() -> U8:
    blurred = cv2.GaussianBlur(
        np.random.default_rng(1).uniform(0, 255, (GRID, GRID, 3)).astype(np.float32), (0, 0), 3
    )
    return cv2.normalize(blurred, None, 60, 200, cv2.NORM_MINMAX).astype(np.uint8)


def shifted_by(pixels: int) -> FacePrediction:
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 0] = -pixels
    return FacePrediction((FlowLayer("skin", flow),))


def test_skin_that_only_moves_does_not_change_its_light() -> None:
    before = noise()
    after = np.roll(before, 6, axis=1)
    changes = fold_changes(before, after, shifted_by(6), fold_masks(face_points()))
    assert changes == {
        "nasolabial": pytest.approx(0, abs=1e-6),
        "below_eyes": pytest.approx(0, abs=1e-6),
    }


def test_a_fold_that_is_shaded_where_the_skin_has_moved_to_is_darker_by_as_much() -> None:
    before = np.full((GRID, GRID, 3), 150, np.uint8)
    masks = fold_masks(face_points())
    after = before.copy()
    after[np.roll(masks["nasolabial"], 6, axis=1)] = 150 - 10
    changes = fold_changes(before, after, shifted_by(6), masks)
    assert changes["nasolabial"] == pytest.approx(-10 / 255, abs=1e-4)
    assert changes["below_eyes"] == pytest.approx(0, abs=1e-4)


def test_a_fold_that_the_edit_hides_has_no_change() -> None:
    hidden = ColourLayer((0.0, 0.0, 0.0), np.ones((GRID, GRID), np.float32))
    prediction = FacePrediction((*shifted_by(1).layers, hidden))
    before = noise()
    changes = fold_changes(before, before, prediction, fold_masks(face_points()))
    assert changes == {"nasolabial": None, "below_eyes": None}
