"""One row of the mix: driver, gain and offset; unfolded, the other settings of the rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.drivers.requests import DriverRequests
from app.widgets.choice_button import ChoiceButton
from app.widgets.drag_number import DragNumber, NumberSpec
from app.widgets.key_mark import KeyState
from app.widgets.plain_text import PlainLabel, plain_tip
from icface.document import GROUPS, FaceEdits, MixRule, mix_target
from icface.document.drivers import MOST_GAIN, MOST_SHIFT, group_channels, group_name
from icface.document.mixing import rule_value
from icface.face.controls import ANGLES

NAME_W = 78
"""Width of the group's name, logical pixels."""
GAIN_W = 44
"""Width of the gain and of the offset, logical pixels."""
FOLD_W = 16
"""Width of the button that unfolds the row, logical pixels."""
_SHORT = {
    "all": "Everything",
    "cheeks": "Nose, cheeks",
    "eyes": "Eyes, lids",
    "mouth": "Mouth, jaw",
}
_INHERIT = "inherit"
"""Choice: the rule of a wider group."""
_OWN = "own"
"""Choice: the group is not driven."""
_DRIVER = "driver:"
"""Prefix of the choice of a driver, before its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLook:
    """The whole state of a row.

    Attributes
    ----------
    rule : MixRule or None
        The rule in force: the group's own or a wider group's; None if the face is not driven.
    is_own : bool
        Whether the rule is the group's own.
    wider : MixRule or None
        The rule in force without the group's own.
    drivers : tuple of str
        Names of the drivers.
    live : bool
        Whether a face is selected.
    gain, offset : (float, KeyState)
        Values at the playhead.
    """

    rule: MixRule | None
    is_own: bool
    wider: MixRule | None
    drivers: tuple[str, ...]
    live: bool
    gain: tuple[float | None, KeyState]
    offset: tuple[float | None, KeyState]

    @classmethod
    def of(
        cls, edits: FaceEdits | None, group: str, drivers: tuple[str, ...], frame: int
    ) -> RowLook:
        """Look of a group's row in a frame."""
        own = edits.rule(group) if edits else None
        wider = _without(edits, group).ruling(group) if edits else None
        rule = own or wider

        def number(parameter: str) -> tuple[float | None, KeyState]:
            if edits is None or rule is None or not rule.driver:
                return None, ""
            track = edits.track(mix_target(rule.group, parameter))
            state: KeyState = (
                ""
                if track is None or own is None
                else "here"
                if track.key_at(frame)
                else "elsewhere"
            )
            return rule_value(edits, rule, parameter, frame), state

        return cls(
            rule=rule,
            is_own=own is not None,
            wider=wider,
            drivers=drivers,
            live=edits is not None,
            gain=number("gain"),
            offset=number("offset"),
        )


def _without(edits: FaceEdits, group: str) -> FaceEdits:
    return replace(
        edits, mix=tuple(rule for rule in edits.mix if rule.group != group), tracks=(), blend=None
    )


class MixRow(QWidget):
    """One group of channels.

    Parameters
    ----------
    group : str
    requests : DriverRequests
    parent : QWidget, optional
    """

    def __init__(self, group: str, requests: DriverRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.group = group
        self._requests = requests
        self._look: RowLook | None = None
        is_pose = set(group_channels(group)) <= set(ANGLES)
        self.is_angle = is_pose
        name = group_name(group)
        self.name = PlainLabel(_SHORT.get(group, name if group in GROUPS else group))
        self.driver = ChoiceButton(f"Driver of {name}", "Which driver controls this group")
        self.gain = DragNumber(
            NumberSpec(
                name=f"Gain of {name}",
                tip="factor on the driver's motion",
                minimum=-MOST_GAIN,
                maximum=MOST_GAIN,
                start=1.0,
                keyable=True,
            )
        )
        unit = " degrees" if is_pose else ", 0..1"
        self.offset = DragNumber(
            NumberSpec(
                name=f"Offset of {name}",
                tip=f"added to the driver's motion{unit}",
                minimum=-180,
                maximum=180,
                step=0.5 if is_pose else 0.01,
                decimals=1 if is_pose else 2,
                keyable=True,
            )
        )
        self.fold = QToolButton()
        self.details = QWidget()
        self.mode = ChoiceButton("Mode", "Relative to the driver's neutral frame, or absolute")
        self.mirror = QCheckBox("Mirror")
        self.shift = DragNumber(
            NumberSpec(
                name="Time shift",
                tip="frames by which the driver is delayed",
                minimum=-MOST_SHIFT,
                maximum=MOST_SHIFT,
                step=0.25,
                decimals=0,
                suffix=" f",
            )
        )
        step, decimals = (0.5, 1) if is_pose else (0.01, 2)
        self.low, self.high = (
            DragNumber(
                NumberSpec(
                    name=text,
                    tip=tip,
                    minimum=-180,
                    maximum=180,
                    step=step,
                    decimals=decimals,
                    start=start,
                )
            )
            for text, tip, start in (
                ("Minimum", "lower limit of the group", 0.0),
                ("Maximum", "upper limit of the group", 0.0 if is_pose else 1.0),
            )
        )
        self._build(name)
        self._connect()

    def _build(self, name: str) -> None:
        self.name.setFixedWidth(NAME_W - (10 if self.group in {"yaw", "pitch", "roll"} else 0))
        self.name.setFont(theme.ui_font(11))
        self.name.setToolTip(plain_tip(name))
        self.fold.setCheckable(True)
        self.fold.setObjectName("fold")
        self.fold.setFixedSize(QSize(FOLD_W, 22))
        self.fold.setIconSize(QSize(12, 12))
        self.fold.setToolTip(f"Mode, time shift, mirror and limits of {name}")
        line = QHBoxLayout()
        line.setContentsMargins(26 if self.group in {"yaw", "pitch", "roll"} else 16, 2, 10, 2)
        line.setSpacing(3)
        line.addWidget(self.name)
        line.addWidget(self.driver, 1)
        line.addWidget(self.gain)
        line.addWidget(self.offset)
        line.addWidget(self.fold)
        self.mirror.setToolTip("Swap left and right of the driver")
        grid = QGridLayout(self.details)
        grid.setContentsMargins(26, 0, 28, 6)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.mode, 0, 0)
        grid.addWidget(self.mirror, 1, 0)
        for row, (text, parts) in enumerate(
            (("Shift", (self.shift,)), ("Limits", (self.low, self.high)))
        ):
            label = PlainLabel(text)
            label.setFont(theme.ui_font(11))
            label.setProperty("secondary", True)
            grid.addWidget(label, row, 1)
            for place, part in enumerate(parts):
                grid.addWidget(part, row, 2 + place)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.details)
        self.details.hide()
        self.retint()

    def _connect(self) -> None:
        self.driver.chosen.connect(self._choose)
        for parameter, number in (("gain", self.gain), ("offset", self.offset)):
            number.value_edited.connect(partial(self._set_value, parameter))
            number.cleared.connect(
                partial(self._clear, parameter, 1.0 if parameter == "gain" else 0.0)
            )
            number.key_asked.connect(
                partial(self._requests.rule_key_asked.emit, self.group, parameter)
            )
        self.fold.toggled.connect(self._fold)
        self.mode.chosen.connect(lambda key: self._change(mode=key))
        self.mirror.clicked.connect(lambda on: self._change(mirror=on))
        self.shift.value_edited.connect(
            lambda value, gesture: self._change(gesture, shift=round(value))
        )
        self.shift.cleared.connect(lambda: self._change(shift=0))
        for name, number in (("low", self.low), ("high", self.high)):
            number.value_edited.connect(partial(self._set_limit, name))
            number.cleared.connect(partial(self._clear, name, None))

    # Requests -------------------------------------------------------------------------------------

    def _own_rule(self) -> MixRule | None:
        """The group's own rule; a copy of the wider one if it has none."""
        look = self._look
        if look is None or look.rule is None:
            return None
        return look.rule if look.is_own else replace(look.rule, group=self.group)

    def _change(self, gesture: int = 0, **changes: Any) -> None:
        rule = self._own_rule()
        if rule is not None and rule.driver:
            self._requests.rule_set.emit(replace(rule, **changes), gesture)

    def _clear(self, field: str, value: float | None) -> None:
        self._change(0, **{field: value})

    def _set_value(self, parameter: str, value: float, gesture: int) -> None:
        look = self._look
        if look is not None and look.is_own:
            self._requests.rule_value_set.emit(self.group, parameter, value, gesture)
        else:
            self._change(gesture, **{parameter: value})

    def _set_limit(self, name: str, value: float, gesture: int) -> None:
        rule = self._own_rule()
        if rule is None:
            return
        other = rule.high if name == "low" else rule.low
        if other is not None:
            value = min(value, other) if name == "low" else max(value, other)
        self._change(gesture, **{name: value})

    def _choose(self, key: str) -> None:
        if key == _INHERIT:
            self._requests.rule_removed.emit(self.group)
            return
        driver = "" if key == _OWN else key.removeprefix(_DRIVER)
        rule = self._own_rule()
        made = (
            MixRule(group=self.group, driver=driver)
            if rule is None
            else replace(rule, driver=driver)
        )
        self._requests.rule_set.emit(made, 0)

    def _fold(self, is_open: bool) -> None:
        self.details.setVisible(is_open)
        self.retint()

    # Showing --------------------------------------------------------------------------------------

    def retint(self) -> None:
        """Draw the icon in the colours of the theme."""
        self.fold.setIcon(theme.icon("chevron-down" if self.fold.isChecked() else "chevron-right"))
        self.update()

    def apply(self, look: RowLook) -> None:
        """Show the rule in force."""
        if look == self._look:
            return
        self._look = look
        rule = look.rule
        driver = rule.driver if rule else ""
        wider = look.wider.driver or "not driven" if look.wider else "not driven"
        choices = [(_INHERIT, f"Inherit ({wider})"), (_OWN, "Not driven"), ("", "")]
        choices += [(_DRIVER + name, name) for name in look.drivers]
        key = _INHERIT if not look.is_own else _DRIVER + driver if driver else _OWN
        self.driver.apply(
            choices[: 2 if not look.drivers else None],
            key,
            shown=driver or "None",
            faint=not look.is_own,
        )
        self.driver.setEnabled(look.live)
        driven = look.live and rule is not None and bool(rule.driver)
        self.gain.apply(look.gain[0], key=look.gain[1], faint=not look.is_own)
        self.offset.apply(look.offset[0], key=look.offset[1], faint=not look.is_own)
        for part in (
            self.gain,
            self.offset,
            self.mode,
            self.mirror,
            self.shift,
            self.low,
            self.high,
        ):
            part.setEnabled(driven)
        self.name.setProperty("secondary", not look.is_own)
        self.name.style().polish(self.name)
        self.mode.apply(
            (("relative", "Relative"), ("absolute", "Absolute")),
            rule.mode if rule else "relative",
            faint=not look.is_own,
        )
        self.mirror.setChecked(bool(rule and rule.mirror))
        self.shift.apply(
            rule.shift if rule else 0, faint=not look.is_own or not rule or not rule.shift
        )
        self.low.apply(rule.low if rule else None, faint=not look.is_own)
        self.high.apply(rule.high if rule else None, faint=not look.is_own)
