"""OpenFace 2 CSV: head rotation in radians, Action Units 0 to 5, a row for each frame and face.

Convention
----------
Columns are found by name: any subset with ``pose_R*`` or ``AUxx_r`` will do, of the 714 of a full
file or the 431 of older ones. Rows with success 0 hold rubbish and count as frames without a face.
``AUxx_c`` only say whether, not how much, and drive nothing. An intensity moves left and right
alike; going out, the mean of both sides is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.face.action_units import channel_rows, channels_of, explained
from icface.face.controls import (
    ANGLES,
    CHANNEL_INDEX,
    CHANNELS,
    UnknownControlError,
)
from icface.face.selectors import expand_control
from icface.formats.angles import in_radians
from icface.formats.errors import FormatError
from icface.formats.files import write_whole
from icface.formats.rotations import angles_deg, of_openface, rotations, to_openface
from icface.formats.rows import Loaded, ReadOptions, Rows, loaded, rows_by, zeros
from icface.formats.table import Columns, Header, read_columns, read_header
from icface.motion.motion import Motion

NAME = "openface"
ORIGIN = "OpenFace CSV"
POSE = ("pose_Rx", "pose_Ry", "pose_Rz")
INTENSITIES = (
    "01",
    "02",
    "04",
    "05",
    "06",
    "07",
    "09",
    "10",
    "12",
    "14",
    "15",
    "17",
    "20",
    "23",
    "25",
    "26",
    "45",
)
PRESENCES = (*INTENSITIES[:-1], "28", INTENSITIES[-1])
MOST_INTENSE = 5.0
_FACE_COLUMNS = ("face_id", "face")
"""Names of the column that tells faces apart; FaceLandmarkImg, for single pictures, says
"face"."""
_PRESENT_FROM = 1.0
_LOST_FROM = 0.05
_AU = re.compile(r"AU(\d{1,2})_([rc])")


def speaks(header: Header) -> bool:
    """Whether these are columns of OpenFace."""
    return any(_AU.fullmatch(name) for name in header.names) or all(name in header for name in POSE)


def load(path: Path, options: ReadOptions) -> Loaded:
    """The faces of a file; `FormatError` if there is nothing in it that drives a face."""
    header = read_header(path)
    notes: list[str] = []
    units = _units(header, notes)
    pose = POSE if all(name in header for name in POSE) else ()
    if not units and not pose:
        raise FormatError(
            f"{path}, line 1: no column pose_Rx, pose_Ry, pose_Rz or AU01_r and so on. "
            "Run OpenFace with -pose -aus."
        )
    if not pose:
        notes.append("The file has no head rotation (pose_Rx, pose_Ry, pose_Rz).")
    else:
        notes.append(
            "Head angles are OpenFace's: other trackers call another direction straight ahead, by "
            "several degrees."
        )
    about = [name for name in ("frame", "timestamp", "confidence", "success") if name in header]
    texts = [name for name in _FACE_COLUMNS if name in header][:1]
    columns = read_columns(header, [*about, *pose, *units], texts=texts)
    notes += columns.notes
    units = columns.filled(units, notes)
    faces = _faces(columns)
    if texts and len(faces) > 1 and "frame" not in header and "timestamp" not in header:
        notes.append(
            "The rows are faces of one picture, as FaceLandmarkImg writes them: each is a face of "
            "one frame."
        )
    rows = [_face(columns.part(at), label, units, options, notes) for label, at in faces.items()]
    return loaded(path, rows, name=NAME, origin=ORIGIN, notes=notes, options=options)


def _units(header: Header, notes: list[str]) -> dict[str, str]:
    """Columns of intensities, to the names of units they drive."""
    found: dict[str, str] = {}
    unused = []
    for name in header.names:
        match = _AU.fullmatch(name)
        if match is None or match[2] == "c":
            continue
        try:
            expand_control(f"AU{match[1]}")
        except UnknownControlError:
            unused.append(name)
        else:
            found[name] = f"AU{match[1]}"
    if unused:
        notes.append(f"No channel for {', '.join(unused)}: left out.")
    if found:
        notes.append("Action Units have no sides here: left and right move alike.")
    if "gaze_angle_x" in header or "gaze_0_x" in header:
        notes.append(
            "Gaze is left out: the file says where the eyes look from the camera, and not how far "
            "they are turned."
        )
    whether = [
        name
        for name in header.names
        if name.endswith("_c") and f"{name[:-2]}_r" not in found and _AU.fullmatch(name)
    ]
    if whether:
        notes.append(
            f"{', '.join(whether)} only say whether a unit is there, not how much: left out."
        )
    return found


def _faces(columns: Columns) -> dict[str, NDArray[np.int64]]:
    """Each face's name and rows."""
    named = next(iter(columns.texts.values()), ["0"] * len(columns))
    return rows_by(named)


def _face(
    columns: Columns, label: str, units: dict[str, str], options: ReadOptions, notes: list[str]
) -> Rows:
    count = len(columns)
    numbers = columns.numbers
    success = numbers.get("success", np.ones(count))
    missing = ~(success >= 0.5)
    controls = zeros(count)
    carried: frozenset[str] = frozenset()
    if units:
        controls = channel_rows({au: numbers[name] / MOST_INTENSE for name, au in units.items()})
        carried |= channels_of(units.values())
        most = max(
            float(np.nanmax(np.where(missing, 0, numbers[name]), initial=0)) for name in units
        )
        if most > MOST_INTENSE + 1e-6:
            notes.append(f"Action Units go up to {most:.3g}, and OpenFace's end at 5: clipped.")
    if POSE[0] in numbers:
        turned = in_radians(
            [numbers[name] for name in POSE],
            options.units,
            notes,
            usual="radians",
            settled=True,
            but=missing,
        )
        controls[:, : len(ANGLES)] = angles_deg(of_openface(*turned))
        carried |= set(ANGLES)
    return Rows(
        controls=controls,
        missing=missing,
        confidence=numbers.get("confidence", np.ones(count)),
        frames=numbers.get("frame"),
        seconds=numbers.get("timestamp"),
        carried=carried,
        label=label,
    )


# --------------------------------------------------------------------------------------------------


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write a CSV with the columns of ``-pose -aus``; returns what is lost."""
    seen = motion.present
    intensities, sideless = _intensities(motion.controls[seen].astype(np.float64))
    rotation = rotations(motion.controls[seen, : len(ANGLES)].astype(np.float64))
    numbers = np.zeros((len(motion), 3 + len(INTENSITIES)))
    numbers[seen] = np.column_stack(
        [*to_openface(rotation), MOST_INTENSE * intensities[:, : len(INTENSITIES)]]
    )
    presences = np.zeros((len(motion), len(PRESENCES)), np.int64)
    present = MOST_INTENSE * intensities >= _PRESENT_FROM
    presences[seen] = present[
        :, [*range(len(INTENSITIES) - 1), len(INTENSITIES), len(INTENSITIES) - 1]
    ]
    names = [
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "pose_Tx",
        "pose_Ty",
        "pose_Tz",
        *POSE,
        *(f"AU{n}_r" for n in INTENSITIES),
        *(f"AU{n}_c" for n in PRESENCES),
    ]

    def lines() -> Iterator[str]:
        yield ",".join(names)
        for row in range(len(motion)):
            values = ",".join(f"{value + 0.0:.7g}" for value in numbers[row].round(7))
            flags = ",".join(map(str, presences[row]))
            head = f"{row + 1},0,{motion.seconds[row]:.9g},{motion.confidence[row]:.6g}"
            yield f"{head},{int(seen[row])},0,0,0,{values},{flags}"

    write_whole(path, lambda stream: stream.writelines(f"{line}\n".encode() for line in lines()))
    return (
        "The distance of the head (pose_Tx, pose_Ty, pose_Tz) is not known and written as 0.",
        f"AUxx_c is 1 from intensity {_PRESENT_FROM:g} on.",
        *_losses(motion.controls[seen].astype(np.float64), sideless),
        *(("Landmarks are not written.",) if motion.landmarks is not None else ()),
    )


def _intensities(controls: F64) -> tuple[F64, F64]:
    """Intensities (N, 18) 0..1 of `INTENSITIES` and AU28, and the channels (N, 56) of both."""
    sides = [expand_control(f"AU{number}") for number in (*INTENSITIES, "28")]
    every = tuple(control for controls_of in sides for control in controls_of)
    values = dict(zip(every, explained(controls, every, sparing=1e-3).T, strict=True))
    both = np.stack(
        [np.mean([values[control] for control in controls_of], axis=0) for controls_of in sides],
        axis=1,
    )
    amounts = {f"AU{number}": both[:, i] for i, number in enumerate(INTENSITIES)}
    return both, channel_rows(amounts)


def _losses(controls: F64, written: F64) -> Iterator[str]:
    """Losses that a reader of the file will notice, for people."""
    if not len(controls):
        return
    paired = [name[:-2] for name in CHANNELS if name.endswith("_L")]
    uneven = [
        name
        for name in paired
        if np.abs(
            controls[:, CHANNEL_INDEX[f"{name}_L"]] - controls[:, CHANNEL_INDEX[f"{name}_R"]]
        ).max()
        > _LOST_FROM
    ]
    if uneven:
        yield f"Left and right are merged: {', '.join(uneven)}."
    off = np.abs(controls - written)[:, len(ANGLES) :].max(0)
    merged = {f"{name}_{side}" for name in uneven for side in "LR"}
    lost = [
        name
        for name, by in zip(CHANNELS[len(ANGLES) :], off, strict=True)
        if by > _LOST_FROM and name not in merged
    ]
    if lost:
        yield f"OpenFace's Action Units do not say, or only in part: {', '.join(lost)}."
