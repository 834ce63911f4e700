"""Clips are written whole, in their own colours, times and sound, or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.colour import Colours, Layout, planes
from icface.media.encoding import ClipWriter
from icface.media.frame_conversion import frame_of_pixels
from icface.media.frame_format import Pictures, Written
from icface.media.presets import PRESETS, EncodeError, preset_for, preset_named
from icface.media.provenance import COMPOSITE
from icface.media.sound import SoundError, SoundReader
from icface.media.sound_track import SoundCut
from icface.media.write_back import byte_planes, put_back
from tests.icface.media.test_write_back import COLOUR_CHECKER
from tests.icface.media.videos import (
    Recipe,
    encode_video,
    feat_clips,
    moving_frames,
    turn_video,
    write_tone,
)

CLIPS = [name for name, preset in PRESETS.items() if preset.kind == "clip"]
X264 = Recipe("libx264", options=(("bf", "2"), ("g", "12")))


def feat_clip(name: str) -> Path:
    return next(path for path in feat_clips() if path.name == name)


def export(
    source: Path,
    target: Path,
    name: str,
    frames: Iterable[int] | None = None,
    *,
    sound: bool = False,
) -> Written:
    """A stretch of a clip, unedited."""
    with ClipReader(source) as reader:
        numbers = list(range(len(reader)) if frames is None else frames)
        start = reader.time(numbers[0])
        after = numbers[-1] + 1
        stop = reader.time(after) if after < len(reader) else reader.index.duration
        cut = SoundCut(source, start, stop) if sound else None
        with ClipWriter(
            target, PRESETS[name], Pictures.of_clip(probe(source), reader), sound=cut
        ) as writer:
            for number in numbers:
                writer.write(reader.frame(number).decoded, reader.time(number) - start)
            return writer.finish(stop - start)


def samples(path: Path) -> list[list[NDArray[np.uint8]]]:
    with ClipReader(path) as reader:
        return [[plane.copy() for plane in byte_planes(frame.decoded)] for frame in reader.frames()]


def identical(one: Path, two: Path) -> bool:
    pairs = zip(samples(one), samples(two), strict=True)
    return all(
        (a == b).all() for first, second in pairs for a, b in zip(first, second, strict=True)
    )


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
def test_every_preset_keeps_frames_times_colours_and_sound(name: str, tmp_path: Path) -> None:
    source = write_tone(tmp_path / "source.mp4", "aac", seconds=2, clicks=(1.0,))
    target = tmp_path / f"out{PRESETS[name].suffix}"
    written = export(source, target, name, sound=True)
    info = probe(target)
    assert (written.frames, info.count, info.size, info.rate) == (50, 50, (96, 64), 25)
    assert written.sound == ("encoded" if "webm" in name else "copied")
    assert info.has_sound
    assert float(info.duration) == pytest.approx(2.0, abs=0.002)
    with ClipReader(source) as before, ClipReader(target) as after:
        assert np.abs(before.seconds - after.seconds).max() <= 0.0011
        ssim = [
            structural_similarity(before.frame(n).pixels(), after.frame(n).pixels(), channel_axis=2)
            for n in (0, 24, 49)
        ]
        assert min(ssim) > {"lossless": 0.9999, "mov": 0.985}.get(name, 0.95)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["no_face.mp4", "single_face.mp4", "face_noface.mov"])
def test_nothing_is_lost_where_nothing_was_edited(name: str, tmp_path: Path) -> None:
    source = feat_clip(name)
    export(source, tmp_path / "copy.mkv", "lossless", range(60))
    with ClipReader(source) as before, ClipReader(tmp_path / "copy.mkv") as after:
        assert len(after) == 60
        for one, two in zip(before.frames(0, 60), after.frames(), strict=True):
            pairs = zip(byte_planes(one.decoded), byte_planes(two.decoded), strict=True)
            assert all((a == b).all() for a, b in pairs)
            assert (one.pixels() == two.pixels()).all()


def test_h264_looks_as_the_source(tmp_path: Path) -> None:
    source = feat_clip("single_face.mp4")
    export(source, tmp_path / "copy.mp4", "mp4", range(24))
    with ClipReader(source) as before, ClipReader(tmp_path / "copy.mp4") as after:
        for number in (0, 11, 23):
            pictures = before.frame(number).pixels(), after.frame(number).pixels()
            assert structural_similarity(*pictures, channel_axis=2) >= 0.98


@pytest.mark.parametrize(
    ("form", "name"),
    [("yuv420p10le", "mp4-hevc"), ("yuv420p10le", "webm-av1"), ("yuv422p10le", "mov")],
)
def test_ten_bits_stay_ten(form: str, name: str, tmp_path: Path) -> None:
    source = encode_video(
        tmp_path / "deep.mkv", moving_frames(5, form=form), Recipe("ffv1", form, matrix=9)
    )
    export(source, tmp_path / f"out{PRESETS[name].suffix}", name)
    info = probe(tmp_path / f"out{PRESETS[name].suffix}")
    assert (info.bits, info.colours.matrix) == (10, 9)


@pytest.mark.parametrize(
    "form",
    [
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuvj420p",
        "yuv420p10le",
        "yuv444p12le",
        "yuva420p",
        "gray",
        "bgr0",
        "gbrp10le",
    ],
)
def test_lossless_keeps_every_format(form: str, tmp_path: Path) -> None:
    if Layout.of(av.VideoFormat(form)) is not None:
        frames = moving_frames(4, form=form)
    else:
        frames = [frame.reformat(format=form) for frame in moving_frames(4, form="yuv444p")]
    recipe = Recipe("ffv1", form.replace("yuvj", "yuv"), full="j" in form)
    source = encode_video(tmp_path / "source.mkv", frames, recipe)
    export(source, tmp_path / "copy.mkv", "lossless")
    assert identical(source, tmp_path / "copy.mkv")
    assert probe(source).colours.range == probe(tmp_path / "copy.mkv").colours.range


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colours", "size"),
    [
        (Colours(6, 6, 6, 1), (96, 64)),
        (Colours(1, 1, 1, 1), (96, 64)),
        (Colours(1, 1, 1, 2), (96, 64)),
        (Colours(), (96, 64)),
    ],
    ids=["bt601", "bt709", "full range", "not said"],
)
@pytest.mark.parametrize("name", ["lossless", "mp4", "mov"])
def test_a_chart_is_shown_in_its_colours(
    name: str, colours: Colours, size: tuple[int, int], tmp_path: Path
) -> None:
    chart = np.array(COLOUR_CHECKER, np.uint8).reshape(4, 6, 3).repeat(16, 0).repeat(16, 1)
    frame = frame_of_pixels(chart, "yuv420p", colours)
    pictures = Pictures(
        width=96, height=64, colours=colours, rate=Fraction(25), tick=Fraction(1, 25)
    )
    target = tmp_path / f"chart{PRESETS[name].suffix}"
    with ClipWriter(target, PRESETS[name], pictures) as writer:
        for number in range(4):
            writer.write(frame if number % 2 else chart, Fraction(number, 25))
        writer.finish()
    said = probe(target).colours
    assert said.matrix == colours.matrix or name == "mov"
    assert max(said.range, 1) == max(colours.range, 1) or name == "mov"
    with ClipReader(target) as reader:
        for shown in reader.frames():
            middle = shown.pixels()[8::16, 8::16]
            assert deltaE_ciede2000(rgb2lab(middle), rgb2lab(chart[8::16, 8::16])).max() < 1.0


def test_edits_reach_the_file_and_all_else_stays(tmp_path: Path) -> None:
    source = encode_video(tmp_path / "source.mp4", moving_frames(6), X264)
    with ClipReader(source) as reader:
        with ClipWriter(
            tmp_path / "out.mkv", PRESETS["lossless"], Pictures.of_clip(probe(source), reader)
        ) as writer:
            for frame in reader.frames():
                edited = put_back(frame, np.full((16, 16, 3), (200, 60, 60), np.uint8), (32, 20))
                writer.write(
                    edited if frame.index == 3 else frame.decoded, reader.time(frame.index)
                )
            writer.finish()
        with ClipReader(tmp_path / "out.mkv") as after:
            for frame in after.frames():
                changed = (frame.pixels() != reader.frame(frame.index).pixels()).any(2)
                assert changed.any() == (frame.index == 3)
                assert not changed[:20].any()
                assert not changed[:, 50:].any()


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mp4", "mov", "mp4-hevc"])
def test_a_variable_rate_is_kept_to_the_tick(name: str, tmp_path: Path) -> None:
    times = [0, 40, 100, 110, 150, 500, 520, 900]
    source = encode_video(tmp_path / "vfr.mp4", moving_frames(8), X264, times)
    target = tmp_path / f"out{PRESETS[name].suffix}"
    export(source, target, name)
    with ClipReader(target) as reader:
        assert [reader.time(n) for n in range(8)] == [Fraction(t, 1000) for t in times]


def test_the_rate_of_film_is_kept_exactly(tmp_path: Path) -> None:
    export(feat_clip("WolfgangLanger_Pexels.mp4"), tmp_path / "film.mp4", "mp4", range(100, 130))
    info = probe(tmp_path / "film.mp4")
    assert (info.rate, info.count, info.variable, info.duration) == (
        Fraction(24000, 1001),
        30,
        False,
        30 * Fraction(1001, 24000),
    )


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0), (-1, 0, 0, 1)])
@pytest.mark.parametrize("name", ["lossless", "webm"])
def test_turned_clips_are_written_upright(
    matrix: tuple[int, int, int, int], name: str, tmp_path: Path
) -> None:
    plain = encode_video(tmp_path / "plain.mp4", moving_frames(5), X264)
    source = turn_video(plain, tmp_path / "turned.mp4", matrix)
    target = tmp_path / f"out{PRESETS[name].suffix}"
    export(source, target, name)
    assert probe(target).orientation.upright_already
    with ClipReader(source) as before, ClipReader(target) as after:
        one, two = before.frame(3).pixels(), after.frame(3).pixels()
        assert one.shape == two.shape
        assert (
            (one == two).all() if name == "lossless" else np.abs(one.astype(int) - two).mean() < 3
        )


def test_odd_sides_are_made_even_where_they_must_be_and_that_is_said(tmp_path: Path) -> None:
    source = encode_video(tmp_path / "odd.mkv", moving_frames(3, (95, 63)), Recipe("ffv1"))
    written = export(source, tmp_path / "even.mp4", "mp4")
    assert probe(tmp_path / "even.mp4").size == (96, 64)
    assert "96 x 64" in written.notes[0]
    assert export(source, tmp_path / "odd2.mkv", "lossless").notes == ()
    assert identical(source, tmp_path / "odd2.mkv")


def test_pixels_that_are_not_square_are_written_as_they_are_stored(tmp_path: Path) -> None:
    pictures = Pictures(
        width=96, height=64, rate=Fraction(25), tick=Fraction(1, 25), aspect=Fraction(4, 3)
    )
    wide = np.full((64, 128, 3), (200, 100, 50), np.uint8)
    with ClipWriter(tmp_path / "wide.mp4", PRESETS["mp4"], pictures) as writer:
        writer.write(moving_frames(1)[0], Fraction(0))
        writer.write(wide, Fraction(1, 25))
        with pytest.raises(
            EncodeError, match=r"50 x 50 pixels does not fit wide\.mp4, which has 128 x 64"
        ):
            writer.write(np.zeros((50, 50, 3), np.uint8), Fraction(2, 25))
    with ClipWriter(tmp_path / "wide.mp4", PRESETS["mp4"], pictures) as writer:
        writer.write(moving_frames(1)[0], Fraction(0))
        writer.write(wide, Fraction(1, 25))
        writer.finish()
    assert probe(tmp_path / "wide.mp4").size == (128, 64)
    with ClipReader(tmp_path / "wide.mp4") as reader:
        assert np.abs(reader.frame(1).pixels().astype(int) - wide).mean() < 3


def test_a_clip_whose_size_changes_is_written_in_its_first_size(tmp_path: Path) -> None:
    pictures = Pictures(width=96, height=64, rate=Fraction(25), tick=Fraction(1, 25))
    with ClipWriter(tmp_path / "sizes.mkv", PRESETS["lossless"], pictures) as writer:
        for number, size in enumerate([(96, 64), (192, 128), (48, 32)]):
            writer.write(moving_frames(1, size)[0], Fraction(number, 25))
        assert writer.finish().frames == 3
    assert probe(tmp_path / "sizes.mkv").size == (96, 64)


def test_photos_with_transparency_become_clips_with_it(tmp_path: Path) -> None:
    pixels = np.zeros((64, 96, 4), np.uint8)
    pixels[10:50, 20:70] = (200, 120, 60, 255)
    for name in ("mov", "webm"):
        target = tmp_path / f"clear{PRESETS[name].suffix}"
        with ClipWriter(
            target, PRESETS[name], Pictures.of_pixels(pixels, Fraction(24000, 1001))
        ) as writer:
            for number in range(5):
                writer.write(pixels, number * Fraction(1001, 24000))
            assert writer.finish().frames == 5
        assert probe(target).rate == Fraction(24000, 1001)
    with ClipReader(tmp_path / "clear.mov") as reader:
        shown = reader.frame(2).deep_pixels(alpha=True)
        assert shown[30, 40, 3] > 65000
        assert shown[2, 2, 3] < 300


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "suffix", "name", "how"),
    [
        ("aac", "mp4", "mp4", "copied"),
        ("libmp3lame", "mp4", "mp4", "copied"),
        ("aac", "mp4", "mov", "copied"),
        ("pcm_s16le", "mov", "mov", "copied"),
        ("flac", "mkv", "mp4", "encoded"),
        ("aac", "mp4", "lossless", "encoded"),
        ("libopus", "webm", "webm", "encoded"),
        ("aac", "mp4", "webm-av1", "encoded"),
    ],
)
def test_trimmed_sound_stays_with_the_pictures(
    codec: str, suffix: str, name: str, how: str, tmp_path: Path
) -> None:
    source = write_tone(tmp_path / f"source.{suffix}", codec, seconds=3, clicks=(1.5,))
    target = tmp_path / f"out{PRESETS[name].suffix}"
    written = export(source, target, name, range(26, 60), sound=True)
    assert written.sound == how
    with (
        SoundReader(source, rate=48000, channels=1) as before,
        SoundReader(target, rate=48000, channels=1) as after,
    ):
        was = np.abs(before.read(1.4, 9600)).argmax() / 48000 + 1.4 - 26 / 25
        now = np.abs(after.read(0.36, 9600)).argmax() / 48000 + 0.36
        assert abs(now - was) <= 0.001
        assert np.abs(after.read(34 / 25 + 0.003, 48000)).max() < 2e-3, "sound after the end"


@pytest.mark.parametrize("name", ["mp4", "lossless", "webm"])
def test_the_sound_of_a_real_clip_keeps_its_place(name: str, tmp_path: Path) -> None:
    source, target = feat_clip("no_face.mp4"), tmp_path / f"out{PRESETS[name].suffix}"
    export(source, target, name, range(40, 76), sound=True)
    start = 40 / 24
    with (
        SoundReader(source, rate=48000, channels=1) as before,
        SoundReader(target, rate=48000, channels=1) as after,
    ):
        was, now = before.read(start + 0.2, 48000)[:, 0], after.read(0.2, 48000)[:, 0]
    lags = range(-96, 97)
    alike = [float(np.corrcoef(was[200:-200], np.roll(now, lag)[200:-200])[0, 1]) for lag in lags]
    assert max(alike) > 0.95
    assert abs(lags[int(np.argmax(alike))]) / 48000 <= 0.001


def test_sound_is_copied_into_matroska_when_it_begins_with_the_stretch(tmp_path: Path) -> None:
    source = write_tone(tmp_path / "source.mp4", "aac", seconds=2, clicks=(1.5,))
    assert export(source, tmp_path / "out.mkv", "lossless", sound=True).sound == "copied"
    with SoundReader(tmp_path / "out.mkv", rate=48000) as reader:
        assert np.abs(reader.read(1.4, 9600)).max(1).argmax() / 48000 == pytest.approx(
            0.1, abs=0.001
        )


# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIPS)
def test_files_say_how_they_were_made(name: str, tmp_path: Path) -> None:
    source = encode_video(tmp_path / "source.mkv", moving_frames(3), Recipe("ffv1"))
    target = tmp_path / f"out{PRESETS[name].suffix}"
    export(source, target, name)
    with av.open(str(target)) as container:
        told = {key.upper(): value for key, value in container.metadata.items()}
    assert "compositeWithTrainedAlgorithmicMedia" in told["COMMENT"]
    assert "ICface Studio" in told["COMMENT"]
    assert COMPOSITE.encode() in target.read_bytes()
    pictures = Pictures(width=96, height=64, rate=Fraction(25), tick=Fraction(1, 25))
    with ClipWriter(target, PRESETS[name], pictures, provenance=None) as writer:
        writer.write(moving_frames(1)[0], Fraction(0))
        writer.finish()
    assert b"compositeWithTrainedAlgorithmicMedia" not in target.read_bytes()


# --------------------------------------------------------------------------------------------------


def writer_of(target: Path, name: str = "mp4") -> ClipWriter:
    return ClipWriter(
        target,
        PRESETS[name],
        Pictures(width=96, height=64, rate=Fraction(25), tick=Fraction(1, 25)),
    )


def write_frames(target: Path, count: int) -> Written:
    with writer_of(target, "lossless") as writer:
        for number, frame in enumerate(moving_frames(count)):
            writer.write(frame, Fraction(number, 25))
        return writer.finish()


def test_an_export_that_is_left_off_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    with writer_of(target) as writer:
        for number, frame in enumerate(moving_frames(80)):
            writer.write(frame, Fraction(number, 25))
        assert writer.partial.exists()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_full_disk_leaves_the_old_file_and_is_named(tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    target.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        with pytest.raises(
            EncodeError, match=r"out\.mkv could not be saved: the file is larger than this disk"
        ):
            write_frames(target, 200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_missing_encoders_and_presets_are_named_with_what_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(
        EncodeError, match=r"no preset 'mp5'\. Choose one of: mp4, mp4-hevc, webm, .*lossless"
    ):
        preset_named("mp5")
    monkeypatch.setattr("icface.media.presets.has_encoder", lambda name: name != "libx264")
    with pytest.raises(
        EncodeError, match=r"libx264, which this build of FFmpeg lacks\. Choose one of: mp4-hevc"
    ):
        preset_named("mp4")
    with pytest.raises(EncodeError, match="needs the encoder libx264"):
        writer_of(tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_clip_whose_sound_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    silent = encode_video(tmp_path / "silent.mkv", moving_frames(2), Recipe("ffv1"))
    pictures = Pictures(width=96, height=64, rate=Fraction(25), tick=Fraction(1, 25))
    cut = SoundCut(silent, Fraction(0), Fraction(1))
    with pytest.raises(SoundError, match="holds no sound"):
        ClipWriter(tmp_path / "out.mkv", PRESETS["lossless"], pictures, sound=cut)
    assert [path.name for path in tmp_path.iterdir()] == ["silent.mkv"]


def test_presets_are_found_by_ending() -> None:
    assert [preset_for(s).name for s in (".mp4", ".webm", ".MOV", ".mkv", ".gif", ".tif")] == [
        "mp4", "webm", "mov", "lossless", "gif", "tiff",
    ]  # fmt: skip
    with pytest.raises(EncodeError, match=r"'\.docx' is no ending"):
        preset_for(".docx")


def test_what_cannot_be_written_is_refused_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="There is no folder"):
        writer_of(tmp_path / "none" / "out.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(EncodeError, match="is a folder"):
        writer_of(tmp_path / "folder.mp4")
    with (
        writer_of(tmp_path / "empty.mp4") as writer,
        pytest.raises(EncodeError, match="would have no frames"),
    ):
        writer.finish()
    with writer_of(tmp_path / "order.mp4") as writer:
        writer.write(moving_frames(1)[0], Fraction(1))
        with pytest.raises(EncodeError, match="give frames in order"):
            writer.write(moving_frames(1)[0], Fraction(1))


def test_frames_lost_on_the_way_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.mkv"
    with writer_of(target, "lossless") as writer:
        for number, frame in enumerate(moving_frames(6)):
            writer.write(frame, Fraction(number, 25))
        kept = writer._mux
        monkeypatch.setattr(writer, "_mux", lambda packets: kept(packets[1:]))
        with pytest.raises(EncodeError, match=r"read back instead of 6"):
            writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    frame = moving_frames(1)[0]
    peaks = []
    for count in (100, 800):
        tracemalloc.start()
        with writer_of(tmp_path / "long.mkv", "lossless") as writer:
            for number in range(count):
                writer.write(frame, Fraction(number, 25))
            peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1 + 20_000


def test_planes_of_a_source_are_not_written_to(tmp_path: Path) -> None:
    frame = moving_frames(1)[0]
    frame.pts, frame.time_base = 77, Fraction(1, 90)
    layout = Layout.of(frame.format)
    assert layout is not None
    before = [plane.copy() for plane in planes(frame, layout)]
    with writer_of(tmp_path / "out.mp4") as writer:
        writer.write(frame, Fraction(0))
        writer.write(frame, Fraction(1, 25))
        writer.finish()
    assert (frame.pts, frame.time_base) == (77, Fraction(1, 90))
    assert all((a == b).all() for a, b in zip(planes(frame, layout), before, strict=True))


@pytest.mark.parametrize("name", ["lossless", "mp4"])
def test_a_killed_export_leaves_the_old_file_and_the_next_one_clears_up(
    name: str, tmp_path: Path
) -> None:
    target = tmp_path / f"out{PRESETS[name].suffix}"
    target.write_bytes(b"old")
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "tests.icface.export.export_job", str(target), name]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == b"writing\n"
        job.kill()
    assert target.read_bytes() == b"old"
    with writer_of(target, name) as writer:
        writer.write(moving_frames(1)[0], Fraction(0))
        assert writer.finish().frames == 1
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
