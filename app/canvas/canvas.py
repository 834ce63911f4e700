"""Tools over the photo: pan, zoom, wipe, selecting a face, drawing a box, turning the head."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.canvas import overlays
from app.canvas.overlays import Ink
from app.canvas.photo_view import PhotoView
from app.widgets.gestures import fineness, next_gesture
from icface.document import Face, Region
from icface.face.geometry import Box
from icface.media import Photo

_ZOOM_PER_NOTCH = 1.2
_WIPE_REACH = 9
_TURN_DEG = 40.0
"""How far the head turns while the pointer crosses the width of the face."""
_SMALLEST_BOX = 12


class _Grab(Enum):
    """State of a drag."""

    NOTHING = auto()
    PAN = auto()
    WIPE = auto()
    HEAD = auto()
    BOX = auto()


class Canvas(PhotoView):
    """The photo under the pointer and the keyboard."""

    face_chosen = Signal(int)
    """Index of a face whose frame was clicked."""
    box_drawn = Signal(object)
    """`Box` in image pixels, after `start_drawing_box`."""
    region_drawn = Signal(object)
    """`Box` in image pixels, after `start_drawing_region`."""
    head_turned = Signal(float, float, float, int)
    """Degrees of yaw, pitch and roll since the drag began, gesture number."""
    drawing_changed = Signal(bool)
    """A box is being drawn, or no longer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self._faces: Sequence[Face] = ()
        self._chosen: int | None = None
        self._hovered: int | None = None
        self._shows_faces = True
        self._drawing = False
        self._draws_region = False
        self._regions: Sequence[Region] = ()
        self._grab = _Grab.NOTHING
        self._grab_from = QPointF()
        self._band = QRectF()
        self._turn = (0.0, 0.0, 0.0)
        self._gesture = 0

    def show_photo(self, photo: Photo | None) -> None:
        """Another photo, with no tool in hand."""
        self.stop_drawing_box()
        self._grab = _Grab.NOTHING
        super().show_photo(photo)

    def show_faces(self, faces: Sequence[Face], chosen: int | None) -> None:
        """The faces to frame; a single one needs no frame to be chosen."""
        if faces is not self._faces or chosen != self._chosen:
            self._faces, self._chosen, self._hovered = faces, chosen, None
            self.update()

    def set_overlays(self, visible: bool) -> None:
        """Show or hide the face frames."""
        self._shows_faces = visible
        self.update()

    def show_regions(self, regions: Sequence[Region]) -> None:
        """The parts of the picture that stay as they are."""
        if regions is not self._regions:
            self._regions = regions
            self.update()

    def start_drawing_region(self) -> None:
        """Let the next drag with the left button draw around what is to stay as it is."""
        self.start_drawing_box()
        self._draws_region = self._drawing

    def start_drawing_box(self) -> None:
        """Let the next drag with the left button draw a box around a face."""
        if self._photo is not None and not self._drawing:
            self._drawing, self._draws_region, self._band = True, False, QRectF()
            self.setCursor(Qt.CursorShape.CrossCursor)
            self.setFocus()
            self._by_keyboard = False
            self.drawing_changed.emit(True)
            self.update()

    def stop_drawing_box(self) -> None:
        """Drags move the picture again."""
        if self._drawing:
            self._drawing, self._band = False, QRectF()
            self.unsetCursor()
            self.drawing_changed.emit(False)
            self.update()

    def paint_overlays(self, painter: QPainter, visible: QRectF, ink: Ink) -> None:
        """The box being drawn, or faces and wipe."""
        if self._drawing:
            overlays.paint_rubber_band(painter, self._band, visible, ink, round_=self._draws_region)
            at = QPointF(visible.center().x(), visible.top() + ink.px(12))
            what = (
                "Drag around what is to stay as it is"
                if self._draws_region
                else "Drag a box around the face"
            )
            ink.chip(painter, at, f"{what} · Esc to stop", align=Qt.AlignmentFlag.AlignHCenter)
            return
        if self._shows_faces and not self._shows_before:
            overlays.paint_regions(painter, self._view, self._regions, ink)
        if self._shows_faces and not self._shows_before and len(self._faces) > 1:
            overlays.paint_faces(painter, self._view, self._faces, self._chosen, self._hovered, ink)
        super().paint_overlays(painter, visible, ink)

    # Mouse ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the wipe line, the head, the picture, or begin a box."""
        at, button = self._device(event.position()), event.button()
        self._grab_from = at
        if self._photo is None:
            return
        if button == Qt.MouseButton.MiddleButton:
            self._grab = _Grab.PAN
        elif (
            button == Qt.MouseButton.RightButton and self._chosen is not None and not self._drawing
        ):
            self._grab, self._turn, self._gesture = _Grab.HEAD, (0.0, 0.0, 0.0), next_gesture()
            self.setCursor(Qt.CursorShape.SizeAllCursor)
        elif button == Qt.MouseButton.LeftButton:
            self._press_left(at)

    def _press_left(self, at: QPointF) -> None:
        if self._drawing:
            self._grab, self._band = _Grab.BOX, QRectF(at, at)
        elif self._is_on_wipe(at):
            self._grab = _Grab.WIPE
        else:
            face = self._face_under(at)
            if face is not None and face != self._chosen:
                self.face_chosen.emit(face)
                return
            self._grab = _Grab.PAN
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Carry on with what was taken, or show what could be."""
        at = self._device(event.position())
        moved = at - self._grab_from
        if self._grab is _Grab.PAN:
            self._grab_from = at
            self._is_fitted = False
            self._set_view(self._view.panned(moved.x(), moved.y()))
        elif self._grab is _Grab.WIPE:
            left, _, width, _ = self._view.target
            self._wipe = min(max((at.x() - left) / width, 0.0), 1.0)
            self.update(self._image_area())
        elif self._grab is _Grab.BOX:
            self._band = (
                QRectF(self._grab_from, at).normalized().intersected(QRectF(*self._view.target))
            )
            self.update(self._image_area())
        elif self._grab is _Grab.HEAD:
            self._grab_from = at
            self._turn_head(moved, event.modifiers())
        else:
            self._hover(at)

    def _turn_head(self, moved: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """Right is yaw, down is pitch; with Ctrl, right is roll; with Shift ten times finer."""
        if self._chosen is None or self._chosen >= len(self._faces):
            return
        width = max(overlays.view_rect(self._faces[self._chosen].box, self._view).width(), 40.0)
        across, down = (v / width * _TURN_DEG * fineness(modifiers) for v in (moved.x(), moved.y()))
        yaw, pitch, roll = self._turn
        rolls = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        self._turn = (yaw, pitch, roll - across) if rolls else (yaw + across, pitch + down, roll)
        self.head_turned.emit(*self._turn, self._gesture)

    def _hover(self, at: QPointF) -> None:
        hovered = self._face_under(at)
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()
        if self._drawing:
            return
        if self._is_on_wipe(at):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif hovered is not None and hovered != self._chosen:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        grab, self._grab = self._grab, _Grab.NOTHING
        if grab is _Grab.BOX:
            band, self._band = self._band, QRectF()
            if min(band.width(), band.height()) >= _SMALLEST_BOX:
                left, top = self._view.to_image(band.left(), band.top())
                right, bottom = self._view.to_image(band.right(), band.bottom())
                drawn = self.region_drawn if self._draws_region else self.box_drawn
                self.stop_drawing_box()
                drawn.emit(Box(left, top, right, bottom))
            self.update()
        elif grab is not _Grab.NOTHING:
            self._hover(self._device(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between the whole picture and its own pixels."""
        if (
            event.button() == Qt.MouseButton.LeftButton
            and self._photo is not None
            and not self._drawing
        ):
            if self._is_fitted:
                self.zoom_to(1.0, event.position())
            else:
                self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if self._photo is not None and turned:
            self.zoom_to(self._view.scale * _ZOOM_PER_NOTCH ** (turned / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Pinch to zoom."""
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom_to(self._view.scale * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def _is_on_wipe(self, at: QPointF) -> bool:
        reach = _WIPE_REACH * self.devicePixelRatioF()
        return self._wipe is not None and abs(at.x() - self._wipe_x()) <= reach

    def _face_under(self, at: QPointF) -> int | None:
        if len(self._faces) < 2 or not self._shows_faces or self._drawing:
            return None
        return overlays.face_at(self._faces, self._view, at.x(), at.y())

    # Keys -----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Plus and minus zoom, arrows move, Escape stops drawing."""
        key, step = Qt.Key, 64 * self.devicePixelRatioF()
        moves = {
            key.Key_Left: (step, 0),
            key.Key_Right: (-step, 0),
            key.Key_Up: (0, step),
            key.Key_Down: (0, -step),
        }
        if event.key() == key.Key_Escape and self._drawing:
            self.stop_drawing_box()
        elif event.key() in moves:
            self._is_fitted = False
            self._set_view(self._view.panned(*moves[key(event.key())]))
        else:
            event.ignore()
