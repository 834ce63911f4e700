"""Menus and tool bar, filled from the table of actions."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from app.actions import ACTIONS, MENUS

_GROUPS: tuple[tuple[str, ...], ...] = (
    ("open", "save", "save_image"),
    ("undo", "redo", "history"),
    (),
    ("before", "wipe"),
    ("fit", "actual"),
)
"""Buttons from left to right; the empty group pushes what follows to the right."""
_TEXTS = {
    "open": "Open",
    "save": "Save",
    "save_image": "Save image",
    "before": "Before",
    "wipe": "Split",
}
"""What buttons with a word beside their icon say."""


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction], recent: QMenu) -> None:
    """Every action into its menu, and recent files below the sample."""
    for name in MENUS:
        menu = bar.addMenu(name)
        for spec in (spec for spec in ACTIONS if spec.menu == name):
            if spec.starts_group:
                menu.addSeparator()
            menu.addAction(actions[spec.id])
            if spec.id == "sample":
                menu.addMenu(recent)


class ToolBar(QToolBar):
    """The most used actions.

    Attributes
    ----------
    buttons : dict
        The button of each action id.
    """

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__("Tools", parent)
        self.setObjectName("tools")
        self.setMovable(False)
        self.setIconSize(QSize(16, 16))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.buttons: dict[str, QToolButton] = {}
        line_is_due = False
        for group in _GROUPS:
            if not group:
                space = QWidget()
                space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
                self.addWidget(space)
            elif line_is_due:
                self.addSeparator()
            line_is_due = bool(group)
            for name in group:
                self.buttons[name] = self._button(name, actions[name])
                self.addWidget(self.buttons[name])

    def _button(self, name: str, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if name in _TEXTS:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            action.setIconText(_TEXTS[name])
        return button
