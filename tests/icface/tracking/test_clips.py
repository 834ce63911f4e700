"""Clips become motions: exact times, one motion a person, cuts, broken files, bounded memory."""

from __future__ import annotations

import re
import tempfile
import tracemalloc
import wave
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import av
import cv2
import numpy as np
import pytest

from icface.arrays import U8
from icface.face.geometry import Box
from icface.media.video_file import VideoError
from icface.tracking import clips
from icface.tracking.builtin import BuiltinTracker
from icface.tracking.clips import ClipTracking, track_clip
from tests.faces import StandInTracker, observation_in
from tests.icface.media.videos import drifting, turn_video, write_video


@pytest.fixture(scope="module")
def tracker() -> BuiltinTracker:
    return BuiltinTracker()


def finish(job: Generator[Any, None, ClipTracking]) -> ClipTracking:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


# --------------------------------------------------------------------------------------------------


def test_a_talking_man_is_read_in_every_frame(feat_data: Path, tracker: BuiltinTracker) -> None:
    done = finish(track_clip(feat_data / "single_face.mp4", tracker))
    assert (len(done), done.rate, done.size, done.cuts, done.notes) == (
        72,
        Fraction(30),
        (640, 360),
        (),
        (),
    )
    (motion,) = done.motions
    assert motion.present.all()
    assert motion.confidence.min() > 0.95
    assert np.abs(motion.seconds - np.arange(72) / 30).max() < 1e-9
    assert motion.landmarks is not None
    assert (
        np.abs(np.diff(motion.landmarks[:, :, :2], axis=0)).mean() < 2
    )  # pixels from frame to frame: nothing jumps


def test_a_face_that_gives_way_to_a_landscape_is_missing_from_there_on(
    feat_data: Path, tracker: BuiltinTracker
) -> None:
    done = finish(track_clip(feat_data / "face_noface.mov", tracker))
    assert done.cuts == (72,)  # a black frame lies between, which is no shot
    (motion,) = done.motions
    assert motion.present.tolist() == [True] * 72 + [False] * (len(done) - 72)
    assert np.ptp(np.diff(motion.seconds)) > 0.01  # a variable rate


def test_a_clip_without_a_face_has_times_and_nobody(
    feat_data: Path, tracker: BuiltinTracker
) -> None:
    done = finish(track_clip(feat_data / "no_face.mp4", tracker, every=5))
    assert done.motions == ()
    assert len(done) == 19


def test_a_longer_clip_is_followed_with_most_frames_left_out(
    feat_data: Path, tracker: BuiltinTracker
) -> None:
    done = finish(track_clip(feat_data / "WolfgangLanger_Pexels.mp4", tracker, every=12))
    (motion,) = done.motions
    assert (len(motion), motion.rate, done.cuts) == (40, Fraction(24000, 12 * 1001), ())
    assert motion.present.all()


# --------------------------------------------------------------------------------------------------


def test_times_are_the_files_own(tmp_path: Path, astronaut: U8, tracker: BuiltinTracker) -> None:
    times_ms = [0, 40, 100, 110, 150, 500]
    clip = write_video(tmp_path / "uneven.mp4", drifting(astronaut, 6), times_ms=times_ms)
    done = finish(track_clip(clip, tracker))
    np.testing.assert_allclose(done.seconds, np.array(times_ms) / 1000, atol=1e-12)
    assert done.motions[0].seconds.tolist() == done.seconds.tolist()
    assert float(done.rate) == pytest.approx(10)


def test_a_telephone_held_sideways_is_read_upright(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    plain = write_video(tmp_path / "plain.mp4", [np.rot90(p) for p in drifting(astronaut, 2)])
    turned = turn_video(plain, tmp_path / "turned.mp4", (0, 1, -1, 0))
    upright = write_video(tmp_path / "upright.mp4", drifting(astronaut, 2))
    a, b = (finish(track_clip(path, tracker)).motions[0] for path in (turned, upright))
    assert a.landmarks is not None
    assert b.landmarks is not None
    assert np.abs(a.landmarks - b.landmarks).max() < 4
    assert np.abs(a.controls[:, :3] - b.controls[:, :3]).max() < 3


def test_ten_bits_are_read_as_eight_are(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height = stream.width = 320
        stream.pix_fmt = "yuv420p10le"
        for picture in drifting(astronaut, 2):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p10le")))
        container.mux(stream.encode())
    deep = finish(track_clip(path, tracker)).motions[0]
    plain = finish(
        track_clip(write_video(tmp_path / "plain.mp4", drifting(astronaut, 2)), tracker)
    ).motions[0]
    assert np.abs(deep.controls[:, :3] - plain.controls[:, :3]).max() < 3


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    whole = write_video(tmp_path / "whole.mkv", drifting(astronaut, 12, step=6))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 4 // 5])
    done = finish(track_clip(cut, tracker))
    assert 2 <= len(done) < 12
    assert done.motions[0].present[:2].all()


def test_a_film_of_which_a_part_came_is_said_to_break_off(
    tmp_path: Path, feat_data: Path, tracker: BuiltinTracker
) -> None:
    whole = (feat_data / "WolfgangLanger_Pexels.mp4").read_bytes()
    part = tmp_path / "part.mp4"
    part.write_bytes(whole[: len(whole) // 6])
    done = finish(track_clip(part, tracker, every=20))
    assert 2 <= len(done) < 10
    assert re.fullmatch(
        r"The file breaks off after \d\.\d of 19\.7 s; what is there was read\.", done.notes[0]
    )


def test_damaged_frames_have_no_face_and_a_note_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_reel(monkeypatch, 6, damaged={2, 3})
    clip = grey_clip(tmp_path / "torn.mp4")
    done = finish(track_clip(clip, StandInTracker(observation_in(Box(10, 10, 50, 60)))))
    assert done.motions[0].present.tolist() == [True, True, False, False, True, True]
    assert done.notes == ("2 of 6 frames are damaged; no face was read in them.",)


def test_what_is_no_clip_is_named(tmp_path: Path, astronaut: U8, tracker: BuiltinTracker) -> None:
    (tmp_path / "nothing.mp4").write_bytes(b"")
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))
    head = write_video(tmp_path / "whole.mp4", drifting(astronaut, 3)).read_bytes()[:2000]
    (tmp_path / "head.mp4").write_bytes(head)
    for name in ("nothing.mp4", "sound.wav", "head.mp4", "none.mp4"):
        with pytest.raises(VideoError, match=name.replace(".", r"\.")):
            finish(track_clip(tmp_path / name, tracker))
    with pytest.raises(ValueError, match="choose 1 or more"):
        finish(track_clip(tmp_path / "whole.mp4", tracker, every=0))


# --------------------------------------------------------------------------------------------------


def test_who_comes_in_later_has_a_motion_of_their_own(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    face = astronaut[20:276, 90:346]
    empty = np.full((256, 640, 3), 90, np.uint8)
    one, both = empty.copy(), empty.copy()
    one[:, :256] = both[:, :256] = face
    both[64:192, 448:576] = face[::2, ::-2]
    done = finish(track_clip(write_video(tmp_path / "two.mp4", [one] * 4 + [both] * 26), tracker))
    first, second = done.motions
    assert first.present.all()
    assert not second.present[:4].any()
    assert second.present[20:].all()
    assert first.landmarks is not None
    assert first.landmarks[:, 1, 0].max() < 256


def test_a_face_of_forty_pixels_is_followed_through_a_clip(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    side = 190  # of the portrait, whose face is 108 pixels wide
    small = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
    pictures = []
    for n in range(24):
        picture = np.full((360, 640, 3), 90, np.uint8)
        picture[80 : 80 + side, 150 + 2 * n : 150 + 2 * n + side] = small
        pictures.append(picture)
    (motion,) = finish(track_clip(write_video(tmp_path / "small.mp4", pictures), tracker)).motions
    assert motion.present.all()
    assert motion.landmarks is not None
    across = np.ptp(motion.landmarks[:, :468, 0], axis=1)
    assert 30 < across.mean() < 45
    assert np.diff(motion.landmarks[:, 1, 0]).mean() == pytest.approx(2, abs=0.2)


def test_a_flash_does_not_make_two_people_of_one(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    pictures = drifting(astronaut, 16)
    pictures[8] = np.full_like(pictures[8], 255)
    done = finish(track_clip(write_video(tmp_path / "flash.mp4", pictures), tracker))
    assert done.cuts == ()
    assert done.motions[0].present.tolist() == [n != 8 for n in range(16)]


def test_the_same_person_after_a_cut_is_known_by_the_look(
    tmp_path: Path, astronaut: U8, tracker: BuiltinTracker
) -> None:
    near = drifting(astronaut, 14)
    far = [
        np.ascontiguousarray(np.pad(p, ((0, 320), (0, 320), (0, 0)), mode="reflect")[::2, ::2])
        for p in near
    ]
    done = finish(track_clip(write_video(tmp_path / "cut.mp4", near + far), tracker))
    assert done.cuts == (14,)
    assert done.motions[0].present.all()


# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A grey picture."""

    index: int
    damaged: bool = False

    @property
    def seconds(self) -> float:
        return self.index / 25

    def pixels(self) -> U8:
        return np.full((64, 64, 3), 90, np.uint8)

    def glance(self) -> U8:
        return np.full((32, 32), 90, np.uint8)


class Reel:
    """A clip of grey pictures that needs no file."""

    index = SimpleNamespace(rate=Fraction(25), duration=Fraction(1))

    def __init__(
        self, count: int, _: Path, *, cache_bytes: int, damaged: Collection[int] = ()
    ) -> None:
        self.count, self.damaged = count, damaged

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __len__(self) -> int:
        return self.count

    def frames(self) -> Iterator[Frame]:
        return (Frame(n, n in self.damaged) for n in range(self.count))


def show_reel(
    monkeypatch: pytest.MonkeyPatch, count: int, *, damaged: Collection[int] = ()
) -> None:
    """Whatever clip is asked for, its frames are so many grey pictures."""
    monkeypatch.setattr(clips, "ClipReader", partial(Reel, count, damaged=damaged))


def grey_clip(path: Path) -> Path:
    """The file that a reel stands for: a clip of one second."""
    return write_video(path, [Frame(n).pixels() for n in range(25)])


def test_memory_does_not_grow_with_the_length_of_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "LANDMARKS_IN_MEMORY_BYTES", 1_000_000)
    clip = grey_clip(tmp_path / "long.mp4")

    def peak(count: int) -> int:
        show_reel(monkeypatch, count)
        tracemalloc.start()
        done = finish(track_clip(clip, StandInTracker(observation_in(Box(10, 10, 50, 60)))))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        (motion,) = done.motions
        assert isinstance(motion.landmarks, np.memmap)
        assert len(motion) == count
        assert motion.present.all()
        return most

    peak(300)
    grown = peak(2300) - peak(300)
    assert grown / 2000 < 1200  # bytes a frame; its landmarks alone are 5736


def test_a_job_that_is_closed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = grey_clip(tmp_path / "long.mp4")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    show_reel(monkeypatch, 9)
    job = track_clip(clip, StandInTracker())
    assert [next(job).done for _ in range(3)] == [1, 2, 3]
    job.close()
    assert list((tmp_path / "temporary").iterdir()) == []
