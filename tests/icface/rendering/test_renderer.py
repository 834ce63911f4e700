from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.document import Face, Project, ProjectError, Source, edits
from icface.face.controls import ControlVector, UnknownControlError
from icface.face.geometry import Box
from icface.face.observation import FaceObservation, NoFaceError
from icface.jobs import Progress, Superseded
from icface.media import Photo, PhotoError, load_photo, thumbnail
from icface.model.face.encode import SourceEncoding
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID
from icface.model.networks.weights import ModelFileError
from icface.model.surface.layers import FlowLayer
from icface.rendering.frame_request import Frame, FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Opened, Renderer, edit_photo
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in

JAW = ControlVector.of({"jawOpen": 0.8, "yaw": 15})
FACE = Face.from_observation(observation_in(ASTRONAUT_BOX))
OTHER = Face.from_observation(observation_in(Box(300, 300, 400, 420)))


@pytest.fixture
def renderer(tiny_predictor: FacePredictor) -> Renderer:
    return Renderer(tiny_predictor, StandInTracker(FACE.observation()))


@pytest.fixture
def photo(astronaut: NDArray[np.uint8]) -> Photo:
    return Photo(astronaut, Path("astronaut.png"), "digest of the astronaut")


def finish(job: Generator[Progress, None, Any]) -> tuple[list[Progress], Any]:
    steps = []
    while True:
        try:
            steps.append(next(job))
        except StopIteration as end:
            return steps, end.value


def render(renderer: Renderer, photo: Photo, controls: ControlVector | None, **more: Any) -> Frame:
    return renderer.render(FrameRequest(photo, (FACE,), (controls,), **more))


# ---- requests


def test_requests_for_the_same_file_are_equal_however_often_it_was_read(photo: Photo) -> None:
    again = dataclasses.replace(photo, pixels=photo.pixels.copy())
    other = dataclasses.replace(photo, digest="another")
    request = FrameRequest(photo, (FACE,), (JAW,))
    assert request == FrameRequest(again, (FACE,), (JAW,))
    assert hash(request) == hash(FrameRequest(again, (FACE,), (JAW,)))
    assert request != FrameRequest(other, (FACE,), (JAW,))
    assert request != FrameRequest(photo, (FACE,), (JAW,), "draft")
    assert request != FrameRequest(photo, (FACE,), (None,))


def test_a_request_that_contradicts_itself_is_refused(photo: Photo) -> None:
    with pytest.raises(ValueError, match="0 states for 1 faces"):
        FrameRequest(photo, (FACE,), ())
    with pytest.raises(ValueError, match="at least 1 pixel a side, not 0"):
        FrameRequest(photo, (), (), "draft", 0)


def test_a_document_asks_for_its_edited_faces_alone(photo: Photo) -> None:
    source = Source("astronaut.png", photo.digest, photo.width, photo.height)
    project = edits.open_source(Project(), source, [FACE, OTHER])
    project = edits.set_control(edits.choose_face(project, 1), "yaw", 10)
    request = FrameRequest.of(project, photo, "draft", 300)
    assert request.controls == (None, ControlVector.of({"yaw": 10}))
    assert (request.faces, request.quality, request.max_side) == ((FACE, OTHER), "draft", 300)
    assert request.changes == ((OTHER, ControlVector.of({"yaw": 10})),)


def test_a_document_cannot_ask_for_another_photo(photo: Photo) -> None:
    source = Source("other.png", "another", 512, 512)
    for project in (Project(), edits.open_source(Project(), source, [])):
        with pytest.raises(ProjectError, match=r"astronaut.png is not the photo of this document"):
            FrameRequest.of(project, photo)


# ---- at rest


@pytest.mark.parametrize("quality", ["draft", "full"])
@pytest.mark.parametrize("controls", [None, FACE.controls])
def test_at_rest_the_photos_own_array_is_returned_and_no_network_is_loaded(
    photo: Photo, controls: ControlVector | None, quality: Any
) -> None:
    bare = Renderer()
    assert render(bare, photo, controls, quality=quality, max_side=512).pixels is photo.pixels
    assert bare.device_name == ""
    assert bare.drain_notices() == []


def test_a_draft_of_a_large_photo_is_reduced_and_a_small_one_never_enlarged(
    renderer: Renderer, photo: Photo
) -> None:
    wide = dataclasses.replace(photo, pixels=photo.pixels[:200], digest="wide")
    assert render(renderer, wide, None, quality="draft", max_side=256).pixels.shape == (100, 256, 3)
    assert render(renderer, photo, None, quality="draft", max_side=4096).pixels is photo.pixels
    assert render(renderer, photo, None, quality="draft").pixels is photo.pixels
    assert render(renderer, photo, None, quality="full", max_side=256).pixels is photo.pixels


def test_the_reduced_copy_of_a_photo_is_made_once(renderer: Renderer, photo: Photo) -> None:
    first, second = (
        render(renderer, photo, None, quality="draft", max_side=256).pixels for _ in range(2)
    )
    assert first.base is second.base is not None or first is second


# ---- edited


def test_what_is_played_is_made_once_and_a_slider_leaves_nothing_behind(
    renderer: Renderer, photo: Photo
) -> None:
    dragged = FrameRequest(photo, (FACE,), (JAW,), "draft", 256)
    first, second = (renderer.render(dragged).pixels for _ in range(2))
    assert first is not second
    assert np.array_equal(first, second)
    played = dataclasses.replace(dragged, playing=True)
    kept = renderer.render(played).pixels
    assert renderer.render(played).pixels is kept
    assert renderer.render(dragged).pixels is kept  # where a loop is stopped, its picture is there
    full = dataclasses.replace(played, quality="full", max_side=None)
    assert renderer.render(full).pixels is not renderer.render(full).pixels


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("quality", ["draft", "full"])
def test_an_edit_moves_the_face_and_nothing_far_from_it(
    renderer: Renderer, photo: Photo, channels: int, dtype: Any, quality: Any
) -> None:
    pixels = np.dstack([photo.pixels, np.full((512, 512), 255, np.uint8)])[..., :channels].astype(
        dtype
    )
    if dtype is np.uint16:
        pixels *= 257
    deep = dataclasses.replace(photo, pixels=pixels, digest=f"{channels}{dtype}")
    edited = render(renderer, deep, JAW, quality=quality).pixels
    assert (edited.shape, edited.dtype) == (pixels.shape, pixels.dtype)
    assert not np.array_equal(edited, pixels)
    np.testing.assert_array_equal(edited[400:], pixels[400:])
    np.testing.assert_array_equal(deep.pixels, pixels)


def test_a_draft_shows_what_the_full_picture_does(
    renderer: Renderer, photo: Photo, tiny_predictor: FacePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = np.linspace(-3, 3, GRID)
    bump = 12 * np.exp(-(at**2) - at[:, None] ** 2)
    flow = np.stack([bump, -bump], -1).astype(np.float32)
    monkeypatch.setattr(
        tiny_predictor,
        "predict",
        lambda encoding, controls: FacePrediction((FlowLayer("skin", flow),)),
    )
    odd = dataclasses.replace(photo, pixels=photo.pixels[:501, :397], digest="odd")
    full = render(renderer, odd, JAW).pixels
    draft = render(renderer, odd, JAW, quality="draft", max_side=199).pixels
    reduced, unedited = thumbnail(full, 199).astype(float), thumbnail(odd.pixels, 199).astype(float)
    assert np.abs(draft - reduced).mean() < 0.3 * np.abs(draft - unedited).mean()


def test_every_edited_face_is_changed_in_turn(renderer: Renderer, photo: Photo) -> None:
    both = renderer.render(FrameRequest(photo, (FACE, OTHER), (JAW, JAW))).pixels
    first = renderer.render(FrameRequest(photo, (FACE, OTHER), (JAW, None))).pixels
    second = renderer.render(FrameRequest(photo, (FACE, OTHER), (None, JAW))).pixels
    np.testing.assert_array_equal(both[:230], first[:230])
    np.testing.assert_array_equal(both[450:], second[450:])
    np.testing.assert_array_equal(first, render(renderer, photo, JAW).pixels)


def test_the_same_request_gives_the_same_picture(renderer: Renderer, photo: Photo) -> None:
    np.testing.assert_array_equal(
        render(renderer, photo, JAW).pixels, render(renderer, photo, JAW).pixels
    )


def test_a_frame_tells_its_request_and_its_time(renderer: Renderer, photo: Photo) -> None:
    request = FrameRequest(photo, (FACE,), (JAW,))
    frame = renderer.render(request)
    assert frame.request is request
    assert frame.milliseconds > 0


def test_a_superseded_request_stops_before_the_next_stage(renderer: Renderer, photo: Photo) -> None:
    def checkpoint() -> None:
        raise Superseded

    with pytest.raises(Superseded):
        renderer.render(FrameRequest(photo, (FACE,), (JAW,)), checkpoint)
    assert renderer.render(FrameRequest(photo, (FACE,), (None,)), checkpoint).pixels is photo.pixels


# ---- encodings


class Counted:
    """Remembers what was encoded by a predictor."""

    def __init__(self, predictor: FacePredictor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[tuple[int, ...], FaceObservation]] = []
        encode = predictor.encode

        def counted(image: NDArray[np.uint8], face: FaceObservation) -> SourceEncoding:
            self.seen.append((image.shape, face))
            return encode(image, face)

        monkeypatch.setattr(predictor, "encode", counted)


@pytest.fixture
def counted(tiny_predictor: FacePredictor, monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(tiny_predictor, monkeypatch)


def test_a_face_is_encoded_once_for_all_sizes(
    renderer: Renderer, photo: Photo, counted: Counted
) -> None:
    for yaw in (5, 10, 15):
        for quality in ("draft", "full"):
            render(renderer, photo, ControlVector.of({"yaw": yaw}), quality=quality, max_side=256)
    assert counted.seen == [((512, 512, 3), counted.seen[0][1])]


def test_a_prepared_face_is_not_encoded_again(
    renderer: Renderer, photo: Photo, counted: Counted
) -> None:
    steps, _ = finish(renderer.prepare(photo, (FACE, OTHER)))
    assert [(step.done, step.total) for step in steps] == [(0, 2), (1, 2)]
    assert len(counted.seen) == 2
    render(renderer, photo, JAW, quality="draft", max_side=256)
    render(renderer, photo, JAW)
    assert len(counted.seen) == 2


def test_a_photo_without_faces_needs_no_preparation(renderer: Renderer, photo: Photo) -> None:
    assert finish(renderer.prepare(photo, ())) == ([], None)


# ---- opening and observing


def test_a_photo_is_opened_with_its_faces_step_by_step(
    renderer: Renderer, astronaut_path: Path
) -> None:
    steps, opened = finish(renderer.open(astronaut_path))
    assert isinstance(opened, Opened)
    assert [step.done for step in steps] == [0, 1, 2]
    assert "astronaut.png" in steps[0].text
    assert opened.faces == (FACE,)
    assert opened.source == Source(str(astronaut_path), load_photo(astronaut_path).digest, 512, 512)


def test_a_photo_without_a_face_is_opened_all_the_same(
    tiny_predictor: FacePredictor, astronaut_path: Path
) -> None:
    steps, opened = finish(Renderer(tiny_predictor, StandInTracker()).open(astronaut_path))
    assert opened.faces == ()
    assert steps[-1].text == "No face found"


def test_a_file_that_is_no_photo_is_refused_by_name(renderer: Renderer, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"nothing\.png"):
        finish(renderer.open(tmp_path / "nothing.png"))


def test_a_face_is_read_in_a_box_drawn_by_hand(renderer: Renderer, photo: Photo) -> None:
    assert renderer.observe(photo, Box(300, 300, 400, 420)) == OTHER
    with pytest.raises(NoFaceError, match="5 pixels"):
        renderer.observe(photo, Box(0, 0, 5, 5))


# ---- the networks


def test_what_was_given_is_not_loaded(renderer: Renderer, tiny_predictor: FacePredictor) -> None:
    steps, _ = finish(renderer.warm_up())
    assert len(steps) == 2
    assert renderer.device_name == tiny_predictor.device_name == "CPU"
    assert renderer.drain_notices() == []


def test_the_shipped_networks_find_the_astronaut_and_close_her_eyes(astronaut_path: Path) -> None:
    shipped = Renderer(device="cpu")
    finish(shipped.warm_up())
    assert shipped.device_name == "CPU"
    _, opened = finish(shipped.open(astronaut_path))
    (face,) = opened.faces
    assert face.box.iou(ASTRONAUT_BOX) > 0.4
    finish(shipped.prepare(opened.photo, opened.faces))
    edited = edit_photo(shipped, opened.photo, face, {"AU43": 1})
    rows, columns = np.nonzero((edited != opened.photo.pixels).any(2))
    assert (
        face.box.top - face.box.height < rows.min() < rows.max() < face.box.bottom + face.box.height
    )
    assert (
        face.box.left - face.box.width
        < columns.min()
        < columns.max()
        < face.box.right + face.box.width
    )


def test_missing_weights_are_named_when_they_are_needed(
    photo: Photo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("icface.rendering.predictor.models_dir", lambda: tmp_path)
    monkeypatch.setattr("icface.tracking.builtin.models_dir", lambda: tmp_path)
    with pytest.raises(ModelFileError, match="neutralizer"):
        render(Renderer(), photo, JAW)
    with pytest.raises(ModelFileError, match="detector"):
        finish(Renderer().warm_up())


def test_importing_the_renderer_does_not_wait_for_torch() -> None:
    code = "import sys, icface.rendering.renderer; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- editing in one go


def test_a_photo_is_edited_to_what_was_asked_for(renderer: Renderer, photo: Photo) -> None:
    smiling = Face.from_observation(
        observation_in(ASTRONAUT_BOX, ControlVector.of({"jawOpen": 0.2, "yaw": 5}))
    )
    edited = edit_photo(renderer, photo, smiling, {"jawOpen": 0.8, "yaw": 15})
    added = edit_photo(renderer, photo, smiling, {"jawOpen": 0.6, "yaw": 10}, relative=True)
    assert not np.array_equal(edited, photo.pixels)
    np.testing.assert_array_equal(edited, added)


def test_no_settings_return_the_photo_itself(renderer: Renderer, photo: Photo) -> None:
    assert edit_photo(renderer, photo, FACE, {}) is photo.pixels


def test_settings_that_mean_nothing_are_refused(renderer: Renderer, photo: Photo) -> None:
    with pytest.raises(UnknownControlError, match="AU99"):
        edit_photo(renderer, photo, FACE, {"AU99": 1})
