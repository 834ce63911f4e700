"""The inside of a mouth as the rig shows it: what a photograph hides, lit and coloured like the face around it.

Teeth that the photograph shows stay the photograph's own and stay in the head; the others, gums and the dark are painted
with the shading of the rig's surface. It is an invention, but one with teeth where teeth belong.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.training.rig import GUMS, SOCKET, TEETH, View

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
_DARKEST = 0.75
_GAP_CM, _GAP_SHADE, _TONES = 0.04, 0.5, 0.03
_DEEP_CM = 5.0
"""So far behind the lips the mouth is dark."""


def open_mouth_on(rng: np.random.Generator, picture: U8, image: U8, before: View, after: View) -> U8:
    """`picture`, the warped photograph, with the inside of its mouth as the rig would show it.

    Parameters
    ----------
    picture : (S, S, 3) uint8
        The photograph warped from `before` to `after`.
    image : (S, S, 3) uint8
        The photograph.
    """
    inside = np.isin(after.part, (SOCKET, GUMS, TEETH))
    if not inside.any():
        return picture
    painted = _shaded(rng, image, before, after)
    shown, moved = _seen_before(image, before, after)
    paint = np.where((shown & inside)[..., None], moved, painted)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.6)[..., None]
    softened = cv2.GaussianBlur(paint.astype(np.float32), (0, 0), 0.6)
    return np.clip(picture * (1 - soft) + softened * soft, 0, 255).astype(np.uint8)


def _seen_before(image: U8, before: View, after: View) -> tuple[NDArray[np.bool_], F32]:
    """Teeth that the photograph shows too, and the photograph's pixels there."""
    size = after.size
    at = after.interpolate(before.vertices)
    ix, iy = (np.clip(np.rint(at[..., k]), 0, size - 1).astype(int) for k in (0, 1))
    near = np.abs(before.z[iy, ix] - at[..., 2]) < 0.02 * np.ptp(before.vertices[:, 0])
    shown = (after.part == TEETH) & (before.part[iy, ix] == TEETH) & near
    moved = cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.erode(shown.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0
    return shown, moved.astype(np.float32)


def _shaded(rng: np.random.Generator, image: U8, before: View, after: View) -> F32:
    """Colours of the rig's mouth under a light from the camera, darker the deeper they lie."""
    size = after.size
    normal = after.interpolate(_vertex_normals(after))
    facing = np.abs(normal[..., 2]) / (np.linalg.norm(normal, axis=2) + 1e-6)
    lips = after.vertices[after.rig.mesh[[0, 17, 61, 291]]]
    depth_cm = (lips[:, 2].mean() - after.z) / after.state.scale
    light = np.clip(1 - depth_cm / _DEEP_CM, 0.3, 1)
    skin = image[before.triangle >= 0].mean(0) if (before.triangle >= 0).any() else np.full(3, 128.0)
    bright = 0.35 + 0.9 * skin.mean() / 255
    teeth = image[before.part == TEETH]
    white = np.array([236, 226, 208]) * min(bright + 0.12, 1.0) * rng.uniform(0.88, 1.05)
    if len(teeth) > 60:
        seen = np.clip(np.percentile(teeth, 75, axis=0), _DARKEST * white, 250)  # what was fitted as teeth may be lip or shade
        white = (white + seen) / 2
    colour = np.zeros((size, size, 3), np.float32)
    for part, base, matt in (
        (TEETH, white, 0.35),
        (GUMS, np.array([172, 92, 92]) * bright * rng.uniform(0.7, 1.0), 0.3),
        (SOCKET, np.array([96, 40, 40]) * bright * rng.uniform(0.5, 1.0), 0.2),
    ):
        here = after.part == part
        shade = (matt + (1 - matt) * facing[here]) * light[here]
        colour[here] = base * shade[:, None]
    tone = np.append(1.0, rng.normal(1, _TONES, after.rig.tooth.max()))
    tooth = np.where(after.triangle >= 0, after.rig.tooth[after.triangle], 0)
    colour *= (tone[tooth] * (1 - _GAP_SHADE * between_teeth(tooth, after.state.scale)))[..., None].astype(np.float32)
    return colour


def between_teeth(tooth: NDArray[np.int64], pixels_per_cm: float) -> F32:
    """(S, S) 0..1: how much a pixel belongs to the gap between two teeth, from the number of the tooth each pixel shows."""
    line = np.zeros(tooth.shape, np.float32)
    for here, beside in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        apart = (tooth[here] != tooth[beside]) & (tooth[here] > 0) & (tooth[beside] > 0)
        line[here] = np.maximum(line[here], apart)
    sigma = max(_GAP_CM * pixels_per_cm, 0.4)
    gap: F32 = np.minimum(cv2.GaussianBlur(line, (0, 0), sigma) * (sigma * 2.5), 1).astype(np.float32)
    return gap


def _vertex_normals(view: View) -> F32:
    a, b, c = (view.vertices[view.rig.faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    corners, count = view.rig.faces.T.ravel(), len(view.vertices)
    total = np.stack([np.bincount(corners, np.tile(normal[:, k], 3), count) for k in range(3)], 1)
    normals: F32 = (total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return normals
