"""Videos become pairs of one person's frames: selection, omissions and interruptions."""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from collections import deque
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch.utils.data import DataLoader

from icface.arrays import U8
from icface.cli import main
from icface.face.controls import ControlVector
from icface.face.geometry import Box, Similarity
from icface.face.landmarks import N_LANDMARKS
from icface.face.observation import FaceObservation, NoFaceError
from icface.media.video import VideoError, read_video
from icface.model.surface.crops import sample_crop
from icface.tracking.builtin import BuiltinTracker
from icface.training.clips import pairs as video_pairs
from icface.training.clips import shards
from icface.training.clips.pairs import FramePairs, control_distance
from icface.training.clips.person_tracks import Rhythm, sightings
from icface.training.clips.prepare import (
    Preparation,
    _Pool,
    find_videos,
    prepare_clip,
    prepare_folder,
)
from icface.training.clips.shards import Part, ShardError, read_index
from tests.icface.media.videos import drifting, turn_video, write_video
from tests.icface.training.clips import fragile_job


@pytest.fixture(scope="module")
def tracker() -> BuiltinTracker:
    return BuiltinTracker()


@pytest.fixture
def clip(tmp_path: Path, astronaut: U8) -> Path:
    folder = tmp_path / "videos" / "deeper"
    folder.mkdir(parents=True)
    return write_video(
        folder / "astronaut.mp4", drifting(astronaut, 6), times_ms=[0, 40, 100, 110, 150, 500]
    )


def prepared(tmp_path: Path, *paths: Path, **options: float) -> list[dict[str, object]]:
    """The index of a folder into which the clips were prepared, in this process."""
    folder = tmp_path / "out"
    preparation = Preparation(**{"size": 96, **options})  # type: ignore[arg-type]
    prepare_folder(paths, folder, preparation, workers=0, device="cpu", tell=lambda _: None)
    return read_index(folder)


def train(*words: object) -> Result:
    return CliRunner().invoke(main, ["train", "prepare", *map(str, words)])


# --------------------------------------------------------------------------------------------------


def test_frames_keep_the_times_of_the_file_and_their_pixels(clip: Path, astronaut: U8) -> None:
    frames = [(frame.seconds, frame.pixels()) for frame in read_video(clip)]
    assert [seconds for seconds, _ in frames] == [0.0, 0.04, 0.1, 0.11, 0.15, 0.5]
    for (_, pixels), picture in zip(frames, drifting(astronaut, 6), strict=True):
        assert np.abs(pixels.astype(int) - picture).mean() < 6


def test_a_telephone_held_sideways_or_mirroring_is_honoured(clip: Path, tmp_path: Path) -> None:
    plain = next(read_video(clip)).pixels()
    expected = {
        (0, 1, -1, 0): np.rot90(plain, -1),
        (-1, 0, 0, -1): np.rot90(plain, 2),
        (0, -1, 1, 0): np.rot90(plain),
        (-1, 0, 0, 1): plain[:, ::-1],
    }
    for matrix, picture in expected.items():
        turned = turn_video(clip, tmp_path / "turned.mp4", matrix)
        assert (next(read_video(turned)).pixels() == picture).all(), matrix


def test_pixels_become_square(tmp_path: Path, astronaut: U8) -> None:
    wide = write_video(tmp_path / "wide.mp4", drifting(astronaut, 1), pixel_aspect=2)
    assert next(read_video(wide)).pixels().shape == (320, 640, 3)


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"There is no file .*none\.mp4"):
        next(read_video(tmp_path / "none.mp4"))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError, match=r"text\.mp4 cannot be read as a video"):
        next(read_video(tmp_path / "text.mp4"))


# --------------------------------------------------------------------------------------------------


class _Script:
    """A tracker that finds a face at listed left edges in pixels, frame by frame, or None."""

    name = "script"

    def __init__(self, places: Iterable[float | None]) -> None:
        self._places = iter(places)
        self.searches = 0

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        self.searches += 1
        place = next(self._places)
        return () if place is None else (_face_at(place),)

    def observe(self, image: U8, box: Box) -> FaceObservation:
        raise NoFaceError

    def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
        place = next(self._places)
        if place is None:
            self._places = iter(
                [None, *self._places]
            )  # the search in the same frame finds nothing either
            return None
        return _face_at(place)


def _face_at(left: float) -> FaceObservation:
    landmarks = np.zeros((N_LANDMARKS, 3), np.float32)
    return FaceObservation(Box(left, 0, left + 100, 100), landmarks, ControlVector(), 1.0)


def tracks_of(tmp_path: Path, script: _Script, count: int, **rhythm: float) -> list[int]:
    grey = [np.full((64, 64, 3), 90, np.uint8)] * count
    video = write_video(tmp_path / "grey.mp4", grey)
    return [s.track for s in sightings(read_video(video), script, Rhythm(**rhythm))]  # type: ignore[arg-type]


def test_a_face_that_jumps_begins_a_track_and_one_that_walks_does_not(tmp_path: Path) -> None:
    assert tracks_of(tmp_path, _Script([0, 20, 40, 140, 150, 0]), 6) == [0, 0, 0, 1, 1, 2]


def test_a_face_that_was_away_for_long_begins_a_track_and_a_blink_does_not(tmp_path: Path) -> None:
    away = _Script([0, 0, None, 0, 0])
    assert tracks_of(tmp_path, away, 11) == [0, 0, 0, 0]
    assert away.searches == 3
    assert tracks_of(tmp_path, _Script([0, 0, None, None, None, 0, 0]), 25) == [0, 0, 1, 1]


def test_without_a_face_not_every_frame_is_searched(tmp_path: Path) -> None:
    empty = _Script([None] * 50)
    assert tracks_of(tmp_path, empty, 50) == []
    assert 7 <= empty.searches <= 9


def test_the_rhythm_is_of_frames_or_of_seconds(tmp_path: Path, clip: Path) -> None:
    def taken(rhythm: Rhythm) -> list[int]:
        return [frame.index for frame in read_video(clip) if rhythm.takes(frame)]

    assert taken(Rhythm(every=4)) == [0, 4]
    assert taken(Rhythm(fps=10)) == [0, 2, 5]
    assert tracks_of(tmp_path, _Script([0, 0]), 25, fps=2) == [
        0,
        0,
    ]  # half a second apart, and never lost


# --------------------------------------------------------------------------------------------------


def test_a_shard_holds_the_crops_and_what_was_read_in_them(
    tmp_path: Path, clip: Path, tracker: BuiltinTracker
) -> None:
    (about,) = prepared(tmp_path, clip.parents[1])
    assert about["name"] == "astronaut.mp4"
    assert about["tracks"] == [{"frames": 6, "from_seconds": 0.0, "to_seconds": 0.5}]
    part = Part(tmp_path / "out" / str(about["digest"]) / "0000.zip")
    frames = part.frames
    assert frames.seconds.tolist() == [0.0, 0.04, 0.1, 0.11, 0.15, 0.5]
    pixels = [frame.pixels() for frame in read_video(clip)][5]
    crop = Similarity.from_matrix(frames.crop_from_image[5].reshape(2, 3))
    assert np.abs(part.picture(5).astype(int) - sample_crop(pixels, crop, 96)).mean() < 4
    face = tracker.detect(pixels)[0]
    assert np.abs(crop.points(face.landmarks)[:, :2] - frames.landmarks[5, :, :2]).max() < 3
    upright = tracker.detect(np.kron(part.picture(5), np.ones((3, 3, 1), np.uint8)))[0]
    assert np.abs(frames.controls[5, :3] - upright.controls.array()[:3]).max() < 5
    known = frames.known(5, 96)
    assert not known[0].any()  # the crop reaches beyond the upper border of the frame
    assert known[48:].all()
    part.close()


def test_a_cut_makes_two_tracks(tmp_path: Path, astronaut: U8) -> None:
    dark = [(picture * 0.6).astype(np.uint8) for picture in drifting(astronaut[:, ::-1], 4)]
    (about,) = prepared(tmp_path, write_video(tmp_path / "cut.mp4", drifting(astronaut, 4) + dark))
    assert [track["frames"] for track in about["tracks"]] == [4, 4]  # type: ignore[attr-defined]


def test_clips_that_are_there_are_left_alone_until_the_options_change(
    tmp_path: Path, clip: Path
) -> None:
    (first,) = prepared(tmp_path, clip)
    shard = tmp_path / "out" / str(first["digest"]) / "0000.zip"
    stamp, content = shard.stat().st_mtime_ns, shard.read_bytes()
    prepared(tmp_path, clip)
    assert shard.stat().st_mtime_ns == stamp
    (shard.parent / "clip.json").unlink()  # as if it had been interrupted
    prepared(tmp_path, clip)
    assert shard.stat().st_mtime_ns != stamp
    assert shard.read_bytes() == content
    (again,) = prepared(tmp_path, clip, every=2)
    assert (again["digest"], again["frames"]) == (first["digest"], 3)


def test_an_interruption_leaves_nothing_and_a_killed_run_is_cleaned_up(
    tmp_path: Path, clip: Path, tracker: BuiltinTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "out"
    monkeypatch.setattr(tracker, "follow", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_clip(clip, folder, Preparation(), tracker)
    assert list(folder.iterdir()) == []
    (folder / ".0123456789abcdef.unfinished").mkdir()
    (folder / ".0123456789abcdef.unfinished" / "0000.zip").write_bytes(b"half")
    assert len(prepared(tmp_path, clip)) == 1
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_long_clips_are_cut_into_parts(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (shards, video_pairs):
        monkeypatch.setattr(module, "PART_FRAMES", 4)
    (about,) = prepared(tmp_path, clip)
    assert (about["frames"], about["parts"]) == (6, 2)
    lengths = []
    for number in range(2):
        part = Part(tmp_path / "out" / str(about["digest"]) / f"{number:04d}.zip")
        assert part.picture(len(part.frames) - 1).shape == (96, 96, 3)
        lengths.append(len(part.frames))
        part.close()
    assert lengths == [4, 2]
    seconds = {
        float(s)
        for pair in islice(FramePairs(tmp_path / "out", split="all"), 40)
        for s in pair["seconds"]
    }
    assert seconds == {0.0, 0.04, 0.1, 0.11, 0.15, 0.5}


def test_low_confidence_is_left_out(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(
        ValueError, match="Nothing could be prepared from 1 videos; no face was found"
    ):
        prepared(tmp_path, clip, min_confidence=1.1)


def test_a_broken_clip_is_reported_and_the_rest_goes_on(tmp_path: Path, clip: Path) -> None:
    broken = clip.with_name("broken.mp4")
    broken.write_bytes(clip.read_bytes()[:300])
    result = train(clip.parent, "-o", tmp_path / "out", "--size", 96, "--workers", 0, "--json")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["prepared"], summary["failed"], summary["frames"]) == (1, 1, 6)
    assert "broken.mp4 cannot be read as a video" in summary["failures"][0]["reason"]
    assert "broken.mp4: " in result.stderr
    alone = train(broken, "-o", tmp_path / "other", "--workers", 0)
    assert alone.exit_code == 2
    assert "icface: Nothing could be prepared from 1 videos" in alone.stderr.splitlines()[-1]


def test_a_fault_with_one_clip_is_logged_and_the_rest_goes_on(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(clip, clip.with_name("other.mp4"))
    with clip.with_name("other.mp4").open("ab") as file:
        file.write(b"\0")  # another file to whoever compares their bytes
    detect, raised = BuiltinTracker.detect, []

    def once(self: BuiltinTracker, image: U8) -> tuple[FaceObservation, ...]:
        if not raised:
            raised.append(RuntimeError("shapes cannot be multiplied"))
            raise raised[0]
        return detect(self, image)

    monkeypatch.setattr(BuiltinTracker, "detect", once)
    lines: list[str] = []
    with caplog.at_level(logging.ERROR):
        summary = prepare_folder(
            [clip.parent],
            tmp_path / "out",
            Preparation(size=96),
            workers=0,
            device="cpu",
            tell=lines.append,
        )
    assert (summary["prepared"], summary["failed"]) == (1, 1)
    assert "RuntimeError: shapes cannot be multiplied" in lines[0]
    (record,) = caplog.records
    assert "raise raised[0]" in record.getMessage()


def test_wrong_use_is_one_line(tmp_path: Path, clip: Path) -> None:
    for words, what in (
        ((clip, "-o", tmp_path / "o", "--every", 2, "--fps", 5), "exclude each other"),
        ((tmp_path / "none", "-o", tmp_path / "o"), "There is no file or folder"),
        ((tmp_path, "-o", clip), "is a file"),
    ):
        result = train(*words)
        assert result.exit_code == 2
        assert what in result.stderr
        assert len(result.stderr.splitlines()) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="No videos were found"):
        find_videos([tmp_path / "empty"])
    assert find_videos([clip, clip.parent, clip.parents[1]]) == [clip]


def test_a_process_that_dies_takes_no_other_clip_with_it() -> None:
    paths = [Path(name) for name in ("a.mp4", "deadly.mp4", "b.mp4")]
    outcomes = {
        o.path.name: o.status
        for o in _Pool(job=partial(fragile_job.work), workers=2, waiting=deque(paths)).outcomes()
    }
    assert outcomes == {"a.mp4": "prepared", "deadly.mp4": "failed", "b.mp4": "prepared"}


# --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve clips of noise, each with two tracks of 20 frames and yaw from 0 to 19 degrees."""
    folder = tmp_path_factory.mktemp("collection")
    jpeg = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    for number in range(12):
        digest = f"{number * 7:08x}"
        with shards.ShardWriter(folder, digest, {"size": 16}) as writer:
            for n in range(40):
                controls = np.zeros(56)
                controls[0] = n % 20
                row = {
                    "seconds": n / 25,
                    "track": n // 20,
                    "confidence": 1,
                    "crop_from_image": (1, 0, 0, 0, 1, 0),
                }
                rest = {
                    "image_size": (16, 16),
                    "landmarks": np.full((478, 3), number),
                    "controls": controls,
                }
                writer.add(jpeg, row | rest)
            writer.finish(name=f"clip{number}.mp4")
    shards.build_index(folder)
    return folder


def test_a_seed_decides_the_pairs(collection: Path) -> None:
    one, same, other = (
        list(islice(FramePairs(collection, split="all", seed=s), 20)) for s in (1, 1, 2)
    )
    assert all(torch.equal(a[key], b[key]) for a, b in zip(one, same, strict=True) for key in a)
    assert any(not torch.equal(a["seconds"], b["seconds"]) for a, b in zip(one, other, strict=True))


def test_pairs_never_cross_tracks_and_prefer_what_differs(collection: Path) -> None:
    turns = []
    for pair in islice(FramePairs(collection, split="all"), 600):
        tracks = (pair["seconds"] * 25 // 20).long()
        assert tracks[0] == tracks[1] == pair["track"]
        assert (pair["landmarks"] == pair["landmarks"][0, 0, 0]).all()
        assert pair["pictures"].shape == (2, 16, 16, 3)
        turns.append(abs(float(pair["controls"][0, 0] - pair["controls"][1, 0])))
    assert min(turns) > 0
    assert np.mean(turns) > 8  # 7 if all were equally likely


def test_held_out_clips_are_in_one_split_only(collection: Path) -> None:
    names = {
        split: {c["name"] for c in FramePairs(collection, split=split).clips}
        for split in ("train", "val", "all")
    }
    assert names["train"] | names["val"] == names["all"]
    assert not names["train"] & names["val"]
    assert len(names["val"]) == 2
    named = FramePairs(collection, split="val", held_out=["clip1*"])
    assert {c["name"] for c in named.clips} == {"clip1.mp4", "clip10.mp4", "clip11.mp4"}


def test_pairs_come_in_batches(collection: Path) -> None:
    batch = next(iter(DataLoader(FramePairs(collection), batch_size=4)))
    assert batch["pictures"].shape == (4, 2, 16, 16, 3)
    assert batch["pictures"].dtype == torch.uint8
    assert batch["controls"].shape == (4, 2, 56)
    assert batch["confidences"].shape == (4, 2)


def test_turning_round_is_not_far() -> None:
    one, others = np.zeros(56), np.zeros((2, 56))
    one[2], others[0, 2], others[1, 0] = 179, -179, 40
    assert control_distance(one, others) == pytest.approx([0.1, np.hypot(2, 179 / 20)])


def test_folders_that_cannot_be_used_are_named(tmp_path: Path, collection: Path) -> None:
    with pytest.raises(
        ShardError, match=r"holds no prepared clips\. Make them: icface train prepare"
    ):
        FramePairs(tmp_path)
    with pytest.raises(ShardError, match="no split 'test'"):
        FramePairs(collection, split="test")
    with pytest.raises(ShardError, match="has no clips of the split 'val'"):
        FramePairs(collection, split="val", held_out=["nobody*"])
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(ShardError, match=r"index\.json is damaged"):
        FramePairs(tmp_path)
    (tmp_path / "0000.zip").write_bytes(b"no zip")
    with pytest.raises(ShardError, match=r"0000\.zip is damaged"):
        Part(tmp_path / "0000.zip")


def test_a_damaged_part_is_let_go_of(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "0000.zip", "w") as archive:
        archive.writestr("seconds.npy", b"")
    part = Part.__new__(Part)
    with pytest.raises(ShardError, match=r"0000\.zip is damaged"):
        part.__init__(tmp_path / "0000.zip")  # type: ignore[misc]
    assert part._zip.fp is None


def test_a_disk_that_fills_up_leaves_no_half_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_archive: zipfile.ZipFile) -> None:
        raise OSError(28, "No space left on device")

    row = {
        "seconds": 0,
        "track": 0,
        "confidence": 1,
        "crop_from_image": (1, 0, 0, 0, 1, 0),
        "image_size": (16, 16),
    }
    rest = {"landmarks": np.zeros((478, 3)), "controls": np.zeros(56)}
    with shards.ShardWriter(tmp_path, "ab", {}) as writer:
        writer.add(b"", row | rest)
        monkeypatch.setattr(zipfile.ZipFile, "close", full)
        with pytest.raises(OSError, match="No space left"):
            writer.finish()
        with pytest.raises(OSError, match="No space left"):
            writer.__exit__()
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()
