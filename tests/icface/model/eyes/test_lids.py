"""Eyelids that meet, on an eye drawn with a pencil."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.landmarks import BROW_EDGES, EYES, IRISES, LEFT_EYE, RIGHT_EYE
from icface.model.eyes.lids import Lid, closing, fit_lid, lids_move, outline_eyes, share_of_widening
from icface.model.networks.neutralizer import GRID, WINDOW, Part

WIDTH, TALL = 28.0, 10.0


def almond(*, tall: float = TALL) -> np.ndarray:
    """A contour of 16 points about (100, 100), from the outer corner over the upper lid."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([100 + WIDTH / 2 * np.cos(turn), 100 - tall / 2 * np.sin(turn)], 1)


def grid() -> np.ndarray:
    ys, xs = np.mgrid[60:140, 60:140]
    return np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)


BROW = np.stack([np.linspace(88, 112, 5), np.full(5, 100 - TALL / 2 - 12)], 1)


def lid(*, closed: float = 0.0, tall: float = TALL) -> Lid:
    found = fit_lid(grid(), np.ones(80 * 80, bool), almond(tall=tall), BROW, closed=closed)
    assert found is not None
    return found


def at(values: np.ndarray, x: int, y: int) -> float:
    return float(values[(y - 60) * 80 + x - 60])


def test_the_upper_lid_falls_onto_the_lower_one_that_rises_a_little() -> None:
    fitted = lid()
    for x in (92, 100, 108):
        half = TALL / 2 * np.sqrt(1 - ((x - 100) / (WIDTH / 2)) ** 2)
        upper, lower = int(np.floor(100 - half)), int(np.ceil(100 + half))
        rise = at(fitted.risen * fitted.rise, x, lower)
        assert rise == pytest.approx(0.12 * 2 * half, abs=0.4)
        assert at(fitted.share * fitted.drop, x, upper) + rise == pytest.approx(
            2 * half + 1.8, abs=1.3
        )  # and a little beyond


def test_the_brow_and_the_cheek_stay() -> None:
    fitted = lid()
    assert at(fitted.share * fitted.drop, 100, int(BROW[0, 1]) - 1) < 0.2
    assert at(fitted.share * fitted.drop, 100, 100 + int(TALL)) == 0
    assert at(fitted.risen, 100, 100 + int(TALL / 2 + 0.3 * WIDTH) + 1) == 0
    assert fitted.risen[grid()[:, 1] < 100].max() == 0


def test_skin_is_stretched_and_never_folded() -> None:
    column = [at(lid().share * lid().drop, 100, y) for y in range(70, 95)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(column))


def test_what_is_left_of_the_slider_does_what_is_left_to_close() -> None:
    assert at(lid(closed=0.5).drop, 100, 94) == pytest.approx(2 * at(lid().drop, 100, 94))


def test_a_closed_eye_has_nothing_to_close() -> None:
    assert fit_lid(grid(), np.ones(80 * 80, bool), almond(tall=0.6), BROW, closed=0.9) is None


def test_the_other_eye_is_out_of_reach() -> None:
    far = grid() + np.array([60, 0])
    found = fit_lid(far, np.ones(len(far), bool), almond(), BROW, closed=0.0)
    assert found is not None
    assert found.share[far[:, 0] > 130].max() == 0


def test_a_brow_leaves_the_lashes_where_the_eye_is() -> None:
    release = lid().release
    assert at(release, 100, 94) == 0
    assert at(release, 100, 80) > 0.9


def test_exactly_what_lies_in_the_contours_is_eye() -> None:
    landmarks = np.full((478, 2), GRID / 2)
    landmarks[list(LEFT_EYE)] = almond() + np.array([30, 20])
    landmarks[list(RIGHT_EYE)] = almond() + np.array([-10, 20])
    part = np.full((WINDOW, WINDOW), int(Part.SKIN))
    part[:10] = Part.EYE
    part[-10:] = Part.BACKGROUND
    outlined = outline_eyes(part, landmarks)
    assert (outlined[:10] == Part.SKIN).all()
    assert (outlined[-10:] == Part.BACKGROUND).all()
    area = np.pi / 4 * WIDTH * TALL
    assert (outlined == Part.EYE).sum() == pytest.approx(2 * area, rel=0.06)


def look(down: float, blink: float, shut: float = 0.0, follows: float = 0.6) -> float:
    """Fall of the left upper lid, of an eye that was closed this far."""
    change = np.zeros(len(EXPRESSIONS))
    change[EXPRESSIONS.index("eyeLookDown_L")], change[EXPRESSIONS.index("eyeBlink_L")] = (
        down,
        blink,
    )
    moves = lids_move(ControlVector.of({"eyeBlink_L": shut}), change, {"L": follows})
    assert moves[EXPRESSIONS.index("eyeLookDown_L")] == down
    assert moves[EXPRESSIONS.index("eyeBlink_R")] == 0
    return float(moves[EXPRESSIONS.index("eyeBlink_L")])


def test_an_upper_lid_follows_a_look_down_to_the_lower_lid_at_most() -> None:
    assert look(1.0, 0.0) == pytest.approx(0.6)
    assert look(0.5, 0.0) == pytest.approx(0.3)
    assert look(-0.5, 0.0) == pytest.approx(-0.3)
    assert look(0.0, 0.4) == closing(0.0, 0.4)
    steps = [look(1.0, blink) for blink in np.linspace(0, 1, 6)]
    assert all(later >= earlier for earlier, later in pairwise(steps))
    assert steps[-1] == 1
    assert look(1.0, 0.0, shut=0.5) == pytest.approx(0.3)


def test_a_look_down_moves_no_skin_above_the_eye_by_itself() -> None:
    above = lid().above
    assert at(above, 100, 85) == at(above, 100, 94) == 1
    assert at(above, 100, 107) == 0


def test_lids_meet_before_the_slider_ends_and_open_as_they_are_asked() -> None:
    assert closing(0.0, 0.4) == pytest.approx(0.5)
    assert closing(0.0, 1.0) == 1.0
    assert closing(0.4, 0.6) == pytest.approx(0.6)
    assert closing(0.5, -0.3) == -0.3
    assert closing(0.0, 0.0) == 0.0


def test_a_widened_lid_rises_to_the_edge_of_the_iris_and_no_farther() -> None:
    ys, xs = np.mgrid[60:140, 100:200]
    source = np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)
    skin = np.abs(source[:, 1] - 100) > 5
    points = np.full((478, 2), 100.0)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    points[list(EYES["L"])] = np.stack([150 + 14 * np.cos(turn), 100 - 5 * np.sin(turn)], 1)
    points[list(IRISES["L"])] = [(150, 100), (156, 100), (150, 94), (144, 100), (150, 106)]
    points[list(BROW_EDGES["L"])] = [(150 + x, 76) for x in (-12, -6, 0, 6, 12)]
    brow = points[list(BROW_EDGES["L"])]
    lid = fit_lid(source, skin, points[list(EYES["L"])], brow, closed=0.0)
    assert lid is not None

    def lid_top(rise: float) -> float:
        """Row of the middle of the widened upper lid, at this much asked movement."""
        asked = np.where(source[:, 1] < 100, rise, 0.0)
        share = share_of_widening(lid, asked, source, skin, points, "L")
        at = np.hypot(*(source - (150, 94)).T).argmin()
        return 94 - float(share[at]) * rise

    iris_top = 100 - 6
    assert lid_top(0.0) == 94
    assert lid_top(1.0) < 94
    assert lid_top(6.0) > iris_top - 3
