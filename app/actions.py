"""The table of all actions of the menus, the tool bar and the keyboard."""

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
        Shortcuts; the first is the one shown.
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
        """Whether it is on or off; its handler then takes a bool."""
        return "checkable" in self.flags

    @property
    def starts_group(self) -> bool:
        """Whether a separator precedes it in the menu."""
        return "group" in self.flags


_GROUP = frozenset({"group"})
_CHECK = frozenset({"checkable"})
_CHECK_GROUP = _GROUP | _CHECK

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new", "New", "File", ("Ctrl+N",), tip="An empty document"),
    ActionSpec("open", "Open…", "File", ("Ctrl+O",), "open", "Open a project, a photo or a clip"),
    ActionSpec("sample", "Open the sample", "File", (), "picture", "Open the bundled portrait"),
    ActionSpec("save", "Save", "File", ("Ctrl+S",), "save", "Save the project with all its edits",
               _GROUP),
    ActionSpec("save_as", "Save as…", "File", ("Ctrl+Shift+S",),
               tip="Save the project under another name"),
    ActionSpec("save_image", "Save image as…", "File", ("Ctrl+Alt+S",), "picture",
               "Save the edited picture", _GROUP),
    ActionSpec("export", "Export…", "File", ("Ctrl+E",), "clip",
               "Export a clip, an animation or stills"),
    ActionSpec("add_driver", "Add a driver…", "File", ("Ctrl+Shift+D",), "add",
               "Add a clip, a table or a photo that drives the face", _GROUP),
    ActionSpec("import_tracking", "Import tracking…", "File",
               tip="Import a table from OpenFace, py-feat, Live Link Face or MediaPipe"),
    ActionSpec("export_tracking", "Export tracking…", "File",
               tip="Export a clip's tracking as a table for other programs"),
    ActionSpec("find_media", "Find missing files…", "File",
               tip="Locate files of the project that were moved"),
    ActionSpec("quit", "Quit", "File", ("Ctrl+Q",), flags=_GROUP),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "Undo the last change"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
               "Redo the last undone change"),
    ActionSpec("history", "History…", "Edit", ("Ctrl+H",), "history",
               "List all changes and return to any of them"),
    ActionSpec("copy", "Copy", "Edit", ("Ctrl+C",), "",
               "Copy the expression, or the selected keys of the timeline", _GROUP),
    ActionSpec("paste", "Paste", "Edit", ("Ctrl+V",),
               tip="Paste the copied expression or the copied keys"),
    ActionSpec("pick", "Copy expression from photo…", "Edit", (), "eyedropper",
               "Give the selected face the expression in another photo"),
    ActionSpec("reset", "Reset all", "Edit", ("Ctrl+R",), "reset",
               "Reset the selected face to how it was opened", _GROUP),
    ActionSpec("search", "Find a control", "Edit", ("/", "Ctrl+F"), "search",
               "Find a control by number, name or everyday word"),
    ActionSpec("fit", "Fit the picture", "View", ("F", "Ctrl+0"), "fit", "Show the whole picture"),
    ActionSpec("actual", "100 %", "View", ("1", "Ctrl+1"), "actual",
               "Show one pixel of the photo per screen pixel"),
    ActionSpec("zoom_in", "Zoom in", "View", ("+", "Ctrl++", "Ctrl+="),
               tip="Zoom in; the wheel zooms at the pointer"),
    ActionSpec("zoom_out", "Zoom out", "View", ("-", "Ctrl+-"), tip="Zoom out"),
    ActionSpec("before", "Before", "View", (), "before", "Show the unedited photo; or hold \\",
               _CHECK_GROUP),
    ActionSpec("wipe", "Split before | after", "View", ("W", "Shift+\\"), "wipe",
               "Compare before and after; drag the line", _CHECK),
    ActionSpec("overlays", "Face frames", "View", ("Shift+O",), "overlays",
               "Show frames around the faces", _CHECK),
    ActionSpec("draw_box", "Draw a box around a face", "View", ("B",), "box",
               "Mark a face that was not found"),
    ActionSpec("protect", "Protect an area", "Edit", ("R",), "",
               "Draw an area that edits leave unchanged, such as a hand", _GROUP),
    ActionSpec("unprotect", "Clear protected areas", "Edit", tip="Remove all protected areas"),
    ActionSpec("timeline", "Timeline", "View", flags=_CHECK_GROUP,
               tip="Show keys and curves over time"),
    ActionSpec("curves", "Curves", "View", ("Shift+F3",), tip="Show curves of the selected lanes",
               flags=_CHECK),
    ActionSpec("fit_curves", "Fit the timeline", "View", ("Shift+F",),
               tip="Show the whole timeline and all curves"),
    ActionSpec("beside", "Driver preview", "View", (), "", "Show the driver in a corner",
               _CHECK_GROUP),
    ActionSpec("sources", "Drivers and mix", "View", ("Ctrl+B",), "panel",
               "Show the panel on the left", _CHECK),
    ActionSpec("light", "Light theme", "View", flags=_CHECK_GROUP),
    ActionSpec("full_screen", "Full screen", "View", ("F11",), flags=_CHECK),
    ActionSpec("play", "Play or pause", "Playback", ("Space",)),
    ActionSpec("shuttle_back", "Play backwards (repeat for faster)", "Playback", ("J",)),
    ActionSpec("stop", "Stop (hold for J and L to step one frame)", "Playback", ("K",)),
    ActionSpec("shuttle_on", "Play forwards (repeat for faster)", "Playback", ("L",)),
    ActionSpec("loop", "Loop", "Playback", ("Ctrl+L",), flags=_CHECK),
    ActionSpec("step_back", "Previous frame", "Playback", ("Left",), flags=_GROUP),
    ActionSpec("step_on", "Next frame", "Playback", ("Right",)),
    ActionSpec("leap_back", "Back ten frames", "Playback", ("Shift+Left",)),
    ActionSpec("leap_on", "Forward ten frames", "Playback", ("Shift+Right",)),
    ActionSpec("start", "First frame", "Playback", ("Home",)),
    ActionSpec("end", "Last frame", "Playback", ("End",)),
    ActionSpec("prev_key", "Previous key", "Playback", ("Up",)),
    ActionSpec("next_key", "Next key", "Playback", ("Down",)),
    ActionSpec("prev_mark", "Previous marker or problem", "Playback", ("Shift+Up",)),
    ActionSpec("next_mark", "Next marker or problem", "Playback", ("Shift+Down",)),
    ActionSpec("timecode", "Go to a time", "Playback", ("Ctrl+T",)),
    ActionSpec("set_in", "Set in point", "Playback", ("I",), flags=_GROUP),
    ActionSpec("set_out", "Set out point", "Playback", ("O",)),
    ActionSpec("go_in", "Go to in point", "Playback", ("Alt+I",)),
    ActionSpec("go_out", "Go to out point", "Playback", ("Alt+O",)),
    ActionSpec("clear_range", "Clear in and out points", "Playback", ("Alt+X",)),
    ActionSpec("marker", "Add or remove a marker", "Playback", ("M",)),
    ActionSpec("set_key", "Set a key", "Keys", ("Ctrl+K",),
               tip="Set a key on the selected lanes, or the last used slider"),
    ActionSpec("key_all", "Key all controls", "Keys", ("Shift+K",)),
    ActionSpec("auto_key", "Auto-key", "Keys", tip="Moving a slider sets a key", flags=_CHECK),
    ActionSpec("cut_keys", "Cut keys", "Keys", ("Ctrl+X",), flags=_GROUP),
    ActionSpec("duplicate_keys", "Duplicate keys at the playhead", "Keys", ("Ctrl+D",)),
    ActionSpec("delete_keys", "Delete keys", "Keys", ("Del",)),
    ActionSpec("all_keys", "Select all keys", "Keys", ("Ctrl+A",),
               tip="Select all keys that are shown, as lanes or as curves"),
    ActionSpec("nudge_back", "Nudge keys back", "Keys", ("Ctrl+Left",), flags=_GROUP),
    ActionSpec("nudge_on", "Nudge keys forward", "Keys", ("Ctrl+Right",)),
    ActionSpec("nudge_back_10", "Nudge keys ten frames back", "Keys", ("Ctrl+Shift+Left",)),
    ActionSpec("nudge_on_10", "Nudge keys ten frames forward", "Keys", ("Ctrl+Shift+Right",)),
    ActionSpec("ease", "Ease", "Keys", ("F9",), flags=_GROUP),
    ActionSpec("ease_in", "Ease in", "Keys", ("Shift+F9",), tip="Slow the curve before the keys"),
    ActionSpec("ease_out", "Ease out", "Keys", ("Ctrl+Shift+F9",),
               tip="Slow the curve after the keys"),
    ActionSpec("keys", "Keyboard and gestures", "Help", ("F1", "?"), "info"),
    ActionSpec("diagnose", "Diagnose…", "Help",
               tip="Show versions, devices, codecs and recent faults for a report"),
    ActionSpec("about", "About ICface Studio", "Help"),
)  # fmt: skip
_ON_MACOS = {
    "history": ("Ctrl+Alt+H",),
    "full_screen": ("Ctrl+Meta+F",),
    "delete_keys": ("Backspace", "Del"),
}
"""Keys on macOS, where the system uses the usual ones or notebooks lack them.

Qt's Ctrl is the command key there, and its Meta is Control.
"""
_MACOS_NAMES = {"Ctrl": "Cmd", "Alt": "Option"}
_NO_REPEAT = frozenset({"play", "shuttle_back", "stop", "shuttle_on"})
"""Actions that holding the key does not repeat."""
MENUS = ("File", "Edit", "View", "Playback", "Keys", "Help")


def keys_of(spec: ActionSpec, *, platform: str = sys.platform) -> tuple[str, ...]:
    """Shortcuts of an action on a system; the first is the one shown."""
    return _ON_MACOS.get(spec.id, spec.keys) if platform == "darwin" else spec.keys


def key_names(text: str, *, platform: str = sys.platform) -> str:
    """Name the keys Ctrl and Alt in a text as a system does."""
    if platform == "darwin":
        for name, there in _MACOS_NAMES.items():
            text = text.replace(name, there)
    return text


def with_keys(text: str, action: str) -> str:
    """A tip with all keys of an action: "Find a control (/ or Ctrl+F)"."""
    spec = next(spec for spec in ACTIONS if spec.id == action)
    native = QKeySequence.SequenceFormat.NativeText
    keys = " or ".join(QKeySequence(key).toString(native) for key in keys_of(spec))
    return f"{text} ({keys})" if keys else text


def make_actions(
    owner: QWidget, handlers: Mapping[str, Callable[..., object]]
) -> dict[str, QAction]:
    """Make a QAction for every row of the table, connected to its handler.

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
        action.setAutoRepeat(spec.id not in _NO_REPEAT)
        action.setIconVisibleInMenu(not spec.is_checkable)  # the menu shows a tick there
        (action.toggled if spec.is_checkable else action.triggered).connect(handlers[spec.id])
        owner.addAction(action)
        made[spec.id] = action
    retint_actions(made)
    return made


def retint_actions(actions: Mapping[str, QAction]) -> None:
    """Give every action its icon in the theme's colours, and its tip with the shortcut."""
    for spec in ACTIONS:
        action = actions[spec.id]
        if spec.icon:
            action.setIcon(theme.icon(spec.icon))
        action.setToolTip(with_keys(spec.tip or spec.text, spec.id))
        action.setStatusTip("")
