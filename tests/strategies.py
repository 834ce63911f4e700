"""Hypothesis strategies for the values of the document."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from icface.document import Clip, Driver, Face, Project, Source
from icface.face.controls import (
    ANGLE_LIMIT_DEG,
    CONTROL_IDS,
    EXPRESSIONS,
    ControlVector,
    control_range,
)
from icface.face.geometry import Box
from icface.face.landmarks import N_LANDMARKS
from icface.motion.motion import Motion

ANGLES_DEG = {name: st.floats(-limit, limit) for name, limit in ANGLE_LIMIT_DEG.items()}


def control_vectors() -> st.SearchStrategy[ControlVector]:
    """Any state of a face within its limits: some channels set, the others at rest."""
    channels = st.dictionaries(st.sampled_from(EXPRESSIONS), st.floats(0, 1), max_size=12)
    return st.builds(
        lambda angles, moved: ControlVector.of({**angles, **moved}),
        st.fixed_dictionaries(ANGLES_DEG),
        channels,
    )


def control_values() -> st.SearchStrategy[tuple[str, float]]:
    """A control id and a value within its range."""
    return st.sampled_from(CONTROL_IDS).flatmap(
        lambda i: st.tuples(st.just(i), st.floats(*control_range(i)))
    )


def a_face(seed: int = 0, controls: ControlVector | None = None) -> Face:
    """A face of scattered landmarks in a picture of 100 x 100."""
    landmarks = np.random.default_rng(seed).uniform(20, 80, (N_LANDMARKS, 3)).astype(np.float32)
    return Face(Box.around(landmarks), landmarks, controls or ControlVector(), 0.9)


def a_project(*states: ControlVector) -> Project:
    """A document with one face of each state, the first of them chosen."""
    from icface.document.edits import open_source

    faces = [a_face(seed, state) for seed, state in enumerate(states)]
    return open_source(Project(), Source("portrait.png", "d1", 100, 100), faces)


def projects() -> st.SearchStrategy[Project]:
    """Documents with one to three faces that nobody has edited."""
    return st.lists(control_vectors(), min_size=1, max_size=3).map(
        lambda states: a_project(*states)
    )


def a_motion(
    states: Sequence[ControlVector | None],
    *,
    rate: int = 25,
    seed: int = 0,
    cuts: Sequence[int] = (),
) -> Motion:
    """A face with scattered landmarks in the given states, by frame.

    None where it is not visible.
    """
    seen = [None if state is None else a_face(seed, state).observation() for state in states]
    times = [frame / rate for frame in range(len(states))]
    return Motion.of_observations(seen, times, rate=Fraction(rate), cuts=cuts, origin="test")


def a_ramp(control: str, values: Sequence[float | None], *, rate: int = 25) -> Motion:
    """A motion in which one channel or angle takes the given values."""
    return a_motion(
        [None if value is None else ControlVector.of({control: value}) for value in values],
        rate=rate,
    )


def a_clip(n_frames: int, *, rate: int = 25, name: str = "clip.mp4") -> Clip:
    """A clip of 100 x 100 pixels with sound."""
    fps = Fraction(rate)
    seconds = float(n_frames / fps)
    return Clip(
        path=name,
        digest=name,
        width=100,
        height=100,
        rate=fps,
        n_frames=n_frames,
        duration_s=seconds,
        has_sound=True,
    )


def a_driver(name: str, motion: Motion, *, smoothing: float = 0.0) -> Driver:
    """A tracked clip as a source, taken as it was read."""
    return Driver(
        name=name,
        medium=a_clip(len(motion), name=f"{name}.mp4"),
        motion=motion,
        smoothing=smoothing,
    )


def a_clip_project(*motions: Motion) -> Project:
    """A document that edits a clip's own faces, each with its motion."""
    from icface.document.edits import open_source

    return open_source(
        Project(), a_clip(len(motions[0])), [Face.of_motion(motion) for motion in motions]
    )
