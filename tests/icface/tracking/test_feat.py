"""py-feat's readings in our units, and the way to the process in which it runs and back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from icface.face.controls import ControlVector, direction
from icface.face.geometry import Box
from icface.face.observation import NoFaceError, TrackerUnavailableError
from icface.tracking import feat, feat_process
from icface.tracking.choice import TRACKERS, begin, make_tracker, tracker_of
from icface.tracking.feat import FeatTracker
from icface.tracking.feat_readings import mesh_columns, observations, wanted_columns
from tests.icface.tracking import feat_standin, random_feat
from tests.icface.tracking.feat_standin import table_of

SMILE = float(direction("AU12L").max())
"""mouthSmile of a full AU12."""
NAN = np.nan
ROOT = Path(__file__).resolve().parents[3]

# --------------------------------------------------------------------------------------------------


def test_radians_become_degrees_and_shapes_get_their_sides() -> None:
    (face,) = observations(table_of((10, 20)), "Detectorv2")
    state = face.controls
    assert abs(state["yaw"]) == pytest.approx(np.degrees(0.1), abs=1e-6)
    assert (state["pitch"], state["roll"]) == (
        pytest.approx(0, abs=1e-9),
        pytest.approx(0, abs=1e-9),
    )
    assert (state["jawOpen"], state["eyeBlink_L"], state["eyeBlink_R"]) == (0.25, 0.75, 0.125)
    assert state["mouthSmile_L"] == 0  # blend shapes are there, so that Action Units are not asked
    assert face.confidence == pytest.approx(0.9)
    assert (face.box.left, face.box.top) == (10, 20)


def test_the_two_detectors_signs_lead_to_one_head() -> None:
    later, mesh = table_of((10, 20)), table_of((10, 20))
    one, zero = np.ones(1), np.zeros(1)
    later |= {"Pitch": -0.2 * one, "Roll": zero, "Yaw": zero}  # py-feat: up is positive
    mesh |= {"Pitch": 0.2 * one, "Roll": zero, "Yaw": zero}
    (a,), (b,) = observations(later, "Detectorv2"), observations(mesh, "MPDetector")
    assert a.controls["pitch"] == pytest.approx(np.degrees(0.2))
    assert b.controls["pitch"] == pytest.approx(np.degrees(0.2))


def test_depth_is_in_pixels_whichever_crop_it_was_read_in() -> None:
    (face,) = observations(table_of((0, 0)), "Detectorv2")
    assert np.allclose(face.landmarks[:, 2], 0.5 * feat_standin.SIDE)
    table = table_of((0, 0))
    table["mesh"][:, :, 2] *= 256
    (face,) = observations(table, "MPDetector")
    assert np.allclose(face.landmarks[:, 2], 0.5 * feat_standin.SIDE)


def test_action_units_stand_in_where_there_are_no_shapes() -> None:
    table = {
        n: c * NAN if n in {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"} else c
        for n, c in table_of((0, 0)).items()
    }
    (face,) = observations(table, "Detectorv2")
    assert face.controls["mouthSmile_L"] == face.controls["mouthSmile_R"] == SMILE


def test_rows_without_a_face_are_none() -> None:
    blank = {name: column * NAN for name, column in table_of((0, 0)).items()}
    assert observations(blank, "Detectorv2") == ()
    assert observations(table_of((0, 0), score=0), "MPDetector") == ()


def test_the_largest_face_comes_first() -> None:
    table = table_of((0, 0), (100, 0))
    table["mesh"][1, :, :2] *= 1.5
    assert [face.box.left for face in observations(table, "Detectorv2")] == [150, 0]


def test_the_478_points_are_not_taken_for_the_68() -> None:
    assert [names[0] for names in mesh_columns("Detectorv2")] == [
        "mesh_x_0",
        "mesh_y_0",
        "mesh_z_0",
    ]
    assert [names[-1] for names in mesh_columns("MPDetector")] == ["x_477", "y_477", "z_477"]
    asked = wanted_columns(
        [
            "FaceRectX",
            "FaceScore",
            "x_0",
            "Pitch",
            "AU12",
            "AU45",
            "AU99",
            "_neutral",
            "jawOpen",
            "gaze_yaw",
        ]
    )
    assert asked == ["FaceScore", "Pitch", "AU12", "AU45", "jawOpen"]


# --------------------------------------------------------------------------------------------------


def test_the_hub_is_asked_for_no_longer_than_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked = threading.Event()
    monkeypatch.setattr(feat_process, "_LOOK_UP_S", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: asked.wait(30))
    assert not feat_process._hub_answers()
    asked.set()
    assert feat_process._hub_answers()

    def refuse(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert not feat_process._hub_answers()
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert feat_process._hub_answers()


def test_without_a_console_what_is_written_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    feat_process._give_streams()
    print("30 %", file=sys.stderr)  # noqa: T201  (as a bar of progress does)
    print("100 %")  # noqa: T201
    sys.stdout.close()


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Iterator[FeatTracker]:
    monkeypatch.setattr(feat, "serve", feat_standin.serve)
    with tracker_of("feat") as made:
        assert isinstance(made, FeatTracker)
        yield made


def picture(at: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((120, 160, 3), at, np.uint8)


def test_faces_are_found_followed_and_pointed_at_through_the_process(tracker: FeatTracker) -> None:
    environment = dict(os.environ)
    steps = list(begin(tracker))
    assert {step.text for step in steps} == {"py-feat is starting, which takes a while"}
    assert (tracker.name, tracker.version) == ("py-feat Detectorv2", "1 Detectorv2 cpu")
    (face,) = tracker.detect(picture(20))
    assert (face.box.left, face.box.top) == (20, 20)
    moved = tracker.follow(picture(24), face)
    assert moved is not None
    assert moved.box.left == 24
    assert tracker.follow(picture(90), face) is None
    pointed = tracker.observe(picture(20), Box(30, 30, 70, 70))
    assert (
        pointed.box.left == 30
    )  # 10 pixels from where the part that was looked at begins, and 20 in it
    with pytest.raises(NoFaceError, match="no face in this box"):
        tracker.observe(picture(100), Box(10, 10, 30, 30))
    assert dict(os.environ) == environment


def test_trouble_in_the_process_is_told_and_a_new_one_starts(tracker: FeatTracker) -> None:
    with pytest.raises(TrackerUnavailableError, match="could not read this picture"):
        tracker.detect(picture(0))
    assert len(tracker.detect(picture(9))) == 1
    with pytest.raises(
        TrackerUnavailableError, match=r"py-feat runs ended before it was done \(code"
    ):
        tracker.detect(picture(255))
    assert len(tracker.detect(picture(9))) == 1


def test_trackers_are_chosen_by_name() -> None:
    assert [make_tracker(name).name for name in TRACKERS] == [
        "built-in",
        "py-feat Detectorv2",
        "py-feat MPDetector",
    ]
    with pytest.raises(
        ValueError, match="Unknown tracker 'openface'; choose builtin, feat, feat-mp"
    ):
        make_tracker("openface")


# --------------------------------------------------------------------------------------------------


def test_what_to_do_is_said_for_each_reason() -> None:
    for kind, reason, remedy in (
        ("import", "ModuleNotFoundError: No module named 'feat'", "python -m pip install py-feat"),
        (
            "import",
            "RuntimeError: operator torchvision::nms does not exist",
            "install all three anew from one source",
        ),
        ("import", "RuntimeError: Could not load libtorchcodec", "or use the built-in tracker"),
        ("weights", "LocalEntryNotFoundError: no file", "noncommercial research only"),
        ("other", "MemoryError", "Take the built-in tracker"),
    ):
        message = str(feat.unavailable(kind, reason))  # type: ignore[arg-type]
        assert remedy in message
        assert reason in message


@pytest.mark.slow
def test_py_feat_without_weights_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(
        "HF_ENDPOINT", "https://hub.invalid"
    )  # by its name a host that does not exist
    monkeypatch.setenv("FEAT_MULTITASK_WEIGHTS", str(tmp_path / "none.safetensors"))
    with (
        tracker_of("feat") as tracker,
        pytest.raises(TrackerUnavailableError, match="not on this computer") as told,
    ):
        for _ in begin(tracker):
            pass
    for said in (
        "py-feat/retinaface_r34/model.safetensors",
        "py-feat/face_multitask_v2/",
        "noncommercial research only",
    ):
        assert said in str(told.value)


@pytest.mark.slow
def test_py_feats_own_pipeline_is_understood() -> None:
    done = subprocess.run(
        [sys.executable, random_feat.__file__],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["version"].startswith("2.")
    assert told["confidence"] == pytest.approx(0.8)
    assert told["no_face"] == 0
    assert 0 < told["moved_right"] < 30
    assert told["channels"] > 40  # that were really read
    assert told["threads"] == "3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "reason"),  # what each raises beside a torch for CPUs only
    [
        ("torchvision", "operator torchvision::nms does not exist"),
        ("torchcodec", "Could not load libtorchcodec"),
    ],
)
def test_py_feat_beside_packages_of_another_torch_says_so(
    package: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(f'raise RuntimeError("{reason}")\n')
    monkeypatch.syspath_prepend(tmp_path)
    with (
        tracker_of("feat-mp") as tracker,
        pytest.raises(TrackerUnavailableError, match=f"{reason}.*built-in tracker"),
    ):
        for _ in begin(tracker):
            pass


def test_a_state_has_a_number_for_every_channel() -> None:
    (face,) = observations(table_of((5, 5)), "MPDetector")
    assert len(face.controls.values) == len(ControlVector().values)
