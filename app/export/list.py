"""The queue of exports as rows: name, progress and buttons."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.export.queue import ExportQueue, QueuedExport
from app.widgets.plain_text import PlainLabel, plain_tip

_STEPS = 1000
"""Steps of the progress bar."""


class ExportRow(QWidget):
    """One export.

    Parameters
    ----------
    item : QueuedExport
    queue : ExportQueue
        The queue that the buttons control.
    """

    def __init__(self, item: QueuedExport, queue: ExportQueue) -> None:
        super().__init__()
        self.item = item
        self.name, self.text, self.bar = PlainLabel(), PlainLabel(), QProgressBar()
        self.text.setObjectName("secondary")
        self.text.setWordWrap(True)
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName("Progress")
        self.pause = self._button("Pause", "Pause the export; frames written so far are kept")
        self.stop = self._button("Stop", "Stop and discard the export; an existing file is kept")
        self.folder = self._button("Open folder", "Show the file in its folder")
        self.clear = self._button("Remove", "Remove it from this list")
        self.pause.clicked.connect(lambda: queue.pause(item, item.state == "running"))
        self.stop.clicked.connect(lambda: queue.stop(item))
        self.folder.clicked.connect(lambda: open_folder(item.path))
        self.clear.clicked.connect(lambda: queue.remove(item))
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.name, 1)
        for button in (self.pause, self.stop, self.folder, self.clear):
            line.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 6)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.bar)
        column.addWidget(self.text)
        self.show_state()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("quiet")
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def show_state(self) -> None:
        """Show the current state of the export."""
        item, state = self.item, self.item.state
        self.name.setText(item.plan.path.name)
        self.name.setToolTip(plain_tip(str(item.plan.path)))
        self.text.setText(item.text.partition("\n\n")[0])
        self.text.setToolTip(plain_tip(item.text) if "\n\n" in item.text else "")
        self.bar.setValue(round(item.share * _STEPS))
        self.bar.setVisible(state in ("running", "paused", "stopping"))
        self.pause.setVisible(state in ("running", "paused"))
        self.pause.setText("Resume" if state == "paused" else "Pause")
        self.stop.setVisible(state in ("waiting", "running", "paused"))
        self.folder.setVisible(state == "done")
        self.clear.setVisible(state in ("done", "failed", "stopped"))


class ExportList(QWidget):
    """All exports of this session, the newest last."""

    def __init__(self, queue: ExportQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self.rows: dict[int, ExportRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        title = PlainLabel("EXPORTS")
        title.setObjectName("section-title")
        self._column.addWidget(title)
        queue.added.connect(self._add)
        queue.changed.connect(self._show)
        queue.removed.connect(self._remove)
        self.setVisible(False)

    def _add(self, item: QueuedExport) -> None:
        row = self.rows[id(item)] = ExportRow(item, self._queue)
        self._column.addWidget(row)
        self.setVisible(True)

    def _show(self, item: QueuedExport) -> None:
        self.rows[id(item)].show_state()

    def _remove(self, item: QueuedExport) -> None:
        row = self.rows.pop(id(item))
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.setVisible(bool(self.rows))


def open_folder(path: Path) -> None:
    """Show the folder of a file in the system's file browser."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
