"""Errors of the network's flows against the rig's, on held-out people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import ControlVector
from icface.face.geometry import Box, Similarity, face_crop
from icface.face.landmarks import N_LANDMARKS
from icface.face.observation import FaceObservation
from icface.model.networks.neutralizer import GRID
from icface.model.surface.layers import flow_layer
from icface.rendering.predictor import FacePredictor
from icface.training.neutralizer.data import sparse_expression
from icface.training.portraits.canvases import CANVAS, Portrait, Portraits
from icface.training.rig.rig import Rig, State, View, flow, warp

MEASURED_AT_PX = 128
MOVING_PX = 0.5


def observation(rig: Rig, state: State) -> FaceObservation:
    """The reading of a perfect tracker for a rig state."""
    vertices = rig.vertices(state)
    landmarks = np.zeros((N_LANDMARKS, 3), np.float32)
    landmarks[: len(rig.mesh)] = vertices[rig.mesh] * (1, 1, -1)
    landmarks[len(rig.mesh) :] = np.repeat(vertices[rig.pupils], 5, axis=0) * (1, 1, -1)
    controls = ControlVector.from_array([*state.angles_deg, *state.expression])
    return FaceObservation(Box.around(landmarks), landmarks, controls, 1.0)


def flow_errors(
    predictor: FacePredictor, portraits: Portraits, rig: Rig, *, count: int, seed: int = 3
) -> dict[str, float]:
    """Mean end-point errors against the rig's flow, on pixels that move, in px of a 128 px crop.

    ``expression`` starts from the neutral frontal face (the photo warped there by the rig) and goes
    to random expressions, ``pose`` goes to random angles within ±25, 15, 15 degrees;
    ``photo_expression`` and ``photo_pose`` start from the photo as it is. ``..._motion`` is the
    mean length of the rig's flow there.
    """
    rng = np.random.default_rng(seed)
    real = portraits.expressions()
    sums: dict[str, NDArray[np.float64]] = {}
    for index in np.linspace(0, len(portraits) - 1, count).astype(int):
        portrait = portraits[int(index)]
        neutral = _warped(rig, portrait, portrait.state.neutral())
        for prefix, start in (("", neutral), ("photo_", portrait)):
            yaw, pitch, roll = np.array(start.state.angles_deg) + rng.uniform(-1, 1, 3) * (
                25,
                15,
                15,
            )
            turned = start.state.turned(float(yaw), float(pitch), float(roll))
            expressed = start.state.expressed(sparse_expression(rng, real))
            for name, target in (("expression", expressed), ("pose", turned)):
                found = _error(predictor, rig, start, target)
                sums[prefix + name] = sums.get(prefix + name, np.zeros(3)) + found
    figures = {}
    for name, (error, motion, pixels) in sums.items():
        figures[name] = round(float(error / max(pixels, 1)), 4)
        figures[f"{name}_motion"] = round(float(motion / max(pixels, 1)), 3)
    return figures


def _warped(rig: Rig, portrait: Portrait, state: State) -> Portrait:
    field, _ = flow(View(rig, portrait.state, CANVAS), View(rig, state, CANVAS))
    landmarks = np.vstack(
        [rig.vertices(state)[rig.mesh], np.zeros((N_LANDMARKS - len(rig.mesh), 3))]
    )
    return replace(portrait, image=warp(portrait.image, field), state=state, landmarks=landmarks)


def _error(
    predictor: FacePredictor, rig: Rig, start: Portrait, target: State
) -> NDArray[np.float64]:
    """Summed error and motion in pixels at 128, and the number of moving pixels."""
    face = observation(rig, start.state)
    encoding = predictor.encode(start.image, face)
    controls = ControlVector.from_array([*target.angles_deg, *target.expression])
    prediction = predictor.predict(encoding, controls)
    predicted = None if prediction.skin is None else prediction.skin.flow
    openings = flow_layer(prediction.layers, "openings")
    if predicted is not None and openings is not None and openings.coverage is not None:
        predicted = np.where(openings.coverage[..., None] > 0.5, openings.flow, predicted)
    grid: Similarity = face_crop(face.landmarks, GRID)
    true, known = flow(
        View(rig, start.state.moved(grid), GRID), View(rig, target.moved(grid), GRID)
    )
    at_measure = MEASURED_AT_PX / GRID
    motion = np.linalg.norm(true, axis=2) * at_measure
    moving = known & (motion > MOVING_PX)
    error = np.linalg.norm((0 if predicted is None else predicted) - true, axis=2) * at_measure
    return np.array([error[moving].sum(), motion[moving].sum(), moving.sum()], np.float64)
