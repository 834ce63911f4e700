"""The reader of the portraits folder, and what canvases and tracker training take from it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from icface.face.geometry import Similarity
from icface.training.portraits.canvases import MAX_FIT_ERROR, Portraits
from icface.training.portraits.table import PortraitTable, read_rgb
from tests.icface.training.synthetic_rig import write_portraits, write_rig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz")
    return folder


def test_rows_are_chosen_by_split_fit_and_kind(folder: Path) -> None:
    table = PortraitTable(folder / "portraits")
    train, val = (table.rows(split, worst_fit=1) for split in ("train", "val"))
    assert sorted(train + val) == list(range(len(table)))
    assert table.rows("train", worst_fit=0) == []
    stills, frames = (table.rows("train", worst_fit=1, stills=stills) for stills in (True, False))
    assert sorted(stills + frames) == train
    assert not any("video" in table.name(row) for row in stills)
    assert all("video" in table.name(row) for row in frames)


def test_canvases_show_the_same_people_in_pixels_of_their_own(folder: Path) -> None:
    table, people = (
        PortraitTable(folder / "portraits"),
        Portraits(folder / "portraits", folder / "cache", "val"),
    )
    assert people.rows == table.rows("val", worst_fit=MAX_FIT_ERROR)
    row, portrait = table[people.rows[0]], people[0]
    assert (people.name(0), people.person(0)) == (table.name(people.rows[0]), row.person)
    scale = portrait.state.scale / row.state.scale
    x, y = portrait.state.pivot - scale * row.state.pivot
    canvas_from_image = Similarity((scale, 0, x, 0, scale, y))  # eggs stand upright
    assert portrait.landmarks == pytest.approx(
        canvas_from_image.points(row.landmarks.astype(np.float64)), abs=1e-3
    )
    assert (portrait.state.expression == row.state.expression).all()


def test_a_picture_is_read_as_rgb_whatever_its_name_and_what_is_none_is_named(
    tmp_path: Path,
) -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    path = tmp_path / "Gesicht Ä 顔.png"
    path.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    assert (read_rgb(path) == picture).all()
    for content in (b"", b"no picture"):
        path.write_bytes(content)
        with pytest.raises(FileNotFoundError, match="is no picture"):
            read_rgb(path)
