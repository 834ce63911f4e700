"""Edits of time and output: in and out points, markers, protected regions, export settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from icface.document import Marker, OutputSettings, Project, ProjectError, Region


def set_range(project: Project, first: int | None, last: int | None) -> Project:
    """In and out points set, the last frame included; None for the ends.

    Given in the wrong order, they are swapped.
    """
    if first is not None and last is not None and first > last:
        first, last = last, first
    return (
        project
        if (first, last) == (project.first, project.last)
        else replace(project, first=first, last=last)
    )


def set_in(project: Project, frame: int | None) -> Project:
    """The in point set; an out point before it is removed."""
    last = (
        None
        if frame is not None and project.last is not None and project.last < frame
        else project.last
    )
    return set_range(project, frame, last)


def set_out(project: Project, frame: int | None) -> Project:
    """The out point set; an in point after it is removed."""
    first = (
        None
        if frame is not None and project.first is not None and project.first > frame
        else project.first
    )
    return set_range(project, first, frame)


def set_marker(project: Project, frame: int, text: str = "") -> Project:
    """A marker set on a frame, in place of the one that is there."""
    others = [marker for marker in project.markers if marker.frame != frame]
    markers = tuple(
        sorted([*others, Marker(frame=frame, text=text)], key=lambda marker: marker.frame)
    )
    return project if markers == project.markers else replace(project, markers=markers)


def remove_markers(project: Project, frames: Collection[int]) -> Project:
    """The document without the markers on these frames."""
    kept = tuple(marker for marker in project.markers if marker.frame not in frames)
    return project if len(kept) == len(project.markers) else replace(project, markers=kept)


def add_region(project: Project, region: Region) -> Project:
    """The document with one more protected region."""
    return replace(project, regions=(*project.regions, region))


def set_region(project: Project, index: int, region: Region) -> Project:
    """A protected region replaced by another."""
    _require_region(project, index)
    return replace(
        project, regions=(*project.regions[:index], region, *project.regions[index + 1 :])
    )


def remove_region(project: Project, index: int) -> Project:
    """The document without one of its protected regions."""
    _require_region(project, index)
    return replace(project, regions=(*project.regions[:index], *project.regions[index + 1 :]))


def without_regions(project: Project) -> Project:
    """The document without protected regions."""
    return replace(project, regions=()) if project.regions else project


def _require_region(project: Project, index: int) -> None:
    if not 0 <= index < len(project.regions):
        raise ProjectError(
            f"Region {index} is not one of the {len(project.regions)} counted from 0."
        )


def set_output(
    project: Project,
    *,
    preset: str | None = None,
    sound: str | None = None,
    side_by_side: bool | None = None,
    labelled: bool | None = None,
) -> Project:
    """Export settings changed; None leaves a setting alone."""
    given = {"preset": preset, "sound": sound, "side_by_side": side_by_side, "labelled": labelled}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    output: OutputSettings = replace(project.output, **changes)
    return project if output == project.output else replace(project, output=output)
