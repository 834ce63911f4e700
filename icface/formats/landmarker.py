"""JSON results of MediaPipe's Face Landmarker, in Python's or JavaScript's spelling, or lines.

Convention
----------
A frame is an object. Its blend shapes stand under ``blendshapes``, ``face_blendshapes`` or
``faceBlendshapes``: of one face or in a list of faces, by name or in a list of ``{"categoryName":
..., "score": ...}``, perhaps within ``{"categories": ...}``. Its matrices stand under ``matrix``,
``facial_transformation_matrixes`` or ``facialTransformationMatrixes``, nested, flat, or within
``{"data": ...}``. Frames are lines, one list, or a list under ``frames`` or ``results``. Landmarks
are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from icface.formats.arkit_names import SHAPES
from icface.formats.errors import FormatError
from icface.formats.files import encoding_of, readable
from icface.system.json_text import JsonError, shown, values

MOST_BYTES = 256_000_000
MOST_FRAMES = 400_000
"""Three and a half hours at 30 frames a second, in about a gigabyte of memory."""
MOST_FACES = 64
"""In a frame."""
_BLENDSHAPES = ("blendshapes", "face_blendshapes", "faceBlendshapes")
_MATRICES = ("matrix", "facial_transformation_matrixes", "facialTransformationMatrixes")
_STAMPS = ("timestamp_ms", "timestampMs")
_NAMES = ("categoryName", "category_name", "displayName", "display_name")
_LISTS = ("frames", "results")
_LONGEST_LABEL = 60
MARKS = (*_BLENDSHAPES, *_MATRICES[1:], "face_landmarks", "faceLandmarks")
"""Names by which such a file is known."""


class Reading:
    """One face in one frame, as JSON says it.

    Attributes
    ----------
    face : str
        Which face.
    frame, seconds : float
        When; NaN where it is not said.
    weights : dict
        Blend shapes in ARKit's spelling to 0..1; empty where no face was read.
    matrix : list of float
        16 numbers, or none.
    """

    __slots__ = ("_where", "face", "frame", "matrix", "seconds", "weights")

    def __init__(
        self,
        where: str,
        frame: Mapping[str, Any],
        *,
        face: str,
        blendshapes: object,
        matrix: object,
    ) -> None:
        self._where = where
        self.face = face
        self.frame = self._number(frame.get("frame"), "frame")
        self.seconds = self._number(_first(frame, _STAMPS), _STAMPS[0]) / 1000
        self.weights = self._weights(blendshapes)
        self.matrix = self._matrix(matrix)

    def _number(self, value: object, name: str) -> float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FormatError(f"{self._where}, {name}: {shown(value)} is not a number.")
        return float(value) if abs(value) < 1e18 else math.nan

    def _weights(self, said: object) -> dict[str, float]:
        if isinstance(said, dict) and isinstance(said.get("categories"), list):
            said = said["categories"]
        if isinstance(said, list):
            said = dict(self._category(one) for one in said if isinstance(one, dict))
        if said is None:
            return {}
        if not isinstance(said, dict):
            raise FormatError(
                f'{self._where}, blendshapes: write names and numbers, {{"jawOpen": 0.1, ...}}.'
            )
        known = ((SHAPES.get(name.lower()), value) for name, value in said.items())
        return {shape: self._number(value, shape) for shape, value in known if shape is not None}

    def _category(self, said: Mapping[str, Any]) -> tuple[str, object]:
        name = _first(said, _NAMES)
        if not isinstance(name, str):
            raise FormatError(
                f"{self._where}, categoryName: {shown(name)} is not the name of a blend shape."
            )
        return name, said.get("score")

    def _matrix(self, said: object) -> list[float]:
        if isinstance(said, dict):
            said = said.get("data")
        if said is None:
            return []
        flat = (
            [v for row in said for v in (row if isinstance(row, list) else [row])]
            if isinstance(said, list)
            else []
        )
        if len(flat) != 16:
            raise FormatError(f"{self._where}, matrix: a transformation matrix has 16 numbers.")
        return [self._number(value, "matrix") for value in flat]


def readings(path: Path) -> Iterator[Reading]:
    """Readings of every face in every frame; a frame without a face gives one without weights.

    Raises
    ------
    FormatError
        Naming the line, for what is neither JSON nor such a frame, and beyond `MOST_FRAMES` and
        `MOST_BYTES`.
    """
    for number, (line, entry) in enumerate(_frames(path)):
        where = f"{path}, line {line}"
        if number >= MOST_FRAMES:
            raise FormatError(f"{where}: at most {MOST_FRAMES} frames are read. Split the file.")
        if not isinstance(entry, dict):
            raise FormatError(
                f'{where}: expected an object with "blendshapes", not {shown(entry)}.'
            )
        untimed = entry.get("frame") is None and _first(entry, _STAMPS) is None
        frame = {**entry, "frame": number} if untimed else entry
        faces, matrices = (
            _each_face(_first(entry, _BLENDSHAPES)),
            _each_matrix(_first(entry, _MATRICES)),
        )
        if len(faces) > MOST_FACES:
            raise FormatError(
                f"{where} has {len(faces)} faces, and at most {MOST_FACES} are read. "
                "Leave some out."
            )
        for face, blendshapes in enumerate(faces):
            label = str(entry.get("face", face))[:_LONGEST_LABEL]
            matrix = matrices[face] if face < len(matrices) else None
            yield Reading(where, frame, face=label, blendshapes=blendshapes, matrix=matrix)


def _frames(path: Path) -> Iterator[tuple[int, Any]]:
    with readable(path) as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise FormatError(
            f"{path} has more than {MOST_BYTES} bytes, too many for JSON. Split it, or leave the "
            "landmarks out."
        )
    text = raw.decode(encoding_of(raw[:4]), errors="replace")
    del raw
    try:
        for line, value in values(text, constants=True):
            within = value if isinstance(value, dict) else {}
            listed = next(
                (within[name] for name in _LISTS if isinstance(within.get(name), list)), [value]
            )
            yield from ((line, one) for one in listed)
    except JsonError as error:
        raise FormatError(
            f"{path}, {error}. Write one list of frames, or one object on each line."
        ) from None


def _each_face(said: object) -> list[object]:
    """The blend shapes of each face in a frame; one that is None where there is no face."""
    if isinstance(said, list):
        named = bool(said) and isinstance(said[0], dict) and _first(said[0], _NAMES) is not None
        return [said] if named else list(said) or [None]
    return [said]


def _each_matrix(said: object) -> list[object]:
    """The matrix of each face in a frame."""
    if not isinstance(said, list):
        return [said]
    if not said:
        return []
    of_numbers = not isinstance(said[0], list | dict)
    of_rows = (
        len(said) == 4
        and isinstance(said[0], list)
        and len(said[0]) == 4
        and not isinstance(said[0][0], list)
    )
    return [said] if of_numbers or of_rows else list(said)


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((said[name] for name in names if said.get(name) not in (None, "")), None)
