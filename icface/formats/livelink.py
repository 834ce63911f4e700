"""CSV of Live Link Face and other ARKit recorders: 52 weights and head rotation in each row.

Convention
----------
Names count in any case. Rows whose count of blend shapes is 0 have no weights. Head angles are
those of ARKit's face anchor: yaw to the subject's left, pitch down, roll to the subject's right;
public sources do not settle whether they are radians, degrees or half turns, so radians are assumed
and written, numbers beyond what a head can do are degrees, and a person may say otherwise. All
three at 0 throughout mean that the recorder did not read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from icface.arrays import F64
from icface.face.controls import ANGLES
from icface.formats.angles import in_radians
from icface.formats.arkit_names import SHAPES, TONGUE, columns_of, fill, merged, weights_of
from icface.formats.errors import FormatError
from icface.formats.files import write_whole
from icface.formats.rotations import angles_deg, of_arkit, rotations, to_arkit
from icface.formats.rows import Loaded, ReadOptions, Rows, loaded, zeros
from icface.formats.table import Columns, Header, read_columns, read_header
from icface.formats.timecode import MILLISECONDS, TimecodeError, code_of, seconds_of
from icface.motion.motion import Motion

NAME = "livelink"
ORIGIN = "Live Link Face CSV"
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
EYES = tuple(
    f"{side}Eye{angle}" for side in ("Left", "Right") for angle in ("Yaw", "Pitch", "Roll")
)
_FEWEST_SHAPES = 5
_EYE = ("EyeBlink", "EyeLookDown", "EyeLookIn", "EyeLookOut", "EyeLookUp", "EyeSquint", "EyeWide")
_PAIRED = ("MouthSmile", "MouthFrown", "MouthDimple", "MouthStretch")
_LIPS = ("MouthPress", "MouthLowerDown", "MouthUpperUp", "BrowDown")


def _sides(*names: str) -> list[str]:
    return [name + side for name in names for side in ("Left", "Right")]


COLUMNS: tuple[str, ...] = (
    "Timecode",
    "BlendshapeCount",
    *(f"{name}{side}" for side in ("Left", "Right") for name in _EYE),
    "JawForward",
    "JawRight",
    "JawLeft",
    "JawOpen",
    "MouthClose",
    "MouthFunnel",
    "MouthPucker",
    "MouthRight",
    "MouthLeft",
    *_sides(*_PAIRED),
    "MouthRollLower",
    "MouthRollUpper",
    "MouthShrugLower",
    "MouthShrugUpper",
    *_sides(*_LIPS),
    "BrowInnerUp",
    *_sides("BrowOuterUp"),
    "CheekPuff",
    *_sides("CheekSquint", "NoseSneer"),
    "TongueOut",
    *HEAD,
    *EYES,
)
"""The 63 columns of the recorder, in its order."""
_COUNT = len(COLUMNS) - 2


def speaks(header: Header) -> bool:
    """Whether these are columns of Live Link Face."""
    marked = header.first("Timecode", "BlendshapeCount", *HEAD) is not None
    return marked and len(columns_of(header.names)) >= _FEWEST_SHAPES


def load(path: Path, options: ReadOptions) -> Loaded:
    """The face of a file; `FormatError` if it has no weights or a timecode is none."""
    header = read_header(path)
    shapes = columns_of(header.names)
    if not shapes:
        raise FormatError(
            f"{path}, line 1: no column of a blend shape (EyeBlinkLeft, JawOpen and so on). "
            "Record it again."
        )
    count, code = header.first("BlendshapeCount"), header.first("Timecode")
    head = [name for name in (header.first(angle) for angle in HEAD) if name is not None]
    head = head if len(head) == len(HEAD) else []
    numbers = [*shapes, *head, *([count] if count else [])]
    columns = read_columns(header, numbers, texts=[code] if code else [], ragged=True)
    notes = [*columns.notes]
    shapes = columns.filled(shapes, notes)
    if len(set(shapes.values()) - {TONGUE}) < len(SHAPES) - 1:
        absent = [
            name for name in SHAPES.values() if name not in shapes.values() and name != TONGUE
        ]
        notes.append(
            f"The file lacks {len(absent)} blend shapes ({', '.join(absent[:4])} ...): nothing "
            "drives them."
        )
    notes += [
        f"No channel for {name}: left out."
        for name, shape in shapes.items()
        if shape == TONGUE and columns.numbers[name].any()
    ]
    controls = zeros(len(columns))
    carried = fill(controls, {shape: columns.numbers[name] for name, shape in shapes.items()})
    missing = columns.numbers[count] == 0 if count else np.zeros(len(columns), np.bool_)
    turned = [np.where(missing, 0, columns.numbers[name]) for name in head]
    if turned and np.any(np.stack(turned) != 0):
        controls[:, : len(ANGLES)] = angles_deg(
            of_arkit(*in_radians(turned, options.units, notes, usual="radians", but=missing))
        )
        notes.append(
            "Recorders differ in the signs of head angles: where the head turns the wrong way, mix "
            "it with a gain of -1."
        )
        carried |= set(ANGLES)
    else:
        notes.append("The file has no head rotation: nothing drives yaw, pitch and roll.")
    rows = Rows(
        controls=controls,
        missing=missing,
        confidence=np.ones(len(columns)),
        seconds=None
        if code is None or options.rate is not None
        else _seconds(path, columns, code, notes),
        carried=carried,
    )
    return loaded(path, [rows], name=NAME, origin=ORIGIN, notes=notes, options=options)


def _seconds(path: Path, columns: Columns, code: str, notes: list[str]) -> F64 | None:
    try:
        seconds, base, drops = seconds_of(columns.texts[code])
    except TimecodeError as error:
        raise FormatError(
            f"{path}, line {columns.lines[error.row]}, column {code}: {error.text[:24]!r} is not a "
            "timecode. "
            "Write HH:MM:SS:FF.mmm, or leave the column out and say the rate."
        ) from None
    if not np.isfinite(seconds).any():
        return None
    notes.append(
        "The last part of the timecodes was read as milliseconds."
        if base == MILLISECONDS
        else f"Timecodes count {base} frames a second{', some dropped' if drops else ''}, "
        "by their own numbers. "
        "Another rate is set by icface convert --rate."
    )
    return seconds


# --------------------------------------------------------------------------------------------------


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write the recorder's 63 columns, head angles in radians; returns what is lost."""
    controls = motion.controls.astype(np.float64)
    seen = motion.present
    head = np.zeros((len(motion), len(HEAD)))
    head[seen] = np.column_stack(to_arkit(rotations(controls[seen, : len(ANGLES)])))
    weights = np.column_stack(
        [weights_of(controls, SHAPES[name.lower()]) for name in COLUMNS[2 : -len(HEAD + EYES)]]
    )
    table = np.column_stack([weights, head, np.zeros((len(motion), len(EYES)))])

    def lines() -> Iterator[str]:
        yield ",".join(COLUMNS)
        for row in range(len(motion)):
            start = code_of(float(motion.seconds[row]))
            if seen[row]:
                yield f"{start},{_COUNT}," + ",".join(
                    f"{value + 0.0:.7g}" for value in table[row].round(8)
                )
            else:
                yield f"{start},0" + "," * _COUNT

    write_whole(path, lambda stream: stream.writelines(f"{line}\n".encode() for line in lines()))
    notes = [
        "Head angles are written in radians, with the signs of ARKit's face anchor.",
        (
            "Eye rotations and the tongue are written as 0: the eyeLook weights say where the eyes "
            "look."
        ),
        "Timecodes count 60 frames a second; the confidence of the reading is not written.",
    ]
    if both := merged(controls[seen]):
        notes.append(f"Left and right are merged: {', '.join(both)}.")
    if motion.landmarks is not None:
        notes.append("Landmarks are not written.")
    return tuple(notes)
