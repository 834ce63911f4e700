"""Clips from users: copied photos, changing sizes, transparency, joined recordings, HDR."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.colour import BT2020, HLG, PQ
from icface.media.encoding import ClipWriter
from icface.media.frame_format import Pictures
from icface.media.presets import PRESETS
from icface.media.side_data import display_matrix
from icface.media.sound import SoundReader
from icface.media.sound_track import SoundCut, SoundTrack, plan_tracks
from icface.media.tone_mapping import to_sdr
from icface.media.video import read_video
from tests.icface.media.videos import Recipe, encode_video, moving_frames, write_tone

# ------------------------------------------------------------------------------------------ photos


def copied(path: Path, codec: str, blobs: Sequence[bytes], size: tuple[int, int]) -> Path:
    """Files of pictures in a container as they are, 24 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}[codec]
        stream.codec_context.time_base = Fraction(1, 24)
        for number, blob in enumerate(blobs):
            packet = av.Packet(blob)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.duration, packet.time_base, packet.is_keyframe = 1, Fraction(1, 24), True
            container.mux(packet)
    return path


def photos(kind: str, count: int = 4, **extra: object) -> list[bytes]:
    """Photos 96 x 64, white in the upper left quarter, black below, as files."""
    blobs = []
    for number in range(count):
        pixels = np.zeros((64, 96, 3), np.uint8)
        pixels[:32, :48], pixels[:32, 48:] = 255, 40 + 10 * number
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind, **extra)
        blobs.append(file.getvalue())
    return blobs


@pytest.mark.parametrize("name", ["lapse.mov", "lapse.avi", "lapse.mkv"])
@pytest.mark.parametrize("orientation", [1, 2, 6])
def test_photos_with_exif_copied_into_a_clip_open_and_stand_as_the_first_says(
    name: str, orientation: int, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", orientation
    path = copied(tmp_path / name, "mjpeg", photos("JPEG", exif=exif), (96, 64))
    found = probe(path)
    assert (found.size, found.count) == ((64, 96) if orientation == 6 else (96, 64), 4)
    with ClipReader(path) as reader:
        pixels = [reader.frame(number).pixels() for number in (3, 0, 1)]
    corner = {1: (5, 5), 2: (5, 90), 6: (5, 60)}[
        orientation
    ]  # where the white quarter comes to lie
    for picture in pixels:
        assert picture[corner].min() > 240
        assert picture[-2, 2].max() < 60 or orientation == 6
    assert len(list(read_video(path))) == 4


def test_copied_photos_with_a_colour_profile_do_not_end_the_process(
    tmp_path: Path,
) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind, codec in (("PNG", "png"), ("JPEG", "mjpeg")):
        path = copied(tmp_path / f"{codec}.mov", codec, photos(kind, icc_profile=icc), (96, 64))
        for _ in range(5):
            assert probe(path).size == (96, 64)
            with ClipReader(path) as reader:
                assert reader.frame(2).pixels()[5, 5].min() > 240


def test_the_matrix_of_a_frame_is_read_and_the_frame_keeps_what_it_has(tmp_path: Path) -> None:
    path = encode_video(tmp_path / "plain.mp4", moving_frames(2), Recipe("libx264"))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        before = frame.to_ndarray().copy()
        assert display_matrix(frame) is None
        assert (frame.to_ndarray() == before).all()


# -------------------------------------------------------------------------------------------------


def resized_clip(path: Path, codec: str, *sizes: tuple[int, int]) -> Path:
    """Ten frames of each size in one stream, with a white square in the middle.

    The square is a third as wide as the frame is high.
    """
    with av.open(str(path), "w") as container:
        target, shift = None, 0
        for size in sizes:
            part = av.CodecContext.create(codec, "w")
            part.width, part.height, part.pix_fmt = *size, "yuv420p"
            part.time_base, part.framerate, part.bit_rate = Fraction(1, 25), Fraction(25), 2_000_000
            part.options = (
                {"deadline": "realtime", "cpu-used": "8"}
                if codec.startswith("libvpx")
                else {"bf": "0"}
            )
            if target is None:
                target = container.add_stream(codec, rate=25)
                target.width, target.height, target.pix_fmt = *size, "yuv420p"
            side = size[1] // 3
            pixels = np.full((size[1], size[0], 3), 90, np.uint8)
            left, top = (size[0] - side) // 2, (size[1] - side) // 2
            pixels[top : top + side, left : left + side] = 255
            packets = []
            for number in range(10):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                    format="yuv420p"
                )
                frame.pts, frame.time_base = number, Fraction(1, 25)
                packets += part.encode(frame)
            for packet in [*packets, *part.encode()]:
                packet.pts, packet.dts = (packet.pts or 0) + shift, (packet.dts or 0) + shift
                packet.time_base, packet.stream = Fraction(1, 25), target
                container.mux(packet)
            shift += 10
    return path


def extent(pixels: np.ndarray, above: int) -> tuple[int, int]:
    """Width and height of what is brighter than a level."""
    bright = pixels[..., 1] > above
    return int(bright.any(0).sum()), int(bright.any(1).sum())


@pytest.mark.parametrize(
    ("name", "codec"),
    [("call.webm", "libvpx"), ("call9.webm", "libvpx-vp9"), ("call.ts", "mpeg2video")],
)
def test_frames_that_change_their_size_are_put_between_bars_and_that_is_said(
    name: str, codec: str, tmp_path: Path
) -> None:
    path = resized_clip(tmp_path / name, codec, (192, 96), (96, 192), (96, 48))
    found = probe(path)
    assert (found.size, found.count) == ((192, 96), 30)
    assert "192 x 96, then 96 x 192, 96 x 48 pixels" in found.notes[0]
    with ClipReader(path) as reader:
        upright, small = reader.frame(15), reader.frame(28)
        assert upright.size == small.size == reader.frame(3).size == (192, 96)
        assert reader.resized == {15, 28}
        assert extent(upright.pixels(), 50) == pytest.approx((48, 96), abs=2)
        assert extent(upright.pixels(), 200) == pytest.approx((32, 32), abs=2)  # a square stays one
        assert upright.pixels()[:, :60].max() < 20
        assert extent(small.pixels(), 50) == (192, 96)
        assert extent(small.pixels(), 200) == pytest.approx((32, 32), abs=2)


def test_a_clip_of_one_size_has_nothing_to_say(tmp_path: Path) -> None:
    path = encode_video(
        tmp_path / "plain.mp4", moving_frames(40), Recipe("libx264", options=(("g", "10"),))
    )
    assert probe(path).notes == ()
    with ClipReader(path) as reader:
        list(reader.frames())
        assert reader.resized == set()


# --------------------------------------------------------------------------------------------------


def clear_pixels(number: int) -> np.ndarray:
    """A picture of which more becomes visible from frame to frame."""
    pixels = np.full((48, 64, 4), (200, 120, 60, 0), np.uint8)
    pixels[:, : 10 + 2 * number, 3] = 255
    return pixels


def visible(reader: ClipReader, number: int) -> int:
    """Columns that can be seen in a frame."""
    return int((reader.frame(number).deep_pixels(alpha=True)[24, :, 3] > 128).sum())


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_transparency_of_webm_is_read_in_any_order(codec: str, tmp_path: Path) -> None:
    options = (("auto-alt-ref", "0"), ("g", "8"), ("deadline", "realtime"), ("cpu-used", "8"))
    frames = [
        av.VideoFrame.from_ndarray(clear_pixels(n), format="rgba").reformat(format="yuva420p")
        for n in range(20)
    ]
    path = encode_video(tmp_path / "clear.webm", frames, Recipe(codec, "yuva420p", options))
    found = probe(path)
    assert found.has_alpha
    assert (found.pixel_format, found.count, found.rate) == ("yuva420p", 20, 25)
    with ClipReader(path, cache_bytes=1) as reader:
        for number in (0, 19, 9, 8, 3, 18):
            assert visible(reader, number) == 10 + 2 * number
        assert not reader.damaged
        assert int(reader.frame(3).decoded.colorspace) == found.colours.matrix == 1


def test_our_own_webm_is_opened_again_with_its_transparency(tmp_path: Path) -> None:
    path = tmp_path / "own.webm"
    with ClipWriter(
        path, PRESETS["webm"], Pictures.of_pixels(clear_pixels(0), Fraction(25))
    ) as writer:
        for number in range(6):
            writer.write(clear_pixels(number), Fraction(number, 25))
        writer.finish()
    assert probe(path).has_alpha
    with ClipReader(path) as reader:
        assert [visible(reader, number) for number in range(6)] == pytest.approx(
            [10 + 2 * n for n in range(6)], abs=1
        )


def test_opaque_webm_stays_so(tmp_path: Path) -> None:
    path = encode_video(
        tmp_path / "plain.webm",
        moving_frames(3),
        Recipe("libvpx-vp9", options=(("cpu-used", "8"),)),
    )
    assert not probe(path).has_alpha


# -------------------------------------------------------------------------------------------------

CLICKS = (0.5, 1.5)


def joined(tmp_path: Path, name: str, times: int) -> tuple[Path, Path]:
    """A recording of two seconds, and the same one several times in one file, as by ``cat``."""
    one = write_tone(tmp_path / f"one{Path(name).suffix}", "mp2", seconds=2, clicks=CLICKS)
    if name == "live.mkv":  # whose segments do not say how long they are
        data = one.read_bytes()
        size = data.index(b"\x18\x53\x80\x67") + 4
        one.write_bytes(data[:size] + b"\x01" + b"\xff" * 7 + data[size + 8 :])
    path = tmp_path / name
    path.write_bytes(one.read_bytes() * times)
    return one, path


@pytest.mark.parametrize("name", ["joined.ts", "joined.mpg", "joined.mkv", "live.mkv"])
def test_joined_recordings_have_their_whole_length_and_sound_in_step(
    name: str, tmp_path: Path
) -> None:
    times = 2 if name == "joined.mkv" else 3
    one, path = joined(tmp_path, name, times)
    with ClipReader(one) as reader:
        count, pictures = len(reader), [reader.frame(n).pixels() for n in range(len(reader))]
        length = float(reader.index.duration)
    with SoundReader(one) as sound:
        single = sound.read(0, 48000 * 2)[:, 0]
    found = probe(path)
    assert found.count == times * count
    assert float(found.duration) == pytest.approx(times * length, abs=0.05)
    assert found.variable == probe(one).variable
    assert f"{times} recordings were joined" in found.notes[0]
    with ClipReader(path, cache_bytes=1) as reader:
        longest = np.diff(reader.seconds).max()
        with ClipReader(one) as single_reader:  # program streams stamp few of their frames
            assert longest <= max(np.diff(single_reader.seconds).max(), 1 / 25) + 0.045
        for number in (0, count + 3, (times - 1) * count + 7, count - 1, times * count - 1, 4):
            assert (reader.frame(number).pixels() == pictures[number % count]).all(), number
        assert not reader.damaged
    clicks = [int(np.abs(single[24000 * s : 24000 * (s + 1)]).argmax()) + 24000 * s for s in (0, 2)]
    with SoundReader(path) as sound:
        assert float(sound.duration) == pytest.approx(times * length, abs=0.2)
        for part in (times - 1, 0, 1):
            for click in clicks:
                start = part * length + click / 48000 - 0.2
                heard = np.abs(sound.read(start, 19200)[:, 0]).argmax() / 48000
                assert heard == pytest.approx(0.2, abs=0.003), (part, click)


@pytest.mark.parametrize("name", ["joined.ts", "joined.mkv"])
def test_sound_of_joined_recordings_is_copied_in_step(name: str, tmp_path: Path) -> None:
    _, path = joined(tmp_path, name, 2)
    length, target = probe(path).duration, tmp_path / "out.mov"
    with av.open(str(target), "w") as container:
        cut = SoundCut(path, length / 2, length)
        track = SoundTrack(cut, plan_tracks(cut, PRESETS["mov"])[0], container, PRESETS["mov"])
        track.write_until(None)
        track.close()
    with SoundReader(target) as sound, SoundReader(path) as source:
        heard, wanted = sound.read(0, 72000)[:, 0], source.read(length / 2, 72000)[:, 0]
    assert abs(int(np.abs(heard[:36000]).argmax()) - int(np.abs(wanted[:36000]).argmax())) < 150


def test_joined_recordings_that_cannot_be_read_are_said_to_be_there(tmp_path: Path) -> None:
    _, path = joined(tmp_path, "joined.mkv", 4)
    found = probe(path)
    assert found.count == 100
    assert "4 recordings were joined in it, of which the first 2 are read" in found.notes[0]


@pytest.mark.parametrize("name", ["one.ts", "one.mpg", "one.mkv"])
def test_one_recording_is_no_join(name: str, tmp_path: Path) -> None:
    path = write_tone(tmp_path / name, "mp2", seconds=2, clicks=CLICKS)
    assert probe(path).notes == ()


# ------------------------------------------------------------------------------------------------ h


@pytest.mark.parametrize(("transfer", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_high_dynamic_range_is_shown_as_a_screen_can_and_kept_as_it_is(
    transfer: int, name: str, tmp_path: Path
) -> None:
    frames = moving_frames(2, form="yuv420p10le")
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p10le"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = BT2020, transfer
        stream.codec_context.colorspace, stream.codec_context.color_range = BT2020, 1
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert f"high dynamic range ({name})" in probe(path).notes[0]
    with ClipReader(path) as reader:
        frame = reader.frame(1)
        own, shown = frame.own_pixels(deep=True), frame.pixels()
        assert (frame.deep_pixels() == own).all()
    eight = to_sdr(own, frame.colours) / 257
    assert np.abs(eight - shown).max() <= 0.51
    assert np.abs(shown.astype(int) - own // 257).max() > 20
    assert np.abs(frame.draft(96).astype(int) - shown).mean() < 8
