"""Files being written: their owners, concurrent writers, and killed processes."""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.cli import main
from icface.face.controls import ControlVector
from icface.media.begin_writer import MovingWriter, begin
from icface.media.clip_reader import ClipReader
from icface.media.frame_format import Pictures
from icface.media.presets import PRESETS, EncodeError
from icface.motion.store import ReadingCache
from icface.system import leftovers
from icface.system.atomic_write import (
    Unfinished,
    UnfinishedFolder,
    is_unfinished,
    remove_unfinished,
    reserve,
    write_whole,
)
from icface.system.leftovers import clear_left_overs, is_resumable, notes_of
from icface.system.register import Entry, Taken, entry_for, register_folder
from tests.icface.system.rivals import FRAMES, SIDE, grey_of
from tests.strategies import a_motion

ROOT = Path(__file__).resolve().parents[3]
posix = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rivals(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.icface.system.rivals", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )


def writer_of(target: Path, name: str = "lossless") -> MovingWriter:
    return begin(
        target,
        PRESETS[name],
        Pictures(width=SIDE, height=SIDE, rate=Fraction(25), tick=Fraction(1, 25)),
        key="k",
    )


def write_frames(writer: MovingWriter, count: int) -> None:
    for number in range(count):
        writer.write(np.full((SIDE, SIDE, 3), 99, np.uint8), Fraction(number, 25))


@pytest.fixture(autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A register of its own, in this process and those that it starts."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


# --------------------------------------------------------------------------------------------------


@posix
def test_of_sixteen_exports_to_one_name_one_is_made_and_fifteen_refuse(tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    done = rivals("exports", str(target), "16")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    refusal = (
        f"{target} is being written by another export. "
        "Wait until that has ended, or choose another name."
    )
    assert sorted(said) == sorted(["done", *[refusal] * 15])
    with ClipReader(target) as reader:
        assert len(reader) == FRAMES
        means = [float(frame.pixels().mean()) for frame in reader.frames()]
    assert means == pytest.approx([grey_of(said.index("done"))] * FRAMES, abs=3)
    assert names(tmp_path) == ["out.mkv"]
    assert list(register_folder().iterdir()) == []


@posix
def test_saves_of_sixteen_processes_into_one_folder_do_not_take_each_others_files_away(
    tmp_path: Path,
) -> None:
    done = rivals("saves", str(tmp_path), "16")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["done"] * 16
    assert not any(map(is_unfinished, names(tmp_path)))


@pytest.mark.parametrize("name", ["out.mkv", "take.png", "out.gif"])
def test_a_second_export_to_a_name_is_refused_until_the_first_has_ended(
    tmp_path: Path, name: str
) -> None:
    kind = {".mkv": "lossless", ".png": "png", ".gif": "gif"}[Path(name).suffix]
    (tmp_path / "same").symlink_to(tmp_path)
    with writer_of(tmp_path / name, kind):
        with pytest.raises(EncodeError, match=rf"{name} is being written by another export\. Wait"):
            writer_of(tmp_path / "same" / name, kind)
        with writer_of(tmp_path / f"other-{name}", kind):
            pass
    with writer_of(tmp_path / name, kind) as writer:
        write_frames(writer, 2)
        writer.finish()
    assert list(register_folder().iterdir()) == []


def test_a_claim_is_free_again_when_it_is_given_back_and_not_before(tmp_path: Path) -> None:
    name = entry_for(tmp_path / "a.mp4")
    entry = Entry(name, {})
    with pytest.raises(Taken):
        Entry(name, {})
    entry.give_back()
    Entry(name, {}).give_back()
    assert entry_for(tmp_path / "b.mp4") != name


# -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_has_the_name_of_an_unfinished_file_is_left_alone_with_what_it_points_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_bytes(b"precious")
    tokens = ["0" * 16, "1" * 16]
    (tmp_path / f".{tokens[0]}.unfinished").symlink_to(victim)
    left = iter(tokens)
    monkeypatch.setattr(secrets, "token_hex", lambda _size: next(left))
    write_whole(tmp_path / "a.txt", lambda stream: stream.write(b"new"))
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert (tmp_path / f".{tokens[0]}.unfinished").is_symlink()


@pytest.mark.parametrize("kind", ["lossless", "gif", "png", "exr", "text"])
def test_names_as_long_as_the_disk_takes_can_be_saved(tmp_path: Path, kind: str) -> None:
    suffix = {"lossless": ".mkv", "gif": ".gif", "png": ".png", "exr": ".exr", "text": ".txt"}[kind]
    numbered = 7 if kind in ("png", "exr") else 0
    target = tmp_path / ("n" * (255 - len(suffix) - numbered) + suffix)
    if kind == "text":
        write_whole(target, lambda stream: stream.write(b"text"))
    else:
        with writer_of(target, kind) as writer:
            write_frames(writer, 2)
            writer.finish()
    assert max(len(name) for name in names(tmp_path)) == 255
    assert not any(name.startswith(".") for name in names(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_unfinished_files_and_readings_are_private_and_exports_are_not(
    tmp_path: Path,
) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    plain = tmp_path / "plain"
    plain.touch()
    with writer_of(tmp_path / "out.mkv") as writer:
        write_frames(writer, 2)
        (unfinished,) = (path for path in tmp_path.iterdir() if is_unfinished(path.name))
        assert mode(unfinished) == 0o600
        assert {mode(path) for path in register_folder().iterdir()} == {0o600}
        writer.finish()
    assert mode(tmp_path / "out.mkv") == mode(plain)
    cache = ReadingCache(tmp_path / "readings")
    cache.put("key", (a_motion([ControlVector(), ControlVector()]),), {})
    assert cache.get("key") is not None
    assert {mode(path) for path in cache.folder.iterdir()} == {0o600}
    assert mode(cache.folder) == 0o700


# --------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("command", [["info", "absent.png"], ["convert", "absent.csv", "out.json"]])
def test_the_next_start_of_any_command_clears_what_a_killed_export_left(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert rivals("killed", str(tmp_path / "out.mkv")).returncode < 0
    assert len(names(tmp_path)) == 1
    with writer_of(tmp_path / "live.mkv") as writer:
        write_frames(writer, 2)
    (tmp_path / "live").mkdir()
    with Unfinished(tmp_path / "live" / "file") as live:
        with pytest.raises(SystemExit):
            main(command)
        assert names(tmp_path) == ["live"]
        assert names(tmp_path / "live") == [live.path.name]
    assert "absent" in capsys.readouterr().err
    assert list(register_folder().iterdir()) == []


@posix
def test_a_killed_sequence_stays_resumable_and_one_without_stills_leaves_nothing(
    tmp_path: Path,
) -> None:
    target = tmp_path / "take.png"
    assert rivals("killed", str(target)).returncode < 0
    clear_left_overs()
    assert is_resumable(notes_of(target))
    with writer_of(target, "png") as writer:
        assert [writer.wanted(number) for number in (0, FRAMES - 1, FRAMES)] == [False, False, True]
    for still in tmp_path.glob("*.png"):
        still.unlink()
    clear_left_overs()
    assert names(tmp_path) == []
    assert list(register_folder().iterdir()) == []


@posix
def test_an_interrupted_sequence_is_forgotten_after_a_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "take.png"
    assert rivals("killed", str(target)).returncode < 0
    for entry in register_folder().iterdir():
        os.utime(entry, (0, 0))
    clear_left_overs()
    assert names(tmp_path) == [f"take_{number:06d}.png" for number in range(FRAMES)]


@posix
def test_what_lies_on_a_disk_that_is_away_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    assert rivals("killed", str(folder / "out.mkv")).returncode < 0
    folder.rename(tmp_path / "away")
    clear_left_overs()
    assert any(register_folder().iterdir())
    (tmp_path / "away").rename(folder)
    clear_left_overs()
    assert names(folder) == []
    assert list(register_folder().iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [b"", b"[1]", b"\xff", b"[" * 100_000, b'{"unfinished": 3}', b'{"unfinished": "FOREIGN"}'],
)
def test_a_damaged_entry_of_the_register_removes_no_file_of_the_user(
    tmp_path: Path, said: bytes
) -> None:
    mine = tmp_path / "holiday.mp4"
    mine.write_bytes(b"precious")
    register_folder().mkdir(parents=True)
    (register_folder() / f"{'a' * 16}.json").write_bytes(
        said.replace(b"FOREIGN", os.fsencode(mine))
    )
    (register_folder() / "notes.txt").write_bytes(b"foreign")
    clear_left_overs()
    assert mine.read_bytes() == b"precious"
    assert "notes.txt" in names(register_folder())


@pytest.mark.parametrize("what", ["unfinished", "sequence"])
@pytest.mark.parametrize("is_old", [False, True])
def test_no_finished_file_is_removed_whatever_the_register_says_of_it(
    tmp_path: Path, what: str, is_old: bool
) -> None:
    begun = Unfinished(tmp_path / "saved.icface")
    begun.stream.write(b"saved")
    begun.put_in_place()
    (tmp_path / "folder").mkdir()
    for name in ("take.json", "unfinished", "0123456789abcdef.unfinished", "take.sequence.json"):
        write_whole(tmp_path / name, lambda stream: stream.write(b"finished"))
    mine = sorted(tmp_path.iterdir())
    register_folder().mkdir(parents=True, exist_ok=True)
    for number, path in enumerate([*mine, begun.path]):
        entry = register_folder() / f"{number:016x}.json"
        entry.write_text(json.dumps({what: str(path)}))
        if is_old:
            os.utime(entry, (0, 0))
    clear_left_overs()
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == mine
    assert (tmp_path / "saved.icface").read_bytes() == b"saved"
    assert list(register_folder().iterdir()) == []


def test_no_file_is_saved_under_a_name_of_unfinished_ones(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="choose another name"):
        write_whole(tmp_path / f".{'a' * 16}.unfinished", lambda stream: stream.write(b"new"))
    assert names(tmp_path) == []


@posix
def test_files_that_are_finished_while_others_tidy_up_all_stay(tmp_path: Path) -> None:
    done = threading.Event()

    def tidy() -> None:
        while not done.is_set():
            clear_left_overs()
            remove_unfinished(tmp_path)

    tidying = [threading.Thread(target=tidy) for _ in range(2)]
    for thread in tidying:
        thread.start()
    try:
        for number in range(200):
            path = tmp_path / f"{number % 7}.txt"
            write_whole(path, lambda stream, n=number: stream.write(b"%d" % n))
            assert path.read_bytes() == b"%d" % number
    finally:
        done.set()
        for thread in tidying:
            thread.join()
    assert names(tmp_path) == [f"{number}.txt" for number in range(7)]


def test_without_a_place_for_the_register_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_bytes(b"a file where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_whole(tmp_path / "a.txt", lambda stream: stream.write(b"new"))
    clear_left_overs()
    assert names(tmp_path) == ["a.txt", "state"]


def test_a_folder_is_put_in_place_whole_and_the_one_before_goes(tmp_path: Path) -> None:
    for text in ("one", "two"):
        unfinished = UnfinishedFolder(tmp_path / "out" / "clip")
        (unfinished.path / "a.txt").write_text(text)
        remove_unfinished(tmp_path / "out")  # it is in use
        unfinished.put_in_place()
        unfinished.abandon()
    assert (tmp_path / "out" / "clip" / "a.txt").read_text() == "two"
    assert names(tmp_path / "out") == ["clip"]


# --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_room_that_is_not_there_is_an_error_and_not_a_signal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with (
        Path("/dev/full").open("rb+", buffering=0) as stream,
        pytest.raises(OSError, match="space") as caught,
    ):
        reserve(stream, 10)  # type: ignore[arg-type]
    assert caught.value.errno == errno.ENOSPC


def test_room_is_set_aside_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for way in ("allocated", "written"):
        if way == "written":
            monkeypatch.delattr(os, "posix_fallocate", raising=False)
        with (tmp_path / way).open("wb+") as stream:
            stream.write(b"head")
            reserve(stream, 3_000_000)
        data: NDArray[np.uint8] = np.fromfile(tmp_path / way, np.uint8)
        assert (data.size, data[:4].tobytes(), data[4:].any()) == (3_000_000, b"head", False)
        if hasattr(os.stat_result, "st_blocks"):
            assert (tmp_path / way).stat().st_blocks * 512 >= 3_000_000


def test_the_age_of_what_is_forgotten_is_told_in_days() -> None:
    assert leftovers.KEPT_DAYS == 30
