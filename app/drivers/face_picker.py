"""Portraits of all faces in the picture, to select the one that the controls edit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColorSpace, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QScrollArea, QWidget

from app import theme
from app.widgets.picture_layer import PictureLayer, screen_profile
from icface.arrays import Pixels
from icface.document import Face, FaceEdits
from icface.media import Photo
from icface.rendering.clip_pictures import face_crop

_SIDE = 64
"""Width and height of a portrait, logical pixels."""


class FaceButton(QAbstractButton):
    """A button for one face: its portrait, its number, and whether it is edited."""

    def __init__(
        self, index: int, pixels: Pixels, profile: QColorSpace | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._layer = PictureLayer(pixels, profile)
        self._edited = False
        self.setCheckable(True)
        self.setText(f"Face {index + 1}")
        self.setToolTip(f"Select face {index + 1} for the controls")
        self.setAccessibleName(self.text())
        self.setFixedSize(QSize(_SIDE + 20, _SIDE + 30))

    def set_edited(self, edited: bool) -> None:
        """Mark the face as edited or not."""
        if edited != self._edited:
            self._edited = edited
            self.setAccessibleDescription("edited" if edited else "")
            self.update()

    def show_pixels(self, pixels: Pixels) -> None:
        """Show another portrait, in the screen's colours."""
        self._layer = PictureLayer(pixels)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the portrait, its frame and its name."""
        painter, colours, ratio = QPainter(self), theme.current(), self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(10, 4, _SIDE, _SIDE)
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
    """A row of faces; visible only if there is more than one."""

    face_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("face-picker")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFixedHeight(_SIDE + 30 + 18)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.buttons: list[FaceButton] = []
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(self.face_chosen)
        inside = QWidget()
        self._row = QHBoxLayout(inside)
        self._row.setContentsMargins(4, 2, 4, 2)
        self._row.setSpacing(0)
        self._row.addStretch(1)
        self.setWidget(inside)
        self.hide()

    def show_faces(self, photo: Photo | None, faces: Sequence[Face]) -> None:
        """Show the faces of a photo or of a clip's frame."""
        profile = screen_profile(photo.icc) if photo is not None else None
        self._show(
            [(face_crop(photo, face.box), profile) for face in faces] if photo is not None else []
        )

    def show_portraits(self, portraits: Sequence[Pixels]) -> None:
        """Show other portraits of the same faces, such as from their clearest frames."""
        if len(portraits) == len(self.buttons):
            for button, pixels in zip(self.buttons, portraits, strict=True):
                button.show_pixels(pixels)

    def _show(self, pictures: Sequence[tuple[Pixels, QColorSpace | None]]) -> None:
        for button in self.buttons:
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        if len(pictures) > 1:
            for index, (pixels, profile) in enumerate(pictures):
                button = FaceButton(index, pixels, profile)
                self._group.addButton(button, index)
                self._row.insertWidget(index, button)
                self.buttons.append(button)
        self.setVisible(bool(self.buttons))

    def show_state(self, chosen: int | None, edits: Sequence[FaceEdits]) -> None:
        """Mark the selected face and the edited ones."""
        for index, button in enumerate(self.buttons):
            button.setChecked(index == chosen)
            button.set_edited(edits[index].changes_something)
