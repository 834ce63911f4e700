"""A photo on neutral grey: its newest frame, the unedited photo, zoom and position."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColorSpace, QFocusEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.canvas import overlays
from app.canvas.overlays import Ink
from app.canvas.view_transform import ViewTransform
from app.widgets.picture_layer import PictureLayer, paint_checker, screen_profile
from icface.media import Photo
from icface.rendering.frame_request import Frame

_MARGIN = 24


class PhotoView(QWidget):
    """Shows the newest finished frame of a photo; never blank, never a spinner."""

    view_changed = Signal()
    """Zoom or size differ from before."""
    wipe_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(QSize(240, 240))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Photo")
        self._photo: Photo | None = None
        self._before: PictureLayer | None = None
        self._after: PictureLayer | None = None
        self._profile: QColorSpace | None = None
        self._view = ViewTransform.fitted((1, 1), (1, 1))
        self._is_fitted = True
        self._shows_before = False
        self._wipe: float | None = None
        self._by_keyboard = False
        self._is_target = False
        self._drop_word = ""

    # What is shown --------------------------------------------------------------------------------

    def show_photo(self, photo: Photo | None) -> None:
        """Show another photo, fitted; its own pixels are shown until the first frame arrives."""
        self._photo = photo
        self._profile = screen_profile(photo.icc) if photo else None
        self._before = self._after = PictureLayer(photo.pixels, self._profile) if photo else None
        self.setAccessibleDescription(
            f"{photo.path.name}, {photo.width} by {photo.height} pixels" if photo else ""
        )
        self.fit()

    def show_frame(self, frame: Frame) -> None:
        """A finished frame of the photo, at whatever size it was rendered."""
        if (
            self._photo is None
            or frame.request.photo_digest != self._photo.digest
            or self._before is None
        ):
            return
        if frame.request.clip_frame is not None and frame.before.pixels is not self._before.pixels:
            self._before = PictureLayer(frame.before.pixels, self._profile)
        same = frame.pixels is self._before.pixels
        quick = frame.request.quality == "draft"
        self._after = (
            self._before if same else PictureLayer(frame.pixels, self._profile, quick=quick)
        )
        self.update(self._image_area())

    def set_before(self, shown: bool) -> None:
        """Show the unedited photo while a key or button is held."""
        if shown != self._shows_before:
            self._shows_before = shown
            self.update()

    @property
    def is_before_shown(self) -> bool:
        """The unedited photo is shown."""
        return self._shows_before

    def set_wipe(self, on: bool) -> None:
        """Split the picture into before and after, at the middle to begin with."""
        if on != (self._wipe is not None):
            self._wipe = 0.5 if on else None
            self.wipe_changed.emit(on)
            self.update()

    def set_drop_target(self, active: bool, word: str = "Drop to open") -> None:
        """A file is being carried over the window; what dropping it does."""
        self._drop_word = word
        if active != self._is_target:
            self._is_target = active
            self.update()

    @property
    def wipe(self) -> float | None:
        """Position of the split, 0 to 1 of the width; None without one."""
        return self._wipe

    # Zoom -----------------------------------------------------------------------------------------

    @property
    def view(self) -> ViewTransform:
        """Zoom and position."""
        return self._view

    @property
    def zoom(self) -> float:
        """Device pixels per photo pixel."""
        return self._view.scale

    def fit(self) -> None:
        """The whole photo, and keep it so when the window changes."""
        self._is_fitted = True
        self._set_view(self._fitted())

    def zoom_to(self, scale: float, about: QPointF | None = None) -> None:
        """Zoom to a scale, device pixels per photo pixel, about a widget position or the middle."""
        if self._photo is None:
            return
        self._is_fitted = False
        at = self._device(about if about is not None else QPointF(self.rect().center()))
        self._set_view(self._view.zoomed(scale, (at.x(), at.y())))

    def image_point(self, position: QPointF) -> tuple[float, float]:
        """The image point under a widget position."""
        at = self._device(position)
        return self._view.to_image(at.x(), at.y())

    def widget_point(self, x: float, y: float) -> QPointF:
        """The widget position of an image point."""
        across, down = self._view.to_view(x, y)
        return QPointF(across, down) / self.devicePixelRatioF()

    def _fitted(self) -> ViewTransform:
        size = (self._photo.width, self._photo.height) if self._photo else (1, 1)
        margin = round(_MARGIN * self.devicePixelRatioF())
        return ViewTransform.fitted(size, self._device_size(), margin=margin)

    def _set_view(self, view: ViewTransform) -> None:
        if view != self._view:
            self._view = view
            self.update()
            self.view_changed.emit()

    def _device(self, position: QPointF) -> QPointF:
        return position * self.devicePixelRatioF()

    def _device_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def _image_area(self) -> QRect:
        """The photo's place in widget coordinates, one pixel larger for rounding."""
        left, top, width, height = self._view.target
        ratio = self.devicePixelRatioF()
        return (
            QRectF(left / ratio, top / ratio, width / ratio, height / ratio)
            .toAlignedRect()
            .adjusted(-1, -1, 1, 1)
        )

    # Painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Grey, photo, overlays."""
        painter, colours, ratio = QPainter(self), theme.current(), self.devicePixelRatioF()
        painter.fillRect(event.rect(), colours.color("surround"))
        if self._photo is None or self._before is None or self._after is None:
            return
        painter.scale(1 / ratio, 1 / ratio)
        target, clip = QRect(*self._view.target), QRect(0, 0, *self._device_size())
        if self._before.has_alpha:
            paint_checker(painter, target.intersected(clip), colours.raised, colours.line)
        after = self._before if self._shows_before else self._after
        if self._wipe is None or self._shows_before:
            after.paint(painter, target, clip)
        else:
            split = target.left() + round(self._wipe * target.width())
            left, right = QRect(clip), QRect(clip)
            left.setRight(split - 1)
            right.setLeft(split)
            self._before.paint(painter, target, left)
            after.paint(painter, target, right)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_overlays(painter, QRectF(target.intersected(clip)), Ink(colours, ratio))
        if self._is_target:
            at = QPointF(QRectF(clip).center().x(), 12 * ratio)
            Ink(colours, ratio).chip(
                painter, at, self._drop_word, align=Qt.AlignmentFlag.AlignHCenter
            )
        if self._by_keyboard or self._is_target:
            edge = (2.0 if self._is_target else 1.0) * ratio
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.color("accent"), edge))
            painter.drawRect(QRectF(clip).adjusted(edge / 2, edge / 2, -edge / 2, -edge / 2))

    def paint_overlays(self, painter: QPainter, visible: QRectF, ink: Ink) -> None:
        """Draw over the photo, in device pixels, of which `visible` are the photo's."""
        if self._shows_before:
            at = QPointF(visible.center().x(), visible.top() + ink.px(12))
            ink.chip(painter, at, "Before", align=Qt.AlignmentFlag.AlignHCenter)
        elif self._wipe is not None:
            overlays.paint_wipe(painter, self._wipe_x(), visible, ink)

    def _wipe_x(self) -> float:
        left, _, width, _ = self._view.target
        return left + round((self._wipe or 0.0) * width)

    # Size, focus ----------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the keyboard's place, unless it was the pointer that brought it here."""
        self._by_keyboard = event.reason() in {
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        }
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the keyboard's place."""
        self._by_keyboard = False
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted, or keep what was in the middle."""
        self._set_view(
            self._fitted() if self._is_fitted else self._view.resized(self._device_size())
        )
