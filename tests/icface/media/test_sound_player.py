"""Sound plays from any time at any speed, and its position is the clock.

It plays on the library's null device.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import miniaudio
import numpy as np
import pytest

from icface.media.sound import SoundError, SoundReader
from icface.media.sound_player import RATE, SoundPlayer, _Job, _stretch
from tests.icface.media.videos import Recipe, encode_video, moving_frames, write_tone


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tone(
        tmp_path_factory.mktemp("sound") / "tone.mov", "pcm_s16le", seconds=4, clicks=(1.0, 3.0)
    )


@pytest.fixture
def player(tone: Path) -> Iterator[SoundPlayer]:
    with SoundPlayer(tone, silent=True) as player:
        yield player


def until(player: SoundPlayer, reached: Callable[[], bool]) -> None:
    with player._changed:
        assert player._changed.wait_for(reached, timeout=10)


def test_the_clock_starts_where_it_is_told_and_runs_with_the_sound(player: SoundPlayer) -> None:
    player.play(1.25)
    assert player.position == pytest.approx(1.25, abs=0.03)
    until(player, lambda: player.position > 1.45)
    assert player.playing
    assert player.position < 2.5
    player.stop()
    stood = player.position
    assert not player.playing
    assert player.position == stood


def test_time_runs_backwards_and_faster(player: SoundPlayer) -> None:
    player.play(3.0, speed=-2.0)
    until(player, lambda: player.position < 2.7)
    player.play(0.0, speed=4.0)
    until(player, lambda: player.position > 0.6)
    assert player.position < 3


def test_a_loop_returns_to_its_beginning(player: SoundPlayer) -> None:
    seen: list[float] = []

    def came_back() -> bool:
        seen.append(player.position)
        return any(b < a - 0.05 for a, b in pairwise(seen))

    player.play(0.5, loop=(0.5, 0.7))
    until(player, came_back)
    assert min(seen) >= 0.49
    assert max(seen) <= 0.73


def test_playing_anew_leaves_the_old_place_at_once(player: SoundPlayer) -> None:
    player.play(0.0)
    until(player, lambda: player.position > 0.1)
    player.play(3.5)
    assert 3.49 <= player.position <= 3.6
    until(player, lambda: player.position > 3.6)


def test_beyond_the_end_the_clock_goes_on_in_silence(player: SoundPlayer) -> None:
    player.play(3.95)
    until(player, lambda: player.position > 4.2)
    assert not player._take(256).any()
    assert player.error == ""


def test_what_is_heard_is_the_file_at_its_volume(tone: Path, player: SoundPlayer) -> None:
    with SoundReader(tone, rate=RATE, channels=2) as reader:
        wanted = reader.read(0.99, 960)
    player._job = _Job(0.99, 1.0, None)
    with player._changed:
        player._changed.notify_all()
    until(player, lambda: len(player._blocks) > 2)
    player.volume = 0.5
    assert np.allclose(player._take(960), wanted / 2)
    player.volume = 7
    assert player.volume == 1


@pytest.mark.parametrize("speed", [0.5, 2.0, -1.0, -3.0])
def test_a_click_is_heard_when_its_time_comes_at_any_speed(tone: Path, speed: float) -> None:
    with SoundReader(tone, rate=RATE, channels=2) as reader:
        samples = _stretch(reader, 1.0 - 0.05 * np.sign(speed), speed, 9600)
    assert np.abs(samples).max(1).argmax() / RATE == pytest.approx(0.05 / abs(speed), abs=0.001)


def test_a_loop_is_cut_to_the_sample(tone: Path) -> None:
    with SoundReader(tone, rate=RATE, channels=2) as reader:
        for speed in (1.0, -1.0):
            job = _Job(0.5, speed, (0.5, 0.6))
            blocks = [job.next_block(reader) for _ in range(12)]
            assert {round(block.start, 3) for block in blocks} >= {0.5 if speed > 0 else 0.6}
            rounds = sum(len(block.samples) for block in blocks[:3])
            assert rounds == pytest.approx(0.1 * RATE, abs=2 if speed > 0 else 2048 * 3)


def test_what_cannot_be_played_is_said(player: SoundPlayer, tmp_path: Path) -> None:
    for speed in (0.0, 9.0):
        with pytest.raises(SoundError, match=f"at speed {speed:g}"):
            player.play(0, speed=speed)
    with pytest.raises(SoundError, match="too short"):
        player.play(0, loop=(1, 1))
    mute = encode_video(tmp_path / "mute.mp4", moving_frames(2), Recipe("libx264"))
    with pytest.raises(SoundError, match="holds no sound"):
        SoundPlayer(mute, silent=True)


def test_without_a_device_it_is_said(tone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    null = miniaudio.PlaybackDevice
    monkeypatch.setattr(
        miniaudio,
        "PlaybackDevice",
        lambda **options: null(**{**options, "backends": [miniaudio.Backend.NULL]}),
    )
    with pytest.raises(SoundError, match="no sound device"):
        SoundPlayer(tone)

    def refuse(**_: object) -> None:
        raise miniaudio.MiniaudioError("failed to init device", -1)

    monkeypatch.setattr(miniaudio, "PlaybackDevice", refuse)
    with pytest.raises(SoundError, match="no sound device"):
        SoundPlayer(tone, silent=True)


def test_closing_ends_its_thread(tone: Path) -> None:
    before = threading.active_count()
    with SoundPlayer(tone, silent=True) as player:
        player.play(0)
        assert player._thread.is_alive()
    assert not player._thread.is_alive()
    assert threading.active_count() <= before + 1


def test_an_error_is_told_until_it_plays_again(
    player: SoundPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(_reader: SoundReader, _first: int, _count: int) -> None:
        raise SoundError("tone.mov cannot be searched.")

    with monkeypatch.context() as patched:
        patched.setattr(SoundReader, "read_at", breaks_off)
        player.play(0)
        until(player, lambda: not player.playing)
        assert player.error == "tone.mov cannot be searched."
    player.play(0)
    assert player.playing
    assert player.error == ""


def test_a_fault_while_reading_is_logged_and_the_next_place_is_played(
    player: SoundPlayer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(_reader: SoundReader, _first: int, _count: int) -> None:
        raise IndexError("no such sample")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(SoundReader, "read_at", faulty)
        player.play(0)
        until(player, lambda: not player.playing)
    assert player.error == "no such sample"
    (record,) = caplog.records
    assert 'raise IndexError("no such sample")' in record.getMessage()
    player.play(1.0)
    until(player, lambda: player.position > 1.05)
    assert player.playing
