"""ICface's JSON format: a motion that people can read, without loss.

Convention
----------
Degrees and 0..1, a frame on each line: seconds, confidence, and the controls in the order of
``channels``, or null where no face was read. Numbers have as many digits as it takes to find them
again. Landmarks are for the npz.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from icface.face.controls import CHANNEL_INDEX, CHANNELS
from icface.formats.errors import FormatError
from icface.formats.files import encoding_of, readable, write_whole
from icface.formats.rows import Loaded, ReadOptions
from icface.motion.motion import Motion, MotionError, rate_from
from icface.system.json_text import JsonError, parsed, shown

NAME = "json"
KIND = "icface-motion"
VERSION = 1
MOST_BYTES = 256_000_000
"""Five hours at 30 frames a second."""
_LONGEST_TEXT = 400


def load(path: Path, options: ReadOptions) -> Loaded:
    """The motion of a file; `FormatError` naming the frame that is not what it should be."""
    whole = _document(path)
    frames = whole["frames"]
    if not isinstance(frames, list) or not frames:
        raise FormatError(f"{path}, frames: expected a list with one object for each frame.")
    channels = whole.get("channels", list(CHANNELS))
    if (
        not isinstance(channels, list)
        or not {str(name) for name in channels} <= set(CHANNELS)
        or len(set(channels)) < len(channels)
    ):
        raise FormatError(
            f"{path}, channels: names must be different ones of icface.face.controls.CHANNELS."
        )
    at = [CHANNEL_INDEX[name] for name in channels]
    seconds, confidence = np.zeros(len(frames)), np.zeros(len(frames), np.float32)
    controls = np.full((len(frames), len(CHANNELS)), np.nan, np.float32)
    for row, frame in enumerate(frames):
        try:
            seconds[row], confidence[row] = float(frame["seconds"]), float(frame["confidence"])
            if frame["controls"] is not None:
                controls[row] = 0
                controls[row, at] = np.asarray(frame["controls"], np.float32).reshape(len(at))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise FormatError(
                f"{path}, frame {row}: seconds, confidence and {len(at)} controls (or null) are "
                f"expected, not {shown(frame)}."
            ) from None
    notes: tuple[str, ...] = ()
    if options.rate is not None:
        seconds = np.arange(len(frames)) / float(options.rate)
        notes = ("The file's own times were put aside for the rate.",)
    motion = motion_of(
        path, whole, options.rate, seconds=seconds, confidence=confidence, controls=controls
    )
    return Loaded(format=NAME, faces=(motion,), labels=("0",), notes=notes)


def motion_of(path: Path, about: Mapping[str, Any], rate: Fraction | None, **arrays: Any) -> Motion:
    """The motion of arrays and their description; `FormatError` if they do not belong together."""
    try:
        return Motion(
            rate=rate_from(about.get("rate")) if rate is None else rate,
            carried=frozenset(map(str, about.get("carried", CHANNELS))),
            cuts=tuple(_cut(cut) for cut in about.get("cuts", ())),
            origin=str(about.get("origin", ""))[:_LONGEST_TEXT],
            **arrays,
        )
    except MotionError as error:
        raise FormatError(f"{path} cannot be a motion. {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{path}: rate, carried, cuts or origin is not what a motion has ({error})."
        ) from error


def _cut(said: object) -> int:
    if not isinstance(said, int) or isinstance(said, bool):
        raise ValueError(f"a cut is a whole number, not {shown(said)}")  # noqa: TRY004 (bad data, not bad use)
    return said


def described(motion: Motion) -> dict[str, Any]:
    """The description of a motion beside its arrays."""
    return {
        "format": KIND,
        "version": VERSION,
        "origin": motion.origin,
        "reading": motion.reading,
        "rate": str(motion.rate),
        "cuts": list(motion.cuts),
        "carried": sorted(motion.carried, key=CHANNEL_INDEX.__getitem__),
    }


def check_kind(path: Path, about: object) -> dict[str, Any]:
    """The description of a motion, checked for kind and version."""
    if not isinstance(about, dict) or about.get("format") != KIND:
        raise FormatError(
            f'{path} is not a motion of ICface Studio: "format": "{KIND}" is not there.'
        )
    if about.get("version") != VERSION:
        raise FormatError(
            f"{path} has version {shown(about.get('version'))}, and this program reads {VERSION}. "
            "Use a newer program."
        )
    return about


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write a motion; returns what is lost."""

    def lines() -> Iterator[str]:
        head = json.dumps(described(motion) | {"channels": list(CHANNELS)}, ensure_ascii=False)
        yield head.removesuffix("}") + ', "frames": ['
        for row, time in enumerate(motion.seconds.tolist()):
            numbers = motion.controls[row]
            shown = (
                "null" if np.isnan(numbers[0]) else "[" + ", ".join(map(_shortest, numbers)) + "]"
            )
            comma = "," if row + 1 < len(motion) else ""
            head = f'"seconds": {time!r}, "confidence": {_shortest(motion.confidence[row])}'
            yield f'{{{head}, "controls": {shown}}}{comma}'
        yield "]}"

    write_whole(path, lambda stream: stream.writelines(f"{line}\n".encode() for line in lines()))
    return (
        ("Landmarks are not written to JSON: choose npz to keep them.",)
        if motion.landmarks is not None
        else ()
    )


def _shortest(value: np.float32) -> str:
    text = np.format_float_positional(value, unique=True, trim="-")
    if text == "-0":
        return "-0.0"  # an integer has no negative zero
    return text if len(text) < 24 else np.format_float_scientific(value, unique=True, trim="-")


def _document(path: Path) -> dict[str, Any]:
    with readable(path) as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise FormatError(
            f"{path} has more than {MOST_BYTES} bytes, too many for JSON. Save the motion as npz."
        )
    try:
        whole = parsed(raw.decode(encoding_of(raw[:4])))
    except JsonError as error:
        raise FormatError(f"{path}, {error}.") from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}, byte {error.start}: not text in UTF-8 or UTF-16.") from None
    about = check_kind(path, whole)
    if "frames" not in about:
        raise FormatError(f'{path}: there are no "frames".')
    return about
