"""The 52 blend shapes of ARKit, as they are called in files, and the channels they drive.

Convention
----------
Left and right are the subject's. Two shapes move both sides and stand for two channels each; going
out, they are the mean of both. ``tongueOut`` has no channel.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icface.arrays import F64
from icface.face.controls import CHANNEL_INDEX, EXPRESSIONS

BOTH_SIDES = ("browInnerUp", "cheekPuff")
TONGUE = "tongueOut"


def _shape(channel: str) -> str:
    stem, _, side = channel.partition("_")
    return stem + {"": "", "L": "Left", "R": "Right"}["" if stem in BOTH_SIDES else side]


CHANNELS_OF: dict[str, tuple[str, ...]] = {}
"""Shape in ARKit's spelling to the channels it drives."""
for _channel in EXPRESSIONS:
    CHANNELS_OF[_shape(_channel)] = (*CHANNELS_OF.get(_shape(_channel), ()), _channel)
SHAPES: dict[str, str] = {name.lower(): name for name in (*CHANNELS_OF, TONGUE)}
"""Lower-case name to ARKit's spelling, of all 52."""


def columns_of(names: tuple[str, ...]) -> dict[str, str]:
    """Columns that are shapes, in any case, to ARKit's spelling."""
    return {name: SHAPES[name.lower()] for name in names if name.lower() in SHAPES}


def fill(controls: F64, weights: Mapping[str, F64]) -> frozenset[str]:
    """Write weights (N,) of ARKit shapes into face states (N, 56); returns the channels written."""
    carried = set()
    for shape, weight in weights.items():
        for channel in CHANNELS_OF.get(shape, ()):
            controls[:, CHANNEL_INDEX[channel]] = weight
            carried.add(channel)
    return frozenset(carried)


def weights_of(controls: F64, shape: str) -> F64:
    """(N,) weights of a shape, of face states (N, 56); zeros for the tongue."""
    channels = CHANNELS_OF.get(shape, ())
    if not channels:
        return np.zeros(len(controls))
    mean: F64 = np.mean([controls[:, CHANNEL_INDEX[channel]] for channel in channels], axis=0)
    return mean


def merged(controls: F64, *, tolerance: float = 0.05) -> list[str]:
    """Shapes that stand for two channels which differ somewhere by more than the tolerance."""
    return [
        shape
        for shape in BOTH_SIDES
        if len(controls)
        and np.ptp([controls[:, CHANNEL_INDEX[c]] for c in CHANNELS_OF[shape]], axis=0).max()
        > tolerance
    ]
