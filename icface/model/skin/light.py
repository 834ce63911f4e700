"""Light on the skin of one photo: folds turn to it or away, and creases darken.

The normals of the skin turn with an expression. Under light from above and from the front, where
most faces are lit, that changes brightness by a ratio that is much the same for all people (Liu,
Shan, Zhang, *Expressive expression mapping with ratio images*, SIGGRAPH 2001; here from the rig's
normals and not from pairs of photos). The ratio belongs to places of the skin, so it lies on the
source photo and moves with the skin.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from icface.arrays import F32, F64, I64, U8, AnyArray
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.landmarks import EYES, OUTER_LIPS
from icface.face.ramps import Ramp
from icface.model.networks.neutralizer import OFFSET, WINDOW, Part
from icface.model.skin.chart import RADIUS_CM, CanvasChart, chart_in_photo, map_from_chart
from icface.model.skin.creases import Crease, creases_of
from icface.model.skin.shading_maps import MAP_SIDE, ShadingMaps
from icface.model.skin.texture import fine_contrast
from icface.model.surface.fine_crop import FINE_CROP_FROM_GRID, FINE_CROP_SCALE
from icface.model.surface.layers import Light

DARKENING, BRIGHTENING = 1.1, 0.8
"""Ratio of light over that of the maps, in logarithms: what grows lighter looks like gloss sooner
than what grows darker looks like dirt."""
DARKEST, BRIGHTEST = -0.5, 0.25
"""Bounds of the logarithm of light, which it nears softly."""
CANVAS_SCALE = 3
"""Pixels of the canvas per grid pixel: creases are thinner than those."""
_CANVAS = WINDOW * CANVAS_SCALE
_CANVAS_FROM_GRID = Similarity((
    CANVAS_SCALE, 0, (0.5 - OFFSET) * CANVAS_SCALE - 0.5,
    0, CANVAS_SCALE, (0.5 - OFFSET) * CANVAS_SCALE - 0.5,
))  # fmt: skip
_BORDER_PX = Ramp(1.0, 10.0)
"""Distances from the border of the seen face over which light fades in, grid pixels."""
_FACING = Ramp(0.1, 0.45)
"""Cosine between skin and view over which light fades in."""
_LIPS_PX, _EYES_PX = 1, 2
"""Room around lips and eyes that is left alone, grid pixels."""
_SOFT_PX = 1.3
"""Softness of the edge of lips and eyes, grid pixels."""
_BRIGHT = Ramp(0.70, 0.96)
"""Brightness of the highest channel over which skin cannot be lit more, 0..1."""
_BLOWN = Ramp(0.9, 1.02)
"""Brightness of the highest channel over which skin is too bright to show its form."""
_DEEP = Ramp(0.03, 0.14)
"""Brightness of shadows over which skin begins to be lit at all, 0..1."""
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_COLOURED = 0.35
"""Share of the light in a fold that has fallen on skin before."""
_CLIPPED, _BLACK = 0.97, 0.06
"""Brightness from which skin is clipped, and up to which it is black."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SkinLight:
    """The skin of one photo, ready to be lit.

    Attributes
    ----------
    maps : (53, MAP_SIDE, MAP_SIDE) float32
        See `ShadingMaps.light`.
    at : (WINDOW, WINDOW, 2) float32
        Pixels of the maps under the pixels of the window.
    darkens, brightens : (WINDOW, WINDOW) float32
        0..1, how far pixels follow the maps down and up.
    creases : tuple of Crease
    of_channels : tuple of 3 float
        See `Light`.
    """

    maps: F32
    at: F32
    darkens: F32
    brightens: F32
    creases: tuple[Crease, ...]
    of_channels: tuple[float, float, float]

    def change(self, before: ControlVector, after: ControlVector) -> Light | None:
        """The change of light from one expression to another; None if there is none."""
        was, now = (c.array()[3:].astype(np.float32) for c in (before, after))
        if (was == now).all():
            return None
        ratio = self._shading(now) - self._shading(was)
        lighter = np.maximum(ratio, 0)
        ratio += BRIGHTEST * np.tanh(lighter / BRIGHTEST) - lighter
        on_window: AnyArray = cv2.remap(
            ratio,
            self.at[..., 0],
            self.at[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        on_window = np.where(on_window < 0, on_window * self.darkens, on_window * self.brightens)
        log = _on_canvas(on_window)
        for crease in self.creases:
            more = crease.strength(now) - crease.strength(was)
            if more > 0:
                crease.add_to(log, more)
        return Light(log, _CANVAS_FROM_GRID, self.of_channels)

    def _shading(self, channels: F32) -> F32:
        """(MAP_SIDE, MAP_SIDE) logarithm of light under an expression (53,), over that of none."""
        moved = np.flatnonzero(channels)
        ratio = np.tensordot(channels[moved], self.maps[moved], 1).astype(np.float32)
        dark, light = np.minimum(ratio, 0) * DARKENING, np.maximum(ratio, 0) * BRIGHTENING
        return np.asarray(DARKEST * np.tanh(dark / DARKEST) + light, np.float32)


def skin_light(
    maps: ShadingMaps,
    *,
    landmarks: F64,
    angles_deg: tuple[float, float, float],
    part: I64,
    fine_crop: U8,
    pixels_per_cm: float,
) -> SkinLight:
    """The skin of a photo.

    Parameters
    ----------
    maps : ShadingMaps
    landmarks : (478, 2)
        Grid pixels.
    angles_deg : tuple of 3 float
        Yaw, pitch and roll of the head.
    part : (WINDOW, WINDOW)
        `Part` of each pixel of the window.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
    pixels_per_cm : float
        Grid pixels per centimetre.
    """
    coarse, canvas = _chart(landmarks, maps.places)
    skin = _skin_share(part, landmarks) * _facing(coarse, rotation_matrix(*angles_deg))
    window_from_fine = Similarity((1, 0, -OFFSET, 0, 1, -OFFSET)) @ FINE_CROP_FROM_GRID.inverse()
    small: AnyArray = cv2.warpAffine(fine_crop, window_from_fine.matrix, (WINDOW, WINDOW))
    level = cv2.GaussianBlur(small.max(2).astype(np.float32) / 255, (0, 0), 1.0)
    seen = level[skin > 0.5]
    lost = float(((seen > _CLIPPED) | (seen < _BLACK)).mean()) if len(seen) else 1.0
    darkens = (skin * (1 - lost) * _DEEP(level) * (1 - _BLOWN(level))).astype(np.float32)
    brightens = (darkens * (1 - _BRIGHT(level))).astype(np.float32)
    contrast: AnyArray = cv2.warpAffine(
        fine_contrast(fine_crop, pixels_per_cm * FINE_CROP_SCALE),
        (_CANVAS_FROM_GRID @ FINE_CROP_FROM_GRID.inverse()).matrix,
        (_CANVAS, _CANVAS),
    )
    return SkinLight(
        maps=maps.light,
        at=map_from_chart(MAP_SIDE)
        .points(coarse.reshape(-1, 2))
        .reshape(coarse.shape)
        .astype(np.float32),
        darkens=darkens,
        brightens=brightens,
        creases=creases_of(maps, canvas, contrast, _on_canvas(darkens)),
        of_channels=_twice_coloured(small[skin > 0.5]),
    )


def _twice_coloured(skin: U8) -> tuple[float, float, float]:
    """Factors of the logarithm of light by channel, from colours (N, 3) of skin."""
    if not len(skin):
        return (1.0, 1.0, 1.0)
    colour = np.log(np.median(skin, 0) / 255 + 0.02) * 2.2
    away = colour - colour @ _LUMA
    red, green, blue = (1 - _COLOURED * np.clip(away, -1, 1)).tolist()
    return red, green, blue


def _on_canvas(on_window: F32) -> F32:
    """A field of the window on the canvas."""
    field: AnyArray = cv2.resize(on_window, (_CANVAS, _CANVAS), interpolation=cv2.INTER_LINEAR)
    return field


_KNOTS = 33
"""Side of the grid on which the spline of a chart is evaluated."""


def _chart(landmarks: F64, places: F32) -> tuple[F32, CanvasChart]:
    """Chart points of the window's pixels, and those of the canvas."""
    line = np.linspace(OFFSET - 0.5, OFFSET + WINDOW - 0.5, _KNOTS)
    knots = np.stack(np.meshgrid(line, line), -1)
    rough = chart_in_photo(landmarks, places, knots)
    step = WINDOW / (_KNOTS - 1)

    def finer(scale: int) -> F32:
        side = WINDOW * scale
        at = (np.arange(side, dtype=np.float32) + 0.5) / (scale * step)
        x, y = np.meshgrid(at, at)
        fine: AnyArray = cv2.remap(rough, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return fine

    apart = np.linalg.norm(landmarks[33, :2] - landmarks[263, :2])
    phase = 40 * float(np.linalg.norm(landmarks[168, :2] - landmarks[2, :2]) / apart)
    return finer(1), CanvasChart(points=finer(CANVAS_SCALE), phase=phase)


def _facing(chart: F32, head: F64) -> F32:
    """(WINDOW, WINDOW) 0..1: skin that the photo does not see at a slant, on the cylinder."""
    around = chart[..., 0] / RADIUS_CM
    towards = head[2, 0] * np.sin(around) + head[2, 2] * np.cos(around)
    return np.asarray(_FACING.smooth(towards.astype(np.float32)), np.float32)


def _skin_share(part: I64, landmarks: F64) -> F32:
    """(WINDOW, WINDOW) 0..1: skin, faded at the border of the face and off at lips and eyes."""
    face = (part > Part.BACKGROUND).astype(np.uint8)
    share = _BORDER_PX.smooth(cv2.distanceTransform(face, cv2.DIST_L2, 5).astype(np.float32))
    holes: AnyArray = np.isin(part, (Part.INSIDE, Part.EYE)).astype(np.uint8)
    window = landmarks[:, :2] - OFFSET
    for outline, room in ((OUTER_LIPS, _LIPS_PX), *((eye, _EYES_PX) for eye in EYES.values())):
        one = np.zeros_like(holes)
        cv2.fillPoly(one, [np.rint(window[list(outline)]).astype(np.int32)], (1,))
        cv2.dilate(one, np.ones((2 * room + 1,) * 2, np.uint8), one)
        holes |= one
    soft: AnyArray = cv2.GaussianBlur(holes.astype(np.float32), (0, 0), _SOFT_PX)
    return np.asarray(share * (1 - np.clip(soft * 1.2, 0, 1)), np.float32)
