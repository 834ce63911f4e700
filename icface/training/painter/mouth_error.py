"""Error of mouths that are closed and opened again: the figure that paint has to reduce.

Mouths of held-out photographs that show their inside are closed by the rig, the line between the
lips is inpainted, and the result is given to the predictor with an exact reading of that closed
state. Driven to the photograph's own state, the result is compared with the untouched photograph:
inside the mouth, which the closed picture does not show, and in the box of the lips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.geometry import face_crop
from icface.face.landmarks import INNER_LIPS, LIPS
from icface.face.observation import FaceObservation, NoFaceError
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.training.neutralizer.evaluate import observation
from icface.training.portraits.canvases import Portrait
from icface.training.rig.rig import Rig, View, flow, warp

OPEN_AT_PX = 128
OPEN_LEAST = 60
"""Least number of pixels, in a face crop of `OPEN_AT_PX`, inside a mouth that counts as open."""
_SHUT = np.array(
    [i for i, name in enumerate(EXPRESSIONS) if name.startswith(("jaw", "mouth", "cheekPuff"))]
)
_LIP_LINE_SHADE = 0.7
"""Brightness of the line between closed lips, as a share of the skin's around it."""


class PortraitList(Protocol):
    """Portraits by number, such as `Portraits` and `HeldOutCanvases`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Portrait: ...


@dataclass(frozen=True, slots=True, eq=False)
class ClosedMouth:
    """A photograph with an open mouth, and its copy with the mouth closed.

    Attributes
    ----------
    photo, closed : (C, C, 3) uint8
        The photograph, and the copy that is given to the predictor.
    face : FaceObservation
        An exact reading of the closed copy.
    target_controls : ControlVector
        The state of the photograph.
    inside : (C, C) bool
        Where the photograph shows the inside of the mouth.
    box : tuple of slice
        Rows and columns of the lips in the photograph.
    """

    photo: U8
    closed: U8
    face: FaceObservation
    target_controls: ControlVector
    inside: NDArray[np.bool_]
    box: tuple[slice, slice]


def mouth_error(
    predictor: FacePredictor, portraits: PortraitList, rig: Rig, count: int
) -> dict[str, Any]:
    """`score` on up to `count` people of these portraits."""
    return score(
        predictor, [closed_mouth(portraits[i], rig) for i in open_mouths(portraits, rig, count)]
    )


def open_mouths(portraits: PortraitList, rig: Rig, count: int) -> list[int]:
    """Portraits with open mouths, the most open one of each person, evenly over the people."""
    widest: dict[int, tuple[int, int]] = {}
    for index in range(len(portraits)):
        portrait = portraits[index]
        shown = _open_pixels(rig, portrait)
        if shown >= OPEN_LEAST and shown > widest.get(portrait.person, (0, 0))[0]:
            widest[portrait.person] = shown, index
    chosen = sorted(index for _, index in widest.values())
    if len(chosen) <= count:
        return chosen
    return [chosen[i] for i in np.linspace(0, len(chosen) - 1, count).astype(int)]


def _open_pixels(rig: Rig, portrait: Portrait) -> int:
    view = View(
        rig, portrait.state.clipped().moved(face_crop(portrait.landmarks, OPEN_AT_PX)), OPEN_AT_PX
    )
    return int(view.inside.sum())


def closed_mouth(portrait: Portrait, rig: Rig) -> ClosedMouth:
    """A portrait with its mouth closed: channels of jaw, lips and puffed cheeks are 0."""
    state = portrait.state.clipped()
    shut = state.expression.copy()
    shut[_SHUT] = 0
    size = len(portrait.image)
    neutral = rig.neutral_shape(state.identity)
    shown = View(rig, state, size, neutral=neutral)
    after = View(rig, state.expressed(shut), size, neutral=neutral)
    photo = np.ascontiguousarray(portrait.image)
    lips = portrait.landmarks[list(LIPS), :2]
    low, high = np.floor(lips.min(0)).astype(int), np.ceil(lips.max(0)).astype(int) + 1
    (left, top), (right, bottom) = np.clip(low, 0, size - 1), np.clip(high, 1, size)
    return ClosedMouth(
        photo=photo,
        closed=_sealed(warp(photo, flow(shown, after)[0]), after),
        face=observation(rig, after.state),
        target_controls=ControlVector.from_array([*state.angles_deg, *state.expression]),
        inside=shown.inside,
        box=(slice(top, bottom), slice(left, right)),
    )


def _sealed(picture: U8, view: View) -> U8:
    """The picture with the line between closed lips inpainted and shaded, so no tooth shows."""
    lips = view.vertices[view.rig.mesh[list(INNER_LIPS)], :2].round().astype(np.int32)
    line = view.inside.astype(np.uint8)
    cv2.polylines(
        line, [lips], isClosed=True, color=(1,), thickness=max(round(len(picture) / 224), 1)
    )
    filled = cv2.inpaint(picture, cv2.dilate(line, np.ones((3, 3), np.uint8)), 3, cv2.INPAINT_TELEA)
    dark = cv2.GaussianBlur(line.astype(np.float32), (0, 0), 0.8)[..., None] * (1 - _LIP_LINE_SHADE)
    return np.clip(np.rint(filled.astype(np.float32) * (1 - dark)), 0, 255).astype(np.uint8)


def score(predictor: FacePredictor, mouths: Sequence[ClosedMouth]) -> dict[str, Any]:
    """Mean absolute difference from the photographs, 0..1, each person counting the same.

    Returns
    -------
    dict
        ``full`` (the predictor as it is), ``moved`` (without what its painter adds) and ``closed``
        (the closed copy itself), each with ``inside`` and ``box``; ``people``, and ``lost``, those
        in whom the predictor saw no face.
    """
    errors: dict[str, list[tuple[float, float]]] = {"full": [], "moved": [], "closed": []}
    lost = 0
    for mouth in mouths:
        try:
            encoding = predictor.encode(mouth.closed, mouth.face)
        except NoFaceError:
            lost += 1
            continue
        prediction = predictor.predict(encoding, mouth.target_controls)
        made = {
            "full": composite(mouth.closed, encoding, prediction),
            "moved": composite(mouth.closed, encoding, replace(prediction, patches=())),
            "closed": mouth.closed,
        }
        for name, picture in made.items():
            wrong = np.abs(picture.astype(np.float64) - mouth.photo) / 255
            errors[name].append((float(wrong[mouth.inside].mean()), float(wrong[mouth.box].mean())))
    means = {name: np.mean(rows, axis=0) if rows else (None, None) for name, rows in errors.items()}
    figures: dict[str, Any] = {
        name: {"inside": _plain(inside), "box": _plain(box)}
        for name, (inside, box) in means.items()
    }
    return figures | {"people": len(mouths) - lost, "lost": lost}


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)
