from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import CHANNELS
from icface.face.geometry import rotation_matrix
from icface.formats import FormatError, load, save
from icface.formats.rotations import about
from icface.motion.motion import Motion
from tests.icface.formats.tracking_files import a_motion


def heads(*angles: tuple[float, float, float]) -> np.ndarray:
    rows = np.zeros((len(angles), len(CHANNELS)))
    rows[:, :3] = angles
    return rows


def frames_of(path: Path) -> tuple[list[str], np.ndarray]:
    head, _, tail = path.read_text().partition("Frame Time: ")
    numbers = [[float(word) for word in line.split()] for line in tail.splitlines()[1:]]
    return [*head.splitlines(), tail.splitlines()[0]], np.array(numbers)


def test_the_rotation_channels_multiply_to_the_head_s_matrix(tmp_path: Path) -> None:
    save(tmp_path / "m.bvh", a_motion(heads((30, -10, 15), (-20, 5, -40))))
    head, numbers = frames_of(tmp_path / "m.bvh")
    assert "  CHANNELS 3 Zrotation Xrotation Yrotation" in head
    assert "Frames: 2" in head
    assert head[-1] == "0.04"
    for row, angles in zip(np.radians(numbers), ((30, -10, 15), (-20, 5, -40)), strict=True):
        turned = about(2, row[:1]) @ about(0, row[1:2]) @ about(1, row[2:])
        np.testing.assert_allclose(turned[0], rotation_matrix(*angles), atol=1e-6)


def test_frames_are_even_and_gaps_filled(tmp_path: Path) -> None:
    uneven = Motion(
        seconds=np.array([0, 0.1, 0.4]),
        controls=heads((0, 0, 0), (10, 0, 0), (40, 0, 0)).astype(np.float32),
        confidence=np.ones(3, np.float32),
        rate=Fraction(10),
    )
    save(tmp_path / "a.bvh", uneven)
    np.testing.assert_allclose(
        frames_of(tmp_path / "a.bvh")[1][:, 2], [0, 10, 20, 30, 40], atol=1e-5
    )
    notes = save(tmp_path / "b.bvh", a_motion(heads((0, 0, 0), (9, 9, 9), (8, 0, 0)), gone=(1,)))
    np.testing.assert_allclose(frames_of(tmp_path / "b.bvh")[1][:, 2], [0, 4, 8], atol=1e-5)
    assert "1 frames without a face were filled in." in notes


def test_a_motion_without_a_face_is_not_written_and_bvh_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no frame with a face"):
        save(tmp_path / "m.bvh", a_motion(heads((0, 0, 0)), gone=(0,)))
    assert not list(tmp_path.iterdir())
    with pytest.raises(FormatError, match="can only be written"):
        load(tmp_path / "m.bvh", name="bvh")
