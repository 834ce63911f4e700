"""ICface's npz format: a motion with its landmarks, without loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from icface.formats.errors import FormatError
from icface.formats.files import readable, writable
from icface.formats.rows import Loaded, ReadOptions
from icface.motion.motion import Motion
from icface.motion.store import MotionStoreError, load_reading, save_reading

NAME = "npz"


def load(path: Path, options: ReadOptions) -> Loaded:
    """The motions of a file, most frames first; `FormatError` if an array is missing or wrong."""
    with readable(path):
        try:
            motions, _ = load_reading(path)
        except MotionStoreError as error:
            raise FormatError(
                f"{path} is not a whole npz of ICface Studio: {error} Save it again."
            ) from error
    if not motions:
        raise FormatError(f"{path} holds no face. Track the clip again, or choose another file.")
    notes: tuple[str, ...] = ()
    if options.rate is not None:
        motions = tuple(_at_rate(motion, options) for motion in motions)
        notes = ("The file's own times were put aside for the rate.",)
    order = sorted(range(len(motions)), key=lambda face: -int(motions[face].present.sum()))
    return Loaded(
        format=NAME,
        faces=tuple(motions[face] for face in order),
        labels=tuple(map(str, order)),
        notes=notes,
    )


def _at_rate(motion: Motion, options: ReadOptions) -> Motion:
    rate = options.rate or motion.rate
    return replace(motion, seconds=np.arange(len(motion)) / float(rate), rate=rate)


def save(path: Path, motion: Motion) -> tuple[str, ...]:
    """Write a motion; nothing is lost."""
    with writable(path) as target:
        save_reading(target, (motion,), {})
    return ()
