"""Details of this installation, to be copied or saved and sent with a fault report."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.files.disk_thread import DiskThread
from app.settings import Settings
from app.widgets.plain_text import PlainLabel
from icface.evaluation.diagnosis import as_text
from icface.system.atomic_write import reason, write_whole

_CHECKING = "Checking versions, devices, codecs and weights…"


class DiagnosisPage(QDialog):
    """The diagnosis as a text, worked out on a thread of its own.

    Parameters
    ----------
    settings : Settings
        For the folder in which a file is saved.
    parent : QWidget, optional
    """

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._thread = DiskThread(self)
        self.setWindowTitle("Diagnose")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.text = QPlainTextEdit(_CHECKING)
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName("Diagnosis")
        self.names = QCheckBox(
            "Include error messages and the end of the log, which may name your files"
        )
        self.state = PlainLabel()
        self.copy_button, self.save_button = QPushButton("Copy"), QPushButton("Save…")
        self._build()
        self.names.toggled.connect(self.look)
        self.copy_button.clicked.connect(self.copy_text)
        self.save_button.clicked.connect(self.ask_to_save)
        self.look()

    def _build(self) -> None:
        hint = PlainLabel(
            "Send this with a fault report. It contains no pictures and no names of your files."
        )
        hint.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.state, 1)
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.addWidget(hint)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.names)
        layout.addLayout(buttons)
        self.resize(QSize(680, 620))

    def look(self) -> None:
        """Run the diagnosis again."""
        names = self.names.isChecked()
        self._enable(on=False)
        self.text.setPlainText(_CHECKING)
        self._thread.do(
            lambda: as_text(names=names),
            self._show,
            lambda error: self._show(f"The diagnosis failed: {error}"),
        )

    def _show(self, text: str) -> None:
        self.text.setPlainText(text)
        self._enable(on=True)

    def _enable(self, *, on: bool) -> None:
        for button in (self.copy_button, self.save_button, self.names):
            button.setEnabled(on)
        self.state.setText("")

    def copy_text(self) -> None:
        """Put the text on the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.state.setText("Copied")

    def ask_to_save(self) -> QFileDialog:
        """Let the user choose where the text is saved."""
        dialog = QFileDialog(
            self, "Save the diagnosis", str(self._settings.folder / "icface-diagnosis.txt")
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("Text (*.txt)")
        dialog.setDefaultSuffix("txt")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.save(Path(path)))
        dialog.open()
        return dialog

    def save(self, path: Path) -> None:
        """Write the text into a file."""
        try:
            write_whole(path, lambda stream: stream.write(self.text.toPlainText().encode()))
        except OSError as error:
            self.state.setText(f"Not saved: {reason(error)}.")
        else:
            self._settings.folder = path.parent
            self.state.setText("Saved")

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the thread."""
        self._thread.close()
        super().closeEvent(event)
