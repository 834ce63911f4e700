"""Faces that lie on their side or stand on their head: found, read, followed and edited."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.cli import main
from icface.document import Face
from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.face.lying import lying_deg, roll_about
from icface.face.selectors import apply_deltas
from icface.formats import load
from icface.jobs import run_to_end
from icface.media import Photo
from icface.motion.store import ReadingCache
from icface.rendering.frame_request import FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from icface.tracking.builtin import FACE_LIMIT, LYING_LIMIT, BuiltinTracker
from icface.tracking.clips import track_clip
from tests.icface.export.exporting import LOSSLESS, portrait_clip
from tests.icface.media.videos import drifting, write_video

ROLL_OF_TURNS = {1: 90.0, 2: 180.0, 3: -90.0}
"""How far a head is rolled in a picture that was turned so many times by 90 degrees
counter-clockwise."""


@pytest.fixture(scope="module")
def tracker() -> BuiltinTracker:
    return BuiltinTracker()


def turned(picture: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(picture, turns))


def back(points: NDArray[np.float32], turns: int, side: int) -> NDArray[np.float64]:
    """Points of a square picture that was turned so often, as they lie in the upright one."""
    at = points[:, :2].astype(float) - (side - 1) / 2
    for _ in range(turns):
        at = np.stack([-at[:, 1], at[:, 0]], 1)
    return at + (side - 1) / 2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_lying_face_is_found_and_read_as_the_upright_one(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], turns: int
) -> None:
    upright = tracker.detect(astronaut)[0]
    (face,) = tracker.detect(turned(astronaut, turns))
    apart = np.linalg.norm(back(face.landmarks, turns, 512) - upright.landmarks[:, :2], axis=1)
    assert apart.mean() < 3
    assert roll_about(face.controls["roll"], ROLL_OF_TURNS[turns]) == pytest.approx(
        upright.controls["roll"], abs=4
    )
    assert face.controls["yaw"] == pytest.approx(upright.controls["yaw"], abs=4)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_lying_face_that_is_small_in_an_oblong_picture_is_where_it_was_put(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], turns: int
) -> None:
    large = np.full((700, 1500, 3), 118, np.uint8)
    large[100:612, 900:1412] = turned(astronaut, turns)
    (face,) = tracker.detect(large)
    alone = tracker.detect(turned(astronaut, turns))[0].box
    assert (
        face.box.iou(Box(alone.left + 900, alone.top + 100, alone.right + 900, alone.bottom + 100))
        > 0.85
    )


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_box_drawn_around_a_lying_face_is_enough(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], turns: int
) -> None:
    picture = turned(astronaut, turns)
    found = tracker.detect(picture)[0]
    box = found.box
    drawn = tracker.observe(
        picture, Box(box.left - 12, box.top - 9, box.right + 10, box.bottom + 14)
    )
    assert drawn.box.iou(box) > 0.85
    assert roll_about(drawn.controls["roll"], ROLL_OF_TURNS[turns]) == pytest.approx(-3, abs=8)


def test_an_upright_face_ends_the_search(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    propose = tracker.propose
    monkeypatch.setattr(
        tracker, "propose", lambda image, turns=0: looked.append(turns) or propose(image, turns)
    )
    assert len(tracker.detect(astronaut)) == 1
    assert looked == [0]
    assert tracker.detect(np.full((300, 400, 3), 128, np.uint8)) == ()
    assert looked == [0, 0, 1, 2, 3]


WITH_FACES = {"astronaut.png", "camera.png"}


def pictures_of_scikit_image() -> list[Path]:
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    found = sorted(
        path
        for path in (Path(spec.origin).parent / "data").iterdir()
        if path.suffix in {".png", ".jpg"}
    )
    return [path for path in found if path.name not in WITH_FACES]


def test_pictures_without_faces_have_none_however_they_are_turned(tracker: BuiltinTracker) -> None:
    pictures = pictures_of_scikit_image()
    assert len(pictures) > 5
    for path in pictures:
        bgr = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2)
        assert bgr is not None
        assert tracker.detect(np.ascontiguousarray(bgr[:400, :400, ::-1]).astype(np.uint8)) == (), (
            path.name
        )
    assert LYING_LIMIT > FACE_LIMIT


@pytest.mark.parametrize(
    ("roll", "quarter"),
    [
        (0, 0),
        (60, 0),
        (-60, 0),
        (70, 90),
        (-93, -90),
        (177, 180),
        (-177, 180),
        (270, -90),
        (359, 0),
    ],
)
def test_a_head_lies_about_the_nearest_quarter_turn(roll: float, quarter: float) -> None:
    assert lying_deg(roll) == quarter


def test_the_roll_of_a_lying_face_counts_from_its_quarter_turn(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8]
) -> None:
    seen = tracker.detect(turned(astronaut, 2))[0]
    assert abs(seen.controls["roll"]) > 150
    face = Face.from_observation(seen)
    assert abs(face.controls["roll"]) < 15
    upright = replace(seen, controls=ControlVector.of({"roll": 40}))
    assert Face.from_observation(upright).controls == upright.controls


@pytest.fixture(scope="module")
def renderer(tracker: BuiltinTracker) -> Renderer:
    return Renderer(FacePredictor.load("cpu"), tracker)


def change_of(
    renderer: Renderer, astronaut: NDArray[np.uint8], turns: int, edit: dict[str, float]
) -> NDArray[np.float64]:
    """The change by an edit of a turned portrait, turned back, without its finest detail."""
    photo = Photo(turned(astronaut, turns), Path(f"{turns}.png"), str(turns))
    found = Face.from_observation(renderer._load_tracker().detect(photo.rgb8)[0])
    wanted = apply_deltas(found.controls, edit)
    pixels = renderer.render(FrameRequest(photo, (found,), (wanted,))).pixels
    return cv2.GaussianBlur(np.rot90(pixels, -turns).astype(float) - astronaut, (0, 0), 4)


@pytest.mark.parametrize(
    ("turns", "edit"), [(1, {"roll": 15.0}), (2, {"AU26": 0.8, "AU12L": 1.0}), (3, {"yaw": 18.0})]
)
def test_a_lying_face_changes_as_the_upright_one_does(
    renderer: Renderer, astronaut: NDArray[np.uint8], turns: int, edit: dict[str, float]
) -> None:
    upright, lying = (change_of(renderer, astronaut, k, edit) for k in (0, turns))
    assert np.corrcoef(upright.ravel(), lying.ravel())[0, 1] > 0.8


def test_a_clip_of_a_head_upside_down_is_followed_without_jumps(
    tracker: BuiltinTracker, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    over = np.roll(
        turned(astronaut, 2), (-264, -60), (0, 1)
    )  # the face is where it is in the upright portrait
    clip = portrait_clip(tmp_path / "over.mkv", over, 3, replace(LOSSLESS, rate=10))
    (motion,) = run_to_end(track_clip(clip, tracker)).motions
    assert motion.present.all()
    assert np.abs(motion.controls[:, 2]).max() < 20


@pytest.mark.parametrize(
    ("turns", "how"), [(0, ""), (1, "lies on its side"), (2, "is upside down")]
)
def test_tracking_says_from_where_the_roll_of_a_lying_head_counts(
    astronaut: NDArray[np.uint8],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    turns: int,
    how: str,
) -> None:
    cache = ReadingCache(tmp_path / "cache")
    monkeypatch.setattr(ReadingCache, "of_user", lambda: cache)
    frames = [np.ascontiguousarray(np.rot90(p, turns)) for p in drifting(astronaut, 3)]
    clip, out = write_video(tmp_path / "clip.mp4", frames), tmp_path / "face.json"
    printed = CliRunner().invoke(main, ["track", str(clip), "-o", str(out)])  # read
    report = json.loads(
        CliRunner().invoke(main, ["track", str(clip), "-o", str(out), "--json"]).stdout
    )  # remembered
    quarter = ROLL_OF_TURNS.get(turns, 0.0)
    assert report["lies_at_degrees"] == quarter
    if not how:
        assert report["notes"] == []
        assert "roll" not in printed.stderr
        return
    note = f"The head {how}: its roll counts from {quarter:g} degrees."
    assert f"note: {note}" in printed.stderr
    assert report["notes"][0].startswith(note)
    assert np.abs(load(out).motion.controls[:, 2]).max() < 20
