"""Self-reenactment: the first frame of a clip, driven by the clip, compared with the clip.

A driver turns a head and moves a face in place; it neither shifts the head nor changes its size. So
every true frame is first aligned to the judged picture by a shift and a scale (no rotation: roll
is driven). They are fitted to landmarks that no expression moves, the corners of the eyes and the
ridge of the nose, as the same tracker reads them in both. Then both are compared in the source's
face crop of 256 px, in which the face mesh is 128 px large, inside the hull of the true mesh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from icface.arrays import U8
from icface.evaluation.material import Shot, read_again
from icface.evaluation.metrics import hull_mask, masked_l1, place_and_size, psnr, ssim
from icface.face.controls import ControlVector
from icface.face.geometry import face_crop
from icface.face.landmarks import MESH_POINTS, RIGID_POINTS
from icface.face.observation import FaceTracker
from icface.model.surface.crops import sample_crop
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor

JUDGED_AT_PX = 256
FIGURES = ("l1", "psnr", "ssim", "akd")


@dataclass(frozen=True, slots=True)
class Score:
    """Differences between a picture and the true frame.

    Attributes
    ----------
    l1 : float
        Mean absolute difference, 0..1.
    psnr : float
        Decibels.
    ssim : float
        -1..1.
    akd : float
        Mean distance of the 468 face-mesh landmarks, pixels of the crop.
    """

    l1: float
    psnr: float
    ssim: float
    akd: float


def judge(tracker: FaceTracker, made: U8, source: Shot, true: Shot) -> Score | None:
    """The score of a picture made from `source` in the state of `true`; None without a face."""
    seen = source.face if made is source.image else read_again(tracker, made, source.face)
    if seen is None:
        return None
    stable = list(RIGID_POINTS)
    made_from_true = place_and_size(true.face.landmarks[stable, :2], seen.landmarks[stable, :2])
    crop = face_crop(source.face.landmarks, JUDGED_AT_PX)
    shown, truth = (
        sample_crop(made, crop, JUDGED_AT_PX),
        sample_crop(true.image, crop @ made_from_true, JUDGED_AT_PX),
    )
    points = (crop @ made_from_true).points(true.face.landmarks[:MESH_POINTS, :2])
    mask = hull_mask(points, shown.shape)
    distances = np.linalg.norm(crop.points(seen.landmarks[:MESH_POINTS, :2]) - points, axis=1)
    return Score(
        l1=masked_l1(shown, truth, mask),
        psnr=psnr(shown, truth, mask),
        ssim=ssim(shown, truth, mask),
        akd=float(distances.mean()),
    )


def reenact(
    predictor: FacePredictor,
    tracker: FaceTracker,
    shots: Sequence[Shot],
    *,
    driven: Sequence[ControlVector] = (),
) -> dict[str, list[Score | None]]:
    """Scores of every frame but the first, by method.

    Parameters
    ----------
    shots : sequence of Shot
        The source, then the true frames.
    driven : sequence of ControlVector
        States of the source at those frames as the editor would drive it, if known.

    Returns
    -------
    dict
        ``driven`` (only if `driven` is given), ``driven_by_readings`` (by each frame's own reading)
        and ``still`` (the source itself).
    """
    source, *others = shots
    encoding = predictor.encode(source.image, source.face)
    states = {"driven": driven} if driven else {}
    states |= {"driven_by_readings": [true.face.controls.clipped() for true in others]}
    scores: dict[str, list[Score | None]] = {
        method: [
            judge(
                tracker,
                composite(source.image, encoding, predictor.predict(encoding, state)),
                source,
                true,
            )
            for state, true in zip(method_states, others, strict=True)
        ]
        for method, method_states in states.items()
    }
    scores["still"] = [judge(tracker, source.image, source, true) for true in others]
    return scores


def clip_summary(
    scores: Mapping[str, Sequence[Score | None]], *, without_face: int = 0
) -> dict[str, Any]:
    """Means over those frames of one clip on which every method has a score.

    Parameters
    ----------
    scores : mapping
        Method to its scores, frame by frame.
    without_face : int
        Number of frames that were left out before because no face was found.
    """
    frames = list(zip(*scores.values(), strict=True))
    whole = [
        [score for score in frame if score is not None]
        for frame in frames
        if all(s is not None for s in frame)
    ]
    table: dict[str, Any] = {}
    for place, method in enumerate(scores):
        table[method] = {
            name: float(np.mean([getattr(frame[place], name) for frame in whole]))
            if whole
            else None
            for name in FIGURES
        }
    return table | {
        "frames": len(whole),
        "lost": len(frames) - len(whole),
        "without_face": without_face,
    }


def mean_of_clips(clips: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over clips with equal weights; clips without a judged frame are left out."""
    judged = [clip for clip in clips.values() if clip["frames"]]
    methods = (
        [name for name, value in judged[0].items() if isinstance(value, dict)] if judged else []
    )
    return {
        m: {name: float(np.mean([clip[m][name] for clip in judged])) for name in FIGURES}
        for m in methods
    }
