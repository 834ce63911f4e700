"""The history popup: all changes by name; a click returns to one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app import theme
from app.widgets.plain_text import PlainLabel


class HistoryPopup(QFrame):
    """The list of history steps; it closes when something else is clicked."""

    chosen = Signal(int)
    """Number of steps that are to be done."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        title = PlainLabel("HISTORY")
        title.setObjectName("section-title")
        self.list = QListWidget()
        self.list.setAccessibleName("History")
        self.list.setUniformItemSizes(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 10, 1, 8)
        layout.setSpacing(6)
        title.setContentsMargins(14, 0, 0, 0)
        layout.addWidget(title)
        layout.addWidget(self.list)
        self.resize(QSize(300, 380))
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)

    def show_steps(self, labels: Sequence[str], position: int) -> None:
        """Show the names of all steps; those from `position` on are marked as undone."""
        names = ["As opened", *labels]
        self.list.clear()
        for index, name in enumerate(names):
            item = QListWidgetItem(name if index <= position else f"{name}  (undone)")
            item.setData(Qt.ItemDataRole.UserRole, index)
            if index > position:
                item.setForeground(theme.current().color("secondary"))
            self.list.addItem(item)
        self.list.setCurrentRow(position)
        self.list.scrollToItem(self.list.currentItem())

    def open_below(self, widget: QWidget) -> None:
        """Open under a button."""
        self.move(widget.mapToGlobal(QPoint(0, widget.height() + 4)))
        self.show()
        self.list.setFocus()

    def _go(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))
