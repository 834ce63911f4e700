"""The middle of the window: start page, picture, or notice of a missing picture."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.canvas.canvas import Canvas
from app.editor.studio import Studio
from app.window.empty_page import EmptyPage
from app.window.missing_page import MissingPage

FIRST_SIZE, LEAST_SIZE = QSize(1440, 900), QSize(980, 620)
"""The window at its first start where there is room, and as small as it may be made."""
_FRAME = QSize(16, 48)
"""What a desktop puts around a window, at most."""


def first_size(available: QSize) -> QSize:
    """Size of a first window that fits, with its frame, in a screen's available area."""
    return FIRST_SIZE.boundedTo(available - _FRAME).expandedTo(LEAST_SIZE.boundedTo(available))


def set_full_screen(window: QWidget, on: bool) -> None:
    """Let a window fill the screen, or return to its former size; maximised stays maximised."""
    full = Qt.WindowState.WindowFullScreen
    state = window.windowState()
    window.setWindowState(state | full if on else state & ~full)


class Pages(QStackedWidget):
    """Shows the page that fits what is open.

    Parameters
    ----------
    studio : Studio
    canvas : Canvas
    parent : QWidget, optional
    """

    def __init__(self, studio: Studio, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio, self._canvas = studio, canvas
        self.empty, self.missing = EmptyPage(), MissingPage()
        self._chosen: QWidget | None = None
        for page in (self.empty, self.missing, canvas):
            self.addWidget(page)
        studio.session.project_changed.connect(lambda _before, _after: self.choose())
        studio.photos.opening_changed.connect(self._opening_changed)

    def minimumSizeHint(self) -> QSize:
        """Size hint of the shown page."""
        page = self.currentWidget() or self.empty
        return page.minimumSizeHint().expandedTo(page.minimumSize())

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.empty.retint()
        self.missing.retint()

    def choose(self) -> None:
        """Show the picture if there is one; else what is opened or missing, or the start page."""
        source = self._studio.project.source
        if self._studio.photo is not None:
            page: QWidget = self._canvas
        elif source is None or self._studio.photos.opening:
            page = self.empty
        else:
            self.missing.show_path(source.path)
            page = self.missing
        if page is not self._chosen:
            self._chosen = page
            self.setCurrentWidget(page)
            self.updateGeometry()
            begin: dict[QWidget, QWidget] = {
                self.empty: self.empty.open_button,
                self.missing: self.missing.find_button,
            }
            begin.get(page, page).setFocus(Qt.FocusReason.OtherFocusReason)

    def _opening_changed(self, name: str) -> None:
        self.empty.show_opening(name, "")
        self.choose()
        self.updateGeometry()
