"""Edits that the timeline requests.

Each request is one pure edit through the session; each drag is one step of the history.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from fractions import Fraction
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QObject

from app.control_rows import rows
from app.editor.playhead import Playhead
from app.editor.session import Session
from app.timeline.requests import TimelineRequests
from icface.document import FaceEdits, Project, edits
from icface.document.curves import Blend, Handle, Interpolation, Mode
from icface.document.edits.faces import with_edits
from icface.face.controls import CONTROL_IDS

Names = Collection[edits.KeyName]
_INTERPOLATION_TEXT = {"hold": "Hold", "linear": "Linear", "ease": "Ease", "bezier": "Bezier"}


class TimelineController(QObject):
    """Applies the requests of a timeline to the document.

    Parameters
    ----------
    session : Session
    playhead : Playhead
    requests : TimelineRequests
    parent : QObject, optional
    """

    def __init__(
        self,
        session: Session,
        playhead: Playhead,
        requests: TimelineRequests,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._requests = requests
        self._drag: tuple[int, FaceEdits | None, int | None] = (0, None, None)
        requests.keys_moved.connect(self._move)
        requests.keys_scaled.connect(self._scale)
        requests.handle_moved.connect(self._bend)
        requests.key_added.connect(self._add)
        requests.keys_set.connect(self._set_keys)
        requests.keys_removed.connect(self._remove)
        requests.keys_pasted.connect(self._paste)
        requests.interpolation_set.connect(self._set_interpolation)
        requests.mode_set.connect(self._set_mode)
        requests.switch_set.connect(self._set_switch)
        requests.tracks_reverted.connect(self._revert)
        requests.marker_toggled.connect(self._toggle_marker)
        requests.marker_renamed.connect(self._name_marker)
        requests.in_point_set.connect(self._set_in_point)
        requests.out_point_set.connect(self._set_out_point)
        requests.range_set.connect(self._set_range)
        requests.blend_set.connect(self._set_blend)
        requests.length_set.connect(self._set_length)
        requests.rate_set.connect(self._set_rate)
        requests.frame_asked.connect(playhead.go_to)

    def _edit(
        self, function: Callable[[Project], Project], label: str, key: tuple[str, int] | None = None
    ) -> None:
        self._session.try_edit(function, label, key)

    def _dragged(
        self, what: str, gesture: int, label: str, edit: Callable[[Project], Project]
    ) -> None:
        """Apply an edit to the state before the drag, so that keys passed over come back."""
        project = self._session.project
        if self._drag[0] != gesture:
            self._drag = gesture, project.face_edits, project.face_index
        _, start, index = self._drag
        if start is None or index is None or index != project.face_index:
            return

        def redone(present: Project) -> Project:
            begun = with_edits(present, index, start)
            return with_edits(present, index, edit(begun).edits[index])

        self._edit(redone, label, (what, gesture))

    # Keys -----------------------------------------------------------------------------------------

    def _move(self, names: Names, frames: int, value: float, gesture: int) -> None:
        edit = partial(edits.move_keys, keys=names, frames=frames, value=value)
        self._dragged("move-keys", gesture, f"Move {_keys(names)}", edit)

    def _scale(self, names: Names, pivot: int, factor: float, gesture: int) -> None:
        label = f"Stretch {_keys(names)}"
        self._dragged(
            "scale-keys",
            gesture,
            label,
            lambda project: edits.scale_keys(project, names, pivot, factor),
        )

    def _bend(
        self, names: Names, side: Literal["left", "right"], handle: Handle, gesture: int
    ) -> None:
        def bent(project: Project) -> Project:
            for name in names:
                project = edits.set_handle(project, name, side, handle)
            return project

        self._dragged("bend", gesture, f"Bend {spoken(target for target, _ in names)}", bent)

    def _add(self, targets: Iterable[str], frame: int, rise: float | None) -> None:
        targets = tuple(targets)

        def added(project: Project) -> Project:
            after = edits.key_controls(project, targets, frame)
            names = {(target, frame) for target in targets}
            return after if not rise else edits.move_keys(after, names, 0, rise)

        self._edit(added, f"Key {spoken(targets)}")

    def _set_keys(self, targets: Iterable[str], frame: int) -> None:
        wanted = tuple(targets)
        label = f"Key {spoken(wanted)}" if wanted else "Key all controls"
        self._edit(lambda project: edits.key_controls(project, wanted or CONTROL_IDS, frame), label)

    def _remove(self, names: Names) -> None:
        if names:
            self._edit(lambda project: edits.remove_keys(project, names), f"Delete {_keys(names)}")

    def _paste(self, copied: edits.CopiedKeys, frame: int) -> None:
        self._edit(lambda project: edits.paste_keys(project, copied, frame), "Paste keys")

    def _set_interpolation(
        self, names: Names, incoming: Interpolation | None, outgoing: Interpolation | None
    ) -> None:
        if names:
            label = f"{_INTERPOLATION_TEXT[outgoing or incoming or 'ease']} {_keys(names)}"
            self._edit(
                lambda project: edits.set_interpolation(project, names, incoming, outgoing), label
            )

    # Tracks ---------------------------------------------------------------------------------------

    def _set_mode(self, targets: Iterable[str], mode: Mode) -> None:
        wanted = tuple(targets)
        label = f"{'Replace' if mode == 'absolute' else 'Add to'} {spoken(wanted)}"
        self._edit(lambda project: _each(project, wanted, partial(_with_mode, mode=mode)), label)

    def _set_switch(self, targets: Iterable[str], switch: str, on: bool) -> None:
        wanted = tuple(targets)
        words = {
            "muted": ("Mute", "Unmute"),
            "solo": ("Solo", "End solo of"),
            "locked": ("Lock", "Unlock"),
        }[switch]
        selected: dict[str, Any] = {switch: on}
        label = f"{words[0 if on else 1]} {spoken(wanted)}"
        self._edit(
            lambda project: _each(
                project, wanted, lambda p, target: edits.set_track(p, target, **selected)
            ),
            label,
        )

    def _revert(self, targets: Iterable[str]) -> None:
        wanted = tuple(targets)
        self._edit(
            lambda project: _each(project, wanted, edits.remove_track),
            f"Remove all keys of {spoken(wanted)}",
        )

    # Time -----------------------------------------------------------------------------------------

    def _toggle_marker(self, frame: int) -> None:
        there = any(marker.frame == frame for marker in self._session.project.markers)
        if there:
            self._edit(lambda project: edits.remove_markers(project, {frame}), "Remove a marker")
        else:
            self._edit(lambda project: edits.set_marker(project, frame), "Set a marker")

    def _name_marker(self, frame: int, text: str) -> None:
        self._edit(lambda project: edits.set_marker(project, frame, text.strip()), "Name a marker")

    def _set_range(self, first: int | None, last: int | None, gesture: int) -> None:
        key = ("range", gesture) if gesture else None
        self._edit(lambda project: edits.set_range(project, first, last), "In and out", key)

    def _set_in_point(self, frame: int | None) -> None:
        self._edit(lambda project: edits.set_in(project, frame), "In and out")

    def _set_out_point(self, frame: int | None) -> None:
        self._edit(lambda project: edits.set_out(project, frame), "In and out")

    def _set_length(self, frames: int | None) -> None:
        self._edit(lambda project: edits.set_length(project, frames), "Length of the photo")

    def _set_rate(self, rate: Fraction) -> None:
        self._edit(lambda project: edits.set_rate(project, rate), "Frame rate")

    def _set_blend(self, blend: Blend | None, gesture: int) -> None:
        key = ("blend", gesture) if gesture else None
        self._edit(lambda project: edits.set_blend(project, blend), "Blend the edits", key)


def _with_mode(project: Project, target: str, *, mode: Mode) -> Project:
    return edits.set_mode(project, target, mode)


def _each(
    project: Project, targets: tuple[str, ...], edit: Callable[[Project, str], Project]
) -> Project:
    for target in targets:
        project = edit(project, target)
    return project


def _keys(names: Names) -> str:
    both: dict[str, set[int]] = {}
    for target, frames in edits.frames_by_target(names).items():
        both.setdefault(target.rstrip("LR"), set()).update(
            frames
        )  # both sides of an Action Unit count as one key
    count = sum(map(len, both.values()))
    return spoken({target for target, _ in names}) + " key" if count == 1 else f"{count} keys"


def spoken(targets: Iterable[str]) -> str:
    """Targets as text: "AU12", "AU12 left", "Yaw", "3 controls"."""
    wanted = set(targets)
    for key, spec in rows().items():
        if wanted == set(spec.ids):
            return " ".join(
                part
                for part in (
                    spec.number or spec.name,
                    {"L": "left", "R": "right"}.get(spec.side, ""),
                )
                if part
            )
        if not spec.side and wanted and wanted < set(spec.ids):
            return f"{key} {'left' if next(iter(wanted)).endswith('L') else 'right'}"
    if len(wanted) == 1:
        return next(iter(wanted)).removeprefix("mix:").replace(":", " ")
    return f"{len(wanted)} controls"
