"""How far the network's flows are from the rig's, on people never trained on; and whether controls do what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from icface.compositor import composite
from icface.controls import ControlVector, action_units, apply_deltas, control_range, expand_control
from icface.geometry import Box, Similarity, face_crop
from icface.model.crops import sample_crop
from icface.model.neutralizer import GRID
from icface.predictor import FacePredictor, SourceEncoding
from icface.tracking import N_LANDMARKS, FaceObservation, FaceTracker
from icface.training.portraits import CANVAS, Portrait, Portraits
from icface.training.rig import Rig, State, View, flow, warp
from icface.training.surface_data import random_expression

MEASURED_AT_PX = 128
MOVING_PX = 0.5
MONOTONE = {
    "yaw": (-20.0, 20.0), "pitch": (-15.0, 15.0), "roll": (-20.0, 20.0),
    "AU1+2": (0.0, 1.0), "AU4": (0.0, 1.0), "AU12": (0.0, 1.0), "AU26": (0.0, 1.0), "AU43": (0.0, 1.0),
}  # fmt: skip
"""Controls and the range over which a tracker's reading has to rise with them."""


def observation(rig: Rig, state: State) -> FaceObservation:
    """What a perfect tracker would read of a rig state."""
    vertices = rig.vertices(state)
    landmarks = np.zeros((N_LANDMARKS, 3), np.float32)
    landmarks[: len(rig.mesh)] = vertices[rig.mesh] * (1, 1, -1)
    landmarks[len(rig.mesh) :] = np.repeat(vertices[rig.pupils], 5, axis=0) * (1, 1, -1)
    controls = ControlVector.from_array([*state.angles_deg, *state.expression])
    return FaceObservation(Box.around(landmarks), landmarks, controls, 1.0)


def flow_errors(predictor: FacePredictor, portraits: Portraits, rig: Rig, *, count: int, seed: int = 3) -> dict[str, float]:
    """Mean end-point errors on the pixels that move, in pixels of a 128 px crop, against the rig's own flow.

    ``expression`` starts from the neutral frontal face (the photo warped there by the rig) and goes to random expressions,
    ``pose`` goes to random angles within ±25, 15, 15 degrees; ``photo_expression`` and ``photo_pose`` start from the photo as
    it is. ``..._motion`` is the mean length of the rig's flow there.
    """
    rng = np.random.default_rng(seed)
    real = portraits.expressions()
    sums: dict[str, NDArray[np.float64]] = {}
    for index in np.linspace(0, len(portraits) - 1, count).astype(int):
        portrait = portraits[int(index)]
        neutral = _warped(rig, portrait, portrait.state.neutral())
        for prefix, start in (("", neutral), ("photo_", portrait)):
            yaw, pitch, roll = np.array(start.state.angles_deg) + rng.uniform(-1, 1, 3) * (25, 15, 15)
            turned = start.state.turned(float(yaw), float(pitch), float(roll))
            expressed = start.state.expressed(random_expression(rng, real))
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
    landmarks = np.vstack([rig.vertices(state)[rig.mesh], np.zeros((N_LANDMARKS - len(rig.mesh), 3))])
    return replace(portrait, image=warp(portrait.image, field), state=state, landmarks=landmarks)


def _error(predictor: FacePredictor, rig: Rig, start: Portrait, target: State) -> NDArray[np.float64]:
    """Summed error and motion in pixels at 128, and the number of moving pixels."""
    face = observation(rig, start.state)
    encoding = predictor.encode(start.image, face)
    wanted = ControlVector.from_array([*target.angles_deg, *target.expression])
    prediction = predictor.predict(encoding, wanted)
    predicted = prediction.flow
    if predicted is not None and prediction.back is not None and prediction.back_flow is not None:
        predicted = np.where(prediction.back[..., None] > 0.5, prediction.back_flow, predicted)
    grid: Similarity = face_crop(face.landmarks, GRID)
    true, known = flow(View(rig, start.state.moved(grid), GRID), View(rig, target.moved(grid), GRID))
    at_measure = MEASURED_AT_PX / GRID
    motion = np.linalg.norm(true, axis=2) * at_measure
    moving = known & (motion > MOVING_PX)
    error = np.linalg.norm((0 if predicted is None else predicted) - true, axis=2) * at_measure
    return np.array([error[moving].sum(), motion[moving].sum(), moving.sum()], np.float64)


def monotone_controls(
    predictor: FacePredictor, tracker: FaceTracker, photos: Iterable[NDArray[np.uint8]], *, steps: int = 7
) -> dict[str, float]:
    """Median rank correlation between a slider and the tracker's reading of the edited photo, for each of `MONOTONE`."""
    found: dict[str, list[float]] = {name: [] for name in MONOTONE}
    for photo in photos:
        faces = tracker.detect(photo)
        if not faces:
            continue
        encoding = predictor.encode(photo, faces[0])
        for name, (low, high) in MONOTONE.items():
            sliders = np.linspace(low, high, steps)
            readings = [_reading(predictor, tracker, photo, encoding, faces[0], name, float(v)) for v in sliders]
            seen = [(s, r) for s, r in zip(sliders, readings, strict=True) if r is not None]
            found[name].append(_rank_correlation(seen) if len(seen) >= steps - 1 else -1.0)
    return {name: round(float(np.median(values)), 4) for name, values in found.items() if values}


def _reading(  # noqa: PLR0913, PLR0917
    predictor: FacePredictor, tracker: FaceTracker, photo: NDArray[np.uint8], encoding: SourceEncoding, face: FaceObservation,
    name: str, value: float,
) -> float | None:  # fmt: skip
    own = action_units(face.controls)
    ids = expand_control(name)
    deltas = {i: float(np.clip(value, *control_range(i))) - own[i] for i in ids}
    edited = composite(photo, encoding, predictor.predict(encoding, apply_deltas(face.controls, deltas)))
    seen = tracker.follow(edited, face)
    return None if seen is None else float(np.mean([action_units(seen.controls)[i] for i in ids]))


def _rank_correlation(pairs: list[tuple[float, float]]) -> float:
    sliders, readings = zip(*pairs, strict=True)
    if np.ptp(readings) == 0:
        return 0.0
    return float(spearmanr(sliders, readings).statistic)


SHEET_EDITS: dict[str, dict[str, float]] = {
    "rest": {}, "smile": {"AU12": 0.9, "AU6": 0.6}, "wink": {"AU43L": 1.0}, "eyes closed": {"AU43": 1.0},
    "brows up": {"AU1": 1.0, "AU2": 1.0}, "frown": {"AU4": 1.0}, "jaw drop": {"AU26": 1.0}, "shout": {"AU27": 0.8},
    "pucker": {"AU18": 0.8}, "look left": {"AU61": 0.9}, "yaw 25": {"yaw": 25.0}, "yaw -25": {"yaw": -25.0},
    "pitch 15": {"pitch": 15.0}, "roll -15": {"roll": -15.0},
}  # fmt: skip


def contact_sheet(
    predictor: FacePredictor, pictures: Iterable[tuple[NDArray[np.uint8], FaceObservation]], *, side: int = 200
) -> NDArray[np.uint8]:
    """People (rows) x edits (columns): the picture by which a network is judged, (rows * side, columns * side, 3)."""
    rows = []
    for image, face in pictures:
        encoding = predictor.encode(image, face)
        own = action_units(face.controls)
        row = []
        for edit in SHEET_EDITS.values():
            deltas = {i: v - own[i] * (i in edit) for name, v in edit.items() for i in expand_control(name)}
            edited = composite(image, encoding, predictor.predict(encoding, apply_deltas(face.controls, deltas)))
            row.append(_thumbnail(edited, encoding.crop_from_image, side))
        rows.append(np.hstack(row))
    return np.vstack(rows)


def _thumbnail(image: NDArray[np.uint8], grid: Similarity, side: int) -> NDArray[np.uint8]:

    scale = side / GRID
    return sample_crop(image, Similarity((scale, 0, (scale - 1) / 2, 0, scale, (scale - 1) / 2)) @ grid, side)
