"""A section of a panel that folds away."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.theme import EDGE


class SectionHeader(QAbstractButton):
    """The header of a section: a button that folds it, with the number of changes inside."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(f"Show or hide the controls of: {title.lower()}")
        self._changes = 0

    def set_changes(self, count: int) -> None:
        """Show how many controls of the section were changed."""
        if count != self._changes:
            self._changes = count
            self.setAccessibleDescription(f"{count} changed" if count else "")
            self.update()

    def sizeHint(self) -> QSize:
        """A little higher than a row."""
        return QSize(300, 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the title, the chevron and the count."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, self.width(), 1), colours.color("line"))
        if self.hasFocus():
            painter.fillRect(QRectF(0, 4, 3, self.height() - 8), colours.color("accent"))
        awake = self.underMouse() or self.hasFocus()
        font = theme.ui_font(11, semibold=True)
        painter.setFont(font)
        painter.setPen(colours.color("text" if awake else "secondary"))
        room = QRectF(EDGE, 1, self.width() - 2 * EDGE - 20, self.height() - 1)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.text().upper())
        if self._changes:
            painter.setFont(theme.ui_font(11))
            painter.setPen(colours.color("accent"))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(room, flags, f"{self._changes} changed")
        name = "chevron-down" if self.isChecked() else "chevron-right"
        ratio = self.devicePixelRatioF()
        image = theme.icon_image(
            name, colours.text if awake else colours.secondary, side=14, ratio=ratio
        )
        painter.drawImage(QPointF(self.width() - EDGE - 11, (self.height() - 14) / 2 + 0.5), image)


class PanelSection(QWidget):
    """A header with rows below it."""

    folded = Signal(str, bool)
    """region, whether the user folded it."""

    def __init__(self, region: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.region = region
        self.header = SectionHeader(title, self)
        self.body = QWidget(self)
        self.rows = QVBoxLayout(self.body)
        self.rows.setContentsMargins(0, 2, 0, 8)
        self.rows.setSpacing(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.body)
        self._is_open = True
        self._searching = False
        self.header.clicked.connect(self._clicked)

    @property
    def is_open(self) -> bool:
        """Whether the user left the section open, regardless of a search."""
        return self._is_open

    def set_open(self, is_open: bool) -> None:
        """Open or fold the section."""
        self._is_open = is_open
        self._show()

    def set_searching(self, searching: bool) -> None:
        """Show the rows even if the section is folded, during a search."""
        self._searching = searching
        self._show()

    def settle(self) -> None:
        """Lay out the rows now."""
        self.rows.activate()
        layout = self.layout()
        if layout is not None:
            layout.activate()

    def _clicked(self, checked: bool) -> None:
        self._is_open = checked
        self._show()
        self.folded.emit(self.region, not checked)

    def _show(self) -> None:
        visible = self._is_open or self._searching
        self.header.setChecked(visible)
        self.body.setVisible(visible)
