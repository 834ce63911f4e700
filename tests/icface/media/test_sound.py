"""Any stretch of a clip's sound is where the pictures say it is."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer
from numpy.typing import NDArray

from icface.media import sound, video_file
from icface.media.sound import SoundError, SoundReader
from icface.media.video_file import open_video
from icface.media.waveform import peak_blocks, peaks
from tests.icface.media.videos import Recipe, encode_video, feat_clips, moving_frames, write_tone

CODECS = {
    "aac.mp4": "aac",
    "opus.webm": "libopus",
    "mp3.mp4": "libmp3lame",
    "pcm.mov": "pcm_s16le",
    "flac.mkv": "flac",
}


def click_at(samples: NDArray[np.float32]) -> int:
    return int(np.abs(samples).max(1).argmax())


@pytest.mark.parametrize("name", CODECS)
def test_a_click_is_found_at_its_time_wherever_reading_begins(name: str, tmp_path: Path) -> None:
    clip = write_tone(tmp_path / name, CODECS[name], seconds=4, clicks=(0.5, 2.25, 3.5))
    with SoundReader(clip, rate=48000, channels=1) as reader:
        for start in (2.0, 0.4, 2.2, 3.3, 2.1):
            click = min(c for c in (0.5, 2.25, 3.5) if c > start)
            found = start + click_at(reader.read(start, 14400)) / 48000
            assert found == pytest.approx(click, abs=0.001 if "webm" not in name else 0.0015), (
                start
            )  # WebM counts in ms


def test_stretches_read_in_turn_are_the_whole(tmp_path: Path) -> None:
    clip = write_tone(tmp_path / "pcm.mov", "pcm_s16le", seconds=2, clicks=(0.7,))
    with SoundReader(clip) as reader:
        whole = reader.read(0, 96000)
        assert reader.read(1.5, 4800).shape == (4800, 2)
        turns = np.concatenate([reader.read_at(n * 1000, 1000) for n in range(96)])
    assert np.abs(whole - turns).max() < 1e-6
    tone = write_tone(tmp_path / "tone.mov", "pcm_s16le", seconds=2, clicks=())
    with SoundReader(tone, rate=44100) as reader:
        first = reader.read(0, 88200)
        assert np.abs(reader.read(0.5, 22050) - first[22050:44100]).max() < 0.005


def test_before_and_after_the_sound_there_is_silence(tmp_path: Path) -> None:
    clip = write_tone(tmp_path / "pcm.mov", "pcm_s16le", seconds=1, clicks=())
    with SoundReader(clip) as reader:
        assert float(reader.duration) == pytest.approx(1.0, abs=0.05)
        early = reader.read(-0.5, 48000)
        assert (early[:23900] == 0).all()
        assert np.abs(early[24100:]).max() > 0.05
        assert (reader.read(5, 100) == 0).all()
        assert reader.read(Fraction(9, 10), 48000)[9600:].max() == 0


def test_sound_counts_from_the_first_picture() -> None:
    late = next(path for path in feat_clips() if path.name == "face_noface.mov")
    with SoundReader(late) as reader:  # its sound begins 2.43 s after its first picture
        assert (reader.read(0, 2 * 44100) == 0).all()
        assert np.abs(reader.read(2.6, 44100)).max() > 0


@pytest.mark.parametrize("clip", feat_clips(), ids=lambda path: path.name)
def test_clips_of_cameras_sound_the_same_from_anywhere(clip: Path) -> None:
    with SoundReader(clip) as reader:
        rate = reader.rate
        whole = reader.read(0, 2 * rate)
        part = reader.read(1, rate)
    assert np.abs(part - whole[rate:]).max() < 2e-3


def test_the_shape_of_a_sound_shows_its_clicks(tmp_path: Path) -> None:
    clip = write_tone(tmp_path / "aac.mp4", "aac", seconds=12, clicks=(1.5, 11.25), loudness=0.01)
    shape = peaks(clip, per_second=100)
    assert abs(len(shape.highs) - 1200) <= 8
    loud = np.flatnonzero(np.maximum(shape.highs, -shape.lows) > 0.4)
    assert set(loud // 5) == {150 // 5, 1125 // 5} or {150, 1125} <= {*loud, *(loud + 1)}
    assert (shape.lows <= shape.highs).all()
    assert len(list(peak_blocks(clip))) == 2


def test_the_shape_of_a_sound_is_that_of_its_loudest_channel(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    samples = (rng.uniform(-1, 1, (9600, 2)) * (20000, 2000)).astype("<i2")
    samples[4800:, 0] //= 20
    with wave.open(str(tmp_path / "two.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(samples.tobytes())
    shape = peaks(tmp_path / "two.wav", per_second=100)
    stretches = samples.reshape(20, 480, 2) / np.float32(32768)
    assert shape.lows == pytest.approx(stretches.min((1, 2)))
    assert shape.highs == pytest.approx(stretches.max((1, 2)))


def test_files_without_sound_are_refused_by_name(tmp_path: Path) -> None:
    mute = encode_video(tmp_path / "mute.mp4", moving_frames(3), Recipe("libx264"))
    with pytest.raises(SoundError, match=r"mute\.mp4 holds no sound"):
        SoundReader(mute)
    with pytest.raises(SoundError, match=r"There is no file .*none\.mp4"):
        peaks(tmp_path / "none.mp4")
    (tmp_path / "text.wav").write_text("nothing")
    with pytest.raises(SoundError, match=r"text\.wav cannot be read"):
        SoundReader(tmp_path / "text.wav")


@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (SoundReader, "_claimed_duration"),
        (SoundReader, "_frame_grid"),
        (sound, "_zero"),
        (video_file, "check_size"),
    ],
)
def test_what_cannot_be_opened_to_its_end_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    clip = encode_video(tmp_path / "clip.mp4", moving_frames(2), Recipe("libx264"))
    tone = write_tone(tmp_path / "tone.mov", "pcm_s16le", seconds=1, clicks=())
    opened: list[InputContainer] = []

    def remembered(*words: Any, **options: Any) -> Any:
        opened.append(av_open(*words, **options))
        return opened[-1]

    def fail(*_: object) -> None:
        raise MemoryError

    av_open = av.open
    monkeypatch.setattr(av, "open", remembered)
    monkeypatch.setattr(owner, step, fail)
    with pytest.raises(MemoryError):
        open_video(clip) if owner is video_file else SoundReader(tone)
    assert opened
    for container in opened:
        with pytest.raises(AssertionError, match="not open"):
            container.seek(0)


def test_sound_alone_can_be_read(tmp_path: Path) -> None:
    song = write_tone(tmp_path / "song.flac", "flac", seconds=1, clicks=(0.5,), pictures=False)
    with av.open(str(song)) as container:
        assert not container.streams.video
    with SoundReader(song) as reader:
        assert click_at(reader.read(0, 48000)) / 48000 == pytest.approx(0.5, abs=1e-3)


def test_a_damaged_stamp_neither_hangs_nor_fills_the_memory(tmp_path: Path) -> None:
    clip = write_tone(tmp_path / "tone.mkv", "pcm_s16le", seconds=2, clicks=())
    broken = tmp_path / "broken.mkv"
    with av.open(str(clip)) as source, av.open(str(broken), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for number, packet in enumerate(source.demux(audio=0)):
            if packet.size:
                if number == 40:
                    packet.pts = packet.dts = (packet.pts or 0) + 10**9  # eleven days
                packet.stream = stream
                target.mux(packet)
                if number == 40:
                    break
    assert len(peaks(broken).highs) < 200 * 3600


def write_broadcast(path: Path) -> Path:
    """Two seconds of sound as in a broadcast: one of stereo at 300 Hz, one of mono at 600 Hz."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp2", rate=48000, layout="stereo")
        mono = av.AudioCodecContext.create("mp2", "w")
        mono.sample_rate, mono.layout, mono.format = 48000, "mono", "s16"
        for encoder, channels, hertz in ((stream.codec_context, 2, 300), (mono, 1, 600)):
            for first in range(0, 47 * 1152, 1152):
                tone = 8000 * np.sin(np.arange(first, first + 1152) * (2 * np.pi * hertz / 48000))
                samples = np.repeat(tone.astype(np.int16), channels)[None]
                frame = av.AudioFrame.from_ndarray(
                    samples, "s16", "stereo" if channels == 2 else "mono"
                )
                frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
                frame.pts = first + 47 * 1152 * (hertz // 600)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
    return path


def test_where_nothing_can_be_sought_sound_is_read_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "film.swf"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono")
        tone = 0.3 * np.sin(np.arange(3 * 44100) * (2 * np.pi * 440 / 44100)).astype(np.float32)
        tone[: 2 * 44100] = 0
        size = 1152
        for first in range(0, len(tone) - size, size):
            frame = av.AudioFrame.from_ndarray(tone[None, first : first + size], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, first, Fraction(1, 44100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with SoundReader(path) as reader:
        assert np.abs(reader.read(0.5, 44100)).max() < 0.01
        assert np.abs(reader.read(2.2, 22050)).max() > 0.25
        assert np.abs(reader.read(0.1, 44100)).max() < 0.01


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_that_goes_from_stereo_to_mono_is_read_on(tmp_path: Path, channels: int) -> None:
    with SoundReader(
        write_broadcast(tmp_path / "show.ts"), rate=44100, channels=channels
    ) as reader:
        whole = reader.read(0, 2 * 44100)
        assert reader.read(1.5, 4410).shape == (4410, channels)
    for start, hertz in ((0.4, 300), (1.4, 600)):
        part = whole[round(start * 44100) :][:8820]
        assert np.abs(np.fft.rfft(part[:, -1])).argmax() * 5 == hertz
        assert np.abs(part).max() > 0.15
    rest = np.abs(whole[44100 - 4410 :][: 2 * 4410, 0]).reshape(-1, 441).max(1)
    assert rest.min() > 0.1  # no gap where it changes
