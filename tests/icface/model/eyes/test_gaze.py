"""Eyeballs that turn, on eyes drawn with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.controls import EXPRESSIONS
from icface.face.landmarks import LEFT_EYE, RIGHT_EYE
from icface.model.eyes.eyeballs import eyeballs_of
from icface.model.eyes.gaze import Eyeball, turned_eyes
from icface.model.eyes.irises import BALL_CM, TO_SIDES_DEG
from icface.model.networks.neutralizer import GRID
from icface.model.surface.fine_crop import FINE_CROP_SIZE
from icface.model.surface.layers import FlowLayer

WIDTH, TALL, IRIS = 28.0, 11.0, 6.0
PER_CM = 8.0
PLAIN = np.full((FINE_CROP_SIZE, FINE_CROP_SIZE, 3), 128, np.uint8)


def face(*, tall: float = TALL) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Surface points, masks of skin and eyeball, and landmarks whose irises touch both lids."""
    ys, xs = np.mgrid[60:140, 40:200]
    source = np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)
    landmarks = np.full((478, 2), GRID / 2)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    eye = np.zeros(len(source), bool)
    for ring, x, outer, iris in ((LEFT_EYE, 150, 1, 473), (RIGHT_EYE, 80, -1, 468)):
        landmarks[list(ring)] = np.stack(
            [x + outer * WIDTH / 2 * np.cos(turn), 100 - tall / 2 * np.sin(turn)], 1
        )
        landmarks[iris : iris + 5] = [
            (x, 100),
            (x + IRIS, 100),
            (x, 100 - IRIS),
            (x - IRIS, 100),
            (x, 100 + IRIS),
        ]
        eye |= np.hypot((source[:, 0] - x) / WIDTH * 2, (source[:, 1] - 100) / tall * 2) < 1
    return source, (~eye, eye), landmarks


def eyeballs() -> tuple[Eyeball, ...]:
    return eyeballs_of(*face(), PER_CM, PLAIN)


def change(**channels: float) -> np.ndarray:
    row = np.zeros(len(EXPRESSIONS))
    for name, value in channels.items():
        row[EXPRESSIONS.index(name)] = value
    return row


def test_eyes_turn_where_they_look() -> None:
    left, right = eyeballs()
    assert (left.side, right.side) == ("L", "R")
    for eye, outwards in ((left, 1), (right, -1)):
        far = PER_CM * BALL_CM * np.sin(np.radians(TO_SIDES_DEG))
        assert eye.shift(change(**{f"eyeLookOut_{eye.side}": 1.0})) == pytest.approx(
            (outwards * far, 0)
        )
        assert eye.shift(change(**{f"eyeLookIn_{eye.side}": 1.0})) == pytest.approx(
            (-outwards * far, 0)
        )
        assert eye.shift(change(**{f"eyeLookUp_{eye.side}": 1.0}))[1] < -3
        assert eye.shift(change(**{f"eyeLookDown_{eye.side}": 1.0}))[1] > 3
        assert not eye.shift(change(eyeBlink_L=1.0, jawOpen=1.0)).any()


def test_an_iris_moves_as_a_whole_and_the_corners_stay() -> None:
    left = eyeballs()[0]
    shift = left.shift(change(eyeLookOut_L=0.7))
    around = IRIS * 0.6 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    assert left.turned_back(shift + around, shift) == pytest.approx(
        around, abs=0.6
    )  # a little narrower
    ends = np.array([[-WIDTH / 2, 0], [WIDTH / 2, 0]])
    assert left.turned_back(ends, shift) == pytest.approx(ends, abs=0.3)
    line = left.turned_back(np.stack([np.linspace(-14, 14, 57), np.zeros(57)], 1), shift)[:, 0]
    assert (np.diff(line) > 0).all()  # the white is squeezed and stretched, never folded


@given(
    x=st.floats(-13, 13),
    y=st.floats(-12, 12),
    across=st.floats(-1, 1),
    down=st.floats(-1, 1),
    right=st.booleans(),
)  # fmt: skip
def test_what_lids_hide_is_never_taken_from_their_skin(
    x: float, y: float, across: float, down: float, *, right: bool
) -> None:
    left = eyeballs()[0]
    shift = left.shift(change(eyeLookOut_L=across, eyeLookDown_L=down))
    there = left.found(left.turned_back(np.array([[x, y]]), shift), np.array([right]))[0]
    assert np.hypot(there[0, 0] / WIDTH * 2, there[0, 1] / TALL * 2) < 1


def test_what_the_photo_shows_is_not_looked_for_elsewhere() -> None:
    left = eyeballs()[0]
    assert not left.found(
        np.array([[0.0, 0.0], [3.0, 2.0], [-4.0, -1.0], [9.0, 1.0]]), np.ones(4, bool)
    )[1].any()
    assert left.found(np.array([[0.5, -7.0], [-1, 6.5], [20, 0]]), np.ones(3, bool))[1].all()


def test_the_shadow_and_lashes_along_a_lid_stay_with_it() -> None:
    left = eyeballs()[0]
    line = np.array([[x, y] for x in (-6.0, 0.0, 6.0) for y in (-4.0, 0.0, 4.0)])
    assert not left.uncovered(line, line, left.edges).any()  # lids and eye as they are
    together = np.array([0.0, 3.0])
    assert left.uncovered(line + together, line, left.edges + together) == pytest.approx(0)
    lifted = left.edges - np.array([[[0.0, 4.0]], [[0.0, 0.0]]])
    assert left.uncovered(np.array([[0.0, -5.0]]), np.array([[0.0, -5.0]]), lifted) == 1
    assert left.uncovered(np.array([[0.0, -9.0]]), np.array([[0.0, -5.0]]), lifted) == 0


def test_an_iris_that_is_uncovered_is_as_dark_as_the_rest_of_its_circle() -> None:
    left = eyeballs()[0]
    hidden = np.array(
        [[x, -IRIS * 0.97 * np.sqrt(1 - (x / IRIS) ** 2)] for x in (-2.0, -1.0, 1.0, 2.0)]
    )
    there = left.found(hidden, hidden[:, 0] > 0)[0]
    assert np.hypot(*there.T) == pytest.approx(np.hypot(*hidden.T), abs=1e-6)


def coverage(layer: FlowLayer) -> np.ndarray:
    """Coverage of each pixel by a layer of an eye."""
    assert layer.coverage is not None
    return layer.coverage


def test_only_the_moved_eye_is_drawn_and_only_between_its_lids() -> None:
    source = face()[0]
    assert (
        turned_eyes(eyeballs(), source, change(jawOpen=1.0, browDown_L=1.0, eyeBlink_L=0.5)) == ()
    )
    layers = turned_eyes(eyeballs(), source, change(eyeLookOut_L=0.8))
    flow, mask = layers[0].flow, coverage(layers[0])
    assert not flow[:, :115].any()
    assert not mask[:, :115].any()
    ys, xs = np.nonzero(mask)
    assert (np.hypot((xs - 150) / (WIDTH / 2 + 1.5), (ys - 100) / (TALL / 2 + 1.5)) < 1).all()
    assert mask[100, 150] == 1
    at = (100, round(150 + left_shift(0.8)))
    assert flow[at] == pytest.approx((-left_shift(0.8), 0), abs=0.5)


def left_shift(out: float) -> float:
    return float(eyeballs()[0].shift(change(eyeLookOut_L=out))[0])


def test_a_wider_eye_shows_more_of_itself() -> None:
    source, (skin, _), _ = face()
    moved = source.copy()
    above = skin & (source[:, 1] < 100)
    moved[above, 1] -= 4
    layers = turned_eyes(eyeballs(), moved, change(eyeWide_L=1.0))
    assert coverage(layers[0])[92, 150] == 1  # skin in the photo
    flow = layers[0].flow[92, 150]
    there = np.array([150, 92]) + flow
    assert np.hypot((there[0] - 150) / WIDTH * 2, (there[1] - 100) / TALL * 2) < 1
    assert len(layers) == 2  # above the pupil one side leads over into the other
    assert 0 < coverage(layers[1])[92, 150] < 1


def test_eyes_that_have_turned_go_with_the_head() -> None:
    source = face()[0]
    angle, pivot = np.radians(15), np.array([128.0, 128.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (source - pivot) @ turn.T + pivot
    look = change(eyeLookOut_L=0.8)
    straight = turned_eyes(eyeballs(), source, look)[0].flow
    turned = turned_eyes(eyeballs(), moved, look)[0].flow
    at = np.array([150.0, 100.0])
    to = np.rint((at - pivot) @ turn.T + pivot).astype(int)
    back = (to - pivot) @ turn + pivot  # where that pixel was, beside `at` by less than one
    there = to + turned[to[1], to[0]]
    assert there == pytest.approx(back + straight[100, 150], abs=0.8)


def test_a_small_look_changes_little() -> None:
    layer = turned_eyes(eyeballs(), face()[0], change(eyeLookOut_L=0.05))[0]
    flow, mask = layer.flow, coverage(layer)
    assert np.abs(flow[mask > 0.5]).max() < 0.5


def test_a_look_begins_gently() -> None:
    source = face()[0]
    shares = [
        coverage(turned_eyes(eyeballs(), source, change(eyeLookUp_L=v))[0]).max()
        for v in (0.01, 0.03, 0.06, 1.0)
    ]
    assert 0 < shares[0] < 0.2 < shares[1] < 0.6
    assert shares[2:] == [1, 1]


def test_closed_or_missing_eyes_have_no_eyeball() -> None:
    source, (skin, eye), landmarks = face()
    assert eyeballs_of(source, (skin, np.zeros_like(eye)), landmarks, PER_CM, PLAIN) == ()
    assert eyeballs_of(source, (np.zeros_like(skin), eye), landmarks, PER_CM, PLAIN) == ()
    landmarks[473:478] += 40  # a point beside the eye is no iris
    assert [found.side for found in eyeballs_of(source, (skin, eye), landmarks, PER_CM, PLAIN)] == [
        "R"
    ]
