"""Windows are closed again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget


def _windows() -> dict[int, QWidget]:
    return {id(widget): widget for widget in QApplication.topLevelWidgets()}


@pytest.fixture(autouse=True)
def _no_window_is_left_behind(qapp: QApplication) -> Iterator[None]:
    """Fails a test after which a top-level widget lives on: give it to ``qtbot.addWidget`` or to a parent."""
    before = _windows()
    yield
    gc.collect()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [widget for key, widget in _windows().items() if key not in before]
    assert not left, f"Left behind: {[f'{type(widget).__name__} {widget.windowTitle()!r}' for widget in left]}"
