"""A FACS face rig over photographs: the source of paired training data.

A rig file holds a neutral mesh, identity modes and expression shapes (here from the ICT Face
Model Light, MIT licence), and the mesh vertex of each face-mesh landmark. Given a fitted `State` it
tells where every surface point of a face lies, so a photograph can be warped into any other state
of that face with exact controls, flow and visibility. Only training loads a rig; the product does
not.

Convention
----------
Image points are (x, y) in pixels, y down, the centre of the top-left pixel is (0, 0). The rig's
frame is x to the subject's left, y up, z towards the camera, centimetres, origin at the head's
pivot; weak perspective.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64
from icface.face.controls import EXPRESSIONS, ControlVector
from icface.face.geometry import Similarity, euler_angles_deg, rotation_matrix
from icface.training.loop.array_files import read_arrays
from icface.training.rig.amended import Mesh, amended

SKIN, SOCKET, GUMS, TEETH, EYE = range(5)
_RIG_ARRAYS = (
    "base",
    "expression",
    "identity",
    "faces",
    "part",
    "landmark468",
    "canonical468",
    "expression_names",
)
INSIDE = (SOCKET, GUMS, TEETH)
"""Parts that lie behind the lips."""
_SWAPPED = {
    "jawLeft": "jawRight",
    "jawRight": "jawLeft",
    "mouthLeft": "mouthRight",
    "mouthRight": "mouthLeft",
}
_CORNEA_SET_BACK_CM = 0.25
"""Eyeballs are pushed back, or the cornea pokes through closed lids on some identities."""


def _mirrored(channel: str) -> str:
    if channel[-2:] in ("_L", "_R"):
        return channel[:-1] + {"L": "R", "R": "L"}[channel[-1]]
    return _SWAPPED.get(channel, channel)


MIRROR = np.array([EXPRESSIONS.index(_mirrored(name)) for name in EXPRESSIONS])
"""Permutation of the 53 channels under a left-right flip."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One face at one moment, in the pixels of some picture.

    Attributes
    ----------
    rotation : (3, 3) float64
        Head to camera frame.
    scale : float
        Pixels per centimetre.
    pivot : (2,) float64
        Where the rig's origin lies, pixels.
    identity : (60,) float64
        Standard deviations.
    expression : (53,) float64
        Channels in 0..1.
    """

    rotation: F64
    scale: float
    pivot: F64
    identity: F64
    expression: F64

    @property
    def angles_deg(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll, degrees."""
        return euler_angles_deg(self.rotation)

    @property
    def controls(self) -> ControlVector:
        """The state's angles, and its channels clipped to 0..1."""
        return ControlVector.from_array([*self.angles_deg, *np.clip(self.expression, 0, 1)])

    def clipped(self) -> State:
        """The state with its channels clipped to 0..1, which fits may exceed."""
        return replace(self, expression=np.clip(self.expression, 0, 1))

    def turned(self, yaw_deg: float, pitch_deg: float, roll_deg: float) -> State:
        """The state turned to these absolute angles, degrees."""
        return replace(self, rotation=rotation_matrix(yaw_deg, pitch_deg, roll_deg))

    def expressed(self, expression: F64) -> State:
        """The state with another expression."""
        return replace(self, expression=expression)

    def neutral(self) -> State:
        """The state turned to the front and without expression."""
        return replace(self, rotation=np.eye(3), expression=np.zeros_like(self.expression))

    def moved(self, to_from_here: Similarity) -> State:
        """The state in the picture after a similarity."""
        turn = rotation_matrix(0, 0, to_from_here.turn_deg)
        return replace(
            self,
            rotation=turn @ self.rotation,
            scale=self.scale * to_from_here.scale,
            pivot=to_from_here.points(self.pivot[None])[0],
        )

    def flipped(self, width: int) -> State:
        """The state in the mirrored picture (asymmetry of identity is ignored)."""
        mirror = np.diag([-1.0, 1.0, 1.0])
        return replace(
            self,
            rotation=mirror @ self.rotation @ mirror,
            pivot=np.array([width - 1 - self.pivot[0], self.pivot[1]]),
            expression=self.expression[MIRROR],
        )


class Rig:
    """Mesh, modes and shapes of a rig file.

    Attributes
    ----------
    base : (V, 3) float32
        Neutral mesh, centimetres.
    shapes : (53, V, 3) float32
        Expression offsets at full intensity, in the order of `EXPRESSIONS`: those of the file,
        corrected by `icface.training.rig.amended`.
    faces, part : (F, 3) and (F,)
        Triangles and what they are made of.
    mesh : (468,) int
        Vertex of each face-mesh point.
    """

    def __init__(self, path: Path) -> None:
        data = read_arrays(path, _RIG_ARRAYS, kind="a rig file")
        self.base: F32 = data["base"]
        self.modes: F32 = data["identity"].astype(np.float32)
        self.faces: NDArray[np.int32] = data["faces"]
        self.part: NDArray[np.int8] = data["part"]
        self.mesh: NDArray[np.int32] = data["landmark468"]
        self.canonical: F32 = data["canonical468"]
        names = tuple(str(n) for n in data["expression_names"])
        if names != EXPRESSIONS:
            raise ValueError(
                f"The rig {path} has other expression channels than icface.face.controls."
            )
        skin = np.zeros(len(self.base), np.bool_)
        skin[self.faces[self.part == SKIN]] = True
        self.shapes: F32 = amended(
            Mesh(base=self.base, shapes=data["expression"], skin=skin, landmarks=self.mesh)
        )
        self.base[self._eye_vertices, 2] -= _CORNEA_SET_BACK_CM
        blink = np.abs(
            self.shapes[[EXPRESSIONS.index("eyeBlink_L"), EXPRESSIONS.index("eyeBlink_R")]]
        ).sum((0, 2))
        self.lid: NDArray[np.bool_] = (self.part == SKIN) & (blink[self.faces].min(1) > 0.05)

    def base_as_stored(self) -> F32:
        """(V, 3) neutral mesh as a rig file holds it, with the eyeballs where they were."""
        stored = self.base.copy()
        stored[self._eye_vertices, 2] += _CORNEA_SET_BACK_CM
        return stored

    @cached_property
    def _eye_vertices(self) -> NDArray[np.int32]:
        return np.unique(self.faces[self.part == EYE])

    @cached_property
    def mesh_mirror(self) -> NDArray[np.int64]:
        """(468,) index of the face-mesh point that each becomes in a mirrored picture."""
        mirrored = self.canonical * np.array([-1, 1, 1], np.float32)
        nearest: NDArray[np.int64] = np.argmin(
            np.linalg.norm(mirrored[:, None] - self.canonical[None], axis=2), axis=1
        )
        return nearest

    @cached_property
    def pupils(self) -> NDArray[np.int64]:
        """Vertex of the subject's right and left pupil."""
        eye = self._eye_vertices
        right, left = eye[self.base[eye, 0] < 0], eye[self.base[eye, 0] > 0]
        return np.array([right[self.base[right, 2].argmax()], left[self.base[left, 2].argmax()]])

    def neutral_shape(self, identity: F64) -> F32:
        """(V, 3) neutral mesh of one person, centimetres."""
        flat = identity.astype(np.float32) @ self.modes[: len(identity)].reshape(len(identity), -1)
        shape: F32 = self.base + flat.reshape(self.base.shape)
        return shape

    def head_shape(self, state: State, neutral: F32 | None = None) -> F32:
        """(V, 3) mesh with expression in the head's own frame, centimetres."""
        shape = (self.neutral_shape(state.identity) if neutral is None else neutral).copy()
        for k in np.flatnonzero(np.abs(state.expression) > 1e-4):
            shape += np.float32(state.expression[k]) * self.shapes[k]
        return shape

    def project(self, state: State, head_shape: F32) -> F32:
        """(V, 3): x, y in pixels, z in pixels towards the camera."""
        turned = head_shape @ (state.rotation.T * state.scale).astype(np.float32)
        turned[:, 0] += state.pivot[0]
        turned[:, 1] = state.pivot[1] - turned[:, 1]
        return turned

    def vertices(self, state: State) -> F32:
        """(V, 3) of a state, pixels."""
        return self.project(state, self.head_shape(state))


class View:
    """A state rasterised to size x size: depth, triangle (-1 outside), corner weights, part."""

    def __init__(self, rig: Rig, state: State, size: int, *, neutral: F32 | None = None) -> None:
        self.rig, self.size, self.state = rig, size, state
        self.head_shape = rig.head_shape(state, neutral)
        self.vertices = rig.project(state, self.head_shape)
        self.z, self.triangle, self.weights = rasterise(self.vertices, rig.faces, size)
        self.part = np.where(self.triangle >= 0, rig.part[self.triangle], -1)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(S, S) where it shows the inside of the mouth."""
        return np.isin(self.part, INSIDE)

    def interpolate(self, per_vertex: F32) -> F32:
        """(S, S, C) values of (V, C) vertex attributes; meaningless where `triangle` is -1."""
        values: F32 = _interpolate(
            np.ascontiguousarray(per_vertex), self.rig.faces, self.triangle, self.weights
        )
        return values


def flow(
    source: View, target: View, *, occlusion_tolerance: float = 0.03
) -> tuple[F32, NDArray[np.bool_]]:
    """Backward flow (S, S, 2) in pixels: target pixel x shows what the source has at x + flow(x).

    Also the mask of pixels whose flow is geometry (visible skin or eye in both); elsewhere it is
    harmonic fill to zero at the border. The folded skin of an open eye counts as visible: its
    colour is right there.
    """
    size = target.size
    at = target.interpolate(source.vertices)
    ys, xs = np.mgrid[:size, :size].astype(np.float32)
    ix, iy = (np.clip(np.rint(at[..., k]), 0, size - 1).astype(int) for k in (0, 1))
    seen = target.triangle >= 0
    visible = seen & (
        np.abs(source.z[iy, ix] - at[..., 2]) < occlusion_tolerance * np.ptp(source.vertices[:, 0])
    )
    known = (visible & ((target.part == SKIN) | (target.part == EYE))) | (
        seen & target.rig.lid[target.triangle]
    )
    known = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    border = np.zeros_like(known)
    border[[0, -1]] = border[:, [0, -1]] = True
    geometry = np.where(
        known[..., None], np.stack([at[..., 0] - xs, at[..., 1] - ys], -1), 0
    ).astype(np.float32)
    return harmonic_fill(geometry, known | border), known


def warp(image: NDArray[np.uint8], field: F32) -> NDArray[np.uint8]:
    """A square image sampled through a square backward flow; their sizes may differ."""
    h, w = image.shape[:2]
    if field.shape[:2] != (h, w):
        field = (
            cv2.resize(field, (w, h), interpolation=cv2.INTER_CUBIC) * (w / field.shape[1])
        ).astype(np.float32)
    ys, xs = np.mgrid[:h, :w].astype(np.float32)
    warped = cv2.remap(
        image,
        xs + field[..., 0],
        ys + field[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped.astype(np.uint8, copy=False)


def harmonic_fill(values: F32, known: NDArray[np.bool_], *, sweeps: int = 8) -> F32:
    """Smoothly continue (S, S, C) `values` from the known pixels, coarse to fine."""
    pyramid = [(values, known.astype(np.float32))]
    while pyramid[-1][1].shape[0] > 4:
        v, k = pyramid[-1]
        half = cv2.resize(v * k[..., None], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        share = cv2.resize(k, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        pyramid.append(
            (
                np.asarray(half / np.maximum(share, 1e-6)[..., None], np.float32),
                (share > 0).astype(np.float32),
            )
        )
    filled: NDArray[Any] = pyramid[-1][0]
    for v, share in reversed(pyramid):
        k = share[..., None]
        filled = cv2.resize(filled, share.shape[::-1], interpolation=cv2.INTER_LINEAR)
        for _ in range(sweeps):
            filled = v * k + cv2.blur(filled, (3, 3)) * (1 - k)
    return filled


@numba.njit(cache=True, fastmath=True)
def rasterise(vertices, faces, size):  # type: ignore[no-untyped-def]
    """Depth (S, S), triangle (S, S) and two corner weights (S, S, 2) of a mesh, nearest first."""
    z = np.full((size, size), -1e9, np.float32)
    triangle = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 2), np.float32)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, x1, y1 = vertices[a, 0], vertices[a, 1], vertices[b, 0], vertices[b, 1]
        x2, y2 = vertices[c, 0], vertices[c, 1]
        left, right = (
            max(int(np.ceil(min(x0, x1, x2) - 1e-3)), 0),
            min(int(np.floor(max(x0, x1, x2) + 1e-3)), size - 1),
        )
        top, bottom = (
            max(int(np.ceil(min(y0, y1, y2) - 1e-3)), 0),
            min(int(np.floor(max(y0, y1, y2) + 1e-3)), size - 1),
        )
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if right < left or bottom < top or abs(area) < 1e-9:
            continue
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
                w0 = 1 - w1 - w2
                if w0 >= -1e-3 and w1 >= -1e-3 and w2 >= -1e-3:
                    depth = w0 * vertices[a, 2] + w1 * vertices[b, 2] + w2 * vertices[c, 2]
                    if depth > z[y, x]:
                        z[y, x] = depth
                        triangle[y, x] = f
                        weights[y, x, 0], weights[y, x, 1] = w1, w2
    return z, triangle, weights


@numba.njit(cache=True, fastmath=True)
def _interpolate(values, faces, triangle, weights):  # type: ignore[no-untyped-def]
    height, width = triangle.shape
    out = np.zeros((height, width, values.shape[1]), np.float32)
    for y in range(height):
        for x in range(width):
            f = triangle[y, x]
            if f >= 0:
                w1, w2 = weights[y, x, 0], weights[y, x, 1]
                w0 = 1 - w1 - w2
                for c in range(values.shape[1]):
                    out[y, x, c] = (
                        w0 * values[faces[f, 0], c]
                        + w1 * values[faces[f, 1], c]
                        + w2 * values[faces[f, 2], c]
                    )
    return out
