"""The square about the mouth that the painter sees: its place after an edit, and its contents.

The square is anchored to points that no expression moves and turns with the head, so a painted
tooth keeps its place in the head while the lips move over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Similarity
from icface.face.landmarks import RIGID_POINTS, SUBNASALE
from icface.face.ramps import Ramp
from icface.model.networks.painter import PATCH, PATCH_CHANNELS
from icface.model.surface.fine_crop import sample_fine_crop
from icface.model.surface.layers import Layer, colour_layer, flow_layer

if TYPE_CHECKING:
    from icface.model.surface.mesh import SurfaceMesh

_SIDE = 2.9
"""Side of the square, in units of the face: the spread of its rigid landmarks."""
_DOWN = 1.15
"""Distance of the middle of the square below the nose, in units of the face."""
_NEAR = 64
"""Number of surface points near the middle that give its depth."""
_TRUE_BELOW = 0.17
"""Stretch (see `PatchView.stretch`) up to which a pixel is the photo's own; from twice that on it
may be painted over."""
_SHOWS_TEETH = 0.5
"""Share of eyes and teeth from which on a pixel has their stretch."""
_BESIDE_LIPS_PX = 11
"""Width of the region around the opening that may be painted, pixels of the patch."""
_COARSER = 0.7
"""A drawn patch is halved before it is resampled to a square coarser than this share of it."""
_STREAKS = Ramp(0.3, 0.55)
"""Negative `PatchView.stretch`: how much a pixel shows nothing but streaks."""
SMOOTH_PX = 2.5
"""Blur of streaks, pixels of the patch."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A picture painted over the moved pixels of a rectangle.

    Attributes
    ----------
    patch_from_grid : Similarity
        Place of the rectangle.
    colour : (H, W, 3) float32
        Paint to add under the mask, in units of the range of values (-2..2); the colour itself if
        `opaque`, 0..1.
    mask : (H, W) float32
        0..1, 0 along the border.
    smooth : (H, W) float32, or None
        0..1, where the pixels below are blurred first: stretched several times, they are streaks.
    opaque : bool
        The colour replaces the pixels below.
    """

    patch_from_grid: Similarity
    colour: NDArray[np.float32]
    mask: NDArray[np.float32]
    smooth: NDArray[np.float32] | None = None
    opaque: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PatchAnchor:
    """The square about the mouth of one photo, anchored to its head.

    Attributes
    ----------
    camera : (3,)
        Middle of the square in the camera frame of the mesh, grid pixels.
    side : float
        Side of the square, grid pixels.
    """

    camera: NDArray[np.float64]
    side: float

    @classmethod
    def of(cls, landmarks: NDArray[np.floating], mesh: SurfaceMesh) -> PatchAnchor:
        """The anchor from landmarks (478, 2), pixels of a grid upright along the eye line."""
        rigid = landmarks[list(RIGID_POINTS), :2].astype(np.float64)
        unit = float(np.sqrt(((rigid - rigid.mean(0)) ** 2).sum(1).mean()))
        x, y = landmarks[SUBNASALE, :2]
        y = y + _DOWN * unit
        pivot, source = mesh.pivot.double().cpu().numpy(), mesh.source.double().cpu().numpy()
        near = np.argsort(((source - (x, y)) ** 2).sum(1))[:_NEAR]
        depth = float(np.median(mesh.camera[:, 2].double().cpu().numpy()[near]))
        return cls(np.array([x - pivot[0], pivot[1] - y, depth]), _SIDE * unit)

    def frame(
        self,
        pivot: NDArray[np.float64],
        turn: NDArray[np.float64],
        roll_deg: float,
        *,
        size: int = PATCH,
        room: float = 1.0,
    ) -> Similarity:
        """``patch_from_grid`` after the head has turned.

        Parameters
        ----------
        pivot : (2,)
            The head's pivot, grid pixels.
        turn : (3, 3)
            Rotation from the source's pose to the requested one, camera frame.
        roll_deg : float
            Roll of the head, positive to the subject's right: counter-clockwise on the screen.
        size : int
            Side of the patch in pixels.
        room : float
            Side of the patch over the side of the square.
        """
        x, y, _ = turn @ self.camera
        centre = (float(pivot[0] + x), float(pivot[1] - y))
        return Similarity.crop(centre=centre, side=self.side * room, roll_deg=-roll_deg, size=size)


@dataclass(frozen=True, slots=True, eq=False)
class PatchView:
    """The painter's view of the square about the mouth after an edit.

    Attributes
    ----------
    patch_from_grid : Similarity
        Place of the square.
    channels : (PATCH_CHANNELS + 1, S, S) float32
        Input of `icface.model.networks.painter.Painter`, with the stretch of the skin; then the
        stretch of the visible layer, which is teeth where teeth show.
    """

    patch_from_grid: Similarity
    channels: NDArray[np.float32]

    @property
    def moved(self) -> NDArray[np.float32]:
        """(3, S, S) the moved picture, -1..1."""
        return self.channels[:3]

    @property
    def cavity(self) -> NDArray[np.float32]:
        """(S, S) 0..1, how much of each pixel the photo hides or a drawing covers."""
        one: NDArray[np.float32] = self.channels[6]
        return one

    @property
    def stretch(self) -> NDArray[np.float32]:
        """(S, S) stretch of the visible layer: -1 (stretched e²-fold) .. 1 (squeezed)."""
        one: NDArray[np.float32] = self.channels[9]
        return one


def patch_view(
    fine_crop: NDArray[np.uint8],
    layers: tuple[Layer, ...],
    patch_from_grid: Similarity,
    *,
    drawn: Patch | None = None,
    size: int = PATCH,
) -> PatchView:
    """The view of a square of `size` pixels.

    Parameters
    ----------
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The photo in the grid's crop, `FINE_CROP_SCALE` times as fine.
    layers : tuple of Layer
        Skin, and perhaps what shows through its openings, and the mouth's cavity.
    drawn : Patch, optional
        The drawn inside of the mouth; it counts as cavity, and nothing in it is stretched.
    """
    m = patch_from_grid.inverse().matrix.astype(np.float32)
    line = np.arange(size, dtype=np.float32)
    grid_x = m[0, 0] * line + m[0, 1] * line[:, None] + m[0, 2]
    grid_y = m[1, 0] * line + m[1, 1] * line[:, None] + m[1, 2]

    def on_patch(field: NDArray[Any]) -> NDArray[np.float32]:
        return cv2.remap(field, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]

    def picture(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        return sample_fine_crop(fine_crop, x, y).astype(np.float32)

    skin, openings, cavity = (
        flow_layer(layers, "skin"),
        flow_layer(layers, "openings"),
        colour_layer(layers),
    )
    if skin is None:
        raise ValueError("A face that nothing moves has no view of its mouth.")
    shift = on_patch(skin.flow)
    x, y = grid_x + shift[..., 0], grid_y + shift[..., 1]
    moved = picture(x, y)
    shares = np.zeros((2, size, size), np.float32)
    behind: NDArray[np.float32] | None = None
    if openings is not None and openings.coverage is not None and openings.coverage.any():
        shares[1] = on_patch(openings.coverage)
        if shares[1].any():
            behind = on_patch(openings.flow)
            seen = picture(grid_x + behind[..., 0], grid_y + behind[..., 1])
            moved += (seen - moved) * shares[1, ..., None]
    if cavity is not None and cavity.coverage.any():
        shares[0] = on_patch(cavity.coverage)
        moved += (np.array(cavity.rgb, np.float32) - moved) * shares[0, ..., None]
    over = (
        np.zeros((size, size, 4), np.float32)
        if drawn is None
        else _resampled(drawn, patch_from_grid, size)
    )
    own = 1 - over[..., 3]
    moved = moved * own[..., None] + over[..., :3] * 255
    shares[0] = np.maximum(shares[0], over[..., 3])
    out = np.empty((PATCH_CHANNELS + 1, size, size), np.float32)
    out[:3] = moved.transpose(2, 0, 1) / 127.5 - 1
    out[3:6] = picture(grid_x, grid_y).transpose(2, 0, 1) / 127.5 - 1
    out[6:8] = shares
    out[8] = out[9] = _stretch(x, y, patch_from_grid.scale)
    if behind is not None:
        teeth = _stretch(grid_x + behind[..., 0], grid_y + behind[..., 1], patch_from_grid.scale)
        out[9] = np.where(
            cv2.erode(shares[1], np.ones((3, 3), np.uint8)) > _SHOWS_TEETH, teeth, out[8]
        )
    out[8:] *= own
    return PatchView(patch_from_grid, out)


def _resampled(drawn: Patch, patch_from_grid: Similarity, size: int) -> NDArray[np.float32]:
    """(size, size, 4) 0..1: an opaque patch in a square: colours times coverage, coverage."""
    layer = np.dstack([drawn.colour * drawn.mask[..., None], drawn.mask])
    there = patch_from_grid @ drawn.patch_from_grid.inverse()
    if there.scale < _COARSER:
        layer = cv2.resize(layer, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        there = there @ Similarity((2, 0, 0.5, 0, 2, 0.5))
    resampled: NDArray[np.float32] = cv2.warpAffine(
        layer, there.matrix, (size, size), flags=cv2.INTER_LINEAR
    ).astype(np.float32)
    return resampled


def paint_mask(view: PatchView, lips: NDArray[np.float64]) -> NDArray[np.float32]:
    """(S, S) 0..1: pixels of the mouth and along its edge that may be painted.

    Pixels about as large as they were are the photo's own, teeth above all, and stay. Stretched,
    squeezed or hidden pixels may be painted, with a soft edge. Nothing is painted farther from the
    mouth, however odd the requested face.

    Parameters
    ----------
    view : PatchView
    lips : (K, 2)
        The opening of the mouth, pixels of the patch.
    """
    bent = np.clip((np.abs(view.stretch) - _TRUE_BELOW) / _TRUE_BELOW, 0, 1)
    hidden = np.clip(4 * view.cavity, 0, 1)
    wide = cv2.dilate(
        np.maximum(bent, hidden), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    )
    mouth = np.zeros(wide.shape, np.uint8)
    cv2.fillPoly(mouth, [lips.round().astype(np.int32)], (1,))
    around = cv2.dilate(
        mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BESIDE_LIPS_PX, _BESIDE_LIPS_PX))
    )
    soft: NDArray[np.float32] = cv2.GaussianBlur(wide * around, (0, 0), 2.0).astype(np.float32)
    return soft


def streak_mask(view: PatchView, mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) 0..1: pixels under a paint mask that are stretched to mere streaks."""
    share: NDArray[np.float32] = _STREAKS(-view.stretch) * mask
    return share


def _stretch(x: NDArray[np.float32], y: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """(S, S) half the logarithm of the source's area per pixel: `PatchView.stretch`.

    Parameters
    ----------
    x, y : (S, S)
        Source positions, grid pixels.
    scale : float
        Pixels of the patch per grid pixel.
    """
    across, down = np.empty((2, *x.shape), np.float32), np.empty((2, *x.shape), np.float32)
    for k, a in enumerate((x, y)):
        across[k], down[k] = (
            cv2.Sobel(a, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(a, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
    area = np.abs(across[0] * down[1] - across[1] * down[0]) * scale**2
    stretch: NDArray[np.float32] = np.clip(np.log(area + 1e-3) / 2, -1, 1)
    return stretch
