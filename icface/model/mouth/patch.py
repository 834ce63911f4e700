"""The square about the mouth that the painter looks at: where it lies after an edit, and what is in it.

The square hangs from points that no expression moves and turns with the head, so that a painted tooth stays where it is in
the head while the lips move over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Similarity
from icface.face.landmarks import RIGID_POINTS, SUBNASALE
from icface.model.networks.neutralizer import GRID
from icface.model.networks.painter import PATCH, PATCH_CHANNELS

if TYPE_CHECKING:
    from icface.model.surface.mesh import SurfaceMesh

FINER = 1.5
"""Pixels of the kept picture per grid pixel."""
KEPT = round(GRID * FINER)
"""Side of the picture of the crop that patches are cut from."""
_SIDE, _DOWN = 2.9, 1.15
"""Side of the square, and its middle below the nose, in units of the face."""
_NEAR = 64
_TRUE_BELOW = 0.17
"""Stretch (see `patch_of`) up to which a pixel shows what the photo showed; from twice that on it may be painted over."""
_SEEN = 0.5
_BESIDE_LIPS = 11
_COARSER = 0.7
"""A drawn patch is halved before it is shown on a square that is coarser by more than this."""
_STREAKS_FROM, _STREAKS = 0.3, 0.55
"""Stretch (as `patch_of`, below 0) from which on streaks are smoothed, and at which nothing else is left."""
SMOOTH_PX = 2.5
"""Width of that smoothing, pixels of the patch."""
ANGLE_UNIT_DEG = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What is painted over the moved pixels of a rectangle.

    Attributes
    ----------
    patch_from_grid : Similarity
        Where it lies.
    colour : (H, W, 3) float32
        To be added where the mask is open, in units of the range of values (-2..2); what is shown there if `opaque`, 0..1.
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
        self, pivot: NDArray[np.float64], turn: NDArray[np.float64], roll_deg: float, *, size: int = PATCH, room: float = 1.0
    ) -> Similarity:
        """``patch_from_grid`` after the head has turned.

        Parameters
        ----------
        pivot : (2,)
            The head's pivot, grid pixels.
        turn : (3, 3)
            Rotation from the source's pose to the wanted one, camera frame.
        roll_deg : float
            How far the head has rolled (positive to the subject's right: counter-clockwise on the screen).
        size : int
            Side of the patch in pixels.
        room : float
            How much more than the square is shown.
        """
        x, y, _ = turn @ self.camera
        centre = (float(pivot[0] + x), float(pivot[1] - y))
        return Similarity.crop(centre=centre, side=self.side * room, roll_deg=-roll_deg, size=size)


def patch_of(  # noqa: PLR0913, PLR0917
    kept: NDArray[np.uint8],
    patch_from_grid: Similarity,
    flow: NDArray[np.float32],
    back_flow: NDArray[np.float32] | None,
    back: NDArray[np.float32] | None,
    cavity: NDArray[np.float32] | None,
    cavity_rgb: tuple[float, float, float],
    *,
    drawn: Patch | None = None,
    size: int = PATCH,
) -> NDArray[np.float32]:
    """What the painter sees, and how much what is seen is stretched, (PATCH_CHANNELS + 1, size, size).

    The first channels are those of `icface.model.networks.painter.Painter`, whose stretch is that of the skin; the last is the stretch
    of the teeth where teeth are seen.

    Parameters
    ----------
    kept : (KEPT, KEPT, 3) uint8
        The photo in the grid's crop, `FINER` times as fine.
    flow, back_flow, back, cavity
        As `icface.rendering.predictor.FacePrediction`.
    cavity_rgb : tuple of 3 float
        0..255.
    drawn : Patch, optional
        The inside of the mouth, as it is drawn; it counts as cavity, and nothing in it is stretched.
    """
    m = patch_from_grid.inverse().matrix.astype(np.float32)
    line = np.arange(size, dtype=np.float32)
    grid_x = m[0, 0] * line + m[0, 1] * line[:, None] + m[0, 2]
    grid_y = m[1, 0] * line + m[1, 1] * line[:, None] + m[1, 2]

    def on_patch(field: NDArray[Any]) -> NDArray[np.float32]:
        return cv2.remap(field, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]

    def picture(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        at_x, at_y = (x + 0.5) * FINER - 0.5, (y + 0.5) * FINER - 0.5
        sampled = cv2.remap(kept, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return sampled.astype(np.float32)

    shift = on_patch(flow)
    x, y = grid_x + shift[..., 0], grid_y + shift[..., 1]
    moved = picture(x, y)
    shares = np.zeros((2, size, size), np.float32)
    behind: NDArray[np.float32] | None = None
    if back is not None and back_flow is not None and back.any():
        shares[1] = on_patch(back)
        if shares[1].any():
            behind = on_patch(back_flow)
            seen = picture(grid_x + behind[..., 0], grid_y + behind[..., 1])
            moved += (seen - moved) * shares[1, ..., None]
    if cavity is not None and cavity.any():
        shares[0] = on_patch(cavity)
        moved += (np.array(cavity_rgb, np.float32) - moved) * shares[0, ..., None]
    own = np.ones((size, size), np.float32)
    if drawn is not None:
        over = _resampled(drawn, patch_from_grid, size)
        own -= over[..., 3]
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
    return out


def _resampled(drawn: Patch, patch_from_grid: Similarity, size: int) -> NDArray[np.float32]:
    """(size, size, 4) 0..1: an opaque patch in another square, its colours times its share, and its share."""
    layer = np.dstack([drawn.colour * drawn.mask[..., None], drawn.mask])
    there = patch_from_grid @ drawn.patch_from_grid.inverse()
    if there.scale < _COARSER:
        layer = cv2.resize(layer, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        there = there @ Similarity((2, 0, 0.5, 0, 2, 0.5))
    resampled: NDArray[np.float32] = cv2.warpAffine(layer, there.matrix, (size, size), flags=cv2.INTER_LINEAR).astype(
        np.float32
    )
    return resampled


def needed(patch: NDArray[np.float32], lips: NDArray[np.float64]) -> NDArray[np.float32]:
    """(S, S) 0..1: where moving the photo's pixels was not enough, within the mouth and along its edge.

    Pixels that are about as large as they were are the photo's own, teeth above all, and stay. What is stretched, squeezed or
    hidden may be painted, with a soft edge. Around the mouth nothing is, however odd a face the painter is asked for.

    Parameters
    ----------
    patch : (PATCH_CHANNELS + 1, S, S)
        As `patch_of`.
    lips : (K, 2)
        The opening of the mouth, pixels of the patch.
    """
    bent = np.clip((np.abs(patch[9]) - _TRUE_BELOW) / _TRUE_BELOW, 0, 1)
    hidden = np.clip(4 * patch[6], 0, 1)
    wide = cv2.dilate(np.maximum(bent, hidden), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    mouth = np.zeros(wide.shape, np.uint8)
    cv2.fillPoly(mouth, [lips.round().astype(np.int32)], (1,))
    around = cv2.dilate(mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BESIDE_LIPS, _BESIDE_LIPS)))
    soft: NDArray[np.float32] = cv2.GaussianBlur(wide * around, (0, 0), 2.0).astype(np.float32)
    return soft


def drawn_out(patch: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) 0..1: where what may be painted is stretched so far that it shows nothing but streaks."""
    share: NDArray[np.float32] = np.clip((-patch[9] - _STREAKS_FROM) / (_STREAKS - _STREAKS_FROM), 0, 1) * wanted
    return share


def _stretch(x: NDArray[np.float32], y: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Logarithm of how much larger the source's area is that each pixel shows, -1 (stretched e²-fold) .. 1 (squeezed)."""
    across, down = np.empty((2, *x.shape), np.float32), np.empty((2, *x.shape), np.float32)
    for k, a in enumerate((x, y)):
        across[k], down[k] = cv2.Sobel(a, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(a, cv2.CV_32F, 0, 1, scale=1 / 8)
    area = np.abs(across[0] * down[1] - across[1] * down[0]) * scale**2
    stretch: NDArray[np.float32] = np.clip(np.log(area + 1e-3) / 2, -1, 1)
    return stretch
