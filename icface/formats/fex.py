"""py-feat's CSV (``Fex``), read without py-feat: what its detectors of all versions write.

Convention
----------
Three kinds of head angles, told apart by the columns: before 2.0 degrees; of Detectorv2
(``valence``, ``mesh_x_0``) and later radians with other signs; of MPDetector (``x_477``) radians
under swapped names. See `icface.formats.rotations`. Action Units are from 0 to 1, and are
likelihoods rather than intensities in most detectors. Where 52 blend shapes are there as well, they
are taken, because they have sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.action_units import channel_rows, channels_of
from icface.face.controls import ANGLES, UnknownControlError
from icface.face.selectors import expand_control
from icface.formats.angles import in_radians
from icface.formats.arkit_names import columns_of, fill
from icface.formats.errors import FormatError
from icface.formats.rotations import angles_deg, of_fex, of_fex_first, of_fex_mesh
from icface.formats.rows import MOST_FACES, Loaded, ReadOptions, Rows, loaded, rows_by, zeros
from icface.formats.table import Columns, Header, read_columns, read_header

NAME = "fex"
ORIGIN = "py-feat CSV"
POSE = ("Pitch", "Roll", "Yaw")
_AU = re.compile(r"AU(\d{2})")
_FEWEST_SHAPES = 20
_RECT = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight")
_LATER = ("X", "Y", "Z", "approx_time", "Identity")
_RATES = tuple(Fraction(n) for n in (10, 12, 15, 24, 25, 30, 48, 50, 60, 100, 120))


def speaks(header: Header) -> bool:
    """Whether these are columns of py-feat."""
    units = sum(_AU.fullmatch(name) is not None for name in header.names)
    return (
        "FaceRectX" in header
        or "FaceScore" in header
        or (units > 0 and all(name in header for name in POSE))
    )


def load(path: Path, options: ReadOptions) -> Loaded:
    """The faces of a file; `FormatError` if there is nothing in it that drives a face."""
    header = read_header(path)
    notes: list[str] = []
    shapes = columns_of(header.names)
    shapes = shapes if len(shapes) >= _FEWEST_SHAPES else {}
    units = _units(header, notes)
    pose = dict.fromkeys(POSE, "") if all(name in header for name in POSE) else {}
    if not units and not pose and not shapes:
        raise FormatError(
            f"{path}, line 1: no column Pitch, Roll, Yaw, AU01 and so on. "
            "Save the whole Fex with to_csv."
        )
    numbers = [name for name in ("frame", "FaceScore", *_RECT) if name in header]
    texts = [name for name in ("input", "Identity", "approx_time") if name in header]
    columns = read_columns(header, [*numbers, *pose, *units, *shapes], texts=texts)
    notes += columns.notes
    controls, carried = zeros(len(columns)), frozenset[str]()
    missing = _missing(columns)
    if shapes := columns.filled(shapes, notes):
        notes.append("Blend shapes are taken, and Action Units left out: blend shapes have sides.")
        carried |= fill(controls, {shape: columns.numbers[name] for name, shape in shapes.items()})
    elif units := columns.filled(units, notes):
        notes.append(
            "py-feat's Action Units are likelihoods from 0 to 1, taken for intensities; "
            "left and right move alike."
        )
        controls = channel_rows(
            {au: _intensity(columns.numbers[name], missing, notes) for name, au in units.items()}
        )
        carried |= channels_of(units.values())
    if len(columns.filled(pose, notes)) == len(POSE):
        controls[:, : len(ANGLES)] = _angles(header, columns, missing, options, notes)
        carried |= set(ANGLES)
    whole = Rows(
        controls=controls,
        missing=missing,
        confidence=columns.numbers.get("FaceScore", np.ones(len(columns))),
        frames=columns.numbers.get("frame"),
        seconds=_seconds(columns, notes) if options.rate is None else None,
        carried=carried,
    )
    faces = [replace(whole.part(at), label=label) for label, at in _faces(path, columns, notes)]
    return loaded(path, faces, name=NAME, origin=ORIGIN, notes=notes, options=options)


def _units(header: Header, notes: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in header.names:
        match = _AU.fullmatch(name)
        if match is not None:
            try:
                expand_control(name)
            except UnknownControlError:
                notes.append(f"No channel for {name}: left out.")
            else:
                found[name] = f"AU{match[1]}"
    return found


def _missing(columns: Columns) -> NDArray[np.bool_]:
    missing = np.zeros(len(columns), np.bool_)
    for name in ("FaceScore", "FaceRectX"):
        if name in columns.numbers:
            missing |= np.isnan(columns.numbers[name])
    return missing


def _intensity(values: F64, missing: NDArray[np.bool_], notes: list[str]) -> F64:
    most = float(np.nanmax(np.where(missing, 0, values), initial=0))
    if most > 1.5:
        scale = 5.0 if most <= 5.5 else 100.0
        notes.append(f"Some Action Units go up to {most:.3g} and were divided by {scale:g}.")
        return values / scale
    return values


def _angles(
    header: Header,
    columns: Columns,
    missing: NDArray[np.bool_],
    options: ReadOptions,
    notes: list[str],
) -> F64:
    """Yaw, pitch, roll in degrees, shape (N, 3)."""
    turned = [columns.numbers[name] for name in POSE]
    notes.append(
        "Head angles are py-feat's: other trackers call another direction straight ahead, by "
        "several degrees."
    )
    if "x_477" in header:
        return angles_deg(
            of_fex_mesh(
                *in_radians(
                    turned, options.units, notes, usual="radians", settled=True, but=missing
                )
            )
        )
    if "valence" in header or "mesh_x_0" in header:
        return angles_deg(
            of_fex(
                *in_radians(
                    turned, options.units, notes, usual="radians", settled=True, but=missing
                )
            )
        )
    most = float(np.nanmax(np.abs(np.where(missing, 0, turned)), initial=0))
    later = options.units == "radians" or (
        options.units is None and most <= 3.2 and any(name in header for name in _LATER)
    )
    made = of_fex if later else of_fex_first
    return angles_deg(
        made(
            *in_radians(
                turned, options.units, notes, usual="radians" if later else "degrees", but=missing
            )
        )
    )


def _seconds(columns: Columns, notes: list[str]) -> F64 | None:
    """Times of the frames, if minutes and seconds beside frame numbers show the rate."""
    frames, stamps = columns.numbers.get("frame"), columns.texts.get("approx_time")
    if frames is None or stamps is None:
        return None
    clock = np.array([_clock(stamp) for stamp in stamps])
    late = np.isfinite(clock) & np.isfinite(frames) & (frames > 0)
    if not late.any():
        return None
    least = (frames[late] / (clock[late] + 1)).max()  # the clock shows whole seconds, rounded down
    most = (frames[late] / np.maximum(clock[late], 1e-9)).min()
    fitting = [rate for rate in _RATES if least < rate <= most + 1e-9]
    if len(fitting) != 1:
        return None
    notes.append(f"The times beside the frames fit a clip of {fitting[0]} frames a second.")
    seconds: F64 = frames / float(fitting[0])
    return seconds


def _clock(stamp: str) -> float:
    minutes, colon, seconds = stamp.partition(":")
    try:
        return 60 * float(minutes) + float(seconds) if colon else float("nan")
    except ValueError:
        return float("nan")


def _faces(
    path: Path, columns: Columns, notes: list[str]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Name and rows of each face: by picture or clip, then by identity or order in the frame."""
    count = len(columns)
    inputs = columns.texts.get("input", [""] * count)
    frames = columns.numbers.get("frame", np.arange(count, dtype=np.float64))
    one_picture_each = len(set(inputs)) == count > 1
    clips = [""] * count if one_picture_each else inputs
    identities = ["0"] * count if one_picture_each else columns.texts.get("Identity")
    if identities is None or (
        not one_picture_each and len(set(zip(clips, frames, identities, strict=True))) < count
    ):
        identities = _told_apart(path, columns, clips, frames.tolist(), notes)
    keys = list(zip(clips, identities, strict=True))
    several = len(set(clips)) > 1
    for (clip, face), rows in rows_by(keys).items():
        short = re.split(r"[/\\]", clip)[-1]
        yield (f"{short} {face}" if several else face), rows


def _told_apart(
    path: Path, columns: Columns, clips: list[str], frames: list[float], notes: list[str]
) -> list[str]:
    """Face numbers for rows without identity: by place in the frame before, else by order."""
    shown = rows_by(list(zip(clips, frames, strict=True)))
    most = max(map(len, shown.values()))
    if most > MOST_FACES:
        raise FormatError(
            f"{path} has {most} faces in one frame, and at most {MOST_FACES} are read."
        )
    if most == 1:
        return ["0"] * len(columns)
    placed = all(name in columns.numbers for name in _RECT)
    rects = (
        np.stack([columns.numbers[name] for name in _RECT], axis=1)
        if placed
        else np.zeros((len(columns), 4))
    )
    where = np.nan_to_num(np.column_stack([rects[:, :2] + rects[:, 2:] / 2, rects[:, 2:]]))
    faces = np.zeros(len(columns), np.int64)
    last: dict[str, F64] = {}
    for (clip, _), rows in shown.items():
        faces[rows], last[clip] = _matched(last.get(clip, np.zeros((0, 4))), where[rows])
    notes.append(
        "Faces have no identity in the file: each is followed by its place in the picture."
        if placed
        else "Faces have no identity in the file: of each frame the first is face 0, "
        "the next face 1, and so on."
    )
    return [str(face) for face in faces.tolist()]


def _matched(last: F64, now: F64) -> tuple[NDArray[np.int64], F64]:
    """The face of each row (N, 4) among those last at (F, 4), and the last place of every face."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  (a third of a second that other tables do not need)

    apart = np.hypot(*(now[:, None, :2] - last[None, :, :2]).transpose(2, 0, 1)) + np.abs(
        now[:, None, 2:] - last[None, :, 2:]
    ).sum(2)
    rows, faces = linear_sum_assignment(apart)
    found = np.full(len(now), -1, np.int64)
    found[rows] = faces
    new = np.flatnonzero(found < 0)
    found[new] = len(last) + np.arange(len(new))
    seen = np.concatenate([last, now[new]])
    seen[found] = now
    return found, seen
