"""The table that readings are fitted with: where landmarks lie and how the animator moves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from icface.face.geometry import Similarity, face_crop
from icface.face.landmarks import MESH_POINTS
from icface.model.eyes.lids import outline_eyes
from icface.model.face.encode import one_face
from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import GRID, OFFSET, WINDOW, Neutralizer, Part
from icface.model.surface.crops import sample_crop
from icface.model.surface.mesh import mesh_places
from icface.system.atomic_write import write_whole
from icface.system.digests import note_written
from icface.training.portraits.table import PortraitRow, PortraitTable, read_rgb
from icface.training.rig.rig import Rig

_MOST_YAW_DEG = 15.0
_IDENTITY_MODES = 30
_NEAR_PX = 3.0
"""A landmark whose nearest pixel of skin is farther away than this is not seen."""


def make_table(
    portraits: Path, rig_file: Path, models: Path, out: Path, *, people: int = 200, seed: int = 0
) -> float:
    """Write the table of `icface.motion.reading.face_basis`.

    Parameters
    ----------
    portraits, rig_file : Path
        A portraits folder and its rig, moved to faces at rest (``icface train labels``).
    models : Path
        Folder of the neutralizer's and the animator's weights.
    out : Path
        The file to write.
    people : int
        Stills of the training split, seen from the front, that tell where landmarks lie on the
        canonical face.

    Returns
    -------
    float
        The share of landmarks that were seen.
    """
    table = PortraitTable(portraits)
    neutralizer = Neutralizer.from_file(models / "neutralizer.safetensors")
    animator = Animator.from_file(models / "animator.safetensors")
    places: list[NDArray[np.float32]] = []
    for row in np.random.default_rng(seed).permutation(
        table.rows("train", worst_fit=0.016, stills=True)
    ):
        portrait = table[int(row)]
        if abs(portrait.state.angles_deg[0]) <= _MOST_YAW_DEG:
            places.append(_places(neutralizer, portrait))
        if len(places) == people:
            break
    if not places:
        raise ValueError(
            f"{portraits} holds no training still that is seen from the front. Add some."
        )
    place = np.nanmedian(np.stack(places), 0).astype(np.float32)
    with torch.inference_mode():
        channels = animator(torch.from_numpy(place)).numpy().transpose(1, 0, 2)
    rig = Rig(rig_file)
    arrays: dict[str, NDArray[Any]] = {
        "mean": rig.base[rig.mesh].astype(np.float32),
        "channels": np.ascontiguousarray(channels.astype(np.float16)),
        "identity": rig.modes[:_IDENTITY_MODES, rig.mesh].astype(np.float16),
    }
    write_whole(out, lambda stream: stream.write(save(arrays, metadata={"kind": "icface.reading"})))
    note_written(out)
    return float(np.isfinite(np.stack(places)).mean())


def _places(neutralizer: Neutralizer, portrait: PortraitRow) -> NDArray[np.float32]:
    """(468, 3) canonical places of a portrait's landmarks by the network; NaN if not visible."""
    crop = face_crop(portrait.landmarks, GRID)
    window = sample_crop(
        read_rgb(portrait.path), Similarity((1, 0, -OFFSET, 0, 1, -OFFSET)) @ crop, WINDOW
    )
    points = crop.points(portrait.landmarks[:, :2].astype(np.float64))
    picture = torch.from_numpy(window).permute(2, 0, 1)[None].float() / 127.5 - 1
    at = torch.from_numpy(((points - OFFSET + 0.5) * (2 / WINDOW) - 1).astype(np.float32))[None]
    with torch.inference_mode():
        surface = neutralizer(picture, at)
    part = outline_eyes(one_face(surface.logits[0].argmax(0).numpy()), points)
    ys, xs = (part > Part.BACKGROUND).nonzero()
    skin = np.isin(part[ys, xs], (Part.SKIN, Part.LOWER))
    source = np.stack([xs, ys], 1)[skin] + OFFSET
    found = mesh_places(surface, torch.from_numpy(part)).numpy()[skin]
    apart = np.linalg.norm(source[None] - points[:MESH_POINTS, None], axis=2)
    nearest = apart.argmin(1)
    seen = apart[np.arange(MESH_POINTS), nearest] < _NEAR_PX
    places: NDArray[np.float32] = np.where(seen[:, None], found[nearest], np.nan).astype(np.float32)
    return places
