"""New labels of a portraits folder: the rig is moved to faces at rest, then fitted to pictures."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from icface.arrays import F64
from icface.system.atomic_write import write_whole
from icface.training.rig.fit import fit_faces, turns_in_space
from icface.training.rig.resting_face import move_to_rest, resting_faces, write_rig
from icface.training.rig.rig import Rig, State

log = logging.getLogger(__name__)

_AT_ONCE = 64
_TABLE = "portraits.npz"
_GIVEN = ("image", "person", "split", "landmarks")


def relabel(
    folders: Sequence[Path], rig_file: Path, out: Path, *, resting: Sequence[str]
) -> dict[str, float]:
    """Fill a folder with the pictures of others, new labels, and the rig that made them.

    Parameters
    ----------
    folders : sequence of Path
        Portraits folders. Of their tables only images, people, splits and landmarks are used. A
        picture that two of them hold under one name is an error; people of one number are one
        person.
    rig_file : Path
        The rig to begin with.
    out : Path
        Gets ``portraits.npz``, ``images/`` and ``rig.npz``.
    resting : sequence of str
        Beginnings of the names of pictures of people who mostly do nothing, such as ``official/``;
        pictures of the training split teach the face at rest.

    Returns
    -------
    dict
        How many pictures there are and how many taught the face at rest, what they have in common
        that the mesh lacks before and after (centimetres), and the mean error of the fits over the
        size of the face.

    Raises
    ------
    ValueError
        If pictures share a name, or too few people are at rest.
    """
    rows = _rows(folders)
    rig = Rig(rig_file)
    still = np.array([name.startswith(tuple(resting)) for name in rows["image"].tolist()]) & (
        rows["split"] == "train"
    )
    candidates = rows["landmarks"][still]
    yaw = Rotation.from_matrix(turns_in_space(rig, candidates)).as_euler("yxz", degrees=True)[:, 0]
    taught = candidates[resting_faces(candidates, yaw)]
    left_over = move_to_rest(rig, taught)
    log.info(
        "%d faces at rest: off by %.4f cm in common, then by %.4f",
        len(taught),
        left_over[0],
        left_over[-1],
    )
    out.mkdir(parents=True, exist_ok=True)
    write_rig(rig, rig_file, out / "rig.npz")
    for folder in folders:
        _take_pictures(folder, out)
    states, error = _fit_all(rig, rows["landmarks"])
    table = (
        {name: rows[name] for name in _GIVEN}
        | _columns(states)
        | {"fit_error": error.astype(np.float32)}
    )
    write_whole(
        out / _TABLE, lambda stream: np.savez_compressed(stream, allow_pickle=False, **table)
    )
    return {
        "pictures": float(len(states)),
        "at_rest": float(len(taught)),
        "in_common_before_cm": left_over[0],
        "in_common_after_cm": left_over[-1],
        "fit_error": float(error.mean()),
    }


def _given(folder: Path) -> dict[str, NDArray[Any]]:
    with np.load(folder / _TABLE) as table:
        return {name: table[name] for name in _GIVEN}


def _rows(folders: Sequence[Path]) -> dict[str, NDArray[Any]]:
    tables = [_given(folder) for folder in folders]
    rows = {name: np.concatenate([table[name] for table in tables]) for name in _GIVEN}
    names, times = np.unique(rows["image"], return_counts=True)
    if (times > 1).any():
        raise ValueError(
            f"Two portraits folders hold a picture named {names[times > 1][0]}: rename one of them."
        )
    return rows


def _take_pictures(folder: Path, out: Path) -> None:
    """Put the pictures of a folder into another, as hard links where the disk allows it."""
    for name in _given(folder)["image"].tolist():
        target = out / "images" / name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(folder / "images" / name, target)
        except OSError:
            shutil.copyfile(folder / "images" / name, target)


def _fit_all(rig: Rig, landmarks: NDArray[np.floating]) -> tuple[list[State], F64]:
    states: list[State] = []
    errors: list[F64] = []
    for start in range(0, len(landmarks), _AT_ONCE):
        fits = fit_faces(rig, landmarks[start : start + _AT_ONCE])
        states.extend(fits.states)
        errors.append(fits.error)
        log.info("%d of %d fitted", len(states), len(landmarks))
    return states, np.concatenate(errors)


def _columns(states: Sequence[State]) -> dict[str, NDArray[np.float32]]:
    columns: dict[str, list[Any]] = {
        "rot": [Rotation.from_matrix(state.rotation).as_rotvec() for state in states],
        "scale": [state.scale for state in states],
        "trans": [state.pivot for state in states],
        "identity": [state.identity for state in states],
        "expression": [state.expression for state in states],
    }
    return {name: np.asarray(values, np.float32) for name, values in columns.items()}
