"""Patches for the painter from real pairs: two frames of one person from prepared videos.

The first frame is driven to what the tracker reads of the second, which is the target: the
self-supervision of ICface.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from icface.face.controls import ControlVector
from icface.face.geometry import Box, Similarity
from icface.face.landmarks import INNER_LIPS, RIGID_POINTS
from icface.face.observation import FaceObservation
from icface.rendering.predictor import FacePredictor
from icface.training.clips.pairs import FramePairs
from icface.training.painter.patches import (
    Kind,
    PatchSample,
    Target,
    drive,
    sample,
    unpainted_predictor,
    write_patches,
)

_CONFIDENT = 0.9
_TRIES = 4
"""Pairs looked at for each that is wanted, at most."""


def patches_of_frames(  # noqa: PLR0913
    frames: Path,
    out: Path,
    count: int,
    *,
    split: str = "train",
    held_out: Sequence[str] | None = None,
    models: Path | None = None,
    seed: int = 0,
) -> int:
    """Make up to `count` patches of prepared frames in the folder `out`; returns their number.

    Raises
    ------
    ShardError
        If the folder holds no pairs of this split.
    ValueError
        If no pair is good enough.
    """
    predictor = unpainted_predictor(models)
    pairs = FramePairs(frames, split=split, seed=seed, held_out=held_out)
    looked_at = (sample_of_pair(predictor, pair) for pair in islice(pairs, count * _TRIES))
    made = (s for s in looked_at if s is not None)
    return write_patches(out, islice(made, count))


def sample_of_pair(predictor: FacePredictor, pair: dict[str, Tensor]) -> PatchSample | None:
    """The first of two frames driven to the second; None if a reading is poor or no face found."""
    if float(pair["confidences"].min()) < _CONFIDENT:
        return None
    first, second = pair["pictures"].numpy()
    here, there = pair["landmarks"].numpy()
    before, after = (ControlVector.from_array(c) for c in pair["controls"].double().numpy())
    driven = drive(
        predictor, first, FaceObservation(Box.around(here[:468]), here, before, 1.0), after
    )
    if driven is None:
        return None
    lips = there[list(INNER_LIPS), :2].astype(np.float64)
    inside = np.zeros(second.shape[:2], np.uint8)
    cv2.fillPoly(inside, [lips.round().astype(np.int32)], (1,))
    return sample(driven, Target(second, inside > 0, lips, aligned(here, there)), Kind.PHOTO)


def aligned(here: NDArray[np.floating], there: NDArray[np.floating]) -> Similarity:
    """``there_from_here``: the shift and scale that align the rigid points of two faces.

    No turn: how far the head rolled is driven.
    """
    a, b = (p[list(RIGID_POINTS), :2].astype(np.float64) for p in (here, there))
    spread_a, spread_b = (float(np.sqrt(((p - p.mean(0)) ** 2).sum(1).mean())) for p in (a, b))
    scale = spread_b / spread_a
    x, y = b.mean(0) - scale * a.mean(0)
    return Similarity((scale, 0, float(x), 0, scale, float(y)))
