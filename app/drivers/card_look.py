"""What a driver's card shows, and the words for it; free of widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from icface.arrays import Pixels
from icface.document import Clip, DataFile, Driver, Face, Source
from icface.jobs import time_left_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CardLook:
    """The whole state of a card.

    Attributes
    ----------
    driver : Driver
    film : mapping
        Thumbnails by frame.
    progress : (int, int) or None
        Frames tracked and in all, while the clip is tracked.
    left_s : float or None
        Estimated seconds until tracking ends.
    people : int
        Number of people to choose from: 0, or more than 1.
    person : int
        Number of the person that drives, from 0.
    drives : bool
        Whether a rule of the selected face uses the driver.
    can_drive : bool
        Whether a face is selected.
    frame : int
        Frame of the driver at the playhead.
    portraits : tuple of pixels
        One for each person, once they are known.
    """

    driver: Driver
    film: Mapping[int, Pixels]
    progress: tuple[int, int] | None
    left_s: float | None
    people: int
    person: int
    drives: bool
    can_drive: bool
    frame: int
    portraits: tuple[Pixels, ...] = ()


def place_of(face: Face | None, medium: Source | Clip) -> QRectF | None:
    """The place of a face in its picture, in shares of the picture's sides."""
    if face is None:
        return None
    box, wide, high = face.box, medium.width, medium.height
    return QRectF(box.left / wide, box.top / high, box.width / wide, box.height / high)


def place_in(driver: Driver) -> QRectF | None:
    """The place of a driver's face where it is seen best; None for a table, or untracked."""
    motion, medium = driver.motion, driver.medium
    if isinstance(medium, DataFile) or motion is None:
        return None
    if motion.landmarks is None or not motion.present.any():
        return None
    return place_of(Face.of_motion(motion), medium)


def kind_text(driver: Driver) -> str:
    """A driver's kind and length, as text."""
    medium, motion = driver.medium, driver.motion
    if isinstance(medium, Clip):
        return f"Clip, {medium.duration_s:.1f} s, {float(medium.rate):.4g} frames/s"
    if isinstance(medium, DataFile):
        kind = medium.format or "Table"
        return kind if motion is None or driver.is_still else f"{kind}, {motion.duration_s:.1f} s"
    return "Photo, one expression"


def state_text(look: CardLook) -> str:
    """The progress or the result of a driver's tracking, as text."""
    motion = look.driver.motion
    if look.progress is not None:
        done, total = look.progress
        left = "" if look.left_s is None else f", {time_left_text(look.left_s)} left"
        return f"Tracking {done / max(total, 1):.0%}".replace("%", " %") + left
    if motion is None:
        return "Not tracked"
    if look.driver.is_still:
        return "Read"
    share = f"{motion.present.mean():.0%}".replace("%", " %")
    is_clip = isinstance(look.driver.medium, Clip)
    return f"Tracked, face in {share}" if is_clip else f"Face in {share} of rows"
