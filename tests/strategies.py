"""Hypothesis strategies for the values of the document."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from icface.controls import ANGLE_LIMIT_DEG, CONTROL_IDS, EXPRESSIONS, ControlVector, control_range
from icface.geometry import Box
from icface.project import Face, Project, Source
from icface.tracking import N_LANDMARKS

ANGLES_DEG = {name: st.floats(-limit, limit) for name, limit in ANGLE_LIMIT_DEG.items()}


def control_vectors() -> st.SearchStrategy[ControlVector]:
    """Any state of a face within its limits: some channels set, the others at rest."""
    channels = st.dictionaries(st.sampled_from(EXPRESSIONS), st.floats(0, 1), max_size=12)
    return st.builds(lambda angles, moved: ControlVector.of({**angles, **moved}), st.fixed_dictionaries(ANGLES_DEG), channels)


def control_values() -> st.SearchStrategy[tuple[str, float]]:
    """A control id and a value within its range."""
    return st.sampled_from(CONTROL_IDS).flatmap(lambda i: st.tuples(st.just(i), st.floats(*control_range(i))))


def a_face(seed: int = 0, controls: ControlVector | None = None) -> Face:
    """A face of scattered landmarks in a picture of 100 x 100."""
    landmarks = np.random.default_rng(seed).uniform(20, 80, (N_LANDMARKS, 3)).astype(np.float32)
    return Face(Box.around(landmarks), landmarks, controls or ControlVector(), 0.9)


def a_project(*states: ControlVector) -> Project:
    """A document with one face of each state, the first of them chosen."""
    from icface.edits import open_source

    faces = [a_face(seed, state) for seed, state in enumerate(states)]
    return open_source(Project(), Source("portrait.png", "d1", 100, 100), faces)


def projects() -> st.SearchStrategy[Project]:
    """Documents with one to three faces that nobody has edited."""
    return st.lists(control_vectors(), min_size=1, max_size=3).map(lambda states: a_project(*states))
