"""Smoothed readings: less jitter, the same movements, cuts and gaps apart, bounded memory."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.document import Face, Project, edits
from icface.face.geometry import Box
from icface.jobs import run_to_end
from icface.motion.motion import Motion
from icface.rendering import stabilising as steady
from icface.rendering.stabilising import steadied, steady_motion
from tests.faces import observation_in
from tests.strategies import a_clip

RATE = 25


def trembling(
    count: int,
    *,
    speed: float = 0.0,
    noise: float = 0.5,
    missing: tuple[int, ...] = (),
    cuts: tuple[int, ...] = (),
) -> tuple[Motion, NDArray[np.float64]]:
    """A noisy face that moves right by `speed` pixels a frame, and its true points."""
    rng = np.random.default_rng(3)
    still = observation_in(Box(100, 100, 200, 200)).landmarks.astype(np.float64)
    true = still + np.array([1, 0, 0]) * (speed * np.arange(count))[:, None, None]
    noisy = (true + rng.normal(0, noise, true.shape)).astype(np.float32)
    seen = [
        None
        if n in missing
        else replace(observation_in(Box(100, 100, 200, 200)), landmarks=noisy[n])
        for n in range(count)
    ]
    return Motion.of_observations(
        seen, np.arange(count) / RATE, rate=Fraction(RATE), cuts=cuts
    ), true


@pytest.mark.parametrize("speed", [0.0, 2.0])
def test_points_tremble_less_and_move_as_before(speed: float) -> None:
    motion, true = trembling(60, speed=speed)
    smooth = run_to_end(steady_motion(motion))
    assert motion.landmarks is not None
    assert smooth.landmarks is not None
    before, after = (
        np.abs(np.diff(lm.astype(np.float64), n=2, axis=0)).mean()
        for lm in (motion.landmarks, smooth.landmarks)
    )
    assert after < before / 2
    middle = slice(10, 50)
    off = (smooth.landmarks[middle] - true[middle]).mean((0, 1))
    assert np.abs(off).max() < 0.1  # nothing lags


def test_nothing_is_carried_over_a_cut_and_gaps_stay() -> None:
    motion, _ = trembling(40, missing=(12, 13), cuts=(20,))
    assert motion.landmarks is not None
    jumped = motion.landmarks.copy()
    jumped[20:] += 300
    smooth = run_to_end(steady_motion(replace(motion, landmarks=jumped)))
    assert smooth.landmarks is not None
    assert np.isnan(smooth.landmarks[[12, 13]]).all()
    assert np.isfinite(np.delete(smooth.landmarks, [12, 13], axis=0)).all()
    assert np.abs(smooth.landmarks[19] - jumped[19]).max() < 3
    assert np.abs(smooth.landmarks[20] - jumped[20]).max() < 3


def test_chunks_make_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    motion, _ = trembling(150, speed=0.5)
    whole = run_to_end(steady_motion(motion))
    monkeypatch.setattr(steady, "CHUNK", 60)
    monkeypatch.setattr(steady, "IN_MEMORY_BYTES", 0)
    pieces = run_to_end(steady_motion(motion))
    assert isinstance(pieces.landmarks, np.memmap)
    assert whole.landmarks is not None
    assert np.abs(whole.landmarks - pieces.landmarks).max() < 0.01


def test_faces_that_nobody_edits_stay_as_they_are() -> None:
    motion, _ = trembling(5)
    project = edits.open_source(
        Project(), a_clip(5), [Face.of_motion(motion), Face.of_motion(motion)]
    )
    assert run_to_end(steadied(project)) is project
    edited = edits.set_control(project, "AU12L", 0.5)
    calm = run_to_end(steadied(edited))
    assert calm.faces[1] is edited.faces[1]
    assert calm.faces[0].motion != edited.faces[0].motion
    assert run_to_end(steadied(edited, 0.0)) is edited
