"""Skin that a raised brow unfolds: bare, where the photo shows the shade of a socket or a fold.

A brow that rises draws out the narrow strip between itself and the lid's crease. Its pixels are
few, and often dark, and would be drawn out to a dark smear. So over them lies the photo's own skin
around the eye with the eye painted out (`icface.model.eyes.lid_fill`), as under a closed lid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from icface.arrays import F64
from icface.face.controls import ControlVector
from icface.face.ramps import Ramp, smoothstep
from icface.model.eyes.eye_photo import eye_frame, in_eye_units, unit_axes
from icface.model.eyes.lid_curve import LID_POINTS, smooth_lid_curve
from icface.model.eyes.lid_skin import LidSkin
from icface.model.mouth.patch import Patch

_RISES = Ramp(0.08, 0.6)
"""How far a brow is raised further, 0..1: how much of the unfolded skin is drawn."""
_MOST = 0.92
"""Most of the drawn skin that covers the photo's own."""
_KEEPS = Ramp(0.07, 0.17)
"""Height over the lid's edge, in widths of the eye: how much is no longer lashes and crease."""
_CHANNELS = ("browInnerUp", "browOuterUp")


def raised_brows(before: ControlVector, after: ControlVector) -> dict[str, float]:
    """How far the brows of the sides ``L`` and ``R`` rise, 0..1; sides that do not are left out."""
    risen = {
        side: float(np.mean([after[f"{n}_{side}"] - before[f"{n}_{side}"] for n in _CHANNELS]))
        for side in "LR"
    }
    return {side: min(rise, 1.0) for side, rise in risen.items() if rise > _RISES.start}


def unfolded_skin(
    skins: Iterable[LidSkin], raised: Mapping[str, float], moved: F64
) -> tuple[Patch, ...]:
    """The bare skin below raised brows.

    Parameters
    ----------
    raised : mapping
        `raised_brows`.
    moved : (N, 2 or 3)
        Surface points after the edit, grid pixels.
    """
    drawn = (_drawn(skin, moved, raised[skin.side]) for skin in skins if skin.side in raised)
    return tuple(drawn)


def _drawn(skin: LidSkin, moved: F64, rise: float) -> Patch:
    size = len(skin.skin)
    upper = skin.upper.at(moved)
    frame = eye_frame(upper[0], upper[-1], skin.width, size)
    seen = skin.skin_at(frame, moved)
    x, y = unit_axes(size)
    lid = smooth_lid_curve(in_eye_units(frame, upper, size), LID_POINTS)
    above = np.interp(x, lid[:, 0], lid[:, 1]).astype(np.float32) - y[:, None]
    mask = seen[..., 3] * smoothstep(np.asarray(_KEEPS(above), np.float32))
    mask *= np.float32(_MOST * float(_RISES.smooth(rise)))
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    return Patch(frame, np.ascontiguousarray(seen[..., :3]), mask, opaque=True)
