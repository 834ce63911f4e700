"""Fits the last, linear step of the tracker: expression channels from landmarks and from what the parts told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from icface.geometry import face_crop
from icface.model.tracker_nets import READ_MARGIN, Readout
from icface.tracking.builtin import BuiltinTracker, readout_features
from icface.training.tracker_augment import photometric
from icface.training.tracker_data import LabelledImages

_PORTRAIT_WEIGHT = 0.4
_RIDGE = 0.02


def _features(
    tracker: BuiltinTracker, data: LabelledImages, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the tracker without its readout says of `count` pictures, and the true channels."""
    features, truth = [], []
    for i in rng.permutation(len(data))[:count]:
        image = np.asarray(data.images[i])
        if rng.random() < 0.5:
            image = photometric(rng, image)
        margin = READ_MARGIN * float(np.exp(rng.normal(0, 0.06)))
        crop = face_crop(data.landmarks[i], tracker.load().reader.size, margin=margin)
        face = tracker.look_closer(image, tracker.read(image, [crop]), final=False)[0]
        features.append(readout_features(face))
        truth.append(data.controls[i, 3:])
    return np.stack(features), np.stack(truth)


def fit_readout(tracker: BuiltinTracker, cache: Path, *, renders: int, portraits: int, seed: int = 0) -> Readout:
    """Ridge regression over renders and portraits of `train` people."""
    rng = np.random.default_rng(seed)
    x, y = _features(tracker, LabelledImages.load(cache, "train_renders"), renders, rng)
    more_x, more_y = _features(tracker, LabelledImages.load(cache, "train_portraits"), portraits, rng)
    weight = np.concatenate([np.ones(len(x)), np.full(len(more_x), _PORTRAIT_WEIGHT)])[:, None].astype(np.float64)
    weight /= weight.sum()
    x, y = np.concatenate([x, more_x]).astype(np.float64), np.concatenate([y, more_y]).astype(np.float64)
    mean, middle = (weight * x).sum(0), (weight * y).sum(0)
    scale = np.sqrt((weight * (x - mean) ** 2).sum(0)) + 1e-3
    centred = (x - mean) / scale
    gram = centred.T @ (centred * weight)
    solved = np.linalg.solve(gram + _RIDGE * np.eye(len(gram)), centred.T @ ((y - middle) * weight))
    net = Readout(x.shape[1], y.shape[1])
    state = {"mean": mean, "scale": scale, "linear.weight": solved.T, "linear.bias": middle}
    net.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(v, np.float32)) for name, v in state.items()})
    return net
