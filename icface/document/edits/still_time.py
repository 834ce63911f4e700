"""Edits of a still photo's length and rate.

A photo has no time of its own; it is given some with its first key.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from icface.document import Project, ProjectError

DEFAULT_SECONDS = 5
"""Seconds that a photo lasts once it is given time."""


def given_time(project: Project) -> Project:
    """The document with a length of `DEFAULT_SECONDS`, if its source is a photo without time.

    A clip has a length of its own, and what drives a photo gives it one.
    """
    has_end = (
        project.source is None
        or project.clip is not None
        or any(not driver.is_still for driver in project.drivers)
    )
    return (
        project
        if has_end or project.length is not None
        else replace(project, length=default_length(project.rate))
    )


def default_length(rate: Fraction) -> int:
    """Frames that a photo is given at a rate."""
    return max(round(DEFAULT_SECONDS * rate), 2)


def keyed(project: Project) -> Project:
    """The document before its first key: a photo in which nothing moves is given time."""
    return project if project.is_moving else given_time(project)


def set_length(project: Project, frames: int | None) -> Project:
    """The length of a photo's document set, in frames; None: as long as its drivers and keys.

    Raises
    ------
    ProjectError
        For a clip, and for a length that leaves out what is keyed, marked or drives the face.
    """
    if frames == project.length:
        return project
    if project.clip is not None:
        raise ProjectError(
            "A clip is as long as it is; set its in and out points to use a part of it."
        )
    least = project.least_frames
    if frames is not None and frames < least:
        raise ProjectError(
            f"{frames} frames are too few: keys, markers or what drives the face need {least}. "
            "Take those away, or set the out point to use only the beginning."
        )
    return replace(project, length=frames)


def set_rate(project: Project, rate: Fraction) -> Project:
    """The frame rate of a photo's document set.

    Keys, markers, points and the length stay on their frames; while there is nothing of that kind,
    a length keeps its seconds.
    """
    if rate == project.rate:
        return project
    length = project.length
    if length is not None and not is_timed(project) and rate > 0:
        length = max(round(length / project.rate * rate), 1)
    return replace(project, rate=rate, length=length)


def is_timed(project: Project) -> bool:
    """Whether anything is tied to a frame: a key, a blend, a marker, an in or out point."""
    keyed = any(edits.tracks or edits.blend for edits in project.edits)
    return keyed or bool(project.markers) or project.first is not None or project.last is not None
