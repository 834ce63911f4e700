"""What photographs add to the rig's maps: folds of smiles, corners of the mouth, and the chin.

The rig's cheek swells, but has no fold. People who smile have one: a ridge regression of the
brightness of many stills, on the chart, on their labels finds it. Other channels follow age, light
and make-up more than expression in such a regression, so it counts only for channels and places
where it told the changes of *one* person's light, in clips that it had not seen, better than the
rig did.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from icface.arrays import F32, F64, AnyArray
from icface.face.controls import EXPRESSIONS
from icface.face.geometry import face_crop
from icface.model.skin.chart import HOLDERS, SIDE_CM, map_from_chart
from icface.model.skin.shading_maps import MAP_SIDE
from icface.model.surface.crops import sample_crop
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import MIRROR

Box = tuple[float, float, float, float]
_CHEEK: Box = (1.6, -1.2, 5.5, 4.2)
_LOWER_LID: Box = (2.0, -2.1, 5.2, -0.6)
_MOUTH_CORNER: Box = (2.7, 2.0, 4.6, 6.6)
_CHIN: Box = (-0.1, 6.2, 2.2, 8.6)
TAUGHT: dict[str, tuple[Box, ...]] = {
    "mouthSmile": (_CHEEK, _LOWER_LID, _MOUTH_CORNER),
    "mouthFrown": (_MOUTH_CORNER,),
    "mouthShrugLower": (_CHIN,),
}
"""Places by channel, on the left half of the chart: left, top, right, bottom in centimetres."""
_LENT = {"mouthUpperUp": 0.5, "noseSneer": 0.35}
"""Channels that deepen the fold of a smile too, by how much; photographs hold too few of them to
learn from, so this was chosen by eye."""
_UPPER_CHEEK: Box = (1.6, -0.6, 4.2, 2.4)
_SIDE = 128
"""Side of the charts that are compared, pixels."""
_CROP = 384
"""Side of the crops that they are sampled from, pixels."""
_KNOTS = 33
"""Side of the grid on which the spline of a photo is evaluated."""
_FINEST_CM, _COARSEST_CM = 0.12, 1.2
"""Band of details that is compared: larger ones are light, smaller ones are pores."""
_MOST = 0.6
"""Departure that counts, logarithm of light: more is hair, shadow or a pair of glasses."""
_MOST_YAW_DEG = 20.0
_RIDGE = 10.0
_SOFT_CM = 0.35
"""Softness of the edges of a place."""


def learnt_light(table: PortraitTable, places: F32) -> F32:
    """(53, MAP_SIDE, MAP_SIDE) light to add to the rig's under each channel at full intensity.

    Parameters
    ----------
    table : PortraitTable
        Its training stills are looked at.
    places : (468, 2)
        Chart points of the landmarks.
    """
    rows = [
        row
        for row in table.rows("train", worst_fit=0.018, stills=True)
        if abs(table[row].state.angles_deg[0]) < _MOST_YAW_DEG
    ]
    folders = np.array([table.name(row).rpartition("/")[0] for row in rows])
    light = np.stack([_band(_light_on_chart(table[row], places)) for row in rows])
    found = _ridge(table.expressions(rows), np.clip(light, -_MOST, _MOST), folders)
    added = np.zeros((len(EXPRESSIONS), MAP_SIDE, MAP_SIDE), np.float32)
    for stem, boxes in TAUGHT.items():
        _add(added, stem, _of_both_sides(found, stem), _places(boxes))
    smile = _of_both_sides(found, "mouthSmile")
    for stem, share in _LENT.items():
        _add(added, stem, smile, share * _places((_UPPER_CHEEK,)))
    return added


def _channels(stem: str) -> list[int]:
    """Numbers of a channel's sides."""
    return [i for i, name in enumerate(EXPRESSIONS) if name in (stem, f"{stem}_L", f"{stem}_R")]


def _of_both_sides(found: F32, stem: str) -> F32:
    """Change of light with both sides of a channel: they move together too often to tell apart."""
    both: F32 = found[_channels(stem)].sum(0)
    return both


def _add(added: F32, stem: str, taught: F32, share: F32) -> None:
    """Add light to a channel, each side to its half; the share is that of the left half."""
    for channel in _channels(stem):
        side = EXPRESSIONS[channel][-2:]
        right = share[:, ::-1]
        half = {"_L": share, "_R": right}.get(side, np.maximum(share, right))
        added[channel] += _stored(taught * half)


def _light_on_chart(portrait: PortraitRow, places: F32) -> F32:
    """(_SIDE, _SIDE) logarithm of a portrait's linear light on the chart."""
    crop = face_crop(portrait.landmarks, _CROP)
    picture = cv2.GaussianBlur(sample_crop(read_rgb(portrait.path), crop, _CROP), (0, 0), 0.8)
    linear = (picture.astype(np.float32) / 255) ** 2.2
    light = np.log(linear @ np.array([0.2126, 0.7152, 0.0722], np.float32) + 0.004)
    landmarks = crop.points(portrait.landmarks[:, :2].astype(np.float64))
    spline = RBFInterpolator(
        places[HOLDERS].astype(np.float64),
        landmarks[HOLDERS],
        smoothing=0.02,
        kernel="thin_plate_spline",
    )
    line = np.linspace(0, _SIDE - 1, _KNOTS)
    knots = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    rough = spline(map_from_chart(_SIDE).inverse().points(knots)).reshape(_KNOTS, _KNOTS, 2)
    at = np.linspace(0, _KNOTS - 1, _SIDE, dtype=np.float32)
    x, y = np.meshgrid(at, at)
    fine: AnyArray = cv2.remap(rough.astype(np.float32), x, y, cv2.INTER_CUBIC)
    sampled: AnyArray = cv2.remap(
        light, fine[..., 0], fine[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return sampled


def _band(light: F32) -> F32:
    """The details of a chart that folds have."""
    fine, coarse = (
        cv2.GaussianBlur(light, (0, 0), reach * _SIDE / SIDE_CM)
        for reach in (_FINEST_CM, _COARSEST_CM)
    )
    return np.asarray(fine - coarse, np.float32)


def _ridge(expressions: F64, light: F32, folders: AnyArray) -> F32:
    """(53, _SIDE, _SIDE) change of light with each channel, within folders, mirrored too.

    Pictures of one folder share their kind of light and of people; only departures from its mean
    count.
    """
    x, y = expressions.copy(), light.copy()
    for folder in np.unique(folders):
        own = folders == folder
        x[own] -= x[own].mean(0)
        y[own] -= y[own].mean(0)
    x = np.concatenate([x, x[:, MIRROR]])
    y = np.concatenate([y, y[:, :, ::-1]]).reshape(len(x), -1)
    normal = x.T @ x + _RIDGE * np.eye(x.shape[1])
    found: F32 = np.linalg.solve(normal, x.T @ y).reshape(-1, _SIDE, _SIDE).astype(np.float32)
    return found


def _places(boxes: tuple[Box, ...]) -> F32:
    """(_SIDE, _SIDE) 0..1: boxes of the chart with soft edges."""
    share = np.zeros((_SIDE, _SIDE), np.float32)
    for left, top, right, bottom in boxes:
        corners = map_from_chart(_SIDE).points(np.array([[left, top], [right, bottom]]))
        (x0, y0), (x1, y1) = corners.round().astype(int)
        share[y0:y1, x0:x1] = 1
    soft: AnyArray = cv2.GaussianBlur(share, (0, 0), _SOFT_CM * _SIDE / SIDE_CM)
    return soft


def _stored(chart: F32) -> F32:
    """A chart at the size of the stored maps."""
    small: AnyArray = cv2.resize(
        chart.astype(np.float32), (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_AREA
    )
    return small
