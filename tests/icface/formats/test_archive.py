from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import CHANNELS
from icface.face.landmarks import N_LANDMARKS
from icface.formats import FormatError, load, save
from icface.motion.motion import Motion
from icface.motion.store import save_reading
from tests.icface.formats.tracking_files import a_motion


def with_landmarks() -> Motion:
    whole = a_motion(np.zeros((3, len(CHANNELS))), gone=(1,))
    points = np.random.default_rng(0).uniform(0, 500, (3, N_LANDMARKS, 3)).astype(np.float32)
    points[1] = np.nan
    return Motion(
        seconds=whole.seconds,
        controls=whole.controls,
        confidence=whole.confidence,
        landmarks=points,
        rate=Fraction(25),
        cuts=(2,),
    )


def test_landmarks_come_back_from_npz_and_json_says_that_it_leaves_them(tmp_path: Path) -> None:
    motion = with_landmarks()
    assert save(tmp_path / "m.npz", motion) == ()
    assert load(tmp_path / "m.npz").motion == motion
    assert any("npz" in note for note in save(tmp_path / "m.json", motion))


def changed(path: Path, **arrays: bytes | None) -> Path:
    """The archive with members of its motion replaced or left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            new = (
                arrays.get(name.removesuffix(".npy").removeprefix("0."), content)
                if name.startswith("0.")
                else content
            )
            if new is not None:
                archive.writestr(name, new)
    return path


def as_bytes(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"controls": None}, "controls is missing"),
        ({"seconds": as_bytes(np.zeros(3, np.float32))}, "seconds.* is of type float32"),
        ({"seconds": as_bytes(np.array([{"a": 1}], object))}, "seconds.* is of type object"),
        ({"seconds": b"rubbish"}, "seconds.* is no array"),
        ({"seconds": as_bytes(np.zeros(3)).replace(b"}", b"(")}, r"m\.npz is not a whole npz"),
        ({"seconds": as_bytes(np.arange(4.0))}, "A motion of 4 frames"),
        ({"seconds": as_bytes(np.zeros(3))[:-8]}, "seconds.* has 16 bytes, not 24"),
        ({"about": as_bytes(np.frombuffer(b"{", np.uint8))}, "about is not JSON"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, arrays: dict[str, bytes | None], message: str
) -> None:
    save(tmp_path / "m.npz", a_motion(np.zeros((3, len(CHANNELS)))))
    with pytest.raises(FormatError, match=message):
        load(changed(tmp_path / "m.npz", **arrays))


def test_a_reading_of_a_clip_is_a_file_of_several_faces(tmp_path: Path) -> None:
    seen, lost = with_landmarks(), a_motion(np.zeros((3, len(CHANNELS))), gone=(0, 2))
    save_reading(tmp_path / "m.npz", (lost, seen), {"clip": "x"})
    loaded = load(tmp_path / "m.npz")
    assert loaded.faces == (seen, lost)
    assert loaded.labels == ("1", "0")
    assert load(tmp_path / "m.npz", face=0, rate=Fraction(50)).motion.seconds.tolist() == [
        0,
        0.02,
        0.04,
    ]
    save_reading(tmp_path / "none.npz", (), {})
    with pytest.raises(FormatError, match="holds no face"):
        load(tmp_path / "none.npz")


def test_a_head_that_promises_more_than_follows_fills_no_memory(tmp_path: Path) -> None:
    save(tmp_path / "m.npz", a_motion(np.zeros((3, len(CHANNELS)))))
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": (9_000_000,)}
    )
    with pytest.raises(FormatError, match="seconds"):
        load(changed(tmp_path / "m.npz", seconds=stream.getvalue() + bytes(24)))


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "m.npz", with_landmarks())
    whole = (tmp_path / "m.npz").read_bytes()
    for length in (4, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m.npz").write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"m\.npz"):
            load(tmp_path / "m.npz")
