"""Two small windows: keyboard shortcuts and gestures, and about this program."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QLabel, QTextBrowser, QVBoxLayout, QWidget

import icface
from app.actions import ACTIONS, key_names, keys_of
from app.theme import Palette

_TITLE = "font-size:14px; font-weight:600"

GESTURES: tuple[tuple[str, str], ...] = (
    ("Hold \\", "Show the unedited photo"),
    ("Wheel on the picture", "Zoom at the pointer"),
    ("Drag or middle drag", "Move the picture"),
    ("Double-click on the picture", "Toggle between whole picture and 100 %"),
    ("Right-drag on the picture", "Turn the head; with Ctrl, tilt it"),
    ("Shift while dragging", "Ten times finer"),
    ("Double-click on a control", "Reset it to the photo's own value"),
    ("Arrows, Page Up, Page Down", "Step the focused control; with Shift, finer"),
    ("0 to 9, Return", "Type a value: 0.4, 40 %, 15° or a letter A to E"),
    ("Shift+L", "Unlink or link the left and right side of the focused control"),
    ("Delete", "Reset the focused control"),
    ("Click on a diamond", "Add or remove the control's key at the playhead"),
    ("Double-click in a lane or on a curve", "Add a key"),
    ("Drag a key; with Alt", "Move the selected keys; stretch them in time"),
    ("Drag a key of a curve; with Ctrl, with Alt", "Time and value; value only, time only"),
    ("Wheel on the timeline; with Ctrl, with Shift", "Scroll; zoom, move in time"),
    ("Ctrl+Up, Ctrl+Down in the lanes", "Select a lane"),
    (
        "Up, Down in a number or a time",
        "Step it; after Return, the arrows move the playhead again",
    ),
    ("Return", "Press the focused button, since Space plays"),
)


def keys_html(colours: Palette) -> str:
    """All shortcuts and gestures as a table."""
    keys = [
        (" or ".join(map(_native, keys_of(spec))), spec.text.rstrip("…"))
        for spec in ACTIONS
        if spec.keys
    ]
    gestures = [(key_names(key), key_names(text)) for key, text in GESTURES]
    blocks = []
    for title, pairs in (("Gestures", gestures), ("Keyboard", keys)):
        lines = "".join(
            f"<tr><td style='padding:3px 24px 3px 0; font-weight:600; color:{colours.text}'>"
            f"{escape(key)}</td>"
            f"<td style='padding:3px 0; color:{colours.secondary}'>{escape(text)}</td></tr>"
            for key, text in pairs
        )
        blocks.append(f"<p style='{_TITLE}'>{title}</p><table>{lines}</table>")
    return "".join(blocks)


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


class KeysPage(QDialog):
    """A window with all shortcuts and gestures."""

    def __init__(self, colours: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and gestures")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QTextBrowser()
        self.text.setHtml(keys_html(colours))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.addWidget(self.text)
        self.resize(QSize(560, 620))


class AboutPage(QDialog):
    """A window about this program and its responsible use."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About ICface Studio")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(
            f"<p style='{_TITLE}'>ICface Studio {escape(icface.__version__)}</p>"
            "<p>Edits head pose and facial expressions in photos with FACS Action Units. "
            "All work is done on this computer.</p>"
            "<p>Edit pictures of people only with their consent, and disclose the edits.</p>"
            "<p>Apache License 2.0. Font: Inter by the Inter Project Authors, "
            "SIL Open Font License 1.1.</p>"
        )
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 12, 24, 24)
        layout.addWidget(text)
        self.resize(QSize(420, 240))
