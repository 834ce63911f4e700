"""The layout of the window's body: columns above the timeline, with sizes that are remembered."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.settings import Settings


class _Column(QWidget):
    """Notices over the top of the pages, which keep their place and size."""

    def __init__(self, notices: QWidget, pages: QWidget) -> None:
        super().__init__()
        self._notices = notices
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(pages)
        notices.setParent(self)
        notices.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Place the notices when they appear and when what they say changes."""
        if event.type() in {QEvent.Type.Show, QEvent.Type.LayoutRequest}:
            self._place()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the notices as wide as the column."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        notices = self._notices
        height = notices.heightForWidth(self.width())
        height = max(height, notices.minimumSizeHint().height())
        notices.setGeometry(0, 0, self.width(), min(height, self.height()))
        notices.raise_()


class Body(QSplitter):
    """Three columns above the timeline.

    Parameters
    ----------
    left, panel : QWidget
        The outer columns.
    middle : tuple of (QWidget, QWidget)
        The notices, and the pages below them, over which the notices lie.
    timeline : QWidget
    """

    def __init__(
        self,
        left: QWidget,
        middle: tuple[QWidget, QWidget],
        panel: QWidget,
        timeline: QWidget,
    ) -> None:
        super().__init__(Qt.Orientation.Vertical)
        notices, pages = middle
        column = _Column(notices, pages)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setChildrenCollapsible(False)
        self.columns.setHandleWidth(1)
        for place, part in enumerate((left, column, panel)):
            self.columns.addWidget(part)
            self.columns.setStretchFactor(place, int(part is column))
        panel.setMinimumWidth(340)
        panel.setMaximumWidth(560)
        self.columns.setSizes([304, 736, 400])
        self.setChildrenCollapsible(False)
        self.setHandleWidth(1)
        self.addWidget(self.columns)
        self.addWidget(timeline)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)

    def restore(self, settings: Settings) -> None:
        """Restore the sizes of the last window."""
        if not (split := settings.state("columns")).isEmpty():
            self.columns.restoreState(split)
        if not (split := settings.state("timeline")).isEmpty():
            self.restoreState(split)

    def remember(self, settings: Settings) -> None:
        """Store the sizes for the next window."""
        settings.set_state("columns", self.columns.saveState())
        settings.set_state("timeline", self.saveState())
