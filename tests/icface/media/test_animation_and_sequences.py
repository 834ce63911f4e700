"""Animations and numbered stills: frames, times, transparency, provenance, resumption."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from icface.media import Photo, load_photo, save_photo
from icface.media.begin_writer import begin
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.frame_format import Pictures, Written
from icface.media.presets import PRESETS, EncodeError
from icface.media.provenance import COMPOSITE
from icface.media.sequence import linear, read_exr
from tests.icface.media.videos import Recipe, encode_video, moving_frames, turn_video

STILLS = ["png", "tiff", "exr"]
RATE = Fraction(25)


def clear_picture(number: int = 0) -> NDArray[np.uint8]:
    pixels = np.zeros((64, 96, 4), np.uint8)
    pixels[10:50, 20 + number : 70 + number] = (200, 120, 60, 255)
    return pixels


def save_pictures(target: Path, name: str, times: list[Fraction], **more: object) -> Written:
    pictures = Pictures.of_pixels(clear_picture(), RATE)
    with begin(target, PRESETS[name], pictures, **more) as writer:  # type: ignore[arg-type]
        for number, time in enumerate(times):
            writer.write(clear_picture(number), time)
        return writer.finish(times[-1] + Fraction(1, 5))


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_an_animation_keeps_its_frames_times_and_transparency(name: str, tmp_path: Path) -> None:
    times = [Fraction(t, 100) for t in (0, 4, 10, 50, 52)]
    target = tmp_path / f"out.{name}"
    written = save_pictures(target, name, times)
    assert (written.frames, written.duration) == (5, Fraction(72, 100))
    with Image.open(target) as image:
        assert (image.size, image.n_frames, image.info["loop"]) == ((96, 64), 5, 0)  # type: ignore[attr-defined]
        lengths = []
        for number in range(5):
            image.seek(number)
            shown = np.array(image.convert("RGBA")).astype(int)
            lengths.append(image.info["duration"])
            assert np.abs(shown[30, 40 + number] - (200, 120, 60, 255)).max() <= 12
            assert shown[2, 2, 3] == 0
        assert lengths == [40, 60, 400, 20, 200]
    assert COMPOSITE.encode() in target.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_an_animation_that_is_left_off_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    target = tmp_path / f"out.{name}"
    target.write_bytes(b"old")
    with begin(target, PRESETS[name], Pictures.of_pixels(clear_picture(), RATE)) as writer:
        writer.write(clear_picture(), Fraction(0))
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    with begin(target, PRESETS[name], Pictures.of_pixels(clear_picture(), RATE)) as writer:
        with pytest.raises(EncodeError, match="no frames"):
            writer.finish()
        with pytest.raises(EncodeError, match="in one go"):
            writer.pass_over(Fraction(0))


def test_an_animation_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    pictures = Pictures(width=17000, height=10, rate=RATE, tick=1 / RATE)
    with pytest.raises(EncodeError, match="at most 16383 pixels"):
        begin(tmp_path / "wide.webp", PRESETS["webp"], pictures)


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_turned_clips_are_animated_upright(name: str, tmp_path: Path) -> None:
    plain = encode_video(tmp_path / "plain.mp4", moving_frames(4), Recipe("libx264"))
    source = turn_video(plain, tmp_path / "turned.mp4", (0, 1, -1, 0))
    with ClipReader(source) as reader:
        pictures = Pictures.of_clip(probe(source), reader)
        with begin(tmp_path / f"out.{name}", PRESETS[name], pictures) as writer:
            for frame in reader.frames():
                writer.write(frame.decoded, reader.time(frame.index))
            writer.finish()
        with Image.open(tmp_path / f"out.{name}") as image:
            assert image.size == (64, 96)
            first = np.array(image.convert("RGB")).astype(int)
        assert np.abs(first - reader.frame(0).pixels()).mean() < 8


@pytest.mark.parametrize("name", STILLS)
def test_a_sequence_has_sixteen_bits_transparency_and_its_making(name: str, tmp_path: Path) -> None:
    written = save_pictures(
        tmp_path / "shots" / f"take.{name}", name, [Fraction(n, 25) for n in range(3)]
    )
    files = sorted((tmp_path / "shots").iterdir())
    assert [file.name for file in files] == [f"take_{n:06d}.{name}" for n in range(3)]
    assert (written.path, written.frames) == (files[0], 3)
    assert all(COMPOSITE.encode() in file.read_bytes() for file in files)
    for number, file in enumerate(files):
        wanted = clear_picture(number).astype(np.uint16) * 257
        if name == "exr":
            assert np.abs(read_exr(file.read_bytes()) - linear(wanted, 1)).max() < 1e-3
        else:
            assert (load_photo(file).pixels == wanted).all()


@pytest.mark.parametrize("name", STILLS)
def test_a_deep_clip_becomes_deep_stills(name: str, tmp_path: Path) -> None:
    source = encode_video(
        tmp_path / "deep.mkv", moving_frames(2, form="yuv422p10le"), Recipe("ffv1", "yuv422p10le")
    )
    with ClipReader(source) as reader:
        with begin(
            tmp_path / f"still.{name}", PRESETS[name], Pictures.of_clip(probe(source), reader)
        ) as writer:
            writer.write(reader.frame(1).decoded, Fraction(0))
            written = writer.finish()
        deep = reader.frame(1).deep_pixels()
    if name == "exr":
        shown = read_exr(written.path.read_bytes())
        assert np.abs(shown - linear(deep, 2)).max() < 1e-3
    else:
        assert (load_photo(written.path).pixels == deep).all()


def test_exr_files_can_be_read_by_others_and_say_their_making(tmp_path: Path) -> None:
    written = save_pictures(tmp_path / "take.exr", "exr", [Fraction(0)])
    data = written.path.read_bytes()
    assert b"digitalSourceType\0string\0" in data[:600]
    plain = save_pictures(
        tmp_path / "plain.exr", "exr", [Fraction(0)], provenance=None
    ).path.read_bytes()
    assert b"digitalSourceType" not in plain
    assert (read_exr(data) == read_exr(plain)).all()


def test_a_half_done_sequence_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pictures = Pictures.of_pixels(clear_picture(), RATE)
    with begin(tmp_path / "take.png", PRESETS["png"], pictures, key="one") as writer:
        for number in range(3):
            writer.write(clear_picture(number), Fraction(number, 25))
    made = {file: file.stat().st_mtime_ns for file in tmp_path.glob("take_*.png")}
    assert len(made) == 3
    with begin(tmp_path / "take.png", PRESETS["png"], pictures, key="one") as writer:
        wanted = [writer.wanted(number) for number in range(5)]
        assert wanted == [False, False, False, True, True]
        for number in range(5):
            time = Fraction(number, 25)
            if wanted[number]:
                writer.write(clear_picture(number), time)
            else:
                writer.pass_over(time)
        assert writer.finish().frames == 5
    assert {file: file.stat().st_mtime_ns for file in made} == made
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"take_{n:06d}.png" for n in range(5)
    ]


def test_stills_of_another_project_are_made_again(tmp_path: Path) -> None:
    pictures = Pictures.of_pixels(clear_picture(), RATE)
    with begin(tmp_path / "take.png", PRESETS["png"], pictures, key="one") as writer:
        writer.write(clear_picture(), Fraction(0))
    for key in ("two", ""):
        with begin(tmp_path / "take.png", PRESETS["png"], pictures, key=key) as writer:
            assert writer.wanted(0)


def test_older_stills_are_not_frames_of_a_resumed_sequence(
    tmp_path: Path,
) -> None:
    pictures, target = Pictures.of_pixels(clear_picture(), RATE), tmp_path / "take.png"
    with begin(target, PRESETS["png"], pictures, key="old") as writer:
        for number in range(4):
            writer.write(clear_picture(number), Fraction(number, 25))
        writer.finish()
    old = (tmp_path / "take_000003.png").read_bytes()
    with begin(target, PRESETS["png"], pictures, key="new") as writer:
        for number in range(2):
            writer.write(clear_picture(number + 9), Fraction(number, 25))
    for _ in range(2):  # and once more, when it was interrupted again
        with begin(target, PRESETS["png"], pictures, key="new") as writer:
            assert [writer.wanted(number) for number in range(5)] == [
                False,
                False,
                True,
                True,
                True,
            ]
    assert (tmp_path / "take_000003.png").read_bytes() == old


@pytest.mark.parametrize("text", ["", "[]", '{"key": "one"}', '{"key": "one", "before": 3}'])
def test_a_sequence_whose_notes_are_damaged_is_begun_anew(tmp_path: Path, text: str) -> None:
    pictures = Pictures.of_pixels(clear_picture(), RATE)
    with begin(tmp_path / "take.png", PRESETS["png"], pictures, key="one") as writer:
        writer.write(clear_picture(), Fraction(0))
    (tmp_path / ".take.sequence.json").write_text(text)
    with begin(tmp_path / "take.png", PRESETS["png"], pictures, key="one") as writer:
        assert writer.wanted(0)


def test_a_still_that_went_missing_is_noticed(tmp_path: Path) -> None:
    with begin(
        tmp_path / "take.png", PRESETS["png"], Pictures.of_pixels(clear_picture(), RATE)
    ) as writer:
        for number in range(3):
            writer.write(clear_picture(number), Fraction(number, 25))
        (tmp_path / "take_000001.png").unlink()
        with pytest.raises(EncodeError, match=r"take_000001\.png is missing"):
            writer.finish()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
@pytest.mark.parametrize("deep", [False, True])
def test_photos_say_how_they_were_made_too(suffix: str, deep: bool, tmp_path: Path) -> None:
    pixels = clear_picture()[..., :3].astype(np.uint16) * 257 if deep else clear_picture()[..., :3]
    target = tmp_path / f"photo{suffix}"
    save_photo(target, Photo(pixels, target, ""))
    assert COMPOSITE.encode() in target.read_bytes()
    assert load_photo(target).width == 96
    assert cv2.imread(str(target)) is not None
    with Image.open(target) as image:
        assert COMPOSITE in str(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
