"""The file of maps of light and creases, from the rig and from photos of many people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from icface.arrays import F32
from icface.face.geometry import face_crop
from icface.model.networks.neutralizer import GRID
from icface.model.networks.weights import save_model
from icface.model.skin.chart import chart_in_photo
from icface.model.skin.shading_maps import KIND
from icface.model.skin.texture import fine_contrast
from icface.model.surface.crops import sample_crop
from icface.model.surface.fine_crop import FINE_CROP_FROM_GRID, FINE_CROP_SCALE, FINE_CROP_SIZE
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import Rig
from icface.training.shading.creases import PIXEL_CM, Drawn, draw_creases
from icface.training.shading.learnt import learnt_light
from icface.training.shading.maps import light_on, places_of_landmarks

_MOST_YAW_DEG = 15.0
_LEAST_PX_PER_CM = 9.0
"""Coarser photos show no wrinkles, pixels of the photo."""
_SMOOTHEST = 2e-3
"""Least contrast that counts as usual."""
_SEEN = 0.05
"""Part of a crease's picture in which texture is looked at."""


def make_shading(portraits: Path, rig_file: Path, out: Path, *, people: int, seed: int = 0) -> str:
    """Write the file of `icface.model.skin.shading_maps`; returns a line about it.

    Parameters
    ----------
    portraits : Path
        A portraits folder: its training stills tell the usual texture of skin.
    rig_file : Path
    out : Path
    people : int
        Stills to look at.
    """
    rig, creases = Rig(rig_file), draw_creases()
    places = places_of_landmarks(rig)
    table = PortraitTable(portraits)
    textures = _textures(table, places, creases, people, seed)
    usual = _medians(textures)
    state = {"light": light_on(rig) + learnt_light(table, places), "places": places}
    state |= {f"crease.{name}": one.picture for name, one in creases.items()}
    described = {
        name: (*one.corner_cm.round(4).tolist(), round(float(texture), 5))
        for (name, one), texture in zip(creases.items(), usual, strict=True)
    }
    save_model(
        out,
        kind=KIND,
        config={"pixel_cm": PIXEL_CM, "creases": described},
        state={name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in state.items()},
        notes={"people": len(textures), "rig": rig_file.name},
    )
    return f"{out}: {len(textures)} people's texture"


def _textures(
    table: PortraitTable, places: F32, creases: dict[str, Drawn], people: int, seed: int
) -> F32:
    """(people, creases) contrast of skin where creases lie; NaN where it is not seen."""
    found: list[list[float]] = []
    rows = table.rows("train", worst_fit=0.016, stills=True)
    for row in np.random.default_rng(seed).permutation(rows):
        portrait = table[int(row)]
        fine_enough = portrait.state.scale >= _LEAST_PX_PER_CM
        if abs(portrait.state.angles_deg[0]) <= _MOST_YAW_DEG and fine_enough:
            found.append(_texture(portrait, places, creases))
        if len(found) == people:
            break
    if not found:
        raise ValueError("There is no training still that is large and seen from the front.")
    return np.array(found, np.float32)


def _medians(textures: F32) -> F32:
    """(creases,) medians over people; that of all where nobody shows a crease's place."""
    seen = [column[np.isfinite(column)] for column in textures.T]
    anywhere = np.median(np.concatenate(seen))
    usual = [np.median(column) if len(column) else anywhere for column in seen]
    return np.maximum(np.array(usual, np.float32), _SMOOTHEST)


def _texture(portrait: PortraitRow, places: F32, creases: dict[str, Drawn]) -> list[float]:
    """The median contrast of one portrait at each crease."""
    crop = face_crop(portrait.landmarks, GRID)
    picture = sample_crop(read_rgb(portrait.path), FINE_CROP_FROM_GRID @ crop, FINE_CROP_SIZE)
    landmarks = crop.points(portrait.landmarks[:, :2].astype(np.float64))
    contrast = fine_contrast(picture, portrait.state.scale * crop.scale * FINE_CROP_SCALE)
    line = np.arange(0, GRID, 2, dtype=np.float64)
    chart = chart_in_photo(landmarks, places, np.stack(np.meshgrid(line, line), -1))
    on_grid = cv2.warpAffine(contrast, FINE_CROP_FROM_GRID.inverse().matrix, (GRID, GRID))[::2, ::2]
    medians = []
    for one in creases.values():
        at = ((chart - one.corner_cm.astype(np.float32)) / PIXEL_CM).astype(np.float32)
        lines = cv2.remap(np.abs(one.picture), at, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        there = lines > _SEEN
        medians.append(float(np.median(on_grid[there])) if there.any() else float("nan"))
    return medians
