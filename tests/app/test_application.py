from __future__ import annotations

import configparser
import gc
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QIcon, QImage
from PySide6.QtWidgets import QApplication

from app import application, theme
from app.tour import run as tour
from app.tour.performance import LAST
from app.tour.run import STOPS
from icface.document import Face, mixing
from icface.face.selectors import expand_control
from icface.media import Photo
from icface.media.clip_index import clip_index
from icface.model.networks.weights import ModelFileError
from icface.project_file import load_project
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Opened, Renderer
from tests.app.conftest import SMILING
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in

ROOT = Path(__file__).parents[2]


def test_the_window_is_up_soon_after_the_program_starts_and_without_torch() -> None:
    code = (
        "import sys; from app.application import main; code = main(['--quit-when-shown']);"
        "print(*sorted({'torch', 'scipy', 'feat', 'skimage'} & set(sys.modules))); "
        "raise SystemExit(code)"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY"}
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, heavy = done.stdout.splitlines()
    assert json.loads(first).keys() == {"window_ms"}
    assert json.loads(first)["window_ms"] > 0
    assert heavy == ""


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "w"}, True),
        ({"QT_QPA_PLATFORM": "offscreen"}, True),
    ],
)
def test_a_display_is_looked_for_where_linux_has_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], found: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert application.has_display() is found


def test_the_process_is_older_than_the_time_since_it_began_to_load() -> None:
    assert 0 < application.process_age_s() < 24 * 3600


def test_what_is_loaded_for_good_is_not_looked_through_for_garbage() -> None:
    before = gc.get_threshold()
    gc.collect()
    try:
        application.spare_the_collector()
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10
        assert gc.get_threshold()[0] > before[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_without_a_display_the_tour_is_rendered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(application, "has_display", lambda: False)
    monkeypatch.setattr(tour, "run_tour", lambda out: asked.append(out) or 0)
    assert application.main([]) == 0
    assert asked == [Path("out")]


@pytest.fixture
def small_renderer(monkeypatch: pytest.MonkeyPatch, tiny_predictor: FacePredictor) -> Renderer:
    made = Renderer(tiny_predictor, StandInTracker(observation_in(ASTRONAUT_BOX, SMILING)))
    monkeypatch.setattr(tour, "Renderer", lambda: made)
    return made


def test_the_tour_leaves_stills_a_contact_sheet_and_the_window_in_use(
    qapp: QApplication,
    small_renderer: Renderer,
    tmp_path: Path,
    astronaut: NDArray[np.uint8],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tour.run_tour(tmp_path / "out") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *(f"{stop.name}.png" for stop in STOPS),
        "contact-sheet.png",
        "window.png",
        "performance.mp4",
        "performance.icface",
    }
    assert clip_index(tmp_path / "out" / "performance.mp4").rate == 25
    assert len(clip_index(tmp_path / "out" / "performance.mp4")) == LAST + 1
    project = load_project(tmp_path / "out" / "performance.icface")
    assert mixing.shown(project, 0) == mixing.readings(project, 0)
    assert mixing.shown(project, 32)["AU12L"] == pytest.approx(1)
    rest = QImage(str(tmp_path / "out" / "rest.png"))
    assert (rest.width(), rest.height()) == (512, 512)
    window = QImage(str(tmp_path / "out" / "window.png"))
    assert (window.width(), window.height()) == (1440, 900)
    assert "no display" in capsys.readouterr().out


def test_the_tour_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    qapp: QApplication,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def missing(_renderer: Renderer, _path: Path) -> Opened:
        raise ModelFileError("The weights file detector.safetensors is missing.")

    monkeypatch.setattr(tour, "_open", missing)
    assert tour.run_tour(tmp_path / "out") == 2
    assert "detector.safetensors is missing" in capsys.readouterr().err


def test_every_stop_of_the_tour_asks_for_controls_there_are() -> None:
    for stop in STOPS:
        assert all(expand_control(selector) for selector in {**stop.settings, **stop.turn})
    assert len({stop.name for stop in STOPS}) == len(STOPS)


def test_the_contact_sheet_shows_the_head_before_and_after(
    qapp: QApplication, astronaut: NDArray[np.uint8]
) -> None:
    theme.load_fonts()
    face = Face.from_observation(observation_in(ASTRONAUT_BOX))
    photo = Photo(astronaut, Path("astronaut.png"), "d")
    sheet = tour.contact_sheet(photo, face, [np.zeros_like(astronaut)] * len(STOPS))
    middle = tour._CELL // 2
    assert sheet.pixelColor(tour._GAP + middle, tour._GAP + middle) != QColor(0, 0, 0)
    assert sheet.pixelColor(tour._GAP + tour._CELL + middle, tour._GAP + middle) == QColor(0, 0, 0)


def test_calls_into_qt_leave_none_alone() -> None:
    colour, before = QColor("red"), sys.getrefcount(None)
    for _ in range(1000):
        colour.setAlpha(200)
    assert sys.getrefcount(None) > before - 100


def test_the_desktop_entry_is_that_of_the_command_and_its_windows(qapp: QApplication) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(ROOT / "resources" / "icface-studio.desktop")
    fields = entry["Desktop Entry"]
    assert fields["Exec"].split()[0] in project["project"]["gui-scripts"]
    assert fields["StartupWMClass"] == fields["Icon"] == application.APP_ID
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert all((ROOT / source).is_file() for source in shared)
    assert {Path(place).stem for place in shared.values()} == {application.APP_ID}
    before = qapp.applicationName(), qapp.desktopFileName()
    application.name_application(qapp)
    try:
        assert qapp.desktopFileName() == application.APP_ID
        picture = qapp.windowIcon().pixmap(64, 64).toImage()
        assert picture.pixelColor(32, 6).alpha() == 255
        assert picture.pixelColor(0, 0).alpha() == 0
    finally:
        qapp.setApplicationName(before[0])
        qapp.setDesktopFileName(before[1])
        qapp.setWindowIcon(QIcon())
