"""Small portraits of all faces in the photo, to choose the one that the controls speak of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColorSpace, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QLabel, QScrollArea, QVBoxLayout, QWidget

from app import theme
from app.picture_layer import PictureLayer, screen_profile
from icface.media import Photo, Pixels
from icface.project import Face, FaceEdits

_SIDE = 64


def face_crop(photo: Photo, face: Face) -> Pixels:
    """A square cut of the photo around a face, within the photo; a view, not a copy."""
    x, y = face.box.centre
    half = max(face.box.width, face.box.height) * 0.65
    half = min(half, photo.width / 2, photo.height / 2)
    x = min(max(x + 0.5, half), photo.width - half)
    y = min(max(y + 0.5, half), photo.height - half)
    left, top, side = int(x - half), int(y - half), max(int(2 * half), 1)
    return photo.pixels[top : top + side, left : left + side]


class FaceButton(QAbstractButton):
    """One face: its portrait, its number, and whether it was edited."""

    def __init__(self, index: int, pixels: Pixels, profile: QColorSpace | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layer = PictureLayer(pixels, profile)
        self._edited = False
        self.setCheckable(True)
        self.setText(f"Face {index + 1}")
        self.setToolTip(f"Choose face {index + 1}: the controls then speak of it")
        self.setAccessibleName(self.text())
        self.setFixedSize(QSize(_SIDE + 24, _SIDE + 30))

    def set_edited(self, edited: bool) -> None:
        """Whether anything was changed on this face."""
        if edited != self._edited:
            self._edited = edited
            self.setAccessibleDescription("edited" if edited else "")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Portrait, frame, name."""
        painter, colours, ratio = QPainter(self), theme.current(), self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(12, 4, _SIDE, _SIDE)
        shape = QPainterPath()
        shape.addRoundedRect(frame, 4, 4)
        painter.save()
        painter.setClipPath(shape)
        painter.scale(1 / ratio, 1 / ratio)
        target = QRectF(frame.topLeft() * ratio, frame.size() * ratio).toRect()
        self._layer.paint(painter, target, target)
        painter.restore()
        awake = self.underMouse() or self.hasFocus()
        if self.isChecked() or awake:
            colour = colours.color("accent" if self.isChecked() else "secondary")
            painter.setPen(QPen(colour, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), 5, 5)
        painter.setFont(theme.ui_font(11, semibold=self.isChecked()))
        painter.setPen(colours.color("text" if self.isChecked() else "secondary"))
        text = f"{self.text()}, edited" if self._edited else self.text()
        painter.drawText(QRectF(0, _SIDE + 8, self.width(), 18), Qt.AlignmentFlag.AlignCenter, text)


class FacePicker(QScrollArea):
    """A column of faces; visible only when there is something to choose."""

    face_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("face-picker")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFixedWidth(_SIDE + 24 + 16)
        self.buttons: list[FaceButton] = []
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(self.face_chosen)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(8, 12, 8, 12)
        self._column.setSpacing(4)
        title = QLabel("FACES")
        title.setObjectName("section-title")
        title.setContentsMargins(12, 0, 0, 4)
        self._column.addWidget(title)
        self._column.addStretch(1)
        self.setWidget(inside)
        self.hide()

    def show_faces(self, photo: Photo | None, faces: Sequence[Face]) -> None:
        """The faces of a photo, anew."""
        for button in self.buttons:
            self._group.removeButton(button)
            self._column.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        if photo is not None and len(faces) > 1:
            profile = screen_profile(photo.icc)
            for index, face in enumerate(faces):
                button = FaceButton(index, face_crop(photo, face), profile)
                self._group.addButton(button, index)
                self._column.insertWidget(index + 1, button)
                self.buttons.append(button)
        self.setVisible(bool(self.buttons))

    def show_state(self, chosen: int | None, edits: Sequence[FaceEdits]) -> None:
        """Which face is chosen and which were edited."""
        for index, button in enumerate(self.buttons):
            button.setChecked(index == chosen)
            button.set_edited(bool(edits[index].deltas))
