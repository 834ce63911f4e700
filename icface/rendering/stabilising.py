"""Readings of a clip's own faces, smoothed so that a constant edit looks constant.

A tracker's points and controls jitter by a fraction of a pixel from frame to frame. Each frame of a
clip is encoded at its points, so an edit would jitter along with them. They are smoothed with the
filter of `icface.motion.conditioning`, which has no lag and lets quick movements through; a speed
of one is a face's width a second.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from icface.document import Face, Project
from icface.motion.conditioning import low_passed, shots, smoothed
from icface.motion.motion import Motion
from icface.system.scratch import Rows

STRENGTH = 0.7
"""Strength of the smoothing, 0 to 1: it removes part of an edit's jitter (of a smile a fifth to a
half, of a turn about half) and leaves the movements of speech."""
CHUNK = 128
"""Frames that are smoothed at a time."""
MARGIN = 48
"""Frames on both sides of a chunk that are smoothed along with it and discarded: the reach of the
filter."""
IN_MEMORY_BYTES = 64_000_000
"""Landmarks beyond this size go to a file while they are smoothed."""


def steadied(project: Project, strength: float = STRENGTH) -> Generator[None, None, Project]:
    """A job: the document with smoothed readings of its edited faces; yields now and then.

    Faces of a photo and unedited faces of a clip stay as they are, and so does a document that has
    no others.

    Parameters
    ----------
    project : Project
    strength : float
        0 (nothing is smoothed) to 1.
    """
    faces: list[Face] = []
    for face, edits in zip(project.faces, project.edits, strict=True):
        if face.motion is None or not edits.changes_something or strength == 0:
            faces.append(face)
            continue
        motion = yield from steady_motion(face.motion, strength)
        faces.append(Face.of_motion(motion))
    if all(new is old for new, old in zip(faces, project.faces, strict=True)):
        return project
    return replace(project, faces=tuple(faces))


def steady_motion(motion: Motion, strength: float = STRENGTH) -> Generator[None, None, Motion]:
    """A job: a motion with smooth controls and landmarks; frames without a face stay so."""
    assert motion.landmarks is not None
    controls = smoothed(motion, strength).controls
    yield
    with Rows(motion.landmarks.shape, in_memory_bytes=IN_MEMORY_BYTES) as rows:
        found, shot = np.flatnonzero(motion.present), shots(motion)
        for piece in np.split(found, np.flatnonzero(np.diff(shot[found])) + 1):
            for first in range(0, len(piece), CHUNK):
                chunk = piece[first : first + CHUNK]
                around = piece[max(first - MARGIN, 0) : first + CHUNK + MARGIN]
                points = motion.landmarks[around].astype(np.float64)
                smooth = smooth_points(points, motion.seconds[around], float(motion.rate), strength)
                at = int(np.searchsorted(around, chunk[0]))
                rows.put(chunk, smooth[at : at + len(chunk)])
                yield
        return replace(motion, controls=controls, landmarks=rows.finish())


def smooth_points(
    points: NDArray[np.float64], seconds: NDArray[np.float64], rate: float, strength: float
) -> NDArray[np.float64]:
    """(N, P, 3) points of one shot, smoothed over time.

    Parameters
    ----------
    points : (N, P, 3)
        Pixels.
    seconds : (N,)
        Increasing.
    rate : float
        Frames a second.
    strength : float
        Above 0 and at most 1.
    """
    if len(points) < 2:
        return points
    width = float(np.median(np.ptp(points[..., 0], axis=1)))
    rows = points.reshape(len(points), -1)
    return low_passed(rows, seconds, rate, strength, max(width, 1.0)).reshape(points.shape)
