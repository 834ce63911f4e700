"""The window detects a file's type from its content, and shows notes on the file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pytestqt.qtbot import QtBot

from app.editor.studio import Studio
from app.files.file_dialogs import drives
from icface.document import Clip

PATIENCE_MS = 20_000


def test_a_photo_without_its_end_marker_opens_with_a_word(
    qtbot: QtBot, studio: Studio, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    data = io.BytesIO()
    Image.fromarray(astronaut).save(data, "JPEG")
    (tmp_path / "a.jpg").write_bytes(data.getvalue()[:-2])
    told: list[str] = []
    studio.notice_raised.connect(lambda notice: told.append(notice.text))
    studio.photos.open(tmp_path / "a.jpg")
    qtbot.waitUntil(lambda: studio.project.source is not None and bool(told), timeout=PATIENCE_MS)
    assert "end marker" in told[0]


def test_an_animation_is_a_clip_and_a_table_one_under_any_name(
    qtbot: QtBot, studio: Studio, tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    frames = [Image.fromarray(np.roll(astronaut, n, 1)) for n in range(3)]
    path = tmp_path / "a.jpg"
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:], duration=100)
    (tmp_path / "t.txt").write_text("frame\tconfidence\tsuccess\tAU12_r\n1\t0.9\t1\t2.0\n")
    assert drives(path)
    assert drives(tmp_path / "t.txt")
    frames[0].save(tmp_path / "still.gif")
    assert not drives(tmp_path / "still.gif")
    studio.photos.open(path)
    qtbot.waitUntil(lambda: isinstance(studio.project.source, Clip), timeout=PATIENCE_MS)
