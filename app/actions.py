"""The table of everything the menus, the tool bar and the keyboard can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app import theme


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes
    ----------
    id : str
        Key of its handler.
    menu : str
        File, Edit, View or Help.
    keys : tuple of str
        Shortcuts, the shown one first.
    tip : str
        What it does, for the tool bar and the status bar.
    flags : frozenset of str
        "checkable" and "group", see the properties.
    """

    id: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def is_checkable(self) -> bool:
        """It is on or off, and its handler takes a bool."""
        return "checkable" in self.flags

    @property
    def starts_group(self) -> bool:
        """A line stands before it in the menu."""
        return "group" in self.flags


_GROUP = frozenset({"group"})
_CHECK = frozenset({"checkable"})
_CHECK_GROUP = _GROUP | _CHECK

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "Open…", "File", ("Ctrl+O",), "open", "Open a photo"),
    ActionSpec("sample", "Open the sample", "File", (), "picture", "Open the portrait that comes along"),
    ActionSpec("save", "Save image as…", "File", ("Ctrl+S", "Ctrl+Shift+S"), "save", "Save the photo as edited", _GROUP),
    ActionSpec("quit", "Quit", "File", ("Ctrl+Q",), flags=_GROUP),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "Undo the last change"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Redo the change undone last"),
    ActionSpec("history", "History…", "Edit", ("Ctrl+H",), "history", "All changes, to go back to any of them"),
    ActionSpec("copy", "Copy expression", "Edit", ("Ctrl+C",), "", "Copy the chosen face's Action Units", _GROUP),
    ActionSpec("paste", "Paste expression", "Edit", ("Ctrl+V",), tip="Give the chosen face the copied expression"),
    ActionSpec("reset", "Reset all", "Edit", ("Ctrl+R",), "reset", "The chosen face as it was opened", _GROUP),
    ActionSpec("search", "Find a control", "Edit", ("/", "Ctrl+F"), "search", "Find a control by number, name or a plain word"),
    ActionSpec("fit", "Fit the picture", "View", ("F", "Ctrl+0"), "fit", "Show the whole picture"),
    ActionSpec("actual", "100 %", "View", ("1", "Ctrl+1"), "actual", "One pixel of the photo per pixel of the screen"),
    ActionSpec("zoom_in", "Zoom in", "View", ("+", "Ctrl++", "Ctrl+="), tip="Larger; the wheel zooms about the pointer"),
    ActionSpec("zoom_out", "Zoom out", "View", ("-", "Ctrl+-"), tip="Smaller"),
    ActionSpec("before", "Before", "View", (), "before", "The unedited photo; or hold \\", _CHECK_GROUP),
    ActionSpec("wipe", "Split before | after", "View", ("W", "Shift+\\"), "wipe", "Split the picture; drag the line", _CHECK),
    ActionSpec("overlays", "Face frames", "View", ("O",), "overlays", "Frames around faces when there are several", _CHECK),
    ActionSpec("draw_box", "Draw a box around a face", "View", ("B",), "box", "Point out a face that was not found"),
    ActionSpec("light", "Light theme", "View", flags=_CHECK_GROUP),
    ActionSpec("full_screen", "Full screen", "View", ("F11",), flags=_CHECK),
    ActionSpec("keys", "Keys and gestures", "Help", ("F1",), "info"),
    ActionSpec("about", "About ICface Studio", "Help"),
)  # fmt: skip
MENUS = ("File", "Edit", "View", "Help")


def make_actions(owner: QWidget, handlers: Mapping[str, Callable[..., object]]) -> dict[str, QAction]:
    """A QAction for every row of the table, connected to its handler.

    Parameters
    ----------
    owner : QWidget
        The window in which the shortcuts work.
    handlers : mapping
        One callable per action id; those of checkable actions take a bool.
    """
    made: dict[str, QAction] = {}
    for spec in ACTIONS:
        action = QAction(spec.text, owner)
        action.setObjectName(f"action-{spec.id}")
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setCheckable(spec.is_checkable)
        action.setIconVisibleInMenu(not spec.is_checkable)  # the menu shows a tick there
        (action.toggled if spec.is_checkable else action.triggered).connect(handlers[spec.id])
        owner.addAction(action)
        made[spec.id] = action
    retint_actions(made)
    return made


def retint_actions(actions: Mapping[str, QAction]) -> None:
    """Give every action its icon in the colours of the theme, and its tip with the key."""
    for spec in ACTIONS:
        action = actions[spec.id]
        if spec.icon:
            action.setIcon(theme.icon(spec.icon))
        key = QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if spec.keys else ""
        tip = spec.tip or spec.text
        action.setToolTip(f"{tip} ({key})" if key else tip)
        action.setStatusTip("")
