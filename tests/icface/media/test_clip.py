"""Facts about a clip before a frame of it is shown, and files that are no clips."""

from __future__ import annotations

import hashlib
import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from icface.media.clip import ClipInfo, file_digest, has_encoder, probe
from icface.media.colour import Colours
from icface.media.orientation import Orientation
from icface.media.sound import SoundReader
from icface.media.video_file import VideoError
from tests.icface.media.videos import (
    Recipe,
    encode_video,
    feat_clips,
    moving_frames,
    turn_video,
    write_tone,
)


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4096), np.float32), "fltp", "stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_clip_is_known_by_its_file_and_its_frames(tmp_path: Path) -> None:
    clip = encode_video(
        tmp_path / "clip.mp4", moving_frames(15), Recipe("libx264", matrix=6, full=True, rate=30)
    )
    info = probe(clip)
    assert info.digest == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert (info.size, info.count, info.rate, info.duration) == ((96, 64), 15, 30, Fraction(1, 2))
    assert (info.variable, info.has_sound, info.bits, info.has_alpha) == (False, False, 8, False)
    assert (info.colours.matrix, info.colours.range, info.codec) == (6, 2, "h264")
    assert hash(info) == hash(probe(str(clip)))


def test_an_edit_list_hides_frames_and_they_are_not_counted() -> None:
    info = probe(next(path for path in feat_clips() if path.name == "no_face.mp4"))
    assert (info.count, info.rate, info.has_sound) == (95, 24, True)  # of the 98 in the file


def test_depth_turn_and_colours_are_read(tmp_path: Path) -> None:
    deep = encode_video(
        tmp_path / "deep.mp4",
        moving_frames(3, form="yuv420p10le"),
        Recipe("libx265", "yuv420p10le", (("x265-params", "log-level=none"),), matrix=9),
    )
    assert (probe(deep).bits, probe(deep).colours.matrix) == (10, 9)
    turned = probe(turn_video(deep, tmp_path / "turned.mp4", (0, 1, -1, 0)))
    assert (turned.size, turned.orientation) == (
        (64, 96),
        Orientation(transposed=True, mirrored=True),
    )
    alpha = encode_video(
        tmp_path / "alpha.mov",
        moving_frames(2, form="yuva444p10le"),
        Recipe("prores_ks", "yuva444p10le"),
    )
    assert probe(alpha).has_alpha


@pytest.mark.skipif(sys.platform == "win32", reason="no file can be called that there")
def test_what_a_name_begins_with_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode_video(tmp_path / "clip.mp4", moving_frames(3), Recipe("libx264")).rename(
        tmp_path / "take:1.mp4"
    )
    monkeypatch.chdir(tmp_path)
    assert probe("take:1.mp4").count == 3
    write_tone(tmp_path / "tone.mov", "pcm_s16le", seconds=1, clicks=()).rename(
        tmp_path / "file:tone.mov"
    )
    with SoundReader("file:tone.mov") as reader:
        assert reader.duration > 0


def test_a_digest_is_taken_again_when_the_file_changed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert file_digest(file) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert file_digest(file) == hashlib.sha256(b"two").hexdigest()


def refusal(path: Path) -> str:
    with pytest.raises(VideoError) as caught:
        probe(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_files_that_are_no_clips_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "none.mp4")
    assert "not an ordinary file" in refusal(tmp_path)
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("not a video at all, whatever its name says\n" * 50)
    assert "is empty (0 bytes)" in refusal(empty)
    assert "cannot be read as a video" in refusal(text)
    assert "holds sound only" in refusal(write_sound(tmp_path / "sound.m4a"))
    clip = encode_video(tmp_path / "whole.mp4", moving_frames(25), Recipe("libx264"))
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(
        clip.read_bytes()[: clip.stat().st_size // 2]
    )  # what says where its frames are stood at the end
    assert "cut short" in refusal(cut)


def test_frames_too_large_to_decode_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge.avi"
    with av.open(str(huge), "w") as container:
        stream = container.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 12000, 9000, "gray"
        container.mux(stream.encode(av.VideoFrame(12000, 9000, "gray")))
        container.mux(stream.encode())
    assert "12000 x 9000" in refusal(huge)


def test_encoders_are_known_by_name() -> None:
    assert has_encoder("ffv1")
    assert not has_encoder("h265x")
    assert not has_encoder("prores_raw")


def test_a_clip_is_a_value() -> None:
    parts = {
        "path": "a",
        "digest": "b",
        "width": 1,
        "height": 1,
        "rate": Fraction(25),
        "variable": False,
        "count": 1,
    }
    more = {
        "duration": Fraction(1),
        "has_sound": False,
        "bits": 8,
        "has_alpha": False,
        "colours": Colours(),
    }
    last = {
        "orientation": probe(feat_clips()[0]).orientation,
        "codec": "c",
        "pixel_format": "p",
        "container": "m",
    }
    assert ClipInfo(**parts, **more, **last) == ClipInfo(**parts, **more, **last)  # type: ignore[arg-type]
