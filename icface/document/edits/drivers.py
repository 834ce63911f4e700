"""Edits of drivers (add, track, rename, remove) and of the rules of the mixing matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from icface.document import (
    Clip,
    DataFile,
    Driver,
    FaceEdits,
    MixRule,
    Project,
    Source,
    split_mix_target,
)
from icface.document.curves import Track
from icface.document.drivers import group_rank
from icface.document.edits.faces import chosen, with_edits
from icface.document.edits.still_time import is_timed
from icface.motion.conditioning import Beyond, MissingPolicy, neutral_frame
from icface.motion.motion import Motion

MOST_DRIVER_RATE = 120
"""Frames a second that a driver can give a document; a faster one is read at the document's own
rate."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def free_name(project: Project) -> str:
    """The first letter, or number, that no driver has as its name."""
    taken = {driver.name for driver in project.drivers}
    names: list[str] = [*_LETTERS, *map(str, range(1, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def add_driver(project: Project, driver: Driver, rate: Fraction | None = None) -> Project:
    """The document with one more driver.

    The first driver that moves gives a photo's document its rate and length, unless something is
    keyed already.

    Parameters
    ----------
    project : Project
    driver : Driver
        With a name of its own, see `free_name`.
    rate : Fraction, optional
        Of a table; a clip has its own.
    """
    wanted = driver.medium.rate if isinstance(driver.medium, Clip) else rate
    if wanted is not None and wanted > MOST_DRIVER_RATE:
        # the beat of a table's stamps, as 1000 a second for times in milliseconds, and no rate of
        # pictures
        wanted = None
    held = (
        project.clip is not None
        or any(not d.is_still for d in project.drivers)
        or is_timed(project)
    )
    kept = project.rate if held or wanted is None or driver.is_still else wanted
    length = project.length if held or driver.is_still else None
    return replace(project, drivers=(*project.drivers, driver), rate=kept, length=length)


def driver_of_photo(project: Project, photo: Source, motion: Motion) -> Driver:
    """A driver made of a photo's expression; its neutral state is a face without expression.

    An absolute rule therefore gives a face that very expression.
    """
    return Driver(name=free_name(project), medium=photo, motion=motion, smoothing=0.0)


def driver_of_data(project: Project, table: DataFile, motion: Motion) -> Driver:
    """A driver made of a table's motion, without smoothing.

    Analysts have smoothed the table already, or have left it unsmoothed for a reason.
    """
    return Driver(
        name=free_name(project),
        medium=table,
        motion=motion,
        smoothing=0.0,
        neutral_frame=proposed_neutral(motion),
    )


def set_motion(project: Project, name: str, motion: Motion) -> Project:
    """A driver's motion set after its clip was tracked; its most neutral frame becomes the rest."""
    return _with_driver(
        project,
        replace(project.driver(name), motion=motion, neutral_frame=proposed_neutral(motion)),
    )


def proposed_neutral(motion: Motion) -> int | None:
    """The most neutral frame; None for a single expression, or where no frame shows a face."""
    return neutral_frame(motion) if len(motion) > 1 and motion.present.any() else None


def set_driver(
    project: Project,
    name: str,
    *,
    missing: MissingPolicy | None = None,
    smoothing: float | None = None,
    beyond: Beyond | None = None,
) -> Project:
    """A driver's settings changed; None leaves a setting alone."""
    given = {"missing": missing, "smoothing": smoothing, "beyond": beyond}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return _with_driver(project, replace(project.driver(name), **changes))


def set_neutral(project: Project, name: str, frame: int | None) -> Project:
    """A driver's neutral frame set; None: looking straight ahead without expression."""
    return _with_driver(project, replace(project.driver(name), neutral_frame=frame))


def rename_driver(project: Project, name: str, new: str) -> Project:
    """A driver renamed, in all rules as well."""
    if name == new:
        return project
    driver = replace(project.driver(name), name=new)
    drivers = tuple(driver if d.name == name else d for d in project.drivers)
    edits = tuple(
        replace(e, mix=tuple(replace(r, driver=new) if r.driver == name else r for r in e.mix))
        if e.mix
        else e
        for e in project.edits
    )
    output = replace(project.output, sound=new) if project.output.sound == name else project.output
    return replace(project, drivers=drivers, edits=edits, output=output)


def remove_driver(project: Project, name: str) -> Project:
    """The document without a driver, without its rules and without the keys of those rules."""
    project.driver(name)
    drivers = tuple(driver for driver in project.drivers if driver.name != name)
    edits = tuple(
        _without_rules(e, [r.group for r in e.mix if r.driver == name]) for e in project.edits
    )
    output = replace(project.output, sound="") if project.output.sound == name else project.output
    return replace(project, drivers=drivers, edits=edits, output=output)


def set_rule(project: Project, rule: MixRule) -> Project:
    """A rule of the chosen face's mix, in place of the one for the same group."""
    if rule.driver:
        project.driver(rule.driver)
    index, edits = chosen(project)
    others = [r for r in edits.mix if r.group != rule.group]
    return with_edits(project, index, replace(edits, mix=_ordered([*others, rule])))


def remove_rule(project: Project, group: str) -> Project:
    """The chosen face without the rule of a group, and without the keys of that rule."""
    index, edits = chosen(project)
    return with_edits(project, index, _without_rules(edits, [group]))


def drive_with(project: Project, name: str) -> Project:
    """The chosen face driven by one driver alone.

    A moving driver counts relative to its neutral frame; a single expression is taken as it is.
    """
    still = project.driver(name).is_still
    index, edits = chosen(project)
    if not still:
        rule = MixRule(group="all", driver=name)
        return with_edits(
            project,
            index,
            replace(_without_rules(edits, [r.group for r in edits.mix]), mix=(rule,)),
        )
    for group in ("brows", "eyes", "gaze", "cheeks", "mouth"):
        project = set_rule(project, MixRule(group=group, driver=name, mode="absolute"))
    return project


def _with_driver(project: Project, driver: Driver) -> Project:
    if driver == project.driver(driver.name):
        return project
    return replace(
        project, drivers=tuple(driver if d.name == driver.name else d for d in project.drivers)
    )


def _ordered(rules: Iterable[MixRule]) -> tuple[MixRule, ...]:
    return tuple(sorted(rules, key=lambda rule: (group_rank(rule.group), rule.group)))


def _without_rules(edits: FaceEdits, groups: Iterable[str]) -> FaceEdits:
    gone = set(groups)
    if not gone:
        return edits

    def stays(track: Track) -> bool:
        parts = split_mix_target(track.target)
        return parts is None or parts[0] not in gone

    mix = tuple(rule for rule in edits.mix if rule.group not in gone)
    return replace(edits, mix=mix, tracks=tuple(track for track in edits.tracks if stays(track)))
