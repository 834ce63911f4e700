"""Blend shapes of MediaPipe's Face Landmarker, as JSON (`icface.formats.landmarker`) or CSV.

There is no standard for the CSV.

Convention
----------
Our own line of JSON is ``{"frame": 0, "timestamp_ms": 0, "blendshapes": {"jawOpen": 0.1, ...},
"matrix": [16 numbers]}``. Without blend shapes, no face was read. The matrix is the facial
transformation matrix, row by row or column by column: x to the subject's left, y up, z to the
camera. A CSV has the same names as columns, ``matrix_0`` to ``matrix_15`` among them. ``_neutral``
drives nothing.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from icface.arrays import F64
from icface.face.controls import ANGLES
from icface.formats.arkit_names import SHAPES, columns_of, fill
from icface.formats.errors import FormatError
from icface.formats.files import readable
from icface.formats.landmarker import Reading, readings
from icface.formats.rotations import angles_deg, nearest
from icface.formats.rows import Loaded, ReadOptions, Rows, loaded, zeros
from icface.formats.table import Header, read_columns, read_header

NAME = "mediapipe"
ORIGIN = "MediaPipe blend shapes"
_FEWEST_SHAPES = 5
_MATRIX = tuple(f"matrix_{i}" for i in range(16))


def speaks(header: Header) -> bool:
    """Whether these are columns of blend shapes in MediaPipe's spelling."""
    return sum(shape in header for shape in SHAPES.values()) >= _FEWEST_SHAPES


def load(path: Path, options: ReadOptions) -> Loaded:
    """The faces of a file of either kind; `FormatError` if a line is not what it should be."""
    with readable(path) as stream:
        is_json = (
            stream.peek(64)[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))
        )
    notes: list[str] = []
    faces = _of_json(path, notes) if is_json else [_of_table(path, notes)]
    if options.rate is not None and all(face.frames is None for face in faces):
        notes.append("The file's times were put aside for the rate.")
    return loaded(path, faces, name=NAME, origin=ORIGIN, notes=notes, options=options)


def _of_table(path: Path, notes: list[str]) -> Rows:
    header = read_header(path)
    shapes = columns_of(header.names)
    if not shapes:
        raise FormatError(
            f"{path}, line 1: no column of a blend shape (browDownLeft, jawOpen and so on)."
        )
    frame, milliseconds = header.first("frame"), header.first("timestamp_ms")
    matrix = _MATRIX if all(name in header for name in _MATRIX) else ()
    columns = read_columns(
        header, [*shapes, *matrix, *(name for name in (frame, milliseconds) if name)], ragged=True
    )
    notes += columns.notes
    controls = zeros(len(columns))
    carried = fill(controls, {shape: columns.numbers[name] for name, shape in shapes.items()})
    missing = np.all([np.isnan(columns.numbers[name]) for name in shapes], axis=0)
    if matrix:
        controls[:, : len(ANGLES)] = _angles(
            np.stack([columns.numbers[name] for name in matrix], axis=1)
        )
        carried |= set(ANGLES)
    else:
        notes.append("The file has no transformation matrix: nothing drives yaw, pitch and roll.")
    return Rows(
        controls=controls,
        missing=missing,
        confidence=np.ones(len(columns)),
        frames=columns.numbers[frame] if frame else None,
        seconds=columns.numbers[milliseconds] / 1000 if milliseconds else None,
        carried=carried,
    )


def _angles(matrices: F64) -> F64:
    """Yaw, pitch, roll in degrees (N, 3) of flat 4 x 4 matrices (N, 16); NaN for invalid ones."""
    square = matrices.reshape(-1, 4, 4)
    by_columns = np.abs(square[:, 3, :3]).sum(1) > np.abs(square[:, :3, 3]).sum(
        1
    )  # the shift is in the last row
    square = np.where(by_columns[:, None, None], square.transpose(0, 2, 1), square)
    return angles_deg(nearest(square[:, :3, :3]))


def _of_json(path: Path, notes: list[str]) -> list[Rows]:
    """The faces of a file of JSON, in the order in which they appear."""
    faces: dict[str, list[Reading]] = {}
    for reading in readings(path):
        faces.setdefault(reading.face, []).append(reading)
    if not any(reading.weights for face in faces.values() for reading in face):
        raise FormatError(
            f'{path}: no frame has blend shapes. Write them under "blendshapes", by name, '
            "or let the Face Landmarker write "
            "them: output_face_blendshapes=True in Python, outputFaceBlendshapes: true in "
            "JavaScript."
        )
    return [_rows(face, label, notes) for label, face in faces.items()]


def _rows(lines: list[Reading], label: str, notes: list[str]) -> Rows:
    count = len(lines)
    missing = np.array([not line.weights for line in lines])
    names = sorted({name for line in lines for name in line.weights})
    weights = {
        name: np.array([line.weights.get(name, math.nan) for line in lines]) for name in names
    }
    controls = zeros(count)
    carried = fill(controls, weights)
    if any(line.matrix for line in lines):
        controls[:, : len(ANGLES)] = _angles(
            np.array([line.matrix or [math.nan] * 16 for line in lines])
        )
        carried |= set(ANGLES)
    else:
        notes.append("The file has no transformation matrix: nothing drives yaw, pitch and roll.")
    frames, seconds = ([getattr(line, what) for line in lines] for what in ("frame", "seconds"))
    return Rows(
        controls=controls,
        missing=missing,
        confidence=np.ones(count),
        frames=None if all(map(math.isnan, frames)) else np.array(frames),
        seconds=None if all(map(math.isnan, seconds)) else np.array(seconds),
        carried=carried,
        label=label,
    )
