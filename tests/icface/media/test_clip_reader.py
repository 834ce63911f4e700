"""Any frame of a clip, in any order, is the frame that reading straight through gives."""

from __future__ import annotations

import hashlib
import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icface.media.clip_index import clip_index
from icface.media.clip_reader import ClipReader
from icface.media.video import read_video
from icface.media.video_file import VideoError
from icface.media.video_frame import VideoFrame
from tests.icface.media.videos import Recipe, encode_video, feat_clips, moving_frames, turn_video

B_FRAMES = Recipe("libx264", options=(("bf", "3"), ("g", "10"), ("preset", "fast")))
KINDS = {
    "b_frames.mp4": B_FRAMES,
    "b_frames.mkv": B_FRAMES,
    "b_frames.ts": B_FRAMES,
    "open_gop.mp4": Recipe(
        "libx264", options=(("bf", "3"), ("g", "10"), ("x264-params", "open-gop=1"))
    ),
    "bare.h264": Recipe("libx264", options=(("bf", "2"), ("g", "10")), container="h264"),
    "ten_bit.mp4": Recipe(
        "libx265", "yuv420p10le", (("g", "8"), ("x265-params", "log-level=none"))
    ),
    "open_hevc.mov": Recipe(
        "libx265", options=(("g", "8"), ("x265-params", "log-level=none:open-gop=1:bframes=3"))
    ),
    "mpeg1.mpg": Recipe("mpeg1video", options=(("bf", "2"), ("g", "9")), container="mpeg"),
    "mpeg2.vob": Recipe("mpeg2video", options=(("bf", "2"), ("g", "9")), container="vob"),
    "vp8.webm": Recipe(
        "libvpx",
        options=(
            ("g", "12"),
            ("auto-alt-ref", "1"),
            ("lag-in-frames", "12"),
            ("deadline", "realtime"),
        ),
    ),
    "vp9.webm": Recipe(
        "libvpx-vp9",
        options=(("g", "12"), ("auto-alt-ref", "1"), ("lag-in-frames", "16"), ("row-mt", "0")),
    ),
    "xvid.avi": Recipe("mpeg4", options=(("bf", "2"), ("g", "12"))),
    "prores.mov": Recipe("prores_ks", "yuv422p10le"),
    "ffv1.mkv": Recipe("ffv1", "yuv444p12le"),
    "unsought.rm": Recipe("rv10", container="rm"),
}


def fingerprint(frame: VideoFrame) -> str:
    return hashlib.md5(frame.pixels().tobytes(), usedforsecurity=False).hexdigest()


def straight_through(path: Path) -> list[tuple[float, str]]:
    frames = [(frame.seconds, fingerprint(frame)) for frame in read_video(path)]
    return [(round(seconds - frames[0][0], 6), print_) for seconds, print_ in frames]


def seen(frame: VideoFrame) -> tuple[float, str]:
    return round(frame.seconds, 6), fingerprint(frame)


def check_every_order(path: Path, picks: int) -> int:
    truth = straight_through(path)
    with ClipReader(path) as reader:
        assert [seen(frame) for frame in reader.frames()] == truth
    with ClipReader(path, cache_bytes=1) as reader:
        for number in random.Random(3).choices(range(len(truth)), k=picks):
            assert seen(reader.frame(number)) == truth[number], number
    with ClipReader(path) as reader:
        steps = range(len(truth) - 1, max(len(truth) - 40, -1), -1)
        assert [seen(reader.frame(number)) for number in steps] == [
            truth[number] for number in steps
        ]
        assert reader.damaged == set()
    return len(truth)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_read_in_every_order_as_straight_through(
    name: str, tmp_path: Path
) -> None:
    recipe = KINDS[name]
    clip = encode_video(tmp_path / name, moving_frames(37, form=recipe.pixel_format), recipe)
    assert check_every_order(clip, 25) == 37


@pytest.mark.parametrize("clip", feat_clips(), ids=lambda path: path.name)
def test_clips_of_cameras_are_read_in_every_order_as_straight_through(clip: Path) -> None:
    assert check_every_order(clip, 5) in (472, 169, 95, 72)


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0, 40, 100, 110, 150, 500, 520, 900]
    clip = encode_video(tmp_path / "vfr.mp4", moving_frames(8), B_FRAMES, times)
    with ClipReader(clip) as reader:
        assert reader.index.variable
        assert [reader.time(n) for n in range(8)] == [Fraction(t, 1000) for t in times]
        assert reader.seconds == pytest.approx([t / 1000 for t in times])
        assert [reader.at(t).index for t in (-1, 0, 0.0999, 0.1, 0.4999, 0.5, 99)] == [
            0,
            0,
            1,
            2,
            4,
            5,
            7,
        ]


def test_stamps_that_a_container_mixes_up_are_put_in_order(tmp_path: Path) -> None:
    clip = encode_video(tmp_path / "b_frames.avi", moving_frames(37), B_FRAMES)
    truth = [fingerprint(frame) for frame in read_video(clip)]
    with ClipReader(clip) as reader:
        assert reader.seconds == pytest.approx(np.arange(37) / 25)
        assert [fingerprint(reader.frame(n)) for n in (36, 3, 20)] == [
            truth[n] for n in (36, 3, 20)
        ]


def test_rates_of_film_and_television_are_exact(tmp_path: Path) -> None:
    clip = encode_video(tmp_path / "even.mkv", moving_frames(30), Recipe("libx264", rate=30))
    assert (clip_index(clip).rate, clip_index(clip).variable) == (30, False)
    film = next(path for path in feat_clips() if path.name.startswith("Wolfgang"))
    assert clip_index(film).rate == Fraction(24000, 1001)
    assert clip_index(film).duration == 472 * Fraction(1001, 24000)


def test_turned_clips_stand_upright_in_any_order(tmp_path: Path) -> None:
    plain = encode_video(tmp_path / "plain.mp4", moving_frames(12), B_FRAMES)
    turned = turn_video(plain, tmp_path / "turned.mp4", (0, 1, -1, 0))
    with ClipReader(plain) as before, ClipReader(turned) as after:
        assert (after.frame(7).pixels() == np.rot90(before.frame(7).pixels(), -1)).all()
        assert after.frame(3).size == (64, 96)
        assert after.frame(3).draft(24).shape == (24, 16, 3)


def test_ten_bits_are_given_as_ten_bits(tmp_path: Path) -> None:
    clip = encode_video(
        tmp_path / "deep.mkv", moving_frames(2, form="yuv420p10le"), Recipe("ffv1", "yuv420p10le")
    )
    with ClipReader(clip) as reader:
        deep, plain = reader.frame(1).deep_pixels(), reader.frame(1).pixels()
        assert (deep.dtype, plain.dtype) == (np.uint16, np.uint8)
        assert np.abs(deep / 257 - plain).max() <= 0.51
        assert len(np.unique(deep)) > len(np.unique(plain))


def test_damage_in_the_middle_is_said_and_bridged_by_the_last_good_frame(tmp_path: Path) -> None:
    recipe = Recipe("libx264", options=(("bf", "0"), ("g", "1")))
    clip = encode_video(tmp_path / "whole.mp4", moving_frames(20), recipe)
    whole = straight_through(clip)
    with av.open(str(clip)) as container:
        places = sorted((p.pos, p.size) for p in container.demux(video=0) if p.size)
    data = bytearray(clip.read_bytes())
    for at, size in places[8:10]:
        data[at : at + size] = bytes(size)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with ClipReader(broken) as reader:
        frames = [(frame.damaged, fingerprint(frame)) for frame in reader.frames()]
        assert [number for number, (damaged, _) in enumerate(frames) if damaged] == [8, 9]
        assert reader.damaged == {8, 9}
        assert [print_ for _, print_ in frames] == [
            whole[7 if n in (8, 9) else n][1] for n in range(20)
        ]
    with ClipReader(broken) as reader:
        assert fingerprint(reader.frame(9)) == whole[7][1]
        assert fingerprint(reader.frame(15)) == whole[15][1]


def test_what_a_recording_that_broke_off_still_holds_is_shown(tmp_path: Path) -> None:
    clip = encode_video(tmp_path / "whole.ts", moving_frames(40, (320, 240)), B_FRAMES)
    whole = straight_through(clip)
    half = tmp_path / "half.ts"
    half.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with ClipReader(half) as reader:
        assert 10 < len(reader) < 40
        good = [seen(frame) for frame in reader.frames() if not frame.damaged]
        assert len(good) >= len(reader) - 3
        assert good[:10] == whole[:10]


def test_frames_beyond_the_ends_are_refused(tmp_path: Path) -> None:
    clip = encode_video(tmp_path / "short.mp4", moving_frames(3), B_FRAMES)
    with ClipReader(clip) as reader:
        for number in (-1, 3):
            with pytest.raises(IndexError, match=f"Frame {number} is not one of the 3"):
                reader.frame(number)


def test_what_is_no_clip_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"There is no file .*none\.mp4"):
        ClipReader(tmp_path / "none.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError, match=r"empty\.mp4 is empty"):
        ClipReader(tmp_path / "empty.mp4")


def test_a_reader_keeps_no_more_than_it_may(tmp_path: Path) -> None:
    clip = encode_video(tmp_path / "long.mp4", moving_frames(60), B_FRAMES)
    with ClipReader(clip, cache_bytes=10 * 96 * 64 * 2) as reader:
        held = reader._cache
        for _ in reader.frames():
            assert held._bytes <= held._most
        assert 5 <= len(held._held) <= 10


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, str]]]:
    clip = encode_video(tmp_path_factory.mktemp("walk") / "walk.mp4", moving_frames(80), B_FRAMES)
    return clip, straight_through(clip)


@settings(max_examples=15, deadline=None)
@given(walk=st.lists(st.integers(0, 79), min_size=1, max_size=20), room=st.integers(1, 40))
def test_no_walk_through_a_clip_leads_astray(
    long_clip: tuple[Path, list[tuple[float, str]]], walk: list[int], room: int
) -> None:
    clip, truth = long_clip
    with ClipReader(clip, cache_bytes=room * 96 * 64 * 2) as reader:
        for number in walk:
            assert seen(reader.frame(number)) == truth[number]
