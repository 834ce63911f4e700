from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.document.curves import (
    EASE,
    MOST_FRAME,
    Blend,
    CurveError,
    Interpolation,
    Key,
    Track,
    control_points,
    moved_keys,
    smooth_handles,
)

SIDES: tuple[Interpolation, ...] = ("linear", "ease", "bezier")


def keys(*, handles: bool = True) -> st.SearchStrategy[Key]:
    return st.builds(
        Key,
        frame=st.integers(0, 500),
        value=st.floats(-50, 50),
        interpolation_in=st.sampled_from(SIDES if handles else SIDES[:2]),
        interpolation_out=st.sampled_from(("hold", *SIDES) if handles else ("hold", *SIDES[:2])),
        left_handle=st.tuples(st.floats(-300, 0), st.floats(-90, 90)),
        right_handle=st.tuples(st.floats(0, 300), st.floats(-90, 90)),
    )


def tracks(*, handles: bool = True) -> st.SearchStrategy[Track]:
    several = st.lists(keys(handles=handles), min_size=1, max_size=8)
    return several.map(lambda some: Track.of("AU12L", some))


def values_between(first: Key, second: Key, frames: NDArray[np.float64]) -> NDArray[np.float64]:
    return Track("AU12L", (first, second)).values(frames)


@given(tracks())
def test_a_curve_passes_through_its_keys_exactly(track: Track) -> None:
    assert track.values(np.array(track.frames)).tolist() == [key.value for key in track.keys]
    assert [track.value(key.frame) for key in track.keys] == [key.value for key in track.keys]


@given(tracks(handles=False))
def test_without_handles_a_curve_stays_within_each_gap_and_is_monotone(
    track: Track,
) -> None:
    for first, second in pairwise(track.keys):
        frames = np.linspace(first.frame, second.frame, 23)[1:-1]
        values = values_between(first, second, frames)
        low, high = sorted((first.value, second.value))
        assert (values >= low - 1e-9).all()
        assert (values <= high + 1e-9).all()
        steps = np.diff(values)
        assert (steps >= -1e-6).all() or (steps <= 1e-6).all()


@given(tracks())
def test_a_curve_stays_in_the_hull_of_its_handles(track: Track) -> None:
    for first, second in pairwise(track.keys):
        if first.interpolation_out != "hold":
            x, y = control_points(first, second).T
            assert first.frame <= x.min()
            assert x.max() <= second.frame + 1e-9
            values = values_between(first, second, np.linspace(first.frame, second.frame, 17))
            assert (values >= y.min() - 1e-9).all()
            assert (values <= y.max() + 1e-9).all()


@given(tracks(), st.integers(0, 500))
def test_one_frame_is_evaluated_as_many_are(track: Track, frame: int) -> None:
    assert track.value(frame) == track.values(np.arange(501))[frame]


@given(tracks())
def test_beyond_its_keys_a_track_holds_or_rests(track: Track) -> None:
    beyond = np.array([track.frames[0] - 1, track.frames[-1] + 1])
    assert track.values(beyond).tolist() == [track.keys[0].value, track.keys[-1].value]
    resting = Track(track.target, track.keys, extrapolation="rest")
    assert np.isnan(resting.values(beyond)).all()
    assert resting.value(track.frames[-1] + 1) is None
    assert resting.value(track.frames[-1]) == track.keys[-1].value


def test_a_hold_keeps_its_value_until_the_next_key() -> None:
    track = Track.of(
        "yaw",
        [
            Key(frame=0, value=1, interpolation_out="hold"),
            Key(frame=10, value=5, interpolation_in="linear"),
        ],
    )
    assert track.values(np.array([0, 5, 9, 9.99, 10])).tolist() == [1, 1, 1, 1, 5]


def test_linear_is_straight_and_ease_is_slow_at_both_ends() -> None:
    straight = Track.of(
        "yaw",
        [
            Key(frame=0, value=0, interpolation_out="linear"),
            Key(frame=10, value=20, interpolation_in="linear"),
        ],
    )
    assert straight.values(np.arange(11)).tolist() == [2.0 * f for f in range(11)]
    eased = Track.of("yaw", [Key(frame=0, value=0), Key(frame=10, value=20)]).values(np.arange(11))
    assert eased[5] == pytest.approx(10)
    assert eased[1] < 1
    assert eased[9] > 19


def test_ease_is_that_of_css() -> None:
    points = control_points(Key(frame=0, value=0), Key(frame=100, value=1))
    assert points.tolist() == [[0, 0], [100 * EASE, 0], [100 - 100 * EASE, 1], [100, 1]]


def test_a_handle_beyond_its_gap_is_shortened_in_its_direction() -> None:
    first = Key(frame=0, value=0, interpolation_out="bezier", right_handle=(20.0, 10.0))
    assert control_points(first, Key(frame=10, value=0))[1].tolist() == [10, 5]


def test_an_upright_handle_makes_a_curve_all_the_same() -> None:
    first = Key(frame=0, value=0, interpolation_out="bezier", right_handle=(0.0, 4.0))
    assert np.isfinite(
        values_between(first, Key(frame=10, value=0, interpolation_in="linear"), np.arange(1.0, 10))
    ).all()


def test_overshoot_happens_where_a_handle_asks_for_it() -> None:
    first = Key(frame=0, value=0, interpolation_out="bezier", right_handle=(4.0, 3.0))
    assert values_between(first, Key(frame=10, value=0), np.arange(1.0, 10)).max() > 0.5


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.floats(-9, 9)),
        min_size=2,
        max_size=9,
        unique_by=lambda pair: pair[0],
    )
)
def test_smooth_handles_overshoot_no_key(points: list[tuple[int, float]]) -> None:
    plain = Track.of("yaw", [Key(frame=f, value=v) for f, v in points]).keys
    made = []
    for place, key in enumerate(plain):
        left, right = smooth_handles(plain, place)
        made.append(
            Key(
                frame=key.frame,
                value=key.value,
                interpolation_in="bezier",
                interpolation_out="bezier",
                left_handle=left,
                right_handle=right,
            )
        )
    for first, second in pairwise(made):
        values = values_between(first, second, np.linspace(first.frame, second.frame, 21))
        low, high = sorted((first.value, second.value))
        assert (values >= low - 1e-6).all()
        assert (values <= high + 1e-6).all()


def test_smooth_handles_follow_a_slope_and_are_level_on_a_peak() -> None:
    rising = tuple(Key(frame=3 * f, value=float(f)) for f in range(3))
    assert smooth_handles(rising, 1) == ((-1, pytest.approx(-1 / 3)), (1, pytest.approx(1 / 3)))
    assert smooth_handles(rising, 0) == ((0, 0), (1, 0))
    peak = (Key(frame=0, value=0), Key(frame=3, value=1), Key(frame=6, value=0))
    assert smooth_handles(peak, 1) == ((-1, 0), (1, 0))


@pytest.mark.parametrize("sign", [1, -1])
def test_smooth_handles_take_the_harmonic_mean_slope_over_a_third_of_gaps(
    sign: int,
) -> None:
    points = ((0, 0.0), (6, 3.0), (9, 6.0), (15, 6.0), (18, 9.0))  # slopes 1/2, 1, 0, 1
    some = tuple(Key(frame=frame, value=sign * value) for frame, value in points)
    slope = sign * 2 / 3
    assert smooth_handles(some, 0) == ((0, 0), (2, 0))
    assert smooth_handles(some, 1) == (pytest.approx((-2, -2 * slope)), pytest.approx((1, slope)))
    assert smooth_handles(some, 2) == ((-1, 0), (2, 0))
    assert smooth_handles(some, 3) == ((-2, 0), (1, 0))
    assert smooth_handles(some, 4) == ((-1, 0), (0, 0))
    assert smooth_handles(some[:2], 0) == ((0, 0), (2, 0))
    assert smooth_handles(some[:1], 0) == ((0, 0), (0, 0))


def bisected(first: Key, second: Key, frame: float) -> float:
    """The curve's value at a frame, by halving alone: slow and sure."""
    points = control_points(first, second)
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if bernstein(points, middle)[0] < frame else (low, middle)
    return float(bernstein(points, low)[1])


def bernstein(points: NDArray[np.float64], t: float) -> NDArray[np.float64]:
    shares = np.array([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return np.asarray(shares @ points)


@pytest.mark.parametrize("start", [0, 40])
@pytest.mark.parametrize(
    ("leaves", "comes", "near"),
    [
        ((3.0, 9.0), (-4.0, -2.0), 1e-9),
        ((0.0, 5.0), (-11.0, 3.0), 1e-9),
        ((0.5, -60.0), (-0.5, 60.0), 1e-7),
        ((11.9, 1.0), (-11.9, -1.0), 1e-4),
        (
            (12.0, 0.0),
            (-12.0, 0.0),
            1e-3,
        ),  # upright in the middle, where Newton's steps are of no use
        ((0.0, 0.0), (0.0, 0.0), 1e-9),
    ],
)
def test_a_curve_is_where_halving_finds_it(
    start: int, leaves: tuple[float, float], comes: tuple[float, float], near: float
) -> None:
    first = Key(frame=start, value=-3, interpolation_out="bezier", right_handle=leaves)
    second = Key(frame=start + 12, value=7, interpolation_in="bezier", left_handle=comes)
    frames = start + np.array([0.001, 0.3, 1, 2.5, 5, 5.9, 5.999, 6.001, 6.2, 7, 9.75, 11, 11.999])
    together = values_between(first, second, frames)
    assert together == pytest.approx(
        [bisected(first, second, frame) for frame in frames], abs=near * 10
    )
    assert together.tolist() == [
        float(values_between(first, second, np.array([frame]))[0]) for frame in frames
    ]


def test_of_two_keys_on_a_frame_the_later_given_counts() -> None:
    track = Track.of("yaw", [Key(frame=5, value=1), Key(frame=2, value=3), Key(frame=5, value=2)])
    assert [(key.frame, key.value) for key in track.keys] == [(2, 3), (5, 2)]
    assert track.key_at(5) == Key(frame=5, value=2)
    assert track.key_at(4) is None
    assert track.key_at(6) is None


def test_a_track_with_other_keys_keeps_its_ways_and_vanishes_without_any() -> None:
    track = Track("yaw", (Key(frame=1, value=1),), mode="absolute", muted=True)
    assert track.with_keys(track.keys) is track
    assert track.with_keys([Key(frame=2, value=0)]) == Track(
        "yaw", (Key(frame=2, value=0),), mode="absolute", muted=True
    )
    assert track.with_keys([]) is None


def test_a_moved_key_takes_its_handles_along() -> None:
    key = Key(frame=4, value=1, right_handle=(2.0, 1.0))
    assert key.moved(3, -0.5) == Key(frame=7, value=0.5, right_handle=(2.0, 1.0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"frame": -1}, "from 0 to 100000000, not on -1"),
        ({"frame": 1.5}, "not on 1.5"),
        ({"frame": True}, "not on True"),
        ({"value": float("nan")}, "frame 3 has the value nan"),
        ({"interpolation_in": "hold"}, "holds to the left"),
        ({"left_handle": (1.0, 0.0)}, "points the wrong way"),
        ({"right_handle": (-1.0, 0.0)}, "points the wrong way"),
        ({"right_handle": (1.0, float("inf"))}, "no finite place"),
    ],
)
def test_keys_that_make_no_curve_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CurveError, match=message):
        Key(**{"frame": 3, "value": 0.0} | changed)


@pytest.mark.parametrize("frames", [[], [2, 1], [3, 3]])
def test_a_track_has_keys_in_order(frames: list[int]) -> None:
    with pytest.raises(CurveError, match="yaw"):
        Track("yaw", tuple(Key(frame=f, value=0) for f in frames))


@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 20), st.integers(0, 20))
def test_a_blend_is_nothing_outside_and_full_in_the_middle(
    first: int, length: int, fade_in: int, fade_out: int
) -> None:
    last = first + length + fade_in + fade_out
    blend = Blend(first=first, last=last, fade_in=fade_in, fade_out=fade_out)
    weights = blend.weights(np.arange(-1, last + 3))
    assert weights[: first + 1].tolist() == [0] * (first + 1)
    assert weights[-2:].tolist() == [0, 0]
    inside = weights[first + 1 : -2]
    assert (inside > 0).all()
    assert inside[fade_in : len(inside) - fade_out].tolist() == [1] * (
        len(inside) - fade_in - fade_out
    )
    assert (np.diff(inside[: fade_in + 1]) > 0).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((5, 4, 0, 0), "not from 5 to 4"),
        ((0, 4, 3, 3), "do not fit into 5"),
        ((0, 4, -1, 0), "do not fit into 5"),
    ],
)
def test_a_blend_needs_room(values: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(CurveError, match=message):
        Blend(first=values[0], last=values[1], fade_in=values[2], fade_out=values[3])


@given(st.lists(keys(), max_size=6), st.integers(-20, 50), st.floats(-5, 5))
def test_many_keys_are_moved_as_each_of_them_would_be(
    some: list[Key], frames: int, value: float
) -> None:
    if any(key.frame + frames < 0 for key in some):
        with pytest.raises(CurveError, match="stands on a frame"):
            moved_keys(some, frames, value)
        return
    moved = moved_keys(some, frames, value)
    assert moved == [key.moved(frames, value) for key in some]
    assert [hash(key) for key in moved] == [hash(key.moved(frames, value)) for key in some]


def test_keys_are_not_moved_to_no_number() -> None:
    with pytest.raises(CurveError, match="finite"):
        moved_keys([Key(frame=0, value=1.0)], 1, float("inf"))
    with pytest.raises(CurveError, match="finite"):
        moved_keys([Key(frame=0, value=1.7e308)], 1, 1.7e308)


@pytest.mark.parametrize(
    ("stands", "furthest_back", "furthest_on"),
    [
        ((2, 10), -2, MOST_FRAME - 10),
        ((0, 10), 0, MOST_FRAME - 10),
        ((3, MOST_FRAME - 2), -3, 2),
        ((5, MOST_FRAME), -5, 0),
    ],
)
def test_keys_are_moved_to_the_first_and_the_last_frame_and_not_beyond(
    stands: tuple[int, int], furthest_back: int, furthest_on: int
) -> None:
    some = [Key(frame=frame, value=1) for frame in stands]
    assert moved_keys(some, furthest_back)[0].frame == 0
    assert moved_keys(some, furthest_on)[1].frame == MOST_FRAME
    for frames in (furthest_back - 1, furthest_on + 1):
        with pytest.raises(CurveError, match=f"from 0 to {MOST_FRAME}"):
            moved_keys(some, frames)
    assert moved_keys([], 3) == []


def test_a_key_needs_a_valid_frame_and_its_handles_begin_at_zero() -> None:
    for frame in (0, MOST_FRAME):
        key = Key(frame=frame, value=0)
        assert (key.left_handle, key.right_handle) == ((0.0, 0.0), (0.0, 0.0))
    for frame in (-1, MOST_FRAME + 1, True, 1.0):
        with pytest.raises(CurveError, match="stands on a frame"):
            Key(frame=frame, value=0)  # type: ignore[arg-type]
    upright = Key(frame=1, value=0, left_handle=(0.0, 5.0), right_handle=(0.0, -5.0))
    assert upright.moved(2).right_handle == (0.0, -5.0)
