"""The composition root: builds session, engine, bridge and window, and runs them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_BEGAN = time.perf_counter()
"""When this program began to load: before Qt, after Python itself."""

from PySide6.QtCore import QTimer  # noqa: E402  (the clock above must start first)
from PySide6.QtWidgets import QApplication  # noqa: E402

from app import theme  # noqa: E402
from app.errors import ErrorReporter  # noqa: E402
from app.main_window import MainWindow  # noqa: E402
from app.render_bridge import RenderBridge  # noqa: E402
from app.session import Session  # noqa: E402
from app.settings import Settings  # noqa: E402
from app.studio import Studio  # noqa: E402
from icface.engine import RenderEngine  # noqa: E402
from icface.render import Renderer  # noqa: E402


def build_studio(renderer: Renderer | None = None) -> Studio:
    """A session with an engine of its own; ``studio.bridge.close()`` ends the engine's thread."""
    made = renderer or Renderer()
    return Studio(Session(), RenderBridge(RenderEngine(made.render), made))


def has_display() -> bool:
    """Whether a window can be shown to anybody."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main(argv: Sequence[str] | None = None) -> int:
    """Start the editor; without a display, render the tour into ``out/``."""
    parser = argparse.ArgumentParser(prog="icface-studio", description="Edit head pose and Action Units of a face in a photo.")
    parser.add_argument("photo", nargs="?", type=Path, help="photo to open")
    parser.add_argument("--sample", action="store_true", help="open the portrait that comes along")
    shown_help = 'print {"window_ms": milliseconds from loading the program to the shown window} as JSON, and end'
    parser.add_argument("--quit-when-shown", action="store_true", help=shown_help)
    wishes = parser.parse_args(argv)
    if not has_display():
        if not wishes.quit_when_shown:
            from app.tour import run_tour  # noqa: PLC0415  (needed by nobody with a display)

            run_tour(Path("out"))
            return 0
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return _run(wishes)


def _run(wishes: argparse.Namespace) -> int:
    application = QApplication(sys.argv[:1])
    application.setApplicationName("ICface Studio")
    settings = Settings()
    theme.apply_theme(application, settings.theme)
    studio = build_studio()
    window = MainWindow(studio, settings)
    reporter = ErrorReporter(application)
    reporter.raised.connect(window.show_notice)
    reporter.install()
    window.show()

    def begin() -> None:
        if wishes.quit_when_shown:
            print(json.dumps({"window_ms": round((time.perf_counter() - _BEGAN) * 1000)}), flush=True)  # noqa: T201
            application.quit()
            return
        studio.bridge.warm_up()
        if wishes.photo is not None:
            window.open_photo(wishes.photo)
        elif wishes.sample:
            studio.open_sample()

    QTimer.singleShot(0, begin)
    try:
        return application.exec()
    finally:
        studio.bridge.close()
        reporter.uninstall()
