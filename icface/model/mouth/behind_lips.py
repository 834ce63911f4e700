"""The flow behind lips: the photo's own teeth and tongue, carried along where lips are open."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from icface.model.mouth.mouth import OPENS, ROOM_PX, Edit, Mouth, PosedLips
from icface.model.mouth.opening import by_column, filled, gaps, rounded, uncrossed
from icface.model.networks.neutralizer import GRID
from icface.model.surface.rasterise import Flow

_PLACED = 4
"""What the photo shows is in its place from one part in this many on that it fills."""


def behind_lips(mouth: Mouth, flow: Flow, posed: PosedLips, controls: Edit) -> Flow:
    """The flow with the photo's own inside carried along, and no cavity where the lips are."""
    raw = rounded(posed.lips)
    ring = uncrossed(raw)
    low = np.clip(np.floor(ring.min(0)) - ROOM_PX, 0, GRID - 2).astype(int)
    high = np.clip(np.ceil(ring.max(0)) + ROOM_PX, low + 2, GRID).astype(int)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    is_open = OPENS(gaps(raw) / mouth.pixels_per_cm)
    share = filled(ring - low, size) * by_column(ring - low, is_open, size[0])
    cavity = np.zeros_like(flow.cavity)
    cavity[window] = flow.cavity[window] * cv2.dilate(share, np.ones((3, 3), np.uint8))
    shown = np.float32(mouth.shown(posed))
    if shown == 0:
        return replace(flow, cavity=cavity)
    here = np.stack(
        np.meshgrid(*(np.arange(a, b, dtype=np.float64) for a, b in zip(low, high, strict=True))),
        -1,
    )
    source = mouth.source_of(here, posed, controls)
    back_field, back = flow.back_field.copy(), flow.back.copy()
    back_field[window] += (source - here - back_field[window]) * min(_PLACED * shown, 1)
    np.maximum(back[window], share * shown, out=back[window])
    return replace(flow, back_field=back_field, back=back, cavity=cavity)
