"""Protected regions: unedited pixels laid back over the edited ones, with a soft edge."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from icface.arrays import AnyArray
from icface.document import Region
from icface.face.ramps import smoothstep


def protect(
    edited: AnyArray, original: AnyArray, regions: Iterable[Region], scale: float = 1.0
) -> AnyArray:
    """The edited picture with regions of the original in it.

    Parameters
    ----------
    edited, original : (H, W, C) uint8 or uint16
        Pictures of one shape; not written to.
    regions : iterable of Region
        In pixels of the source.
    scale : float
        Pixels of these pictures per pixel of the source.

    Returns
    -------
    (H, W, C) array
        `edited` itself where nothing is protected, or nothing was edited.
    """
    if edited is original:
        return edited
    result = edited
    for region in regions:
        found = _share(region, scale, (original.shape[0], original.shape[1]))
        if found is None:
            continue
        share, window = found
        result = result.copy() if result is edited else result
        unedited, under = original[window], result[window]
        mixed = under + (unedited.astype(np.float32) - under) * share[..., None]
        result[window] = np.where(
            share[..., None] == 1, unedited, np.rint(mixed).astype(under.dtype)
        )
    return result


def _share(
    region: Region, scale: float, size: tuple[int, int]
) -> tuple[NDArray[np.float32], tuple[slice, slice]] | None:
    """Coverage of a window by a region, 0..1, and the window; None outside the picture."""
    box, soft = region.box, max(region.feather * scale, 1.0)
    x, y = ((v + 0.5) * scale - 0.5 for v in box.centre)
    across, down = box.width * scale / 2, box.height * scale / 2
    left, top = max(int(np.floor(x - across - soft)), 0), max(int(np.floor(y - down - soft)), 0)
    right, bottom = (
        min(int(np.ceil(x + across + soft)) + 1, size[1]),
        min(int(np.ceil(y + down + soft)) + 1, size[0]),
    )
    if right <= left or bottom <= top:
        return None
    dx = np.abs(np.arange(left, right, dtype=np.float32) - x)[None]
    dy = np.abs(np.arange(top, bottom, dtype=np.float32) - y)[:, None]
    if region.shape == "box":
        outside = np.maximum(dx - across, dy - down)
    else:
        outside = (np.hypot(dx / across, dy / down) - 1) * min(across, down)
    inside = np.clip(0.5 - outside / soft, 0, 1)
    share = smoothstep(inside).astype(np.float32)
    return share, (slice(top, bottom), slice(left, right))
