"""Clips in the renderer: frames as pictures, faces tracked, edits of a clip's own face."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.document import Clip, Face, Project, Region, edits
from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.face.observation import FaceObservation
from icface.media import Photo
from icface.media.clip import probe
from icface.media.video_file import VideoError
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import MOST_READERS, ClipFrame, RecentClips, clip_of, fitted
from icface.rendering.frame_request import FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Opened, Renderer, Tracked
from tests.faces import observation_in
from tests.icface.media.videos import drifting, write_video
from tests.strategies import a_motion


@pytest.fixture
def clip_path(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    return write_video(tmp_path / "clip.mp4", drifting(astronaut, 6))


@pytest.fixture
def clip(clip_path: Path) -> Clip:
    return clip_of(probe(clip_path))


class Following:
    """Sees one face that drifts with the clip, and none in the last frame."""

    name, version = "following", "1"

    def __init__(self) -> None:
        self.frames: dict[bytes, int] = {}

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceObservation, ...]:
        frame = self.frames.setdefault(image.tobytes(), len(self.frames))
        return (
            () if frame == 5 else (observation_in(Box(100 - 2 * frame, 40, 220 - 2 * frame, 190)),)
        )

    def observe(self, image: NDArray[np.uint8], box: Box) -> FaceObservation:
        raise NotImplementedError

    def follow(self, image: NDArray[np.uint8], previous: FaceObservation) -> FaceObservation | None:
        return next(iter(self.detect(image)), None)


def finish(job: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_a_clip_opens_with_its_first_frame(clip_path: Path, clip: Clip) -> None:
    opened: Opened = finish(Renderer(tracker=Following()).open(clip_path))
    assert opened.source == clip
    assert (clip.n_frames, clip.rate, clip.width, clip.height) == (6, Fraction(25), 320, 320)
    assert (opened.photo.digest, opened.photo.width, opened.faces) == (clip.digest, 320, ())


def test_frames_are_those_of_the_clip_and_kept(clip: Clip) -> None:
    recent = RecentClips()
    fourth = recent.photo(ClipFrame(clip, 3))
    with np.errstate(all="ignore"):
        assert np.array_equal(fourth.pixels, recent.reader(clip).frame(3).pixels())
    assert recent.photo(ClipFrame(clip, 3)) is fourth
    assert fourth.digest == f"{clip.digest}:3"
    assert recent.draft(ClipFrame(clip, 2), 80).shape == (80, 80, 3)
    recent.close()


def test_a_clip_that_is_missing_or_was_replaced_is_an_error(clip: Clip, clip_path: Path) -> None:
    clip_path.write_bytes(clip_path.read_bytes() + b"more")
    with pytest.raises(VideoError, match="replaced by another clip"):
        RecentClips().photo(ClipFrame(clip, 0))
    clip_path.unlink()
    with pytest.raises(VideoError, match="is missing"):
        RecentClips().photo(ClipFrame(clip, 0))


def test_only_a_few_files_are_open_at_once(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    recent = RecentClips()
    clips = []
    for number in range(MOST_READERS + 1):
        path = write_video(tmp_path / f"{number}.mp4", drifting(astronaut, 1 + number))
        clips.append(clip_of(probe(path)))
        first = recent.reader(clips[0]) if number else recent.reader(clips[-1])
        recent.reader(clips[-1])
    assert recent.reader(clips[0]) is first
    recent.close()


def test_a_clip_is_tracked_for_every_frame(clip: Clip) -> None:
    tracked: Tracked = finish(Renderer(tracker=Following()).track(clip))
    (motion,) = tracked.motions
    assert motion.present.tolist() == [True] * 5 + [False]
    assert motion.rate == clip.rate
    assert motion.seconds.tolist() == pytest.approx([n / 25 for n in range(6)])


def test_a_motion_is_fitted_to_the_frames_of_its_clip() -> None:
    motion = a_motion([ControlVector()] * 4, cuts=[1, 3])
    longer = fitted(motion, np.arange(6) / 30, Fraction(30))
    assert longer.present.tolist() == [True] * 4 + [False] * 2
    assert (longer.rate, longer.cuts) == (30, (1, 3))
    shorter = fitted(motion, np.arange(3) / 25, Fraction(25))
    assert (len(shorter), shorter.cuts) == (3, (1,))


def a_document(clip: Clip, missing: tuple[int, ...] = ()) -> Project:
    faces = [
        None if n in missing else observation_in(Box(100 - 2 * n, 40, 220 - 2 * n, 190))
        for n in range(clip.n_frames)
    ]
    motion = Motion.of_observations(faces, [n / 25 for n in range(clip.n_frames)], rate=clip.rate)
    return edits.open_source(Project(), clip, [Face.of_motion(motion)])


def poster(clip: Clip) -> Photo:
    return Photo(RecentClips().photo(ClipFrame(clip, 0)).pixels, Path(clip.path), clip.digest)


def test_frames_of_a_clip_without_edits_are_the_files_own(
    clip: Clip, tiny_predictor: FacePredictor
) -> None:
    renderer, project = Renderer(tiny_predictor), a_document(clip)
    for frame in range(clip.n_frames):
        made = renderer.render(FrameRequest.of(project, poster(clip), frame=frame))
        assert made.pixels is made.before.pixels
        assert np.array_equal(made.pixels, RecentClips().photo(ClipFrame(clip, frame)).pixels)


def test_an_edit_changes_every_frame_that_shows_the_face(
    clip: Clip, tiny_predictor: FacePredictor
) -> None:
    renderer = Renderer(tiny_predictor)
    project = edits.set_control(a_document(clip, missing=(5,)), "yaw", 20)
    changed = []
    for frame in range(clip.n_frames):
        made = renderer.render(FrameRequest.of(project, poster(clip), "draft", 256, frame=frame))
        changed.append(made.pixels.shape == (256, 256, 3) and len(made.request.changes) > 0)
    assert changed == [True] * 5 + [False]


def test_a_draft_that_was_played_before_is_at_hand(
    clip: Clip, tiny_predictor: FacePredictor
) -> None:
    renderer, project = Renderer(tiny_predictor), edits.set_control(a_document(clip), "yaw", 20)
    played = [
        replace(FrameRequest.of(project, poster(clip), "draft", 256, frame=frame), playing=True)
        for frame in (1, 1, 2)
    ]
    first, again, other = (renderer.render(request).pixels for request in played)
    assert again is first
    assert other is not first


def test_what_drives_can_be_shown_beside(clip: Clip, tiny_predictor: FacePredictor) -> None:
    request = replace(FrameRequest.of(a_document(clip), poster(clip)), beside=ClipFrame(clip, 2))
    beside = Renderer(tiny_predictor).render(request).beside
    assert beside is not None
    assert beside.shape == (320, 320, 3)


def test_a_picture_is_rendered_where_what_would_stand_beside_it_is_gone(
    clip: Clip, tiny_predictor: FacePredictor
) -> None:
    gone = replace(clip, path=f"{clip.path}.gone", digest="0" * 64)
    frame = Renderer(tiny_predictor).render(
        replace(FrameRequest.of(a_document(clip), poster(clip)), beside=ClipFrame(gone, 2))
    )
    assert frame.beside is None
    assert frame.pixels.shape == (poster(clip).height, poster(clip).width, 3)


def test_protected_regions_keep_their_pixels(clip: Clip, tiny_predictor: FacePredictor) -> None:
    renderer = Renderer(tiny_predictor)
    project = edits.set_control(a_document(clip), "yaw", 20)
    edited = renderer.render(FrameRequest.of(project, poster(clip)))
    region = Region(box=Box(100, 40, 220, 190), shape="box", feather=0)
    kept = renderer.render(FrameRequest.of(edits.add_region(project, region), poster(clip)))
    inside = np.s_[45:185, 105:215]
    assert not np.array_equal(edited.pixels[inside], edited.before.pixels[inside])
    assert np.array_equal(kept.pixels[inside], kept.before.pixels[inside])


def test_a_filmstrip_shows_the_frames_that_were_asked_for(clip: Clip) -> None:
    strip = finish(Renderer().filmstrip(clip, [0, 3], 40))
    assert {frame: picture.shape for frame, picture in strip.items()} == {
        0: (40, 40, 3),
        3: (40, 40, 3),
    }


def test_people_are_portrayed_from_the_frame_that_shows_them_best(
    clip: Clip, astronaut: NDArray[np.uint8]
) -> None:
    state = ControlVector()
    seen = [None, None, state, state, None, None]
    motion = a_motion(seen)
    points = np.full((6, 478, 3), np.nan, np.float32)
    rng = np.random.default_rng(2)
    for frame in (2, 3):
        points[frame, :, :2] = rng.uniform((120, 50), (180, 110), (478, 2))
        points[frame, :, 2] = 0
    sure = np.array([0, 0, 0.4, 0.9, 0, 0], np.float32)
    motion = replace(motion, landmarks=points, confidence=sure)
    recent = RecentClips()
    (portrait,) = finish(recent.portraits(clip, [motion], 48))
    best = recent.photo(ClipFrame(clip, 3)).pixels
    recent.close()
    assert max(portrait.shape[:2]) <= 48
    box = Box.around(points[3])
    side = round(max(box.width, box.height) * 1.3)
    x, y = box.centre
    around = best[
        round(y - side / 2) : round(y + side / 2), round(x - side / 2) : round(x + side / 2)
    ]
    assert np.abs(portrait.mean((0, 1)) - around.mean((0, 1))).max() < 3
