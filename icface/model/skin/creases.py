"""Fine creases of one photo, as strong as its own wrinkles, where expressions fold the skin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from icface.arrays import F32
from icface.face.controls import EXPRESSIONS
from icface.face.ramps import Ramp
from icface.model.skin.chart import CanvasChart
from icface.model.skin.shading_maps import CreaseMap, ShadingMaps

FOLDED_BY: dict[str, dict[str, float]] = {
    "forehead": {"browInnerUp": 0.5, "browOuterUp": 0.5},
    "glabella": {"browDown": 1.0},
    "crow": {"cheekSquint": 1.0},
    "nose_root": {"noseSneer": 1.6},
    "nasolabial": {"mouthSmile": 1.2, "mouthUpperUp": 0.9, "noseSneer": 0.5},
    "lower_lid": {"cheekSquint": 0.8, "eyeSquint": 0.5},
    "chin": {"mouthShrugLower": 1.0},
}
"""Strength of each crease by the channels of its side of the face; 1 is the most."""
_LEAST = {"glabella": 0.55, "nose_root": 0.45}
"""Strength on skin without texture of creases that young people have too; its own texture adds."""
_LEAST_OTHERS, _MOST = 0.25, 1.25
"""Strength of the others on skin without texture, and of all on wrinkled skin."""
_OWN = Ramp(0.25, 1.25)
"""Contrast over the usual from which on it adds to the strength, and at which it has added all."""
_HAIR = Ramp(0.10, 0.18)
"""Contrast at which skin is taken for hair, which folds unseen."""
_WANDERS_CM = 0.07
"""Departure of a photo's lines from the common ones."""
_WAVES = ((1.9, 0.7), (-1.1, 2.3), (0.6, -1.7), (2.8, 1.2))
"""Waves of that departure, radians per centimetre of the chart."""
_UNEVEN = 0.3
"""Change of strength along lines."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Crease:
    """One crease of a photo.

    Attributes
    ----------
    picture : (H, W) float32
        Logarithm of light at full strength, on the canvas.
    left, top : int
        Its corner on the canvas.
    folded_by : (53,) float32
        Strength by channel.
    """

    picture: F32
    left: int
    top: int
    folded_by: F32

    def strength(self, channels: F32) -> float:
        """0..1 under these channels (53,)."""
        return min(max(float(self.folded_by @ channels), 0.0), 1.0)

    def add_to(self, canvas: F32, strength: float) -> None:
        """Add it to the logarithm of light of a canvas, in place."""
        height, width = self.picture.shape
        canvas[self.top : self.top + height, self.left : self.left + width] += (
            strength * self.picture
        )


def creases_of(
    maps: ShadingMaps, chart: CanvasChart, contrast: F32, share: F32
) -> tuple[Crease, ...]:
    """The creases that a photo's skin can fold into.

    Parameters
    ----------
    maps : ShadingMaps
    chart : CanvasChart
        Chart points of the canvas.
    contrast : (S, S) float32
        `icface.model.skin.texture.fine_contrast` on the canvas.
    share : (S, S) float32
        0..1, where skin may be lit and shaded.
    """
    found = (
        _crease(name, one, maps.pixel_cm, chart, contrast, share)
        for name, one in maps.creases.items()
    )
    return tuple(crease for crease in found if crease is not None)


def _crease(
    name: str, common: CreaseMap, pixel_cm: float, chart: CanvasChart, contrast: F32, share: F32
) -> Crease | None:
    """One crease on the canvas; None where the photo does not show its place."""
    height, width = common.picture.shape
    left, top = common.corner_cm
    bounds = chart.bounds(left, top, left + width * pixel_cm, top + height * pixel_cm)
    if bounds is None:
        return None
    x0, y0, x1, y1 = bounds
    u, v = (chart.points[y0:y1, x0:x1, k] for k in (0, 1))
    wave = [np.sin(a * u + b * v + chart.phase + k) for k, (a, b) in enumerate(_WAVES)]
    at_u = u + _WANDERS_CM * 0.5 * (wave[0] + wave[1])
    at_v = v + _WANDERS_CM * 0.5 * (wave[2] - wave[1])
    picture: F32 = cv2.remap(
        common.picture,
        (at_u - left) / pixel_cm,
        (at_v - top) / pixel_cm,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    ).astype(np.float32)
    there = (np.abs(picture) > _SEEN) & (share[y0:y1, x0:x1] > 0.5)
    if not there.any():
        return None
    here = contrast[y0:y1, x0:x1]
    skin = 1 - _HAIR(here)
    own = float(np.median(here[there])) / common.usual_texture
    least = _LEAST.get(_stem_and_side(name)[0], _LEAST_OTHERS)
    strength = (
        (least + (_MOST - least) * _OWN(own)) * share[y0:y1, x0:x1] * skin * (1 + _UNEVEN * wave[3])
    )
    picture = (picture * strength).astype(np.float32)
    return Crease(picture=picture, left=x0, top=y0, folded_by=_weights(name))


_SEEN = 0.02
"""Part of a crease's picture from which its texture is judged."""


def _weights(name: str) -> F32:
    """(53,) strength by channel of a crease, such as ``crow_L`` or ``chin``."""
    stem, side = _stem_and_side(name)
    weights = np.zeros(len(EXPRESSIONS), np.float32)
    for channel, weight in FOLDED_BY.get(stem, {}).items():
        own = f"{channel}_{side}" if f"{channel}_{side}" in EXPRESSIONS else channel
        weights[EXPRESSIONS.index(own)] = weight
    return weights


def _stem_and_side(name: str) -> tuple[str, str]:
    """The name of a crease without its side, and that side: L, R or none."""
    return (name[:-2], name[-1]) if name[-2:] in ("_L", "_R") else (name, "")
