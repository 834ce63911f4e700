"""Connections between the timeline, the studio and the sliders, which are independent modules."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction

from app.controls.panel import ControlsPanel
from app.editor.studio import Studio
from app.timeline.commands import TimelineCommands
from app.timeline.panel import TimelinePanel


def wire_timeline(
    studio: Studio,
    timeline: TimelinePanel,
    commands: TimelineCommands,
    actions: Mapping[str, QAction],
) -> None:
    """Connect the timeline and the studio in both directions."""
    timeline.refused.connect(studio.warn)
    timeline.auto_key_changed.connect(studio.faces.set_auto_key)
    timeline.auto_key_changed.connect(actions["auto_key"].setChecked)
    timeline.transport.curves_toggled.connect(actions["curves"].setChecked)
    studio.faces.auto_key_changed.connect(timeline.transport.auto_key.setChecked)
    studio.pace_changed.connect(timeline.show_rate)
    studio.playhead.loop_changed.connect(actions["loop"].setChecked)
    actions["loop"].setChecked(studio.playhead.loops)
    studio.session.project_changed.connect(timeline.apply)
    studio.session.project_changed.connect(lambda _before, after: commands.apply(after, actions))
    commands.apply(studio.project, actions)


def wire_sliders(
    studio: Studio,
    panel: ControlsPanel,
    timeline: TimelinePanel,
    commands: TimelineCommands,
) -> None:
    """Let sliders follow the playhead and set keys, and lanes follow the focused slider."""
    studio.faces.auto_key_changed.connect(panel.set_auto_key)
    studio.playhead.moved_throttled.connect(panel.show_frame)
    panel.key_toggled.connect(commands.toggle_key)
    panel.row_chosen.connect(timeline.show_parameter)
