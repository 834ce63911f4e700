"""Measures of stability: the photo at rest, undone edits, sharpness, and a still driver.

Convention
----------
Differences are mean absolute differences of values scaled to 0..1, inside the convex hull of the
face mesh in the photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from icface.arrays import U8
from icface.evaluation.material import Shot, Subject, read_again, state_for
from icface.evaluation.metrics import fine_detail, hull_mask, masked_l1
from icface.face.controls import ControlVector, action_units, control_range
from icface.face.observation import FaceTracker, NoFaceError
from icface.face.selectors import apply_deltas, deltas_from_settings
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.rendering.sampling import Quality

THERE: dict[str, dict[str, float]] = {
    "smile": {"AU12": 0.8, "AU6": 0.5},
    "jaw drop": {"AU26": 1.0},
    "eyes closed": {"AU43": 1.0},
    "yaw 20": {"yaw": 20.0},
    "pitch 10": {"pitch": 10.0},
}
"""Edits that are made and undone: degrees to add to the photo's own, absolute intensities."""
SHARP: dict[str, dict[str, float]] = {
    "smile": {"AU12": 0.8, "AU6": 0.5},
    "brows up": {"AU1+2": 1.0},
    "yaw 20": {"yaw": 20.0},
    "yaw -20": {"yaw": -20.0},
    "jaw drop": {"AU26": 1.0},
}
NOISE_LEVELS = 2.0
"""Standard deviation of the noise of a still driver, of 255."""
NOISE_SEED = 20
STILL_FRAMES = 12


def rest_difference(predictor: FacePredictor, subject: Subject) -> int:
    """Largest change of the photo, of 255, when every control is set to its own value: 0.

    A control that the photo shows beyond its range cannot be set there, and is not touched.
    """
    own = subject.face.controls
    shown = {name: value for name, value in action_units(own).items() if _settable(name, value)}
    same = apply_deltas(own, deltas_from_settings(own, shown))
    prediction = predictor.predict(subject.encoding, same)
    qualities: tuple[Quality, ...] = ("draft", "full")
    pictures = [
        composite(subject.image, subject.encoding, prediction, quality=q) for q in qualities
    ]
    return max(int(np.abs(subject.image.astype(np.int16) - picture).max()) for picture in pictures)


def _settable(control: str, value: float) -> bool:
    low, high = control_range(control)
    return low <= value <= high


def there_and_back(
    predictor: FacePredictor, tracker: FaceTracker, subject: Subject
) -> dict[str, float | None]:
    """Mean difference of the face after each edit of `THERE` and back, 0..1; None if it was lost.

    The edited photo is encoded like any photo, from the landmarks that the tracker reads in it, but
    with the requested controls; then it is driven to the original state.
    """
    own, mask = subject.face.controls, hull_mask(subject.face.landmarks, subject.image.shape)
    losses: dict[str, float | None] = {}
    for name, edit in THERE.items():
        target = state_for(own, edit)
        there = subject.edited(predictor, target)
        seen = read_again(tracker, there, subject.face)
        if seen is None:
            losses[name] = None
            continue
        try:
            encoding = predictor.encode(there, replace(seen, controls=target))
        except NoFaceError:
            losses[name] = None
            continue
        back: U8 = composite(there, encoding, predictor.predict(encoding, own))
        losses[name] = masked_l1(back, subject.image, mask)
    return losses


def sharpness(
    predictor: FacePredictor, tracker: FaceTracker, subject: Subject
) -> dict[str, float | None]:
    """Fine detail of the face after each edit of `SHARP` over the photo's; None if it was lost."""
    before = fine_detail(subject.image, hull_mask(subject.face.landmarks, subject.image.shape))
    ratios: dict[str, float | None] = {}
    for name, edit in SHARP.items():
        edited = subject.edited(predictor, state_for(subject.face.controls, edit))
        seen = read_again(tracker, edited, subject.face)
        if seen is None or before == 0:
            ratios[name] = None
        else:
            ratios[name] = fine_detail(edited, hull_mask(seen.landmarks, edited.shape)) / before
    return ratios


def flicker(
    predictor: FacePredictor,
    tracker: FaceTracker,
    shot: Shot,
    *,
    count: int = STILL_FRAMES,
    seed: int = NOISE_SEED,
) -> dict[str, float | None]:
    """Flicker under a still driver: one frame repeated under noise of `NOISE_LEVELS`.

    The noisy frames are tracked one after the other, and the clean frame is driven by the change of
    their readings since the first.

    Returns
    -------
    dict
        ``picture`` (mean absolute difference of consecutive results inside the face, 0..1),
        ``angles_deg`` and ``channels`` (of consecutive readings, mean over the three and the 53),
        each None where the face was found less than twice, and ``lost`` (frames in which it was not
        found).
    """
    rng = np.random.default_rng(seed)
    mask = hull_mask(shot.face.landmarks, shot.image.shape)
    encoding = predictor.encode(shot.image, shot.face)
    own, near = shot.face.controls.array(), shot.face
    readings, pictures = [], []
    for _ in range(count):
        noisy = shot.image + rng.normal(0, NOISE_LEVELS, shot.image.shape)
        seen = read_again(tracker, np.clip(np.rint(noisy), 0, 255).astype(np.uint8), near)
        if seen is None:
            continue
        near = seen
        readings.append(seen.controls.array())
        target = ControlVector.from_array(own + readings[-1] - readings[0]).clipped()
        driven = shot.face.controls if len(readings) == 1 else target
        picture: U8 = composite(shot.image, encoding, predictor.predict(encoding, driven))
        pictures.append(picture)
    lost = float(count - len(readings))
    if len(readings) < 2:
        return {"picture": None, "angles_deg": None, "channels": None, "lost": lost}
    steps = np.abs(np.diff(np.array(readings), axis=0))
    return {
        "picture": float(np.mean([masked_l1(a, b, mask) for a, b in pairwise(pictures)])),
        "angles_deg": float(steps[:, :3].mean()),
        "channels": float(steps[:, 3:].mean()),
        "lost": lost,
    }


def averaged(rows: Sequence[dict[str, float | None]], *, median: bool = False) -> dict[str, Any]:
    """The mean or median of each figure over photos, ``all`` of them, and the number ``lost``."""
    middle = np.median if median else np.mean
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = {name: [v for row in rows if (v := row.get(name)) is not None] for name in names}
    every = [v for values in found.values() for v in values]
    summary: dict[str, Any] = {
        name: float(middle(values)) if values else None for name, values in found.items()
    }
    lost = sum(value is None for row in rows for value in row.values())
    return summary | {"all": float(middle(every)) if every else None, "lost": lost}
