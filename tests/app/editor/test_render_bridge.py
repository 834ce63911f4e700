from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from app.editor.render_bridge import RenderBridge
from app.errors import in_plain_words
from app.widgets.qimage import to_qimage
from icface.document import Face, Project, Source, edits
from icface.face.geometry import Box
from icface.face.observation import NoFaceError
from icface.jobs import Advanced, Cancelled, Event, Failed, Finished, Job, Progress, Rendered, Work
from icface.media import Photo, PhotoError, load_photo
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import Frame, FrameRequest
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in

FACE = Face.from_observation(observation_in(ASTRONAUT_BOX))
SIGNALS = (
    "frame_ready",
    "photo_opened",
    "face_observed",
    "photo_saved",
    "failed",
    "notice_raised",
    "progress",
    "device_changed",
)


class Heard:
    """All that a bridge told, in order, and on which thread."""

    def __init__(self, bridge: RenderBridge) -> None:
        self.all: list[tuple[str, tuple[Any, ...]]] = []
        self.threads: set[int] = set()
        for name in (*SIGNALS, "busy_changed"):
            getattr(bridge, name).connect(lambda *values, name=name: self._hear(name, values))

    def _hear(self, name: str, values: tuple[Any, ...]) -> None:
        self.all.append((name, values))
        self.threads.add(threading.get_ident())

    def of(self, name: str) -> list[Any]:
        return [
            values[0] if len(values) == 1 else values for said, values in self.all if said == name
        ]


@pytest.fixture
def renderer(tiny_predictor: FacePredictor) -> Renderer:
    return Renderer(tiny_predictor, StandInTracker(FACE.observation()))


@pytest.fixture
def bridge(renderer: Renderer, qtbot: QtBot) -> Iterator[RenderBridge]:
    made = RenderBridge(RenderEngine(renderer.render, settle_s=0), renderer)
    yield made
    made.close()


@pytest.fixture
def photo(astronaut_path: Path) -> Photo:
    return load_photo(astronaut_path)


def a_document(photo: Photo, yaw: float = 0.0) -> Project:
    source = Source(str(photo.path), photo.digest, photo.width, photo.height)
    project = edits.open_source(Project(), source, [FACE])
    return edits.set_control(project, "yaw", yaw)


# ---- requests


def test_a_request_is_answered_by_a_draft_and_then_by_the_full_picture(
    bridge: RenderBridge, photo: Photo, qtbot: QtBot
) -> None:
    heard = Heard(bridge)
    bridge.request(a_document(photo, 15), photo, 200)
    assert bridge.is_busy
    qtbot.waitUntil(lambda: not bridge.is_busy)
    draft, full = heard.of("frame_ready")
    assert (draft.request.quality, draft.pixels.shape) == ("draft", (256, 256, 3))
    assert (full.request.quality, full.pixels.shape) == ("full", (512, 512, 3))
    assert heard.of("busy_changed") == [True, False]
    assert heard.threads == {threading.get_ident()}
    assert bridge.milliseconds == full.milliseconds
    assert bridge.device_name == "CPU"
    assert heard.of("device_changed") == ["CPU"]


def test_an_untouched_photo_comes_back_as_it_is(
    bridge: RenderBridge, photo: Photo, qtbot: QtBot
) -> None:
    heard = Heard(bridge)
    assert bridge.milliseconds is None
    bridge.request(a_document(photo), photo, None)
    qtbot.waitUntil(lambda: not bridge.is_busy)
    assert [frame.pixels is photo.pixels for frame in heard.of("frame_ready")] == [True, True]


def test_the_last_of_many_requests_is_answered_in_full(
    bridge: RenderBridge, photo: Photo, qtbot: QtBot
) -> None:
    heard = Heard(bridge)
    for yaw in range(1, 20):
        bridge.request(a_document(photo, yaw), photo, 256)
    qtbot.waitUntil(lambda: not bridge.is_busy)
    last = heard.of("frame_ready")[-1]
    assert last.request == FrameRequest.of(a_document(photo, 19), photo)
    assert [frame.request.quality for frame in heard.of("frame_ready")].count("full") == 1


def test_faces_are_prepared_once_for_all_sizes(
    bridge: RenderBridge, photo: Photo, qtbot: QtBot
) -> None:
    heard = Heard(bridge)
    for side in (200, 256, 300):
        bridge.request(a_document(photo), photo, side)
        qtbot.waitUntil(lambda: not bridge.is_busy)
    assert heard.of("progress") == [(0, 1, "Preparing the face")]


# ---- an engine that answers when it is told to


class StillEngine:
    """Takes everything and does nothing until the test says what happened."""

    def __init__(self) -> None:
        self.requests: list[tuple[FrameRequest, FrameRequest]] = []
        self.jobs: list[Work] = []
        self.cancelled: list[Job] = []
        self.promised = 0
        self.closed = 0

    def start(self, on_event: Any) -> None:
        self.tell = on_event

    def request(self, request: FrameRequest, refinement: FrameRequest) -> None:
        self.requests.append((request, refinement))

    def add_job(self, work: Work, *, must_finish: bool = False) -> Job:
        self.jobs.append(work)
        self.promised += must_finish
        return Job(len(self.jobs))

    def cancel(self, job: Job) -> None:
        self.cancelled.append(job)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def still() -> StillEngine:
    return StillEngine()


@pytest.fixture
def told(still: StillEngine, renderer: Renderer, qtbot: QtBot) -> RenderBridge:
    return RenderBridge(still, renderer)  # type: ignore[arg-type]


def tell(still: StillEngine, bridge: RenderBridge, *happened: Event) -> None:
    """Let the engine tell something, and the bridge hear it."""
    for event in happened:
        still.tell(event)
    QCoreApplication.sendPostedEvents(bridge)


def a_frame(request: FrameRequest, milliseconds: float = 5.0) -> Frame:
    return Frame(request.photo.pixels, milliseconds, request, request.photo)


def finish(work: Work) -> object:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_bridge_is_busy_until_the_full_picture_is_there(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard = Heard(told)
    told.request(a_document(photo, 5), photo, None)
    ((draft, full),) = still.requests
    tell(still, told, Finished(Job(1), None), Rendered(draft, a_frame(draft)))
    assert told.is_busy
    tell(still, told, Rendered(full, a_frame(full, 7.0)))
    assert not told.is_busy
    assert told.milliseconds == 7.0
    assert heard.of("busy_changed") == [True, False]


def test_a_picture_of_the_photo_before_is_not_shown(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard, other = Heard(told), replace(photo, digest="another")
    tell(still, told, Rendered("early", a_frame(FrameRequest(photo, (), ()))))
    told.request(a_document(photo, 5), photo, None)
    told.request(a_document(other, 5), other, None)
    (old, _), (new, _) = still.requests
    tell(still, told, Rendered(old, a_frame(old)), Rendered(new, a_frame(new)))
    assert [frame.request for frame in heard.of("frame_ready")] == [new]


def test_an_older_picture_is_shown_while_the_newer_is_made(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard = Heard(told)
    told.request(a_document(photo, 5), photo, None)
    told.request(a_document(photo, 6), photo, None)
    (old, _), _ = still.requests
    tell(still, told, Rendered(old, a_frame(old)))
    assert [frame.request for frame in heard.of("frame_ready")] == [old]
    assert told.is_busy


def test_a_request_that_fails_is_told_unless_a_newer_one_is_on_its_way(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard = Heard(told)
    tell(still, told, Failed(FrameRequest(photo, (), ()), NoFaceError("nobody asked")))
    told.request(a_document(photo, 5), photo, None)
    told.request(a_document(photo, 6), photo, None)
    (old, _), (new, _) = still.requests
    tell(still, told, Finished(Job(1), None), Failed(old, NoFaceError("old")))
    assert heard.of("failed") == []
    assert told.is_busy
    tell(still, told, Failed(new, NoFaceError("There is no face.")))
    assert heard.of("failed") == [("The picture could not be rendered", "There is no face.")]
    assert not told.is_busy


def test_the_photo_asked_for_last_is_the_one_that_opens(
    told: RenderBridge, still: StillEngine, astronaut_path: Path
) -> None:
    heard = Heard(told)
    told.open_photo("first.png")
    told.open_photo(astronaut_path)
    assert still.cancelled == [Job(1)]
    opened = finish(still.jobs[1])
    tell(still, told, Advanced(Job(1), Progress(0, 3, "old")), Failed(Job(1), PhotoError("gone")))
    tell(
        still,
        told,
        Advanced(Job(2), Progress(1, 3, "new")),
        Finished(Job(2), opened),
        Cancelled(Job(1)),
    )
    assert heard.of("progress") == [(1, 3, "new")]
    assert heard.of("photo_opened") == [opened]
    assert heard.of("failed") == []
    assert not told.is_busy


def test_a_face_of_the_photo_before_is_not_given_to_the_next(
    told: RenderBridge, still: StillEngine, photo: Photo, astronaut_path: Path
) -> None:
    heard = Heard(told)
    told.observe(photo, Box(0, 0, 50, 50))
    told.open_photo(astronaut_path)
    tell(still, told, Finished(Job(2), finish(still.jobs[1])), Finished(Job(1), FACE))
    assert heard.of("face_observed") == []
    assert still.cancelled == [Job(1)]


def test_all_that_is_saved_is_saved(
    told: RenderBridge, still: StillEngine, photo: Photo, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        told.save_photo(a_document(photo), photo, tmp_path / name)
    assert still.cancelled == []
    assert still.promised == 2
    for work in still.jobs:
        finish(work)
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png"}


def test_what_is_cancelled_is_never_heard_of_again(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard = Heard(told)
    told.open_photo("photo.png")
    told.observe(photo, Box(0, 0, 50, 50))
    told.cancel()
    assert sorted(job.number for job in still.cancelled) == [1, 2]
    assert not told.is_busy
    tell(still, told, Finished(Job(2), FACE), Cancelled(Job(1)))
    assert heard.of("face_observed") == []
    assert heard.of("busy_changed") == [True, False]


def test_a_closed_bridge_tells_nothing_more(
    told: RenderBridge, still: StillEngine, photo: Photo
) -> None:
    heard = Heard(told)
    told.request(a_document(photo, 5), photo, None)
    ((draft, _),) = still.requests
    still.tell(Rendered(draft, a_frame(draft)))
    told.close()
    tell(still, told, Failed(draft, NoFaceError("late")))
    assert still.closed == 1
    assert [name for name, _ in heard.all] == ["busy_changed"]


def test_what_the_networks_want_known_is_told(
    told: RenderBridge,
    still: StillEngine,
    photo: Photo,
    renderer: Renderer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard(told)
    monkeypatch.setattr(renderer, "drain_notices", lambda: ["It goes on on the CPU."])
    tell(still, told, Cancelled(Job(1)))
    assert heard.of("notice_raised") == ["It goes on on the CPU."]


# ---- jobs, with the engine at work


def test_a_photo_is_opened_and_a_failure_told_in_plain_words(
    bridge: RenderBridge, astronaut_path: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(bridge.photo_opened) as opened:
        bridge.open_photo(astronaut_path)
    assert opened.args[0].faces == (FACE,)
    with qtbot.waitSignal(bridge.failed) as failed:
        bridge.open_photo(tmp_path / "nothing.png")
    title, text = failed.args
    assert title == "nothing.png could not be opened"
    assert "nothing.png" in text
    assert "Traceback" not in text


def test_a_face_is_read_in_a_box_and_a_box_too_small_is_told(
    bridge: RenderBridge, photo: Photo, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(bridge.face_observed) as observed:
        bridge.observe(photo, ASTRONAUT_BOX)
    assert observed.args == [FACE]
    with qtbot.waitSignal(bridge.failed) as failed:
        bridge.observe(photo, Box(0, 0, 5, 5))
    assert failed.args == [
        "No face could be read in the box",
        "No face fits into 5 x 5 pixels; draw a larger box.",
    ]


def test_the_edited_photo_is_saved(
    bridge: RenderBridge, photo: Photo, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(bridge.photo_saved) as saved:
        bridge.save_photo(a_document(photo), photo, tmp_path / "edited.png")
    assert saved.args[0].path == tmp_path / "edited.png"
    np.testing.assert_array_equal(load_photo(tmp_path / "edited.png").pixels, photo.pixels)


def test_the_networks_are_loaded_ahead(bridge: RenderBridge, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bridge.device_changed) as changed:
        bridge.warm_up()
    assert changed.args == ["CPU"]
    qtbot.waitUntil(lambda: not bridge.is_busy)


def test_closing_stops_the_engine_in_the_middle_of_its_work(
    renderer: Renderer, photo: Photo, astronaut_path: Path, qtbot: QtBot
) -> None:
    bridge = RenderBridge(RenderEngine(renderer.render), renderer)
    bridge.request(a_document(photo, 15), photo, None)
    bridge.open_photo(astronaut_path)
    bridge.close()
    bridge.close()
    assert "icface-render" not in {thread.name for thread in threading.enumerate()}


def test_a_fault_in_a_job_is_logged_and_the_next_job_is_done(
    bridge: RenderBridge, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Work:
        yield Progress(0, 1, "")
        raise IndexError("no such frame")

    def whole() -> Generator[Progress, None, int]:
        yield Progress(0, 1, "")
        return 7

    with caplog.at_level(logging.ERROR), qtbot.waitSignal(bridge.failed):
        bridge.run(broken(), pytest.fail)
    (record,) = caplog.records
    assert 'raise IndexError("no such frame")' in record.getMessage()
    answers: list[int] = []
    bridge.run(whole(), answers.append)
    qtbot.waitUntil(lambda: answers == [7])


def test_the_answer_of_a_job_goes_to_whoever_asked_for_it(
    bridge: RenderBridge, qtbot: QtBot
) -> None:
    def work(value: int) -> Generator[Progress, None, int]:
        yield Progress(0, 1, "")
        if value == 2:
            raise PhotoError("The disk is full.")
        return value

    first, third, errors = list[int](), list[int](), list[Exception]()
    bridge.run(work(1), first.append)
    bridge.run(work(2), pytest.fail, errors.append)
    bridge.run(work(3), third.append)
    qtbot.waitUntil(lambda: third == [3])
    assert first == [1]
    assert [str(error) for error in errors] == ["The disk is full."]


# ---- words


def test_errors_of_this_program_speak_for_themselves() -> None:
    assert in_plain_words(PhotoError("portrait.png is damaged.")) == "portrait.png is damaged."


@pytest.mark.parametrize("error", [ValueError("operands could not be broadcast"), KeyError("x")])
def test_other_errors_come_as_a_sentence_with_details_below(error: Exception) -> None:
    sentence, details = in_plain_words(error).split("\n\n", 1)
    assert "undo" in sentence
    assert type(error).__name__ in details
    assert type(error).__name__ not in sentence


def test_a_lack_of_memory_is_called_that() -> None:
    assert "not enough memory" in in_plain_words(MemoryError())


# ---- pictures for Qt


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_qt_shows_the_colours_of_the_pixels(channels: int, dtype: Any) -> None:
    eight = np.random.default_rng(1).integers(0, 256, (5, 7, channels))
    image = to_qimage((eight * (257 if dtype is np.uint16 else 1)).astype(dtype))
    assert (image.width(), image.height(), image.hasAlphaChannel()) == (7, 5, channels == 4)
    for y in range(5):
        for x in range(7):
            assert image.pixelColor(x, y).getRgb()[:channels] == tuple(eight[y, x])


def test_an_image_keeps_its_pixels_alive_without_a_copy() -> None:
    pixels: NDArray[np.uint8] = np.full((50, 70, 3), 9, np.uint8)
    pixels.flags.writeable = False
    kept = weakref.ref(pixels)
    image = to_qimage(pixels)
    del pixels
    gc.collect()
    assert kept() is not None
    assert image.pixelColor(69, 49).getRgb() == (9, 9, 9, 255)
    del image
    gc.collect()
    assert kept() is None


def test_a_part_of_a_picture_is_shown_as_that_part() -> None:
    pixels = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    image = to_qimage(pixels[1:4, 2:5])
    assert image.pixelColor(0, 0).getRgb()[:3] == tuple(pixels[1, 2])
    assert image.pixelColor(2, 2).getRgb()[:3] == tuple(pixels[3, 4])
