"""Calibration of a trained refiner: channels that it reads too small are scaled up.

A network that cannot tell a raised brow from a high one plays safe, and reads every movement
smaller than it is. Among the renders of one person the truth is known, so the size of that
shrinkage is too. Each channel that is read well enough is scaled so that its slope within a person
is 1, and shifted so that at rest it is read as 0 on average. Both are worked into the last layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from icface.face.controls import EXPRESSIONS
from icface.face.geometry import face_crop
from icface.model.networks.tracker_nets import READ_MARGIN, RefinerNet
from icface.model.networks.weights import build, load_into, load_model, save_model
from icface.tracking.builtin import REFINER_FILE, BuiltinTracker
from icface.training.rig.rig import MIRROR
from icface.training.tracker.data import LabelledImages

MOST_GAIN = 2.2
"""Largest gain; a channel that would need more is read too poorly to be scaled."""
LEAST_CORRELATION = 0.625
"""Least correlation within a person; scaling poorer channels would also scale their noise."""
_LEFT_ALONE = np.array([name.startswith("eyeLook") for name in EXPRESSIONS])
"""Channels of the gaze, (53,): scaled up, they would follow head turns and lids."""
_AT_REST = 0.03
"""Largest value of a channel at rest, 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """``channel = gain * (reading - rest)``, each of shape (53,)."""

    gain: NDArray[np.float64]
    rest: NDArray[np.float64]

    def into(self, layer: nn.Linear) -> None:
        """Work the calibration into the layer of the 56 controls; the three angles stay."""
        weight, bias = layer.weight.data, layer.bias.data
        gain, rest = (weight.new_tensor(a.astype(np.float32)) for a in (self.gain, self.rest))
        weight[3:] *= gain[:, None]
        bias[3:] = (bias[3:] - rest) * gain


def calibration(
    read: NDArray[np.floating], true: NDArray[np.floating], person: NDArray[np.int64]
) -> Calibration:
    """The calibration of readings of several renders of each person.

    Parameters
    ----------
    read, true : (N, 53)
        Channels as read, clipped or not, and as rendered.
    person : (N,)
        Number of the person of each render.
    """
    groups = np.unique(person, return_inverse=True)[1]
    count = np.bincount(groups)[:, None]

    def within(values: NDArray[np.floating]) -> NDArray[np.float64]:
        mean = (
            np.stack([np.bincount(groups, values[:, k]) for k in range(values.shape[1])], 1) / count
        )
        return np.asarray(values - mean[groups], np.float64)

    moved, seen = within(true), within(read)
    slope = (moved * seen).sum(0) / np.maximum((moved**2).sum(0), 1e-6)
    correlation = (moved * seen).sum(0) / np.maximum(
        np.sqrt((moved**2).sum(0) * (seen**2).sum(0)), 1e-6
    )
    resting = (
        np.ma.masked_array(np.asarray(read, np.float64), np.asarray(true) > _AT_REST)
        .mean(0)
        .filled(0.0)
    )
    slope, correlation, rest = (
        (a + a[MIRROR]) / 2 for a in (slope, correlation, np.clip(resting, 0, 0.2))
    )  # sides alike
    gain = np.maximum(1 / np.maximum(slope, 1e-3), 1.0)
    gain[(gain > MOST_GAIN) | (correlation < LEAST_CORRELATION) | _LEFT_ALONE] = 1.0
    return Calibration(gain, np.where(gain > 1, rest, 0.0))


def fit_calibration(
    tracker: BuiltinTracker, folder: Path, *, most: int = 4000, seed: int = 0
) -> Calibration:
    """The calibration of a tracker on renders of training people in the cache folder."""
    data = LabelledImages.load(folder, "train_renders")
    rng, size = np.random.default_rng(seed), tracker.reader.size
    people = rng.permutation(np.unique(data.person))
    chosen = np.sort(
        np.concatenate([np.flatnonzero(data.person == p)[:20] for p in people[: most // 15]])[:most]
    )
    read = []
    for i in chosen:
        image, crop = (
            np.ascontiguousarray(data.images[i]),
            face_crop(data.landmarks[i], size, margin=READ_MARGIN),
        )
        first = tracker.read(image, [crop])[0]
        second = tracker.read(image, [face_crop(first.landmarks, size, margin=READ_MARGIN)])
        read.append(tracker.look_closer(image, second)[0].controls.array()[3:])
    return calibration(np.stack(read), data.controls[chosen, 3:], data.person[chosen])


def calibrate_refiner(cache: Path, models: Path, out: Path) -> dict[str, float]:
    """Write a calibrated refiner.

    Parameters
    ----------
    cache : Path
        The folder of training renders.
    models : Path
        The folder of the tracker's trained weights.
    out : Path
        The weights file to write.

    Returns
    -------
    dict of str to float
        The gain of each channel that was scaled up.
    """
    path = models / REFINER_FILE
    stored = load_model(path, kind="icface.refiner")
    net = build(RefinerNet, stored.config, path=path)
    load_into(net, stored, path=path)
    found = fit_calibration(BuiltinTracker(models=models), cache)
    found.into(net.controls)
    gains = {
        name: round(float(gain), 3)
        for name, gain in zip(EXPRESSIONS, found.gain, strict=True)
        if gain > 1
    }
    save_model(
        out,
        kind=stored.kind,
        config=stored.config,
        state=net.state_dict(),
        notes=stored.notes | {"gains": gains},
    )
    return gains
