"""A button that shows the current choice and opens a menu of all choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QIcon, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app import theme
from app.widgets.plain_text import plain_tip, unmarked

Choice = tuple[str, str]
"""Key and text."""


class ChoiceButton(QPushButton):
    """Shows the current choice, elided to the width, and a chevron.

    Parameters
    ----------
    name : str
        Name of the setting, for assistive technology.
    tip : str
    parent : QWidget, optional
    """

    chosen = Signal(str)
    """Key of the new choice."""

    def __init__(self, name: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._tip = name, tip
        self._choices: Sequence[Choice] = ()
        self._key = ""
        self._shown = ""
        self._faint = False
        self._icons: Mapping[str, QIcon] = {}
        self.setObjectName("choice")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open_menu)

    def sizeHint(self) -> QSize:
        """One row of the grid."""
        return QSize(72, 22)

    def minimumSizeHint(self) -> QSize:
        """Room for a letter and the chevron."""
        return QSize(40, 22)

    @property
    def key(self) -> str:
        """Key of the current choice."""
        return self._key

    @property
    def choices(self) -> Sequence[Choice]:
        """All choices."""
        return self._choices

    def apply(
        self, choices: Sequence[Choice], key: str, *, shown: str | None = None, faint: bool = False
    ) -> None:
        """Show a choice.

        Parameters
        ----------
        choices : sequence of (key, text)
            Entries with an empty text are separators.
        key : str
        shown : str, optional
            Text of the button; the text of the choice if omitted.
        faint : bool
            Whether the choice is inherited.
        """
        text = shown if shown is not None else next((text for k, text in choices if k == key), "")
        if (choices, key, text, faint) != (self._choices, self._key, self._shown, self._faint):
            self._choices, self._key, self._shown, self._faint = choices, key, text, faint
            self.setAccessibleDescription(text)
            self.setToolTip(plain_tip(f"{self._name}: {text}\n{self._tip}".strip()))
            self.update()

    def set_icons(self, icons: Mapping[str, QIcon]) -> None:
        """Set icons of choices, by key; the button shows the icon of the current one."""
        self._icons = icons
        self.update()

    def open_menu(self) -> None:
        """Open the menu of all choices."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, text in self._choices:
            if not text:
                menu.addSeparator()
                continue
            action = menu.addAction(unmarked(text))
            action.setCheckable(key not in self._icons)  # a tick would replace the icon
            action.setChecked(key == self._key)
            if key in self._icons:
                action.setIcon(self._icons[key])
            action.triggered.connect(lambda _checked, key=key: self._choose(key))
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def _choose(self, key: str) -> None:
        if key != self._key:
            self.chosen.emit(key)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the plate, the text and the chevron."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        awake = (self.underMouse() or self.hasFocus()) and self.isEnabled()
        plate = QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5)
        painter.setPen(QPen(colours.color("accent" if self.hasFocus() else "line"), 1))
        painter.setBrush(colours.color("hover" if awake else "raised"))
        painter.drawRoundedRect(plate, 4, 4)
        font = theme.ui_font(11)
        painter.setFont(font)
        painter.setPen(
            colours.color(
                "mark" if not self.isEnabled() else "secondary" if self._faint else "text"
            )
        )
        room = plate.adjusted(7, 0, -18, 0)
        if self._key in self._icons:
            side = int(plate.height()) - 3
            self._icons[self._key].paint(painter, 3, (self.height() - side) // 2, side, side)
            room.setLeft(room.left() + side)
        text = QFontMetricsF(font).elidedText(
            self._shown, Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
        image = theme.icon_image(
            "chevron-down", colours.secondary, side=12, ratio=self.devicePixelRatioF()
        )
        painter.drawImage(QPointF(plate.right() - 15, plate.center().y() - 6), image)
