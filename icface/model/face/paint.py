"""The painter's view of a posed mouth, and the patch that its answer becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.model.device import Device
from icface.model.face.encode import SourceEncoding
from icface.model.face.pose import PosedFace
from icface.model.mouth.paint_limits import (
    Hues,
    in_own_hues,
    painter_controls,
    tone_of_drawn,
    within_training_range,
)
from icface.model.mouth.patch import (
    SMOOTH_PX,
    Patch,
    PatchView,
    paint_mask,
    patch_view,
    streak_mask,
)
from icface.model.networks.painter import PATCH, PATCH_CHANNELS, Paint, Painter


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MouthView:
    """The painter's input for a posed mouth, and the limits of its answer.

    Attributes
    ----------
    patch_from_grid : Similarity
        Place of the painter's square.
    pixels : (PATCH_CHANNELS, PATCH, PATCH) float32
        The network's input, streaks smoothed.
    cavity : (PATCH, PATCH) float32
        0..1, how much of each pixel the photo hides.
    mask : (PATCH, PATCH) float32
        0..1, pixels that may be painted.
    streaks : (PATCH, PATCH) float32
        0..1, pixels that are stretched to streaks and smoothed first.
    controls : two of (56,) Tensor
        The conditioning: own and requested controls, within the painter's training range.
    hues : Hues
        The photo's hues, which limit the paint.
    over_drawing : bool
        The inside of the mouth is drawn: the painter gives it its tone alone.
    """

    patch_from_grid: Similarity
    pixels: NDArray[np.float32]
    cavity: NDArray[np.float32]
    mask: NDArray[np.float32]
    streaks: NDArray[np.float32]
    controls: tuple[torch.Tensor, torch.Tensor]
    hues: Hues
    over_drawing: bool

    def painted(self, painter: Painter, device: Device) -> Patch | None:
        """The painter's patch, from a network on a device, in its precision; None as in `patch`."""
        where, dtype = device.torch_device, device.dtype
        before, after = (controls.to(where, dtype)[None] for controls in self.controls)
        pixels = torch.from_numpy(self.pixels).to(where, dtype)[None]
        paint: Paint = painter(pixels.contiguous(memory_format=torch.channels_last), before, after)
        return self.patch(paint)

    def patch(self, paint: Paint) -> Patch | None:
        """The patch of the network's answer; None if that holds numbers that are not finite."""
        colour = (paint.colour[0] * 0.5).float().permute(1, 2, 0).cpu().numpy()
        colour = in_own_hues(colour, self.pixels[:3], self.hues)
        mask = paint.mask[0, 0].float().cpu().numpy() * self.mask
        if not (np.isfinite(colour).all() and np.isfinite(mask).all()):
            return None
        patch = Patch(
            self.patch_from_grid, np.ascontiguousarray(colour), np.ascontiguousarray(mask)
        )
        if self.over_drawing:
            patch = tone_of_drawn(patch, self.cavity)
        return replace(patch, smooth=self.streaks if self.streaks.any() else None)


def mouth_view(encoding: SourceEncoding, posed: PosedFace) -> MouthView | None:
    """The painter's view of a posed face; None where nothing is drawn that it could tone.

    Where nothing is drawn the mouth shows the photo's own pixels, and they need no paint.
    """
    drawn = max((float(patch.mask.max()) for patch in posed.interior), default=0.0)
    if posed.mouth_share * drawn == 0:
        return None
    view = view_of_mouth(encoding, posed)
    mask = paint_mask(view, view.patch_from_grid.points(posed.lips))
    mask *= posed.mouth_share * min(drawn, 1.0)
    if not mask.any():
        return None
    streaks = streak_mask(view, mask)
    pixels = view.channels[:PATCH_CHANNELS]
    smooth = np.stack([cv2.GaussianBlur(c, (0, 0), SMOOTH_PX) for c in pixels[:3]])
    pixels[:3] += streaks * (smooth - pixels[:3])
    return MouthView(
        patch_from_grid=view.patch_from_grid,
        pixels=pixels,
        cavity=view.cavity,
        mask=mask,
        streaks=streaks,
        controls=conditioning(encoding.controls, posed.controls),
        hues=encoding.mouth.hues,
        over_drawing=any(patch.opaque for patch in posed.interior),
    )


def conditioning(before: ControlVector, after: ControlVector) -> tuple[torch.Tensor, torch.Tensor]:
    """Own and requested controls, (56,) each, within the painter's training range."""
    return within_training_range(painter_controls(before), painter_controls(after))


def view_of_mouth(
    encoding: SourceEncoding, posed: PosedFace, *, size: int = PATCH, room: float = 1.0
) -> PatchView:
    """The square about the mouth after an edit, `room` times the side of the painter's."""
    roll_deg = posed.controls.angles_deg[2] - encoding.controls.angles_deg[2]
    pivot = encoding.mesh.pivot.double().cpu().numpy()
    frame = encoding.mouth.anchor.frame(pivot, posed.turn, roll_deg, size=size, room=room)
    drawn = next((patch for patch in posed.interior if patch.opaque), None)
    return patch_view(encoding.fine_crop, posed.layers, frame, drawn=drawn, size=size)
