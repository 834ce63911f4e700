"""The log: a bounded file in the user's state folder, console output, and the last faults.

Faults are kept twice: in the log with all that was said, and in a short list that names no file,
only kinds and places in this program, so that it can be shown to others.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from icface import __version__
from icface.system.atomic_write import write_whole
from icface.system.user_folders import make_private, state_folder

LOG_BYTES = 1_000_000
"""Bound on the log file; as much again is kept of what was in it before."""
MOST_FAULTS = 20
_MOST_LIST_BYTES = 1_000_000
_FORM = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_OWN = ("icface", "app")
_NAME = "icface-log"

log = logging.getLogger(__name__)


def log_file() -> Path:
    """The path of the log."""
    return state_folder() / "log" / "icface.log"


def _faults_file() -> Path:
    return state_folder() / "log" / "faults.json"


class _PrivateHandler(RotatingFileHandler):
    """A log file that only its owner can read; write errors are ignored, so that no work fails."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), "utf-8", "backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (of logging)
        """Be silent."""


class _StandardError(logging.StreamHandler[Any]):
    """Prints on the standard error as it is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """The standard error."""
        return sys.stderr


@contextmanager
def printed_log() -> Iterator[None]:
    """The log on standard error while a long command runs; no change if it is printed already."""
    root, own = logging.getLogger(), logging.getLogger("icface")
    if any(isinstance(handler, _StandardError) for handler in root.handlers):
        yield
        return
    printed, level = _StandardError(), own.level
    _add(root, printed, logging.INFO, "%(asctime)s %(message)s")
    own.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(printed)
        own.setLevel(level)


def start_log(name: str, *, verbose: bool = False) -> None:
    """Begin to log, in place of what was begun before in this process.

    Parameters
    ----------
    name : str
        What is being started: a command, or the window.
    verbose : bool
        Print what is logged on the standard error, too, with details.
    """
    stop_log()
    root = logging.getLogger()
    with suppress(OSError):  # without a place for it there is no log
        make_private(log_file().parent)
        _add(
            root,
            _PrivateHandler(log_file(), maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"),
            logging.INFO,
        )
    if verbose:
        _add(root, _StandardError(), logging.DEBUG)
    for own in _OWN:
        logging.getLogger(own).setLevel(logging.DEBUG if verbose else logging.INFO)
    log.info(
        "icface %s, %s, Python %s on %s",
        __version__,
        name,
        platform.python_version(),
        platform.platform(),
    )


def _add(root: logging.Logger, handler: logging.Handler, level: int, form: str = _FORM) -> None:
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(form))
    handler.set_name(_NAME)
    root.addHandler(handler)


def stop_log() -> None:
    """Let go of the log file."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.get_name() == _NAME]:
        root.removeHandler(handler)
        handler.close()
    for own in _OWN:
        logging.getLogger(own).setLevel(logging.NOTSET)


# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the program that came up.

    Attributes
    ----------
    when : str
        UTC, ISO 8601.
    version : str
        Of this program.
    kind : str
        Type of the exception.
    places : tuple of str
        ``icface/rendering/renderer.py:120 _encode``, the outermost first; only of this program.
    text : str
        What the exception says. May name files.
    """

    when: str
    version: str
    kind: str
    places: tuple[str, ...]
    text: str


def note_fault(error: BaseException, where: str) -> None:
    """Log a fault of the program, and put it into the list of the last ones.

    Parameters
    ----------
    error : BaseException
    where : str
        In which part, for people.
    """
    log.error(
        "A fault of the program came up %s:\n%s", where, "".join(traceback.format_exception(error))
    )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fault = Fault(now, __version__, type(error).__qualname__, _places(error), str(error)[:2000])
    kept = [*last_faults(), fault][-MOST_FAULTS:]
    with suppress(OSError):
        make_private(_faults_file().parent)
        text = json.dumps([asdict(one) for one in kept], indent=1).encode()
        write_whole(_faults_file(), lambda stream: stream.write(text), private=True)


def last_faults() -> tuple[Fault, ...]:
    """The last faults of any command or window, the newest last."""
    try:
        with _faults_file().open("rb") as stream:
            found = json.loads(stream.read(_MOST_LIST_BYTES))
        return tuple(
            Fault(
                str(one["when"]),
                str(one["version"]),
                str(one["kind"]),
                tuple(map(str, one["places"])),
                str(one["text"]),
            )
            for one in found
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _places(error: BaseException) -> tuple[str, ...]:
    """The places of a fault in this program's files, by paths from its own folder on."""
    root = Path(__file__).resolve().parents[2]
    places = []
    for frame in traceback.extract_tb(error.__traceback__):
        with suppress(ValueError):
            inside = Path(frame.filename).resolve().relative_to(root)
            if inside.parts[0] in _OWN:
                places.append(f"{inside.as_posix()}:{frame.lineno} {frame.name}")
    return tuple(places[-12:])
