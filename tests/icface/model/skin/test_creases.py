"""Creases of a photo are as strong as its own wrinkles, and hair has none."""

from __future__ import annotations

import numpy as np
import pytest

from icface.arrays import F32
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.model.networks.weights import models_dir
from icface.model.skin.chart import CORNER_CM, SIDE_CM, CanvasChart
from icface.model.skin.creases import Crease, creases_of
from icface.model.skin.shading_maps import ShadingMaps

SIDE = 480
ALL = np.ones((SIDE, SIDE), np.float32)


@pytest.fixture(scope="module")
def maps() -> ShadingMaps:
    return ShadingMaps.from_file(models_dir() / "shading.safetensors")


def chart(phase: float = 0.0) -> CanvasChart:
    """A canvas that shows the whole chart, upright."""
    line = np.arange(SIDE, dtype=np.float32) * (SIDE_CM / SIDE)
    points = np.stack(np.meshgrid(line + CORNER_CM[0], line + CORNER_CM[1]), -1)
    return CanvasChart(points=points.astype(np.float32), phase=phase)


def depth(creases: tuple[Crease, ...]) -> float:
    """Sum of the depths of all valleys."""
    return float(sum(-one.picture.min() for one in creases))


def drawn(creases: tuple[Crease, ...], **channels: float) -> F32:
    """The canvas under an expression."""
    expression = ControlVector().with_channels(channels).array()[3:].astype(np.float32)
    canvas = np.zeros((SIDE, SIDE), np.float32)
    for one in creases:
        one.add_to(canvas, one.strength(expression))
    return canvas


def test_wrinkled_skin_folds_deeper_than_smooth_skin_and_hair_not_at_all(maps: ShadingMaps) -> None:
    smooth, usual, wrinkled = (
        depth(creases_of(maps, chart(), ALL * contrast, ALL)) for contrast in (0.001, 0.03, 0.09)
    )
    assert 0 < smooth < usual < wrinkled
    assert smooth < 0.4 * wrinkled
    assert depth(creases_of(maps, chart(), ALL * 0.3, ALL)) == 0


def test_nothing_is_drawn_where_skin_may_not_be_lit(maps: ShadingMaps) -> None:
    left_half = ALL.copy()
    left_half[:, SIDE // 2 :] = 0
    creases = creases_of(maps, chart(), ALL * 0.05, left_half)
    everything = drawn(creases, **dict.fromkeys(EXPRESSIONS, 1.0))
    assert everything[:, : SIDE // 2].any()
    assert not everything[:, SIDE // 2 :].any()


def test_one_raised_brow_folds_one_half_of_the_forehead(maps: ShadingMaps) -> None:
    creases = creases_of(maps, chart(), ALL * 0.05, ALL)
    one = np.abs(drawn(creases, browInnerUp_L=1.0, browOuterUp_L=1.0))
    both = drawn(
        creases, browInnerUp_L=1.0, browOuterUp_L=1.0, browInnerUp_R=1.0, browOuterUp_R=1.0
    )
    margin = round(1.2 / SIDE_CM * SIDE)  # the halves fade into each other
    assert not one[:, : SIDE // 2 - margin].any()
    assert one[:, SIDE // 2 + margin :].max() > 0.1
    valleys = both[:, SIDE // 2 - 3 : SIDE // 2 + 4].min(0)
    assert valleys.max() < -0.1  # and are whole together


def test_a_fold_deepens_with_its_expression(maps: ShadingMaps) -> None:
    creases = creases_of(maps, chart(), ALL * 0.05, ALL)
    depths = [-drawn(creases, noseSneer_L=share).min() for share in (0.0, 0.2, 0.4, 0.6)]
    assert depths[0] == 0
    assert np.diff(depths).min() > 0


def test_lines_of_two_faces_differ_and_those_of_one_hardly_move(maps: ShadingMaps) -> None:
    def lines(phase: float) -> F32:
        return drawn(
            creases_of(maps, chart(phase), ALL * 0.05, ALL), browInnerUp_L=1.0, browOuterUp_L=1.0
        )

    first, again, other = lines(1.0), lines(1.05), lines(3.5)
    assert np.abs(first - other).mean() > 5 * np.abs(first - again).mean()
