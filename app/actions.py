"""The table of everything the menus, the tool bar and the keyboard can do."""

from __future__ import annotations

import sys
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
        One of `MENUS`.
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
    ActionSpec("new", "New", "File", ("Ctrl+N",), tip="An empty document"),
    ActionSpec("open", "Open…", "File", ("Ctrl+O",), "open", "Open a project, a photo or a clip"),
    ActionSpec("sample", "Open the sample", "File", (), "picture", "Open the portrait that comes along"),
    ActionSpec("save", "Save", "File", ("Ctrl+S",), "save", "Save the project: what was opened, and every change", _GROUP),
    ActionSpec("save_as", "Save as…", "File", ("Ctrl+Shift+S",), tip="Save the project under another name"),
    ActionSpec("save_image", "Save image as…", "File", ("Ctrl+Alt+S",), "picture", "Save the picture as edited", _GROUP),
    ActionSpec("export", "Export…", "File", ("Ctrl+E",), "clip", "Clip, animation, stills: edits over time into a file"),
    ActionSpec("add_driver", "Add what drives the face…", "File", ("Ctrl+Shift+D",), "add", "Clips, tables, photos", _GROUP),
    ActionSpec("import_tracking", "Import tracking…", "File", tip="A table of OpenFace, py-feat, Live Link Face or MediaPipe"),
    ActionSpec("export_tracking", "Export tracking…", "File", tip="What was read in a clip, as a table of other programs"),
    ActionSpec("find_media", "Find missing files…", "File", tip="Show where files of the project are now"),
    ActionSpec("quit", "Quit", "File", ("Ctrl+Q",), flags=_GROUP),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "Undo the last change"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Redo the change undone last"),
    ActionSpec("history", "History…", "Edit", ("Ctrl+H",), "history", "All changes, to go back to any of them"),
    ActionSpec("copy", "Copy", "Edit", ("Ctrl+C",), "", "Copy the expression, or the chosen keys in the timeline", _GROUP),
    ActionSpec("paste", "Paste", "Edit", ("Ctrl+V",), tip="Paste the copied expression, or the copied keys in the timeline"),
    ActionSpec("pick", "Take a photo's expression…", "Edit", (), "eyedropper", "Give the chosen face another's expression"),
    ActionSpec("reset", "Reset all", "Edit", ("Ctrl+R",), "reset", "The chosen face as it was opened", _GROUP),
    ActionSpec("search", "Find a control", "Edit", ("/", "Ctrl+F"), "search", "Find a control by number, name or a plain word"),
    ActionSpec("fit", "Fit the picture", "View", ("F", "Ctrl+0"), "fit", "Show the whole picture"),
    ActionSpec("actual", "100 %", "View", ("1", "Ctrl+1"), "actual", "One pixel of the photo per pixel of the screen"),
    ActionSpec("zoom_in", "Zoom in", "View", ("+", "Ctrl++", "Ctrl+="), tip="Larger; the wheel zooms about the pointer"),
    ActionSpec("zoom_out", "Zoom out", "View", ("-", "Ctrl+-"), tip="Smaller"),
    ActionSpec("before", "Before", "View", (), "before", "The unedited photo; or hold \\", _CHECK_GROUP),
    ActionSpec("wipe", "Split before | after", "View", ("W", "Shift+\\"), "wipe", "Split the picture; drag the line", _CHECK),
    ActionSpec("overlays", "Face frames", "View", ("Shift+O",), "overlays", "Frames around several faces", _CHECK),
    ActionSpec("draw_box", "Draw a box around a face", "View", ("B",), "box", "Point out a face that was not found"),
    ActionSpec("protect", "Protect an area", "Edit", ("R",), "", "What you draw around stays as it is: a hand, say", _GROUP),
    ActionSpec("unprotect", "Protect nothing", "Edit", tip="Take all protected areas away"),
    ActionSpec("timeline", "Timeline", "View", flags=_CHECK_GROUP, tip="Keys and curves over time"),
    ActionSpec("curves", "Curves", "View", ("Shift+F3",), tip="Curves of the chosen lanes instead of keys", flags=_CHECK),
    ActionSpec("fit_curves", "Fit the timeline", "View", ("Shift+F",), tip="All of time, and all of the curves"),
    ActionSpec("beside", "Driver beside", "View", (), "", "What drives the face, small in a corner", _CHECK_GROUP),
    ActionSpec("sources", "Sources and mix", "View", ("Ctrl+B",), "panel", "The panel on the left", _CHECK),
    ActionSpec("light", "Light theme", "View", flags=_CHECK_GROUP),
    ActionSpec("full_screen", "Full screen", "View", ("F11",), flags=_CHECK),
    ActionSpec("play", "Play or pause", "Playback", ("Space",)),
    ActionSpec("shuttle_back", "Play backwards, again faster", "Playback", ("J",)),
    ActionSpec("stop", "Stop; held, J and L step one frame", "Playback", ("K",)),
    ActionSpec("shuttle_on", "Play forwards, again faster", "Playback", ("L",)),
    ActionSpec("loop", "Loop", "Playback", ("Ctrl+L",), flags=_CHECK),
    ActionSpec("step_back", "One frame back", "Playback", ("Left",), flags=_GROUP),
    ActionSpec("step_on", "One frame on", "Playback", ("Right",)),
    ActionSpec("leap_back", "Ten frames back", "Playback", ("Shift+Left",)),
    ActionSpec("leap_on", "Ten frames on", "Playback", ("Shift+Right",)),
    ActionSpec("start", "To the first frame", "Playback", ("Home",)),
    ActionSpec("end", "To the last frame", "Playback", ("End",)),
    ActionSpec("prev_key", "To the key before", "Playback", ("Up",)),
    ActionSpec("next_key", "To the next key", "Playback", ("Down",)),
    ActionSpec("prev_mark", "To the marker or problem before", "Playback", ("Shift+Up",)),
    ActionSpec("next_mark", "To the next marker or problem", "Playback", ("Shift+Down",)),
    ActionSpec("timecode", "Type a time", "Playback", ("Ctrl+T",)),
    ActionSpec("set_in", "Set the in point", "Playback", ("I",), flags=_GROUP),
    ActionSpec("set_out", "Set the out point", "Playback", ("O",)),
    ActionSpec("go_in", "To the in point", "Playback", ("Alt+I",)),
    ActionSpec("go_out", "To the out point", "Playback", ("Alt+O",)),
    ActionSpec("clear_range", "Clear in and out", "Playback", ("Alt+X",)),
    ActionSpec("marker", "Set or remove a marker", "Playback", ("M",)),
    ActionSpec("set_key", "Set a key", "Keys", ("Ctrl+K",), tip="On the chosen lanes, or the slider used last"),
    ActionSpec("key_all", "Key all controls", "Keys", ("Shift+K",)),
    ActionSpec("auto_key", "Auto-key", "Keys", tip="Moving a slider sets a key", flags=_CHECK),
    ActionSpec("cut_keys", "Cut keys", "Keys", ("Ctrl+X",), flags=_GROUP),
    ActionSpec("duplicate_keys", "Duplicate keys to the playhead", "Keys", ("Ctrl+D",)),
    ActionSpec("delete_keys", "Delete keys", "Keys", ("Del",)),
    ActionSpec("all_keys", "Choose all keys", "Keys", ("Ctrl+A",), tip="Of the chosen lanes, else of all"),
    ActionSpec("nudge_back", "Nudge keys back", "Keys", ("Ctrl+Left",), flags=_GROUP),
    ActionSpec("nudge_on", "Nudge keys on", "Keys", ("Ctrl+Right",)),
    ActionSpec("nudge_back_10", "Nudge keys ten frames back", "Keys", ("Ctrl+Shift+Left",)),
    ActionSpec("nudge_on_10", "Nudge keys ten frames on", "Keys", ("Ctrl+Shift+Right",)),
    ActionSpec("ease", "Ease", "Keys", ("F9",), flags=_GROUP),
    ActionSpec("ease_in", "Ease in", "Keys", ("Shift+F9",), tip="The curve comes to the keys slowly"),
    ActionSpec("ease_out", "Ease out", "Keys", ("Ctrl+Shift+F9",), tip="The curve leaves the keys slowly"),
    ActionSpec("keys", "Keys and gestures", "Help", ("F1",), "info"),
    ActionSpec("diagnose", "Diagnose…", "Help", tip="Versions, devices, codecs and the last faults, to send with a report"),
    ActionSpec("about", "About ICface Studio", "Help"),
)  # fmt: skip
_ON_MACOS = {
    "history": ("Ctrl+Alt+H",),
    "full_screen": ("Ctrl+Meta+F",),
    "delete_keys": ("Backspace", "Del"),
}
"""Where the usual keys belong to the system, or are on no notebook. Qt's Ctrl is the command key
there, its Meta is Control."""
_MACOS_NAMES = {"Ctrl": "Cmd", "Alt": "Option"}
_ONCE = frozenset({"play", "shuttle_back", "stop", "shuttle_on"})
"""Holding the key does not repeat these."""
MENUS = ("File", "Edit", "View", "Playback", "Keys", "Help")


def keys_of(spec: ActionSpec, *, platform: str = sys.platform) -> tuple[str, ...]:
    """The keys of an action on a system, the first of which is shown."""
    return _ON_MACOS.get(spec.id, spec.keys) if platform == "darwin" else spec.keys


def key_names(text: str, *, platform: str = sys.platform) -> str:
    """A text that speaks of Ctrl and Alt, with the names that these have on a system."""
    if platform == "darwin":
        for name, there in _MACOS_NAMES.items():
            text = text.replace(name, there)
    return text


def make_actions(
    owner: QWidget, handlers: Mapping[str, Callable[..., object]]
) -> dict[str, QAction]:
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
        action.setShortcuts([QKeySequence(key) for key in keys_of(spec)])
        action.setCheckable(spec.is_checkable)
        action.setAutoRepeat(spec.id not in _ONCE)
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
        keys = keys_of(spec)
        key = QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        tip = spec.tip or spec.text
        action.setToolTip(f"{tip} ({key})" if key else tip)
        action.setStatusTip("")
