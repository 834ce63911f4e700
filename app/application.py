"""The composition root: builds session, engine, bridge and window, and runs them."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import click
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app import STARTED, theme
from app.editor.studio import build_studio
from app.errors import ErrorReporter
from app.files.recovery import users_folder
from app.settings import Settings
from app.window.main_window import MainWindow
from icface.system.leftovers import clear_left_overs
from icface.system.logs import start_log, stop_log

APP_ID = "icface-studio"
"""The command, the class of the windows, and the desktop entry."""
_OBJECTS_A_ROUND = 100_000


def has_display() -> bool:
    """Whether a window can be shown to anybody."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def process_age_s() -> float:
    """Seconds since this process started, or since the program began to load if that is unknown."""
    try:
        started_ticks = int(
            Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
        )
        up_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return time.perf_counter() - STARTED
    return up_s - started_ticks / os.sysconf("SC_CLK_TCK")


def main(argv: Sequence[str] | None = None) -> int:
    """Start the editor; without a display, render the tour into ``out/``."""
    parser = argparse.ArgumentParser(
        prog="icface-studio", description="Edit head pose and Action Units of a face in a photo."
    )
    parser.add_argument("file", nargs="?", type=Path, help="project, photo or clip to open")
    parser.add_argument("--sample", action="store_true", help="open the bundled portrait")
    shown_help = (
        'print {"window_ms": milliseconds from process start to painted window} as JSON; exit'
    )
    parser.add_argument("--verbose", action="store_true", help="print the log and debug messages")
    parser.add_argument("--quit-when-shown", action="store_true", help=shown_help)
    arguments = parser.parse_args(argv)
    # Before torch is loaded: on a busy machine, threads that wait by spinning take the time from
    # those they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not has_display():
        if not arguments.quit_when_shown:
            from app.tour.run import run_tour  # noqa: PLC0415  (needed by nobody with a display)

            return run_tour(Path("out"))
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return _run(arguments)


def name_application(application: QApplication) -> None:
    """Give the program its name, its icon and its desktop entry."""
    application.setApplicationName("ICface Studio")
    application.setDesktopFileName(APP_ID)
    application.setWindowIcon(theme.application_icon())


def spare_the_collector() -> None:
    """Spare Python's garbage collector from scanning permanent objects again and again.

    With the networks' modules loaded, that takes a tenth of a second: dragging thousands of keys
    would stutter.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_A_ROUND, 20, 50)


def _run(arguments: argparse.Namespace) -> int:
    start_log("the window", verbose=arguments.verbose)
    application = QApplication([APP_ID])  # the class of its windows, where there are classes
    name_application(application)
    settings = Settings()
    theme.apply_theme(application, settings.theme)
    studio = build_studio()
    window = MainWindow(studio, settings, users_folder())
    reporter = ErrorReporter(application)
    reporter.raised.connect(window.show_notice)
    reporter.install()
    window.show()

    def begin() -> None:
        if arguments.quit_when_shown:
            window.repaint()
            click.echo(json.dumps({"window_ms": round(process_age_s() * 1000)}))
            application.quit()
            return
        spare_the_collector()
        studio.bridge.device_changed.connect(
            lambda _name: spare_the_collector()
        )  # the networks are loaded
        studio.bridge.warm_up()
        threading.Thread(
            target=clear_left_overs, name="icface-tidy", daemon=True
        ).start()  # a disk may be slow, or away
        window.documents.offer_left_behind()
        if arguments.file is not None:
            window.documents.open(arguments.file)
        elif arguments.sample:
            studio.photos.open_sample()

    QTimer.singleShot(0, begin)
    try:
        return application.exec()
    finally:
        studio.bridge.close()
        reporter.uninstall()
        stop_log()
