"""The state of the timeline on screen, not of the document: zoom, selection and folding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.control_rows import rows
from app.editor.playhead import Playhead
from app.editor.session import Session
from app.timeline.sheet import (
    Lane,
    SheetMaker,
    TrackingQuality,
    selected_by_target,
    tracking_quality,
)
from app.timeline.time_scale import TimeScale, snapped
from icface.document import Project
from icface.document.edits import CopiedKeys, KeyName, given_time

SNAP_PX = 10.0
"""Distance within which a drag snaps, logical pixels."""


class TimelineView(QObject):
    """Zoom, selection and folding of one timeline.

    Parameters
    ----------
    session : Session
    playhead : Playhead
    parent : QObject, optional
    """

    scale_changed = Signal()
    lanes_changed = Signal()
    """The lanes, their keys or their switches have changed."""
    selection_changed = Signal()
    """The selected keys or lanes have changed."""
    project_changed = Signal()
    """Markers, in and out points, the blend, the tracking quality or the length have changed."""

    def __init__(self, session: Session, playhead: Playhead, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.playhead = playhead
        self.scale = TimeScale()
        self.width = 800.0
        self.keys: frozenset[KeyName] = frozenset()
        self.selected: tuple[str, ...] = ()
        self.closed: frozenset[str] = frozenset()
        self.everything = False
        self.snaps = True
        self.copied: CopiedKeys | None = None
        self.lanes: tuple[Lane, ...] = ()
        self.tracking_quality: tuple[str, TrackingQuality] | None = None
        self._maker = SheetMaker()
        self._quality_reason: tuple[object, ...] = ()

    @property
    def project(self) -> Project:
        """The current document."""
        return self.session.project

    # The document ---------------------------------------------------------------------------------

    def apply(self, before: Project, after: Project) -> None:
        """Follow a change of the document."""
        if after.face_edits is not before.face_edits or after.face_index != before.face_index:
            if after.face_index != before.face_index or after.faces is not before.faces:
                self.keys = frozenset()
            self.rebuild()
        if after is not before:
            self._find_tracking_quality()
            self.project_changed.emit()

    def rebuild(self) -> None:
        """Rebuild the lanes; deselect keys that no longer exist."""
        lanes = self._maker.lanes(
            self.project, closed=self.closed, shown=self.selected, everything=self.everything
        )
        if lanes != self.lanes:
            self.lanes = lanes
            self.lanes_changed.emit()
        self._drop_gone()

    def _drop_gone(self) -> None:
        kept = self._maker.standing(self.keys)
        if kept != self.keys:
            self.select_keys(kept)

    def carry(self, keys: frozenset[KeyName], ask: Callable[[], object]) -> None:
        """Request an edit that moves the selected keys, and select them by their new names."""
        self.keys = keys
        ask()
        self._drop_gone()
        self.selection_changed.emit()

    def _find_tracking_quality(self) -> None:
        project = self.project
        face, edits = project.face, project.face_edits
        motion = None if face is None else face.motion
        reason = (motion, project.drivers, edits and edits.mix, project.rate, project.n_frames)
        if len(reason) != len(self._quality_reason) or any(
            a is not b and a != b for a, b in zip(reason, self._quality_reason, strict=True)
        ):
            self._quality_reason = reason
            self.tracking_quality = tracking_quality(project)

    @property
    def length(self) -> int:
        """Frames on the time axis; a still photo has the length its first key would give it."""
        return max(self.project.n_frames, given_time(self.project).n_frames)

    # Zoom -----------------------------------------------------------------------------------------

    def set_scale(self, scale: TimeScale) -> None:
        """Set zoom and position."""
        held = scale.held(self.length, self.width)
        if held != self.scale:
            self.scale = held
            self.scale_changed.emit()

    def set_width(self, width: float) -> None:
        """Set the width of the time axis, pixels."""
        if width != self.width and width > 0:
            first, last = self.scale.start, self.scale.exact(self.width)
            self.width = width
            if first <= 0 and last >= self.length - 1:  # the whole document stays in view
                self.fit()
            self.set_scale(self.scale)
            self.scale_changed.emit()

    def fit(self) -> None:
        """Fit the whole document into the view."""
        self.set_scale(TimeScale.fitted(0, self.length - 1, self.width))

    def zoom(self, factor: float, about_x: float | None = None) -> None:
        """Zoom about an x, or about the playhead if none is given."""
        if about_x is None:
            about_x = min(max(self.scale.x(self.playhead.frame), 0.0), self.width)
        self.set_scale(self.scale.zoomed(factor, about_x))

    def follow(self, frame: int) -> None:
        """Scroll by a page when the playhead leaves the view."""
        self.set_scale(self.scale.following(frame, self.width))

    # Selection ------------------------------------------------------------------------------------

    def select_keys(self, keys: Iterable[KeyName]) -> None:
        """Select these keys and no others."""
        wanted = frozenset(keys)
        if wanted != self.keys:
            self.keys = wanted
            self.selection_changed.emit()

    def select_lanes(self, lanes: Iterable[str]) -> None:
        """Select these lanes and no others; one without keys is shown while selected."""
        wanted = tuple(dict.fromkeys(lanes))
        if wanted != self.selected:
            self.selected = wanted
            self.rebuild()
            self.selection_changed.emit()

    def fold(self, group: str, closed: bool) -> None:
        """Fold or unfold a group of lanes."""
        wanted = self.closed | {group} if closed else self.closed - {group}
        if wanted != self.closed:
            self.closed = wanted
            self.rebuild()

    def show_everything(self, everything: bool) -> None:
        """Show lanes for all controls, or only for those with keys."""
        if everything is not self.everything:
            self.everything = everything
            self.rebuild()

    def set_snaps(self, snaps: bool) -> None:
        """Set whether drags snap."""
        self.snaps = snaps

    @property
    def selected_lanes(self) -> tuple[Lane, ...]:
        """The selected lanes on screen, from top to bottom."""
        return tuple(lane for lane in self.lanes if lane.id in self.selected)

    @property
    def selected_targets(self) -> tuple[str, ...]:
        """Targets of the selected lanes, on screen or folded."""
        known = rows()
        return tuple(
            target
            for lane in self.selected
            for target in (known[lane].ids if lane in known else (lane,))
        )

    @property
    def all_lanes(self) -> tuple[Lane, ...]:
        """All lanes with keys, including those in folded groups, without headings."""
        return self._maker.keyed

    def key_frames(self) -> frozenset[int]:
        """Frames with keys on the selected lanes, or on all lanes if those have none."""
        lanes = [lane for lane in self.selected_lanes if lane.is_keyed] or self.lanes
        return frozenset(int(frame) for lane in lanes for frame in lane.frames)

    def selected_frames(self, lane: Lane) -> NDArray[np.int64]:
        """Frames of the selected keys of a lane, in any order."""
        by_target = selected_by_target(self.keys)
        some = [by_target[target] for target in lane.targets if target in by_target]
        return np.concatenate(some) if some else np.zeros(0, np.int64)

    # Snapping -------------------------------------------------------------------------------------

    def snapped(
        self, frame: int, *, leave_out: Sequence[frozenset[KeyName]] = (), playhead: bool = True
    ) -> int:
        """The frame that a drag snaps to, such as the playhead, a key or a marker.

        Without one within reach, it is the frame itself. Keys in `leave_out` are ignored.
        """
        if not self.snaps:
            return frame
        reach = SNAP_PX / self.scale.px
        project = self.project
        targets = {marker.frame for marker in project.markers} | {
            project.first,
            project.last,
            0,
        } - {None}
        targets |= {self.playhead.frame} if playhead else set()
        near = [int(frame - reach - 1), int(frame + reach + 1)]
        for lane in self.lanes:
            for part in lane.parts if not lane.is_group or not lane.is_open else ():
                low, high = np.searchsorted(part.frames, near)
                near_keys = [(part.track.target, int(f)) for f in part.frames[low:high]]
                targets |= {
                    key[1] for key in near_keys if not any(key in some for some in leave_out)
                }
        return snapped(frame, (t for t in targets if t is not None), reach)
