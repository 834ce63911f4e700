"""The square about the mouth that the painter looks at: where it lies after an edit, and what is in it.

The square hangs from points that no expression moves and turns with the head, so that a painted
tooth stays where it is in the head while the lips move over it.
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

_SIDE, _DOWN = 2.9, 1.15
"""Side of the square, and its middle below the nose, in units of the face."""
_NEAR = 64
_TRUE_BELOW = 0.17
"""Stretch (see `PatchView.stretch`) up to which a pixel shows what the photo showed; from twice
that on it may be painted over."""
_SEEN = 0.5
_BESIDE_LIPS = 11
_COARSER = 0.7
"""A drawn patch is halved before it is shown on a square that is coarser by more than this."""
_STREAKS = Ramp(0.3, 0.55)
"""Negative `PatchView.stretch`: how much of what is seen there is streaks."""
SMOOTH_PX = 2.5
"""Width of that smoothing, pixels of the patch."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What is painted over the moved pixels of a rectangle.

    Attributes
    ----------
    patch_from_grid : Similarity
        Where it lies.
    colour : (H, W, 3) float32
        To be added where the mask is open, in units of the range of values (-2..2); what is shown
        there if `opaque`, 0..1.
    mask : (H, W) float32
        0..1, 0 along the border.
    smooth : (H, W) float32, or None
        0..1, where what is painted on is blurred first: pixels drawn out to several times their size are streaks.
    opaque : bool
        The colour takes the place of what is below.
    """

    patch_from_grid: Similarity
    colour: NDArray[np.float32]
    mask: NDArray[np.float32]
    smooth: NDArray[np.float32] | None = None
    opaque: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PatchAnchor:
    """The square of one photo, in the camera frame of its mesh (`icface.model.surface.mesh`), so that it can turn with the head.

    Attributes
    ----------
    camera : (3,)
        Its middle.
    side : float
        Grid pixels.
    """

    camera: NDArray[np.float64]
    side: float

    @classmethod
    def of(cls, landmarks: NDArray[np.floating], mesh: SurfaceMesh) -> PatchAnchor:
        """From landmarks (478, 2) in grid pixels, on a grid that is upright along the eye line."""
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
            Rotation from the source's pose to the wanted one, camera frame.
        roll_deg : float
            How far the head has rolled (positive to the subject's right: counter-clockwise on the
            screen).
        size : int
            Side of the patch in pixels.
        room : float
            How much more than the square is shown.
        """
        x, y, _ = turn @ self.camera
        centre = (float(pivot[0] + x), float(pivot[1] - y))
        return Similarity.crop(centre=centre, side=self.side * room, roll_deg=-roll_deg, size=size)


@dataclass(frozen=True, slots=True, eq=False)
class PatchView:
    """What is seen in a square about the mouth after an edit, and how much it is stretched.

    Attributes
    ----------
    patch_from_grid : Similarity
        Where the square lies.
    channels : (PATCH_CHANNELS + 1, S, S) float32
        Those of `icface.model.networks.painter.Painter`, whose stretch is that of the skin; then
        the stretch of what is seen, which is that of the teeth where teeth are seen.
    """

    patch_from_grid: Similarity
    channels: NDArray[np.float32]

    @property
    def moved(self) -> NDArray[np.float32]:
        """(3, S, S) the moved picture, -1..1."""
        return self.channels[:3]

    @property
    def cavity(self) -> NDArray[np.float32]:
        """(S, S) 0..1, how much of each pixel the photo hides, or is drawn."""
        one: NDArray[np.float32] = self.channels[6]
        return one

    @property
    def stretch(self) -> NDArray[np.float32]:
        """(S, S) how much what is seen is stretched: -1 (e²-fold) .. 1 (squeezed)."""
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
    """The view of a square, pixels of `size`.

    Parameters
    ----------
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The photo in the grid's crop, `FINE_CROP_SCALE` times as fine.
    layers : tuple of Layer
        Skin, and perhaps what shows through its openings, and the mouth's cavity.
    drawn : Patch, optional
        The inside of the mouth, as it is drawn; it counts as cavity, and nothing in it is
        stretched.
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
        out[9] = np.where(cv2.erode(shares[1], np.ones((3, 3), np.uint8)) > _SEEN, teeth, out[8])
    out[8:] *= own
    return PatchView(patch_from_grid, out)


def _resampled(drawn: Patch, patch_from_grid: Similarity, size: int) -> NDArray[np.float32]:
    """(size, size, 4) 0..1: an opaque patch in another square, its colours times its share, and its share."""
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
    """(S, S) 0..1: where moving the photo's pixels was not enough, within the mouth and along its edge.

    Pixels that are about as large as they were are the photo's own, teeth above all, and stay. What
    is stretched, squeezed or hidden may be painted, with a soft edge. Around the mouth nothing is,
    however odd a face the painter is asked for.

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
        mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BESIDE_LIPS, _BESIDE_LIPS))
    )
    soft: NDArray[np.float32] = cv2.GaussianBlur(wide * around, (0, 0), 2.0).astype(np.float32)
    return soft


def streak_mask(view: PatchView, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) 0..1: where what may be painted is stretched so far that it shows nothing but streaks."""
    share: NDArray[np.float32] = _STREAKS(-view.stretch) * wanted
    return share


def _stretch(x: NDArray[np.float32], y: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Logarithm of how much larger the source's area is that each pixel shows, -1 (stretched e²-fold) .. 1 (squeezed)."""
    across, down = np.empty((2, *x.shape), np.float32), np.empty((2, *x.shape), np.float32)
    for k, a in enumerate((x, y)):
        across[k], down[k] = (
            cv2.Sobel(a, cv2.CV_32F, 1, 0, scale=1 / 8),
            cv2.Sobel(a, cv2.CV_32F, 0, 1, scale=1 / 8),
        )
    area = np.abs(across[0] * down[1] - across[1] * down[0]) * scale**2
    stretch: NDArray[np.float32] = np.clip(np.log(area + 1e-3) / 2, -1, 1)
    return stretch
