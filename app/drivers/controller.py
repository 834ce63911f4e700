"""Edits of the drivers: clips, tables and photos that drive a face, mixing rules, expressions.

Each request is one edit of the document. Slow work runs in the engine; signals report its results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.drivers.expressions import symmetric
from app.drivers.thumbnails import Thumbnails
from app.editor.studio import Studio
from app.errors import Notice
from icface.document import (
    Clip,
    DataFile,
    Driver,
    Face,
    Medium,
    MixRule,
    Project,
    Source,
    edits,
    mix_target,
)
from icface.document.drivers import group_name
from icface.document.mixing import motion_frame, shown
from icface.export import original_at, refusal
from icface.face.controls import ANGLES, action_units
from icface.formats import save
from icface.jobs import Progress
from icface.motion.conditioning import Beyond, MissingPolicy
from icface.motion.motion import Motion
from icface.motion.reading.fitted import counts_anew, fitting
from icface.rendering.driver_import import Intake
from icface.rendering.kinds import is_clip
from icface.rendering.renderer import Tracked

PORTRAIT_SIDE = 128
"""Longest side of the portrait of a person, pixels."""


class DriverController(QObject):
    """Adds, tracks, edits and removes drivers and mixing rules.

    Parameters
    ----------
    studio : Studio
    parent : QObject, optional
    """

    tracking = Signal(str, int, int)
    """Digest of a clip, frames tracked, frames in all; 0 of 0 when tracking ends."""
    people_found = Signal(str, object)
    """Name of a driver; the `Motion` of each person in it, if there are several."""

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.thumbnails = Thumbnails(studio, self)
        self._expressions: set[str] = set()  # paths of photos whose expression is to be copied
        self._people: dict[str, tuple[Motion, ...]] = {}  # by digest of the driver's medium
        self._dropped: dict[str, Callable[[Path], object]] = {}  # by path: opens it as the source
        studio.bridge.driver_imported.connect(self._taken_in)
        studio.bridge.tracked.connect(self._tracked)
        studio.bridge.tracking.connect(self.tracking)
        studio.session.document_emptied.connect(self._people.clear)

    @property
    def project(self) -> Project:
        """The current document."""
        return self._studio.project

    # Drivers --------------------------------------------------------------------------------------

    def add_driver(self, path: Path) -> None:
        """Add a clip, a table or a photo as a driver; a clip is tracked at once."""
        self._studio.bridge.import_driver(path)

    def add_dropped(self, path: Path, open_instead: Callable[[Path], object]) -> None:
        """Let a dropped clip or table drive the open face.

        A notice then offers to open a clip as the source instead.
        """
        self._dropped[str(path)] = open_instead
        self.add_driver(path)

    def _notify_dropped(
        self, path: Path, open_instead: Callable[[Path], object], *, drives: bool
    ) -> None:
        remedy = ("Open it instead", lambda: open_instead(path)) if is_clip(path) else None
        text = (
            "The face follows the person in it."
            if drives
            else "It is listed under Drivers on the left."
        )
        title = f"{path.name} drives the face" if drives else f"{path.name} was added"
        self._studio.notice_raised.emit(
            Notice(kind="info", title=title, text=text, topic="dropped", remedy=remedy)
        )

    def pick_expression(self, path: Path) -> None:
        """Copy the expression of a photo, without its pose, to the selected face."""
        self._expressions.add(str(path))
        self._studio.bridge.import_driver(path)

    def _taken_in(self, taken: Intake) -> None:
        if taken.medium.path in self._expressions:
            self._expressions.remove(taken.medium.path)
            self._set_expression(taken.motions[0], Path(taken.medium.path).name)
            return
        driver = self._driver_of(taken)
        rate = (
            taken.motions[0].rate if taken.motions and isinstance(taken.medium, DataFile) else None
        )
        first = not self.project.drivers and self.project.face is not None

        def adds(project: Project) -> Project:
            added = edits.add_driver(project, driver, rate)
            return edits.drive_with(added, driver.name) if first else added

        self._studio.edit(adds, f"Add {Path(taken.medium.path).name}", _step_of(taken.medium))
        if (open_instead := self._dropped.pop(taken.medium.path, None)) is not None:
            self._notify_dropped(Path(taken.medium.path), open_instead, drives=first)
        if taken.notes:
            title = f"Read {Path(taken.medium.path).name}"
            self._studio.notice_raised.emit(
                Notice(kind="info", title=title, text=" ".join(taken.notes), topic="intake")
            )
        if len(taken.motions) > 1:
            self._people[driver.medium.digest] = taken.motions
            self.people_found.emit(driver.name, taken.motions)
        if isinstance(taken.medium, Clip):
            self._studio.bridge.track(taken.medium)

    def _driver_of(self, taken: Intake) -> Driver:
        if isinstance(taken.medium, Clip):
            return Driver(name=edits.free_name(self.project), medium=taken.medium)
        if isinstance(taken.medium, Source):
            return edits.driver_of_photo(self.project, taken.medium, taken.motions[0])
        return edits.driver_of_data(self.project, taken.medium, taken.motions[0])

    def _tracked(self, found: Tracked) -> None:
        name = Path(found.clip.path).name
        waiting = [
            d.name for d in self.project.drivers if d.medium == found.clip and d.motion is None
        ]
        is_source = (
            self.project.clip is not None
            and self.project.clip.digest == found.clip.digest
            and not self.project.faces
        )
        if not found.motions:
            text = " ".join(
                (
                    "It can still be shown and exported. Choose another clip to drive a face.",
                    *found.notes,
                )
            )
            self._studio.notice_raised.emit(
                Notice(kind="warning", title=f"No face found in {name}", text=text, topic="no-face")
            )
            return
        if found.notes:
            self._studio.notice_raised.emit(
                Notice(kind="info", title=name, text=" ".join(found.notes), topic="tracked")
            )

        def sets(project: Project) -> Project:
            for driver in waiting:
                project = edits.set_motion(project, driver, found.motions[0])
            if is_source:
                project = edits.set_faces(
                    project, [Face.of_motion(motion) for motion in found.motions]
                )
            return project

        if is_source and not waiting and not self._studio.session.labels:
            self._studio.session.start(
                sets(self.project)
            )  # part of opening the clip: no step of the history
        elif waiting or is_source:
            added = f"Add {name}"  # adding a clip and tracking it are one step
            label = added if self._studio.session.undo_label == added else f"Track {name}"
            edit = self._studio.edit if waiting else self._studio.session.open_over
            edit(sets, label, _step_of(found.clip))
        served = [driver.name for driver in self.project.drivers if driver.medium == found.clip]
        if served and len(found.motions) > 1:
            self._people[found.clip.digest] = found.motions
            self._studio.bridge.make_portraits(
                found.clip, found.motions, found.clip.digest, PORTRAIT_SIDE
            )
            for driver in served:
                self.people_found.emit(driver, found.motions)

    def people(self, name: str) -> tuple[Motion, ...]:
        """The motions of the people in a driver; empty if there is only one person."""
        digest = next(
            (driver.medium.digest for driver in self.project.drivers if driver.name == name), ""
        )
        return self._people.get(digest, ())

    def choose_person(self, name: str, number: int) -> None:
        """Let the person of this number, from 0, drive."""
        motion = self.people(name)[number]
        self._studio.edit(
            lambda project: edits.set_motion(project, name, motion),
            f"Person {number + 1} of {name}",
        )

    def track_again(self, name: str) -> None:
        """Track a driver's clip again: after a cancelled run, or to find other people in it."""
        medium = self.project.driver(name).medium
        if isinstance(medium, Clip):
            self._studio.bridge.track(medium)

    def stop_tracking(self, digest: str) -> None:
        """Cancel the tracking of a clip."""
        self._studio.bridge.stop_tracking(digest)

    def rename(self, name: str, new: str) -> None:
        """Rename a driver."""
        self._studio.edit(
            lambda project: edits.rename_driver(project, name, new.strip()), f"Rename {name}"
        )

    def remove(self, name: str) -> None:
        """Remove a driver and its rules."""
        self._studio.edit(lambda project: edits.remove_driver(project, name), f"Remove {name}")

    def set_driver(
        self,
        name: str,
        *,
        missing: MissingPolicy | None = None,
        smoothing: float | None = None,
        beyond: Beyond | None = None,
        gesture: int = 0,
    ) -> None:
        """Change how a driver's motion is smoothed, filled and extrapolated."""
        key = ("driver", name, gesture) if gesture else None
        self._studio.edit(
            lambda project: edits.set_driver(
                project, name, missing=missing, smoothing=smoothing, beyond=beyond
            ),
            f"Change driver {name}",
            key,
        )

    def set_neutral(self, name: str, frame: int | None) -> None:
        """Set a driver's neutral frame; None for a face without expression."""
        label = (
            f"Neutral frame {frame} of {name}"
            if frame is not None
            else f"No neutral frame of {name}"
        )
        motion = self.project.driver(name).motion

        def sets() -> None:
            if any(
                driver.name == name and driver.motion == motion for driver in self.project.drivers
            ):
                self._studio.edit(lambda project: edits.set_neutral(project, name, frame), label)

        if motion is None or not counts_anew(motion, frame):
            sets()
        else:  # the engine's thread fits it, so that the window stays usable
            self._studio.bridge.run(fitting(motion, frame), lambda _: sets())

    def set_neutral_where(self, name: str, where: str) -> None:
        """Set a driver's neutral frame: "playhead", "proposed" (the calmest) or "none"."""
        motion = self.project.driver(name).motion
        if where == "none" or motion is None:
            self.set_neutral(name, None)
        elif where == "proposed":
            self.set_neutral(name, edits.proposed_neutral(motion))
        else:
            self.set_neutral(name, self.frame_under_playhead(name))

    def frame_under_playhead(self, name: str) -> int:
        """The frame of a driver that is used at the playhead; 0 before it is tracked."""
        return motion_frame(self.project, name, self._studio.playhead.frame) or 0

    def set_sound(self, sound: str) -> None:
        """Choose the sound: "" for the source's own, the name of a driver, or "none"."""
        self._studio.edit(
            lambda project: edits.set_output(project, sound=sound), "Choose the sound"
        )

    # Rules ----------------------------------------------------------------------------------------

    def drive_with(self, name: str) -> None:
        """Let a driver drive the whole selected face."""
        self._studio.edit(lambda project: edits.drive_with(project, name), f"Drive with {name}")

    def set_rule(self, rule: MixRule, gesture: int = 0) -> None:
        """Set a mixing rule of the selected face."""
        key = ("rule", rule.group, gesture) if gesture else None
        self._studio.edit(
            lambda project: edits.set_rule(project, rule), f"Mix {group_name(rule.group)}", key
        )

    def set_rule_value(self, group: str, parameter: str, value: float, gesture: int = 0) -> None:
        """Set the gain or offset of a rule; if it is keyed, as a key at the playhead."""
        found = self.project.face_edits
        rule = None if found is None else found.rule(group)
        if found is None or rule is None:
            return
        target, frame = mix_target(group, parameter), self._studio.playhead.frame
        if found.track(target) is None:
            self.set_rule(replace(rule, **{parameter: value}), gesture)  # type: ignore[arg-type]
            return
        self._studio.edit(
            lambda project: edits.set_key(project, target, frame, value),
            f"Key {parameter} of {group_name(group)}",
            ("rule", group, gesture) if gesture else None,
        )

    def remove_rule(self, group: str) -> None:
        """Remove the rule of a group, which then follows a wider group or the face itself."""
        self._studio.edit(
            lambda project: edits.remove_rule(project, group), f"Remove {group_name(group)} rule"
        )

    def key_rule(self, group: str, parameter: str) -> None:
        """Set a key on the gain or offset of a rule at the playhead."""
        frame, target = self._studio.playhead.frame, mix_target(group, parameter)
        self._studio.edit(
            lambda project: edits.key_controls(project, [target], frame),
            f"Key {parameter} of {group_name(group)}",
        )

    # Expressions ----------------------------------------------------------------------------------

    def pick_from_frame(self, name: str, frame: int) -> None:
        """Copy the expression of one frame of a driver to the selected face."""
        motion = self.project.driver(name).motion
        vector = None if motion is None else motion.vector(frame)
        if vector is not None:
            self._set_expression(Motion.still(vector), f"{name}, frame {frame}")

    def _set_expression(self, motion: Motion, whence: str) -> None:
        vector = motion.vector(0)
        if self.project.face is None or vector is None:
            return
        wanted = symmetric(action_units(vector))
        now = shown(self.project, self._studio.playhead.frame)
        values = {
            name: value
            for name, value in wanted.items()
            if name not in ANGLES and value != now[name]
        }
        self._studio.faces.set_values(values, f"Expression of {whence}")

    # Tables ---------------------------------------------------------------------------------------

    def export_tracking(self, motion: Motion, path: Path, format_name: str | None = None) -> None:
        """Write a motion as a table; a notice lists what the format could not hold.

        The files of the document are never overwritten.
        """
        found = original_at(self.project, path)
        if found is not None:
            self._studio.notice_raised.emit(
                Notice.failure(f"{path.name} was not saved", refusal(found))
            )
            return

        def writes() -> Generator[Progress, None, tuple[str, ...]]:
            yield Progress(0, 1, f"Writing {path.name}")
            return save(path, motion, format_name)

        def written(notes: tuple[str, ...]) -> None:
            self._studio.notice_raised.emit(
                Notice(kind="info", title=f"Saved {path.name}", text=" ".join(notes), topic="saved")
            )

        self._studio.bridge.run(writes(), written, must_finish=True)


def _step_of(medium: Medium) -> tuple[str, str]:
    """The merge key that makes adding a driver and tracking it one step of the history."""
    return "add", medium.digest
