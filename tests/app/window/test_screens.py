"""Screenshots of every state; set ICFACE_SCREENS to a folder to keep them.

Without it the same states are shown and checked for what a machine can see: that nothing is cut off
or empty.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app import theme
from app.controls.row_painting import NUMBER_W
from app.errors import Notice
from app.window.main_window import MainWindow
from icface import formats
from icface.document import MixRule, Project, edits
from icface.document.curves import Interpolation
from icface.face.geometry import Box
from tests.app.conftest import SMILING, open_in
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in
from tests.icface.media.videos import drifting, write_video
from tests.strategies import a_ramp

pytestmark = pytest.mark.screens
SIZES = ((1100, 700), (1440, 900), (2560, 1440))


def keep(qtbot: QtBot, window: MainWindow, name: str) -> QImage:
    """A picture of the window, saved when somebody wants to look at it."""
    for _ in range(
        3
    ):  # whatever waits in the queue, as widgets to be shown and laid out, comes first
        passed = QTimer(window, singleShot=True, interval=0)
        with qtbot.waitSignal(passed.timeout):
            passed.start()
    image = window.grab().toImage()
    folder = os.environ.get("ICFACE_SCREENS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        assert image.save(str(Path(folder) / f"{name}-{theme.current().name}-{image.width()}.png"))
    return image


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.studio.bridge.is_busy, timeout=20_000)


@pytest.fixture
def crowd(tmp_path: Path, astronaut_path: Path, tracker: StandInTracker) -> Path:
    """Three people in one picture with a very long name."""
    one = Image.open(astronaut_path).convert("RGB")
    path = (
        tmp_path
        / "the whole family at the lake on the second Sunday of the holidays, all three of them.png"
    )
    three = Image.new("RGB", (1536, 512))
    for index in range(3):
        three.paste(one, (512 * index, 0))
    three.save(path)
    box = ASTRONAUT_BOX
    boxes = [Box(box.left + 512 * i, box.top, box.right + 512 * i, box.bottom) for i in range(3)]
    tracker.faces = tuple(observation_in(b, SMILING, 0.9 + 0.03 * i) for i, b in enumerate(boxes))
    return path


def edit_a_little(window: MainWindow) -> None:
    studio = window.studio
    studio.faces.set_row("yaw", 36.0, 1)
    studio.faces.set_row("AU1", 0.6, 2)
    studio.faces.set_row("AU12", 0.85, 3)
    studio.faces.set_row("AU4", 0.3, 4)
    studio.faces.set_gaze(0.5, 0.3, 5)


def show_empty(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    assert window.empty.isVisible()


def show_recent(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    names = [
        "Grandmother.jpg",
        "IMG_20260412_184233_the_long_walk_home_along_the_river_edited_2.tiff",
        "passport.png",
    ]
    for name in names:
        (path.parent / name).write_bytes(b"")
        window.settings.add_recent(path.parent / name)
    window._show_recent()


def show_open(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    open_in(qtbot, window, path)


def show_edited(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    open_in(qtbot, window, path)
    edit_a_little(window)
    settle(qtbot, window)


def show_unlinked(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_edited(qtbot, window, path)
    window.studio.faces.link(1, linked=False)
    window.studio.faces.set_row("AU1L", 0.9, 6)
    window.studio.faces.link(43, linked=False)
    window.studio.faces.set_row("AU43L", 1.0, 7)
    window.panel.rows["AU43L"].setFocus()
    settle(qtbot, window)


def show_search(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_edited(qtbot, window, path)
    window.panel.search.setText("smile")
    window.panel.rows["AU12"].setFocus()


def show_no_find(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_open(qtbot, window, path)
    window.panel.search.setText("tail wagging")


def show_wipe(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_edited(qtbot, window, path)
    window.actions_by_id["wipe"].setChecked(True)


def show_error(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_open(qtbot, window, path)
    window.show_notice(
        Notice.failure(
            "The picture could not be rendered",
            "There is not enough memory for this.\n\nTraceback …\n" * 2,
        )
    )
    window.notices.details_button.setChecked(True)


def show_gaze_rows(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_edited(qtbot, window, path)
    window.panel.gaze_rows_button.setChecked(True)
    window.panel._scroll.verticalScrollBar().setValue(300)


def show_driven(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Two clips, one of them being tracked, a table, several rules and a very long name."""
    open_in(qtbot, window, path)
    astronaut = np.asarray(Image.open(path).convert("RGB"))
    one = write_video(
        path.parent / "the long walk home along the river, third take, best of all.mp4",
        drifting(astronaut, 30),
    )
    two = write_video(path.parent / "brows.mp4", drifting(astronaut, 40, step=1))
    table = path.parent / "session_07_openface.csv"
    formats.save(table, a_ramp("yaw", [float(v) for v in 20 * np.sin(np.arange(60) / 6)]))
    for count, file in enumerate((one, two, table), start=1):
        window.drivers.controller.add_driver(file)
        qtbot.waitUntil(
            lambda count=count: len(window.studio.project.drivers) == count, timeout=20_000
        )
    settle(qtbot, window)
    window.drivers.controller.rename("A", "The long walk home, third take")
    window.studio.edit(
        lambda project: replace(
            project,
            drivers=(
                project.drivers[0],
                replace(project.drivers[1], motion=None, neutral_frame=None),
                project.drivers[2],
            ),
        ),
        "",
    )
    window.drivers.controller.set_rule(MixRule(group="brows", driver="B", gain=1.4))
    window.drivers.controller.set_rule(
        MixRule(group="yaw", driver="C", mode="absolute", offset=-5.0, shift=-3, mirror=True)
    )
    window.drivers.controller.set_rule(MixRule(group="gaze", driver=""))
    window.drivers.controller.key_rule("brows", "gain")
    window.drivers.panel.media.show_tracking(window.studio.project.drivers[1].medium.digest, 16, 40)
    settle(qtbot, window)


def show_details(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_driven(qtbot, window, path)
    window.drivers.panel.media.cards[0].fold.setChecked(True)
    window.drivers.panel.media.show_people(
        window.studio.project.drivers[0].name, (a_ramp("yaw", [1.0, 2.0]),) * 2
    )
    window.studio.playhead.go_to(11)
    settle(qtbot, window)


def show_mix(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_driven(qtbot, window, path)
    for section in (
        window.drivers.panel.media.source_section,
        window.drivers.panel.media.drivers_section,
    ):
        section.set_open(False)
    window.drivers.panel.mix.add_unit("AU12L")
    window.drivers.panel.mix.rows["yaw"].fold.setChecked(True)
    window.studio.playhead.go_to(11)
    settle(qtbot, window)


def show_keys(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """A clip with film, several kinds of keys, marker, in and out points, selected lane."""
    show_driven(qtbot, window, path)
    with qtbot.waitSignal(window.studio.session.project_changed):
        window.studio.edit(_with_keys, "Keys")
    window.timeline.view.select_lanes(("AU12",))
    window.timeline.view.select_keys({("AU12L", 20), ("AU12R", 20)})
    window.studio.playhead.go_to(24)
    settle(qtbot, window)


def _with_keys(project: Project) -> Project:
    shapes: tuple[tuple[Interpolation, Interpolation], ...] = (
        ("linear", "ease"),
        ("ease", "hold"),
        ("bezier", "bezier"),
    )
    for place, (frame, rise) in enumerate(((4, 0.0), (20, 0.3), (38, -0.2))):
        for target in ("AU12L", "AU12R", "AU1L", "AU1R", "yaw"):
            project = edits.set_key(
                project, target, frame + (target == "yaw"), rise * (30 if target == "yaw" else 1)
            )
        project = edits.set_interpolation(
            project, {("AU12L", frame), ("AU12R", frame)}, *shapes[place]
        )
    project = edits.set_marker(edits.set_range(project, 2, 44), 12, "the smile begins")
    return edits.set_track(project, "yaw", muted=True)


def show_curves(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    show_keys(qtbot, window, path)
    window.timeline.transport.show_curves(True)


STATES: dict[str, Callable[[QtBot, MainWindow, Path], None]] = {
    "empty": show_empty,
    "recent": show_recent,
    "open": show_open,
    "edited": show_edited,
    "unlinked": show_unlinked,
    "search": show_search,
    "no-find": show_no_find,
    "wipe": show_wipe,
    "error": show_error,
    "gaze": show_gaze_rows,
    "driven": show_driven,
    "details": show_details,
    "mix": show_mix,
    "keys": show_keys,
    "curves": show_curves,
}


@pytest.mark.parametrize("state", STATES)
def test_the_window_is_whole_in_every_state(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, astronaut_path: Path, state: str
) -> None:
    photo = tmp_path / "astronaut.png"
    photo.write_bytes(astronaut_path.read_bytes())
    STATES[state](qtbot, window, photo)
    sizes = SIZES if state in {"empty", "edited", "driven"} else SIZES[:2]
    for colours in ("dark", "light") if os.environ.get("ICFACE_SCREENS") else ("dark",):
        window.set_theme(colours)
        for width, height in sizes:
            window.resize(width, height)
            qtbot.waitUntil(lambda size=(width, height): (window.width(), window.height()) == size)
            image = keep(qtbot, window, state)
            assert image.deviceIndependentSize().width() == width
            assert (
                len(
                    np.unique(
                        np.frombuffer(
                            image.convertToFormat(QImage.Format.Format_Grayscale8).constBits(),
                            np.uint8,
                        )
                    )
                )
                > 20
            )


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_the_window_is_whole_on_a_fine_screen(scale: str) -> None:
    """In a process of its own: Qt takes the scale when it starts."""
    states = [
        f"{Path(__file__)}::test_the_window_is_whole_in_every_state[{state}]"
        for state in ("empty", "unlinked", "curves")
    ]
    if scale == "2":
        states.append(
            str(Path(__file__).with_name("test_clip_screens.py"))
        )  # its curves have to be wide enough to be seen
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *states]
    environment = {**os.environ, "QT_SCALE_FACTOR": scale}
    done = subprocess.run(
        again,
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_several_faces_are_offered_with_their_portraits(
    qtbot: QtBot, window: MainWindow, crowd: Path
) -> None:
    open_in(qtbot, window, crowd)
    window.studio.faces.set_row("AU12", 1.0, 1)
    settle(qtbot, window)
    for width, height in SIZES[:2]:
        window.resize(width, height)
        keep(qtbot, window, "faces")
    assert len(window.drivers.panel.picker.buttons) == 3
    assert window.drivers.panel.picker.isVisible()


def test_without_a_face_the_remedy_is_a_button(
    qtbot: QtBot, window: MainWindow, tracker: StandInTracker, astronaut_path: Path
) -> None:
    tracker.faces = ()
    open_in(qtbot, window, astronaut_path)
    keep(qtbot, window, "no-face")
    qtbot.mouseClick(window.notices.remedy, Qt.MouseButton.LeftButton)
    start, end = (window.canvas.widget_point(x, y).toPoint() for x, y in ((170, 60), (280, 200)))
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(window.canvas, end)
    keep(qtbot, window, "drawing")
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=end)
    qtbot.waitUntil(lambda: window.studio.project.face is not None, timeout=20_000)


def test_no_name_or_number_of_a_control_is_cut_off(window: MainWindow) -> None:
    window.resize(1100, 700)
    for row in window.panel.rows.values():
        name = "" if row.spec.side else row.spec.name
        wide = QFontMetricsF(theme.ui_font(semibold=True)).horizontalAdvance(name)
        room = row._places().name.width() - (NUMBER_W if row.spec.number else 0)
        assert wide <= room, row.spec.name
        longest = max(
            (row.spec.text(v) for v in (row.spec.minimum + 0.6, row.spec.maximum - 0.6)), key=len
        )
        assert (
            QFontMetricsF(theme.ui_font(semibold=True)).horizontalAdvance(longest)
            <= row._places().number.width()
        )
