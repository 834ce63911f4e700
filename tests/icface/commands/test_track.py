"""``icface track``: what it writes, says, and leaves behind."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from icface.arrays import U8
from icface.cli import main
from icface.commands.meter import progress_text, watched
from icface.formats import load
from icface.jobs import Progress
from icface.motion.store import ReadingCache
from icface.tracking.builtin import BuiltinTracker
from tests.icface.media.videos import drifting, write_video


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReadingCache:
    """A folder for this test alone."""
    made = ReadingCache(tmp_path / "cache")
    monkeypatch.setattr(ReadingCache, "of_user", lambda: made)
    return made


@pytest.fixture
def clip(tmp_path: Path, astronaut: U8, cache: ReadingCache) -> Path:
    """The astronaut, nobody for a while, and the astronaut again."""
    pictures = drifting(astronaut, 12)
    for n in (5, 6):
        pictures[n] = np.full_like(pictures[n], 128)
    return write_video(tmp_path / "clip.mp4", pictures)


def track(*words: object) -> Result:
    return CliRunner().invoke(main, ["track", *map(str, words)])


def test_a_clip_is_written_as_it_was_read(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "face.npz"
    result = track(clip, "-o", out, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"{out}  10 of 12 frames with a face, no cut")
    motion = load(out).motion
    assert motion.reading == "fitted"
    assert motion.present.tolist() == [n not in {5, 6} for n in range(12)]
    assert motion.landmarks is not None
    np.testing.assert_allclose(motion.seconds, np.arange(12) / 25, atol=1e-9)


def test_readings_are_fitted_unless_they_are_wanted_as_the_network_reads_them(
    tmp_path: Path, clip: Path
) -> None:
    fit, plain = tmp_path / "fit.json", tmp_path / "plain.json"
    report = json.loads(track(clip, "-o", fit, "--json").stdout)
    assert report["reading"] == json.loads(fit.read_text())["reading"] == "fitted"
    report = json.loads(track(clip, "-o", plain, "--reading", "regressed", "--json").stdout)
    assert report["reading"] == json.loads(plain.read_text())["reading"] == "regressed"
    a, b = load(fit).motion, load(plain).motion
    assert (a.controls[a.present] != b.controls[b.present]).any()


def test_gaps_are_filled_and_jitter_is_taken_away_when_asked(tmp_path: Path, clip: Path) -> None:
    plain, smooth = tmp_path / "plain.json", tmp_path / "smooth.json"
    track(clip, "-o", plain)
    report = json.loads(
        track(clip, "-o", smooth, "--missing", "interpolate", "--smooth", 1, "--json").stdout
    )
    assert report["without_face"] == [[5, 6]]
    assert (report["frames"], report["frames_with_face"], report["people"], report["cuts"]) == (
        12,
        10,
        [10],
        [],
    )
    a, b = load(plain).motion, load(smooth).motion
    assert b.present.all()
    there = a.controls[a.present], b.controls[a.present]
    assert (
        np.abs(np.diff(there[1], 2, axis=0)).mean()
        < 0.7 * np.abs(np.diff(there[0], 2, axis=0)).mean()
    )


def test_the_second_time_nothing_is_read(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert track(clip, "-o", tmp_path / "a.json").exit_code == 0

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(BuiltinTracker, "detect", never)
    assert track(clip, "-o", tmp_path / "b.csv").exit_code == 0
    with caplog.at_level(logging.ERROR):
        assert isinstance(
            track(clip, "-o", tmp_path / "c.csv", "--again").exception, AssertionError
        )
    assert "AssertionError" in caplog.text


def test_ctrl_c_leaves_nothing_behind(
    tmp_path: Path, clip: Path, cache: ReadingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(BuiltinTracker, "follow", stop)
    result = track(clip, "-o", tmp_path / "face.json")
    assert result.exit_code == 130
    assert "Stopped." in result.stderr
    assert sorted(tmp_path.iterdir()) == before
    assert not cache.folder.exists()


def test_wrong_use_is_one_line_and_comes_before_the_work(
    tmp_path: Path, clip: Path, feat_data: Path
) -> None:
    for words, what in (
        ((clip, "-o", tmp_path / "face.txt"), "the ending does not say the format"),
        ((clip, "-o", tmp_path / "none" / "face.json"), "There is no folder"),
        ((clip, "-o", tmp_path / "face.json", "--person", 3), "There is no person 3"),
        ((tmp_path / "none.mp4", "-o", tmp_path / "face.json"), "There is no file"),
        (
            (feat_data / "no_face.mp4", "-o", tmp_path / "face.json", "--every", 30),
            "No face was found",
        ),
        ((clip, "-o", tmp_path / "face.json", "--smooth", 2), "0<=x<=1"),
    ):
        result = track(*words)
        assert result.exit_code == 2, words
        assert what in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("face*"))
    renamed = clip.rename(tmp_path / "clip.json")
    assert "is the clip itself" in track(renamed, "-o", renamed).stderr


# --------------------------------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


class Watch:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def steps(count: int, watch: Watch) -> Generator[Progress, None, str]:
    """A job whose steps take a second each."""
    for n in range(count):
        watch.now += 1
        yield Progress(n + 1, count, "1 face")
    return "done"


def test_progress_leaves_out_what_is_not_known() -> None:
    assert progress_text(Progress(50, 200, "1 face"), 30.0) == "50 of 200, 1 face, 30 s left"
    assert progress_text(Progress(1, 1000, "1 face"), 9990.0) == "1 of 1000, 1 face, 2.8 h left"
    assert progress_text(Progress(0, 0, "py-feat is starting"), None) == "py-feat is starting"
    assert progress_text(Progress(7, 0, ""), None) == "7"


def test_a_terminal_shows_one_line_that_ends_empty() -> None:
    screen, watch = Screen(), Watch()
    assert watched(steps(3, watch), "clip.mp4", stream=screen, clock=watch) == "done"
    assert "clip.mp4: 2 of 3, 1 face, 1 s left" in screen.getvalue()
    assert "\n" not in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_a_log_gets_a_line_every_ten_seconds() -> None:
    log, watch = io.StringIO(), Watch()
    watched(steps(30, watch), "clip.mp4", stream=log, clock=watch)
    assert log.getvalue().splitlines() == [
        "clip.mp4: 10 of 30, 1 face, 20 s left",
        "clip.mp4: 20 of 30, 1 face, 10 s left",
        "clip.mp4: 30 of 30, 1 face",
    ]


def test_a_job_that_is_stopped_cleans_up() -> None:
    closed = []

    def job() -> Generator[Progress, None, None]:
        try:
            yield Progress(1, 2, "")
            raise KeyboardInterrupt
        finally:
            closed.append(True)

    with pytest.raises(KeyboardInterrupt):
        watched(job(), "clip.mp4", stream=Screen())
    assert closed == [True]
