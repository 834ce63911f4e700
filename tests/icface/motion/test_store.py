"""Motions survive the way through arrays and files; what is no motion is refused by its place."""

from __future__ import annotations

import io
import os
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.controls import CHANNELS
from icface.face.landmarks import N_LANDMARKS
from icface.motion.motion import Motion
from icface.motion.store import (
    MotionStoreError,
    ReadingCache,
    load_reading,
    motion_from_arrays,
    motion_to_arrays,
    save_reading,
)


def a_motion(
    count: int = 3,
    *,
    landmarks: bool = True,
    origin: str = "built-in tracker",
    missing: int | None = 1,
) -> Motion:
    rng = np.random.default_rng(count)
    controls = rng.random((count, len(CHANNELS)), np.float32)
    points = rng.random((count, N_LANDMARKS, 3), np.float32)
    confidence = np.ones(count, np.float32)
    if missing is not None and missing < count:
        controls[missing], points[missing], confidence[missing] = np.nan, np.nan, 0
    return Motion(
        seconds=np.arange(count) * 1001 / 24000,
        controls=controls,
        confidence=confidence,
        landmarks=points if landmarks else None,
        rate=Fraction(24000, 1001),
        carried=frozenset({"yaw", "jawOpen"}),
        cuts=(2,) if count > 2 else (),
        origin=origin,
    )


@given(st.integers(1, 6), st.booleans(), st.text(max_size=20), st.none() | st.integers(0, 5))
def test_a_motion_comes_back_from_its_arrays(
    count: int, landmarks: bool, origin: str, missing: int | None
) -> None:
    motion = a_motion(
        count, landmarks=landmarks, origin=origin.encode(errors="ignore").decode(), missing=missing
    )
    assert motion_from_arrays(motion_to_arrays(motion)) == motion


def _torn(array: NDArray[Any]) -> NDArray[Any]:
    changed = array.copy()
    changed[2, 5] = np.nan
    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"controls": None}, "there: controls is missing"),
        ({"gaze": np.zeros(3)}, "there: gaze is unknown"),
        ({"seconds": np.zeros(3, np.float32)}, "there, seconds is of type float32, not float64"),
        ({"controls": np.array([[object()] * 56] * 3)}, "there, controls is of type object"),
        (
            {"landmarks": np.zeros((3, 68, 3), np.float32)},
            r"there, landmarks has the shape \(3, 68, 3\)",
        ),
        ({"confidence": np.zeros(2, np.float32)}, "confidence of shape"),
        (
            {"controls": _torn(a_motion().controls)},
            "there: Frame 2 has a control that is not a finite number",
        ),
        ({"about": np.frombuffer(b"{", np.uint8)}, "there, about is not JSON"),
        ({"about": np.frombuffer(b"[]", np.uint8)}, "there, about is not an object"),
        ({"about": np.frombuffer(b"{}", np.uint8)}, "there, about: rate is None, not of type str"),
        (
            {
                "about": np.frombuffer(
                    b'{"rate": "1/0", "carried": [], "cuts": [], "origin": ""}', np.uint8
                )
            },
            "there: A rate is frames a second, such as 25, 29.97 or 30000/1001, not '1/0'",
        ),
        (
            {
                "about": np.frombuffer(
                    b'{"rate": "1e999999999", "carried": [], "cuts": [], "origin": ""}', np.uint8
                )
            },
            "there: A rate is frames a second",
        ),
        (
            {
                "about": np.frombuffer(
                    b'{"rate": "25", "carried": [], "cuts": [true], "origin": ""}', np.uint8
                )
            },
            "there, about: cuts is True",
        ),
    ],
)
def test_arrays_that_are_no_motion_are_refused_by_their_place(
    changed: dict[str, Any], message: str
) -> None:
    arrays = motion_to_arrays(a_motion()) | changed
    with pytest.raises(MotionStoreError, match=message):
        motion_from_arrays(
            {name: array for name, array in arrays.items() if array is not None}, place="there"
        )


def test_a_reading_comes_back_from_its_file_and_is_independent_of_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "reading.npz"
    motions = (a_motion(), a_motion(5, landmarks=False))
    save_reading(path, motions, {"size": [640, 360]})
    found, about = load_reading(path)
    assert (found, about) == (motions, {"size": [640, 360]})
    assert list(tmp_path.iterdir()) == [path]
    with np.load(path) as arrays:  # any program can read it
        assert np.array_equal(arrays["0.controls"], motions[0].controls, equal_nan=True)


def test_nobody_is_a_reading_too(tmp_path: Path) -> None:
    save_reading(tmp_path / "nobody.npz", (), {"notes": ["no face"]})
    assert load_reading(tmp_path / "nobody.npz") == ((), {"notes": ["no face"]})


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.98])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "reading.npz"
    save_reading(path, [a_motion()], {})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(MotionStoreError, match=r"reading\.npz"):
        load_reading(path)


def test_a_changed_byte_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "reading.npz"
    save_reading(path, [a_motion()], {})
    whole = path.read_bytes()
    for at in range(200, len(whole) - 400, 997):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with pytest.raises(MotionStoreError, match=r"reading\.npz"):
            load_reading(path)


def _zip_of(
    path: Path, arrays: dict[str, NDArray[Any]], compression: int = zipfile.ZIP_STORED
) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, version=(1, 0))
            archive.writestr(f"{name}.npy", stream.getvalue())


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    for arrays, compression in (
        ({"x": np.zeros(3)}, zipfile.ZIP_STORED),
        ({"about": np.frombuffer(b'{"format": "other"}', np.uint8)}, zipfile.ZIP_STORED),
        (
            {
                "about": np.frombuffer(
                    b'{"format": "icface-reading-1", "motions": 1, "about": {}}', np.uint8
                )
            },
            zipfile.ZIP_STORED,
        ),
        (
            {
                "about": np.frombuffer(
                    b'{"format": "icface-reading-1", "motions": -1, "about": {}}', np.uint8
                )
            },
            zipfile.ZIP_STORED,
        ),
        ({"0.landmarks": np.zeros((3, N_LANDMARKS, 3), np.float32)}, zipfile.ZIP_DEFLATED),
        (
            {"0.landmarks": np.asfortranarray(np.zeros((3, N_LANDMARKS, 3), np.float32))},
            zipfile.ZIP_STORED,
        ),
        ({"0.controls": np.array([[{}]], object)}, zipfile.ZIP_STORED),
    ):
        _zip_of(path, arrays, compression)
        with pytest.raises(MotionStoreError, match=r"other\.npz"):
            load_reading(path)
    with pytest.raises(FileNotFoundError):
        load_reading(tmp_path / "none.npz")


@pytest.mark.parametrize(
    "head", ["{'descr': '<f4', 'shape': (", "{'descr' '<f4'", "(" * 9000, "{}"]
)
def test_an_array_whose_head_cannot_be_read_is_refused(tmp_path: Path, head: str) -> None:
    path = tmp_path / "reading.npz"
    save_reading(path, [a_motion()], {})
    text = head.encode().ljust(63) + b"\n"
    bad = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    with zipfile.ZipFile(path) as good:
        members = {name: good.read(name) for name in good.namelist()}
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, bad if name.endswith("controls.npy") else content)
    with pytest.raises(MotionStoreError):
        load_reading(path)
    assert ReadingCache(tmp_path).get("reading") is None


def test_a_cache_gives_back_what_was_put_in_and_ignores_damage(tmp_path: Path) -> None:
    cache = ReadingCache(tmp_path / "deep" / "readings")
    key = cache.key("digest", "built-in", 1)
    assert cache.get(key) is None
    cache.put(key, [a_motion()], {"n": 1})
    assert cache.get(key) == ((a_motion(),), {"n": 1})
    (file,) = cache.folder.iterdir()
    file.write_bytes(b"PK rubbish")
    assert cache.get(key) is None
    assert list(cache.folder.iterdir()) == []
    assert cache.key("digest", "built-in", 2) != key


def test_a_cache_throws_away_what_was_used_least_recently(tmp_path: Path) -> None:
    size = 3 * N_LANDMARKS * 12 + 4000
    cache = ReadingCache(tmp_path, limit_bytes=int(2.5 * size))
    for number, key in enumerate("abc"):
        cache.put(key, [a_motion()], {})
        os.utime(tmp_path / f"{key}.npz", (number + 1, number + 1))
        if key == "b":
            assert cache.get("a") is not None  # used again
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c"]
    cache.put("huge", [a_motion(40)], {})
    assert cache.get("huge") is None


def test_a_cache_that_cannot_be_written_to_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = ReadingCache(tmp_path / "file")
    cache.put("a", [a_motion()], {})
    assert cache.get("a") is None


def test_the_users_cache_lies_in_the_users_folder() -> None:
    assert ReadingCache.of_user().folder.parts[-2:] == ("icface-studio", "readings")
