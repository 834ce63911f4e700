"""False alarms of the detector, collected for the landmark network to learn to refuse."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from icface.arrays import U8
from icface.face.geometry import Box, Similarity
from icface.tracking.builtin import BuiltinTracker
from icface.tracking.detection import Proposal, distinct
from icface.training.tracker.augment import ALARM_MARGIN, ALARM_SIZE
from icface.training.tracker.data import LabelledImages
from icface.training.tracker.scenes import TRAINED, sample_pictures

_MOST_PER_PICTURE = 6


def _cut(image: U8, alarm: Proposal) -> U8:
    crop = Similarity.crop(
        centre=(alarm.x, alarm.y),
        side=alarm.extent * ALARM_MARGIN,
        roll_deg=alarm.tilt_deg,
        size=ALARM_SIZE,
    )
    shape = (ALARM_SIZE, ALARM_SIZE)
    cut = cv2.warpAffine(
        image, crop.matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return cut.astype(np.uint8, copy=False)


def collect_alarms(
    tracker: BuiltinTracker, cache: Path, backgrounds: U8, *, portraits: int = 500, seed: int = 3
) -> U8:
    """Crops the detector takes for faces and that are none: (N, 192, 192, 3) uint8.

    They come from the backgrounds, the sample pictures at full size, and `train` portraits away
    from their face.
    """
    rng = np.random.default_rng(seed)
    alarms: list[U8] = []
    for picture in [*backgrounds, *sample_pictures(TRAINED)]:
        alarms += [_cut(picture, p) for p in distinct(tracker.propose(picture))[:_MOST_PER_PICTURE]]
    data = LabelledImages.load(cache, "train_portraits")
    for i in rng.permutation(len(data))[:portraits]:
        picture, face = np.asarray(data.images[i]), Box.around(data.landmarks[i][:468])
        wrong = [p for p in distinct(tracker.propose(picture)) if p.box.iou(face) < 0.1]
        alarms += [_cut(picture, p) for p in wrong[:_MOST_PER_PICTURE]]
    return np.stack(alarms) if alarms else np.empty((0, ALARM_SIZE, ALARM_SIZE, 3), np.uint8)
