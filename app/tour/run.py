"""A tour without a display: stills of several edits, and a picture of the window."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from PySide6.QtCore import QEvent, QEventLoop, QPointF, QRect, QSettings, Qt, QTimer, SignalInstance
from PySide6.QtGui import QFontMetricsF, QImage, QMouseEvent, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from app import theme
from app.controls.row import ControlRow
from app.editor.render_bridge import RenderBridge
from app.editor.studio import build_studio
from app.settings import Settings
from app.tour.performance import leave_performance, performance
from app.widgets.picture_layer import PictureLayer
from app.window.main_window import MainWindow
from icface.arrays import Pixels
from icface.document import Face
from icface.face.geometry import Box
from icface.jobs import run_to_end
from icface.media import Photo, load_photo, sample_photo_path, save_photo
from icface.rendering.renderer import Opened, Renderer, edit_photo

STILL_AT = 30
"""The frame of the performance in which the window is shown."""
_TIMEOUT_MS = 120_000
_CELL = 280
_GAP = 12


@dataclass(frozen=True, slots=True)
class Stop:
    """One edit of the tour.

    Attributes
    ----------
    name, title : str
        Of the file, and for people.
    settings : dict
        Intensities of Action Units, absolute.
    turn : dict
        Degrees added to the head angles of the photo.
    """

    name: str
    title: str
    settings: dict[str, float]
    turn: dict[str, float] = field(default_factory=dict)

    def for_face(self, face: Face) -> dict[str, float]:
        """Absolute settings for the face of a photo."""
        return {
            **self.settings,
            **{angle: face.controls[angle] + degrees for angle, degrees in self.turn.items()},
        }


_LIPS_CLOSE = {"AU10": 0.0, "AU25": 0.0, "AU26": 0.0}
"""What closes the lips of a smile that shows teeth."""

STOPS: tuple[Stop, ...] = (
    Stop("rest", "At rest: untouched", {}),
    Stop("smile", "Smile (AU6+12)", {"AU6": 0.8, "AU12": 1.0}),
    Stop("wink", "Wink, left (AU43L)", {"AU43L": 1.0}),
    Stop("eyes-closed", "Eyes closed (AU43)", {"AU43": 1.0}),
    Stop("brows-raised", "Brows raised (AU1+2)", {"AU1": 0.9, "AU2": 0.9}),
    Stop("frown", "Frown (AU4)", {"AU4": 1.0, "AU12": 0.5} | _LIPS_CLOSE),
    Stop(
        "sad",
        "Sadness (AU1+4+15)",
        {"AU1": 0.8, "AU4": 0.5, "AU12": 0.0, "AU15": 0.8} | _LIPS_CLOSE,
    ),
    Stop("turn-left", "Head 20° to the left", {}, {"yaw": -20.0}),
    Stop("turn-right", "Head 20° to the right", {}, {"yaw": 20.0}),
    Stop("nod", "Head 12° down", {}, {"pitch": 12.0}),
    Stop("tilt", "Head tilted 12°", {}, {"roll": 12.0}),
    Stop("jaw-drop", "Jaw drop (AU25+26)", {"AU25": 0.6, "AU26": 1.0}),
    Stop("gaze", "Gaze aside (AU61)", {"AU61": 0.8, "AU62": 0.0}),
    Stop("delighted", "Delighted (AU1+2+6+12+26, yaw)",
         {"AU1": 0.5, "AU2": 0.7, "AU6": 0.8, "AU12": 1.0, "AU26": 0.5}, {"yaw": 10.0}),
)  # fmt: skip


def run_tour(out: Path) -> int:
    """Render the tour into a folder; returns the exit code of the program.

    Parameters
    ----------
    out : Path
        Gets one picture per stop, ``contact-sheet.png``, a performance as clip and project, and
        ``window.png``.
    """
    click.echo(
        f"There is no display here, so the editor's tour is rendered into {out}{os.sep} instead."
    )
    os.environ["QT_QPA_PLATFORM"] = (
        os.environ.get("QT_QPA_PLATFORM") or "offscreen"
    )  # set to nothing, Qt would give up
    out.mkdir(parents=True, exist_ok=True)
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication([])
    theme.apply_theme(application, "dark")
    renderer = Renderer()
    try:
        photo = load_photo(sample_photo_path())
        opened = _open(renderer, photo.path)
        face = opened.faces[0]
        stills = [edit_photo(renderer, photo, face, stop.for_face(face)) for stop in STOPS]
    except ValueError as error:
        click.echo(f"The tour could not be rendered: {error}", err=True)
        return 2
    for stop, pixels in zip(STOPS, stills, strict=True):
        save_photo(out / f"{stop.name}.png", photo.with_pixels(pixels))
    contact_sheet(photo, face, stills).save(str(out / "contact-sheet.png"))
    click.echo(
        f"{len(STOPS)} stills: {', '.join(stop.name for stop in STOPS)}; "
        f"overview: contact-sheet.png"
    )
    played = leave_performance(renderer, performance(opened), out)
    click.echo(
        f"A performance of {played.frames} frames: performance.mp4; its project: performance.icface"
    )
    picture_of_the_window(renderer, out / "performance.icface").save(str(out / "window.png"))
    click.echo("The window with that project open and two sliders being dragged: window.png")
    return 0


def _open(renderer: Renderer, path: Path) -> Opened:
    """A photo that shows a face, by running the job that opens it."""
    opened = run_to_end(renderer.open(path))
    if not opened.faces:
        raise ValueError(f"no face was found in {path.name}")
    return opened


def contact_sheet(photo: Photo, face: Face, stills: Sequence[Pixels], columns: int = 3) -> QImage:
    """The head before and after every stop, with titles."""
    colours = theme.palette("dark")
    rows = -(-len(STOPS) // columns)
    wide, high = 2 * _CELL + 2 * _GAP, _CELL + 28 + _GAP
    sheet = QImage(columns * wide + _GAP, rows * high + _GAP, QImage.Format.Format_RGB32)
    sheet.fill(colours.color("surround"))
    painter = QPainter(sheet)
    painter.setFont(theme.ui_font(14, semibold=True))
    part = _head(photo, face)
    for index, (stop, pixels) in enumerate(zip(STOPS, stills, strict=True)):
        left, top = _GAP + index % columns * wide, _GAP + index // columns * high
        for place, picture in ((left, photo.pixels), (left + _CELL, pixels)):
            cut = picture[part.top() : part.bottom() + 1, part.left() : part.right() + 1]
            target = QRect(place, top, _CELL, _CELL)
            PictureLayer(cut).paint(painter, target, target)
        painter.setPen(colours.color("text"))
        title = QFontMetricsF(painter.font()).elidedText(
            stop.title, Qt.TextElideMode.ElideRight, 2 * _CELL
        )
        painter.drawText(left, top + _CELL + 19, title)
    painter.end()
    return sheet


def _head(photo: Photo, face: Face) -> QRect:
    """A square about the whole head, within the photo."""
    box: Box = face.box
    side = min(round(max(box.width, box.height) * 1.7), photo.width, photo.height)
    x, y = box.centre
    left = min(max(round(x - side / 2), 0), photo.width - side)
    top = min(max(round(y - box.height * 0.15 - side / 2), 0), photo.height - side)
    return QRect(left, top, side, side)


def picture_of_the_window(renderer: Renderer, path: Path) -> QImage:
    """The real window after opening a file and dragging two sliders with the mouse."""
    studio = build_studio(renderer)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        window = MainWindow(
            studio, Settings(QSettings(str(Path(folder) / "tour.ini"), QSettings.Format.IniFormat))
        )
        try:
            window.resize(1440, 900)
            window.show()
            window.documents.open(path)
            _wait_for(studio.photos.photo_changed)
            studio.playhead.go_to(STILL_AT)
            _wait_until_idle(studio.bridge)
            for key, share in (("AU1", 0.7), ("yaw", 0.7)):
                window.panel.show_row(key)
                _drag(window.panel.rows[key], share)
                _wait_until_idle(studio.bridge)
            return window.grab().toImage()
        finally:
            studio.session.mark_saved()  # nobody is there to be asked
            window.close()
            studio.bridge.close()
            window.deleteLater()


def _drag(row: ControlRow, share: float) -> None:
    """Take the handle of a row and carry it to a share of its range, as a hand would."""
    spec = row.spec
    start, end = (
        row.track_x(row.shown),
        row.track_x(spec.minimum + share * (spec.maximum - spec.minimum)),
    )
    kinds = QEvent.Type
    _mouse(row, kinds.MouseButtonPress, start)
    for step in range(1, 11):
        _mouse(row, kinds.MouseMove, start + (end - start) * step / 10)
    _mouse(row, kinds.MouseButtonRelease, end)


def _mouse(widget: QWidget, kind: QEvent.Type, x: float) -> None:
    at = QPointF(x, widget.height() / 2)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    held = none if kind == QEvent.Type.MouseButtonRelease else left
    place = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(
        widget, QMouseEvent(kind, at, place, button, held, Qt.KeyboardModifier.NoModifier)
    )


def _wait_for(signal: SignalInstance) -> None:
    """Let events flow until a signal comes."""
    loop = QEventLoop()
    signal.connect(loop.quit)
    QTimer.singleShot(_TIMEOUT_MS, loop.quit)
    loop.exec()


def _wait_until_idle(bridge: RenderBridge) -> None:
    """Let events flow until the engine has nothing left to do."""
    loop = QEventLoop()
    bridge.busy_changed.connect(lambda busy: None if busy else loop.quit())
    QTimer.singleShot(_TIMEOUT_MS, loop.quit)
    if bridge.is_busy:
        loop.exec()
    QTimer.singleShot(0, loop.quit)
    loop.exec()  # whatever waits in the queue, as the last frame to be painted
