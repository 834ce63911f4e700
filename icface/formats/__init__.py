"""Tracking data of other programs and our own: read as motions, and written.

Convention
----------
Inside, angles are degrees and intensities 0..1; the units of files exist only here. What a file
does not say is assumed and said in the notes, and what it cannot hold is said when it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from icface.formats import archive, bvh, fex, landmarker, livelink, mediapipe, openface, own
from icface.formats.angles import UNITS
from icface.formats.errors import FormatError
from icface.formats.files import encoding_of, readable
from icface.formats.rows import Loaded, ReadOptions
from icface.formats.table import read_header
from icface.motion.motion import Motion

__all__ = [
    "FORMATS",
    "UNITS",
    "Format",
    "FormatError",
    "Loaded",
    "format_of",
    "format_to_write",
    "load",
    "save",
    "sniff",
]

_HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file.

    Attributes
    ----------
    name : str
        As in ``--from`` and ``--to``.
    title : str
        For people.
    suffixes : tuple of str
        File endings; of a shared one, the first format of `FORMATS` is meant when a file is
        written.
    also : tuple of str
        Other endings of files that are read.
    load, save : callable or None
        None if the format is only written, or only read.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    also: tuple[str, ...] = ()
    load: Callable[[Path, ReadOptions], Loaded] | None = None
    save: Callable[[Path, Motion], tuple[str, ...]] | None = None

    @property
    def read_suffixes(self) -> tuple[str, ...]:
        """Endings of files that are read."""
        return (*self.suffixes, *self.also) if self.load else ()


_SPREADSHEET = (".tsv", ".txt")

FORMATS: dict[str, Format] = {
    kind.name: kind
    for kind in (
        Format(
            name="openface",
            title="OpenFace CSV",
            suffixes=(".csv",),
            also=_SPREADSHEET,
            load=openface.load,
            save=openface.save,
        ),
        Format(
            name="livelink",
            title="Live Link Face (ARKit) CSV",
            suffixes=(".csv",),
            also=_SPREADSHEET,
            load=livelink.load,
            save=livelink.save,
        ),
        Format(
            name="fex", title="py-feat CSV", suffixes=(".csv",), also=_SPREADSHEET, load=fex.load
        ),
        Format(
            name="mediapipe",
            title="MediaPipe blend shapes",
            suffixes=(".jsonl", ".csv"),
            also=(".json", *_SPREADSHEET),
            load=mediapipe.load,
        ),
        Format(
            name="json",
            title="ICface motion, JSON",
            suffixes=(".json",),
            load=own.load,
            save=own.save,
        ),
        Format(
            name="npz",
            title="ICface motion with landmarks",
            suffixes=(".npz",),
            load=archive.load,
            save=archive.save,
        ),
        Format(name="bvh", title="BVH, head rotation", suffixes=(".bvh",), save=bvh.save),
    )
}
"""Every kind of file, by name."""
_READ = ", ".join(kind.title for kind in FORMATS.values() if kind.load)
_TABLES = {
    "openface": openface.speaks,
    "fex": fex.speaks,
    "livelink": livelink.speaks,
    "mediapipe": mediapipe.speaks,
}


def sniff(path: Path) -> str:
    """The format of a file, by its content; `FormatError` if none that can be read."""
    path = Path(path)
    with readable(path) as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(b"PK"):
        return "npz"
    start = head.decode(encoding_of(head), errors="replace").lstrip()
    if start.startswith(("{", "[")):
        if f'"{own.KIND}"' in start:
            return "json"
        if any(f'"{mark}"' in start for mark in landmarker.MARKS):
            return "mediapipe"
    elif "\0" not in start:
        header = read_header(path)
        found = next((name for name, speaks in _TABLES.items() if speaks(header)), None)
        if found is not None:
            return found
    raise FormatError(f"{path} is not tracking data that can be read: {_READ}.")


def load(
    path: Path,
    *,
    face: str | int | None = None,
    units: str | None = None,
    rate: Fraction | None = None,
    name: str | None = None,
) -> Loaded:
    """The motions of a file, one for each face.

    Parameters
    ----------
    path : Path
        The file.
    face : str or int, optional
        The face that is wanted, as the file calls it. All by default, that with most frames first.
    units : str, optional
        "degrees", "radians" or "half-turns", for the head angles of a file that does not say.
    rate : Fraction, optional
        Frames a second, when the file has no times or wrong ones.
    name : str, optional
        Of `FORMATS`. Told from the content by default.

    Raises
    ------
    FormatError
        For a file that cannot be read, naming line, column and remedy.
    """
    path = Path(path)
    if units is not None and units not in UNITS:
        raise FormatError(f"Unknown unit {units!r} of angles. Use {', '.join(UNITS)}.")
    if rate is not None and not 0 < rate <= 100_000:
        raise FormatError(
            f"A rate of {rate} frames a second is out of range: it is above 0, up to 100000."
        )
    kind = format_of(name or sniff(path))
    if kind.load is None:
        raise FormatError(f"{kind.title} can only be written. Readable are: {_READ}.")
    found = kind.load(path, ReadOptions(rate=rate, units=units))
    if face is None:
        return found
    if str(face) not in found.labels:
        raise FormatError(
            f"{path} has no face {face}; its faces are {', '.join(found.labels[:20])}."
        )
    at = found.labels.index(str(face))
    return replace(found, faces=(found.faces[at],), labels=(found.labels[at],))


def save(path: Path, motion: Motion, name: str | None = None) -> tuple[str, ...]:
    """Write a motion; returns what is lost, for people.

    Parameters
    ----------
    path : Path
        Where. The file appears whole or not at all.
    motion : Motion
        What.
    name : str, optional
        Of `FORMATS`. By default the file's ending says it; ``.csv`` is OpenFace's.

    Raises
    ------
    FormatError
        If the format is unknown or is not written, or the file cannot be.
    """
    kind = format_to_write(Path(path), name)
    assert kind.save is not None  # or it would not be one to write
    return kind.save(Path(path), motion)


def format_to_write(path: Path, name: str | None = None) -> Format:
    """The format in which a file of that name is written; `FormatError` if there is none."""
    written = [kind for kind in FORMATS.values() if kind.save]
    if name is None:
        fitting = (kind for kind in written if path.suffix.lower() in kind.suffixes)
        if (found := next(fitting, None)) is not None:
            return found
        endings = ", ".join(dict.fromkeys(suffix for kind in written for suffix in kind.suffixes))
        raise FormatError(
            f"{path}: the ending does not say the format. Use {endings}, or name the format."
        )
    kind = format_of(name)
    if kind.save is None:
        raise FormatError(
            f"{kind.title} is only read. Writable are: {', '.join(kind.name for kind in written)}."
        )
    return kind


def format_of(name: str) -> Format:
    """The format of a name; `FormatError` if there is none."""
    if name not in FORMATS:
        raise FormatError(f"Unknown format {name!r}. Use one of {', '.join(FORMATS)}.")
    return FORMATS[name]
