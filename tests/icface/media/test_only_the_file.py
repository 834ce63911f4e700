"""Files that name other files: nothing but the file itself is opened."""

from __future__ import annotations

import ast
import ctypes
import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from icface.media.clip import probe
from icface.media.clip_index import clip_index
from icface.media.clip_reader import ClipReader
from icface.media.sound import SoundError, SoundReader
from icface.media.video import read_video
from icface.media.video_file import KINDS, VideoError
from icface.media.waveform import peaks
from tests.icface.media.videos import write_tone

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{other}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {other}\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
    "<BaseURL>{other}</BaseURL></Representation>"
    "</AdaptationSet></Period></MPD>"
)
VOBSUB = (
    "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\nid: en, index: 0\n"
    "timestamp: 00:00:01:000, filepos: 000\n"
)
SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
HOSTILE = {
    "list.mp4": CONCAT,
    "list.mkv": CONCAT,
    "list.ffconcat": CONCAT,
    "list.wav": CONCAT,
    "play.mp4": PLAYLIST,
    "play.m3u8": PLAYLIST,
    "dash.mov": DASH,
    "other.idx": VOBSUB,
    "other.avi": VOBSUB,
    "stream.mp4": SDP,
}
READERS: list[Callable[[Path], object]] = [
    probe, clip_index, ClipReader, SoundReader, peaks, lambda path: next(read_video(path)),
]  # fmt: skip


@contextmanager
def opened_in(folder: Path) -> Iterator[list[str]]:
    """Names of the files of a folder that anything opened meanwhile, as Linux tells them."""
    names: list[str] = []
    system = ctypes.CDLL(None, use_errno=True)
    watch = system.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0
    try:
        assert system.inotify_add_watch(watch, os.fsencode(folder), _IN_OPEN) >= 0
        yield names
        data, at = os.read(watch, 1 << 20), 0
        while at < len(data):
            *_, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            names.append(data[at - length : at].rstrip(b"\0").decode())
    finally:
        os.close(watch)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are opened")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_that_names_other_files_is_refused_and_none_of_them_is_opened(
    name: str, tmp_path: Path
) -> None:
    write_tone(tmp_path / "other.mov", "pcm_s16le", seconds=1, clicks=(0.5,))
    (tmp_path / "other.sub").write_bytes((tmp_path / "other.mov").read_bytes())
    path = tmp_path / name
    path.write_text(HOSTILE[name].format(other="other.mov"))
    for read in READERS:
        with (
            opened_in(tmp_path) as names,
            pytest.raises((VideoError, SoundError), match=re.escape(name)),
        ):
            read(path)
        assert set(names) <= {name}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are opened")
def test_what_is_opened_is_seen_and_a_clip_opens_itself_alone(tmp_path: Path) -> None:
    clip = write_tone(tmp_path / "clip.mov", "pcm_s16le", seconds=1, clicks=(0.5,))
    (tmp_path / "clip.sub").write_bytes(b"x")
    with opened_in(tmp_path) as names:
        probe(clip)
        SoundReader(clip).close()
    assert set(names) == {"clip.mov"}


def test_a_name_that_looks_like_a_pattern_or_a_protocol_is_a_name(tmp_path: Path) -> None:
    for name in (
        "take%03d.mov",
        "concat:a|b.mov",
        "subfile,,start,0,end,9,,:x.mov",
        "http:__x.mov",
    ):
        clip = write_tone(tmp_path / name, "pcm_s16le", seconds=1, clicks=(0.5,))
        assert probe(clip).count == 25


def test_lists_devices_and_networks_are_no_kinds_of_clips() -> None:
    refused = {
        "concat",
        "hls",
        "dash",
        "vobsub",
        "image2",
        "lavfi",
        "sdp",
        "rtsp",
        "rtp",
        "imf",
        "bluray",
        "alsa",
        "v4l2",
    }
    assert not refused & set(KINDS)


def test_files_are_opened_for_reading_in_one_place_alone() -> None:
    root = Path(__file__).parents[3]
    places = [
        f"{path.relative_to(root)}"
        for folder in ("app", "icface")
        for path in sorted((root / folder).rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "av.open"
        and "'w'" not in map(ast.unparse, call.args)
    ]
    assert places == ["icface/media/video_file.py"]
