"""Readings fitted to landmarks: what a face of known movements shows is read as those movements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from icface.arrays import F64
from icface.document import DataFile, Driver
from icface.document.mixing import prepared
from icface.face.controls import CHANNEL_INDEX, CHANNELS, EXPRESSIONS, ControlVector
from icface.face.geometry import Box, rotation_matrix
from icface.face.observation import FaceObservation
from icface.jobs import run_to_end
from icface.motion.conditioning import mirrored, neutral_frame
from icface.motion.motion import Motion, MotionError
from icface.motion.reading.clip_fit import RestingFace, fit_changes
from icface.motion.reading.face_basis import FaceBasis, FaceBasisError, shipped_basis
from icface.motion.reading.fitted import fitted, fitted_face, regressed
from icface.motion.store import motion_from_arrays, motion_to_arrays
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from tests.faces import StandInTracker
from tests.icface.motion.known_faces import a_clip, channels


def read(motion: Motion, name: str) -> F64:
    """(F,) a channel; of a name without a side the mean of both."""
    sides = [name] if name in CHANNEL_INDEX else [f"{name}_L", f"{name}_R"]
    return motion.controls[:, [CHANNEL_INDEX[side] for side in sides]].mean(1).astype(np.float64)


@pytest.mark.parametrize(
    "name", ["mouthSmile", "jawOpen", "browInnerUp", "mouthPucker", "mouthUpperUp", "noseSneer"]
)
def test_a_movement_of_which_a_network_reads_two_fifths_is_read_nearly_whole(name: str) -> None:
    amounts = np.linspace(0, 0.8, 6)
    motion = fitted(a_clip(np.stack([channels(**{name: a}) for a in amounts])), 0)
    slope = float((read(motion, name) * amounts).sum() / (amounts**2).sum())
    assert 0.75 < slope < 1.1
    others = [k for k, channel in enumerate(CHANNELS) if k >= 3 and not channel.startswith(name)]
    assert motion.controls[:, others].mean() < 0.03


def test_a_movement_is_read_through_a_head_that_turns() -> None:
    amounts, yaw = np.linspace(0, 0.7, 8), np.linspace(-20, 20, 8)
    angles = np.stack([yaw, np.full(8, 5.0), np.linspace(-8, 8, 8)], 1)
    motion = fitted(a_clip(np.stack([channels(mouthSmile=a) for a in amounts]), angles), 0)
    assert np.abs(read(motion, "mouthSmile") - amounts).max() < 0.2
    np.testing.assert_allclose(motion.controls[:, :3], angles, atol=1.5)


def test_a_turn_that_the_network_read_wrong_is_put_right_by_the_landmarks() -> None:
    angles = np.array([[0.0, 0, 0], [12.0, 6, 4], [-9.0, -5, -3]])
    clip = a_clip(np.zeros((3, 53)), angles)
    controls = np.array(clip.controls)
    controls[1:, :3] *= 0.8
    motion = fitted(replace(clip, controls=controls), 0)
    assert (
        np.abs(motion.controls[:, :3] - angles).max() < 0.6 * np.abs(controls[:, :3] - angles).max()
    )


def test_lids_are_read_by_how_far_they_are_open() -> None:
    blink = fitted(
        a_clip(np.stack([channels(), channels(eyeBlink=0.5), channels(eyeBlink=0.9)]), seen=0.1), 0
    )
    assert read(blink, "eyeBlink")[1] > 0.3
    assert read(blink, "eyeBlink")[2] > 0.7
    wide = fitted(a_clip(np.stack([channels(), channels(eyeWide=0.9)]), seen=0.1), 0)
    assert read(wide, "eyeWide")[1] > 0.4
    assert read(wide, "eyeBlink")[1] < 0.1


@pytest.mark.parametrize(
    ("yaw", "far"),
    [(42.0, [385, 386, 387, 373, 374, 380]), (-42.0, [158, 159, 160, 144, 145, 153])],
)
@pytest.mark.parametrize("amount", [0.0, 0.8])
def test_the_eye_that_a_turn_hides_does_as_the_other(
    yaw: float, far: list[int], amount: float
) -> None:
    expressions = np.stack([channels(), channels(eyeBlink=amount)])
    clip = a_clip(expressions, np.array([[0.0, 0, 0], [yaw, 0, 0]]))
    points = np.array(clip.landmarks)
    points[1, far, 1] = points[1, far[-1], 1]  # the tracker does not see this eye, and shuts it
    motion = fitted(replace(clip, landmarks=points), 0)
    for side in "LR":
        assert read(motion, f"eyeBlink_{side}")[1] == pytest.approx(amount, abs=0.25)
    assert np.ptp([read(motion, f"eyeBlink_{side}")[1] for side in "LR"]) < 0.15


@pytest.mark.parametrize("angles", [(18.0, 0.0, 25.0), (-18.0, 8.0, 25.0), (12.0, -8.0, -25.0)])
def test_a_look_to_the_side_with_a_tilted_head_is_no_wink(
    angles: tuple[float, float, float],
) -> None:
    looks = channels(eyeLookOut_L=0.8, eyeLookIn_R=0.8)
    clip = a_clip(np.stack([channels(), looks]), np.array([(0.0, 0.0, 0.0), angles]), seen=1.0)
    motion = fitted(clip, 0)
    assert max(read(motion, f"eyeBlink_{side}")[1] for side in "LR") < 0.1


def test_a_wink_is_read_through_a_head_that_turns_a_little() -> None:
    winks = np.stack([channels(), channels(eyeBlink_L=0.9)])
    motion = fitted(a_clip(winks, np.array([(0.0, 0, 0), (12.0, 0, 10.0)]), seen=0.3), 0)
    assert read(motion, "eyeBlink_L")[1] > 0.7
    assert read(motion, "eyeBlink_R")[1] < 0.2


def test_the_frame_at_rest_keeps_what_was_read_in_it() -> None:
    clip = a_clip(np.stack([channels(mouthSmile=0.5), channels(mouthFrown=0.3), channels()]))
    motion = fitted(clip, 1)
    np.testing.assert_allclose(motion.controls[1], clip.controls[1], atol=0.02)
    assert motion.rest == neutral_frame(motion) == 1


def test_another_frame_at_rest_fits_anew_from_what_the_network_read() -> None:
    clip = a_clip(np.stack([channels(mouthSmile=a) for a in (0.0, 0.4, 0.8)]))
    once = fitted(clip, 0)
    assert fitted(once, 0) is once
    again = fitted(once, 2)
    assert again.rest == 2
    np.testing.assert_array_equal(again.regressed, clip.controls)
    assert again == fitted(clip, 2)
    assert regressed(again) == clip


def test_a_driver_counts_from_the_frame_that_is_chosen() -> None:
    motion = fitted(a_clip(np.stack([channels(mouthSmile=a) for a in (0.0, 0.4, 0.8)])), 0)
    medium = DataFile(path="clip.npz", digest=motion.digest)
    driver = Driver(name="clip", medium=medium, motion=motion, neutral_frame=2, smoothing=0.0)
    taken = prepared(driver)
    assert taken is not None
    assert taken.rest == 2


def test_frames_without_a_face_stay_without_one() -> None:
    clip = a_clip(np.stack([channels(mouthSmile=a) for a in (0.0, 0.4, 0.8)]))
    controls, points = np.array(clip.controls), np.array(clip.landmarks)
    controls[1], points[1] = np.nan, np.nan
    torn = Motion(
        seconds=clip.seconds,
        controls=controls,
        confidence=np.array([1, 0, 1], np.float32),
        landmarks=points,
        rate=clip.rate,
    )
    motion = fitted(torn, 1)
    assert motion.rest != 1
    assert motion.present.tolist() == [True, False, True]


def test_what_is_no_face_or_has_no_landmarks_is_left_as_it_was_read() -> None:
    clip = a_clip(np.stack([channels(), channels(mouthSmile=0.5)]))
    nowhere = Motion(
        seconds=clip.seconds, controls=clip.controls, confidence=clip.confidence, rate=clip.rate,
        landmarks=np.random.default_rng(0).random((2, 478, 3)).astype(np.float32) * 100,
    )  # fmt: skip
    assert fitted(nowhere, 0) == nowhere
    table = mirrored(fitted(clip, 0))
    assert table.reading == "regressed"
    assert fitted(table, 1) == table


def test_fitted_readings_survive_storage_and_a_rest_beyond_is_refused() -> None:
    motion = fitted(a_clip(np.stack([channels(), channels(mouthSmile=0.5)])), 0)
    back = motion_from_arrays(motion_to_arrays(motion))
    assert back == motion
    assert (back.reading, back.rest) == ("fitted", 0)
    with pytest.raises(MotionError, match="frame at rest is one of 0 to 1, not 2"):
        Motion(
            seconds=motion.seconds,
            controls=motion.controls,
            confidence=motion.confidence,
            rate=motion.rate,
            rest=2,
        )


def test_many_frames_are_fitted_as_each_would_be() -> None:
    rng = np.random.default_rng(3)
    expressions = np.zeros((140, 53))
    expressions[1:, [EXPRESSIONS.index("mouthSmile_L"), EXPRESSIONS.index("jawOpen")]] = (
        rng.random((139, 2)) * 0.8
    )
    clip = a_clip(expressions)
    whole = fitted(clip, 0)
    pair = Motion(
        seconds=clip.seconds[:2], controls=clip.controls[[0, 139]], confidence=clip.confidence[:2],
        landmarks=np.array(clip.landmarks)[[0, 139]], rate=clip.rate,
    )  # fmt: skip
    one, among = fitted(pair, 0).controls[1], whole.controls[139]
    np.testing.assert_allclose(one[:3], among[:3], atol=0.1)  # degrees
    np.testing.assert_allclose(one[3:], among[3:], atol=0.02)


def test_a_face_held_still_is_steadied_and_a_blink_keeps_its_height_and_time() -> None:
    rng = np.random.default_rng(4)
    expressions = np.tile(channels(mouthSmile=0.4), (60, 1))
    expressions[0] = 0
    expressions[39:42] = channels(mouthSmile=0.4, eyeBlink=0.9)
    clip = a_clip(expressions, seen=0.9)
    trembling = np.array(clip.landmarks)
    trembling[1:, :, :2] += rng.normal(0, 0.6, trembling[1:, :, :2].shape)
    rows = np.arange(1, 60)
    face = RestingFace.of(shipped_basis(), trembling[0], clip.controls[0])
    each = fit_changes(shipped_basis(), face, trembling[rows], clip.controls[rows])
    motion = fitted(replace(clip, landmarks=trembling), 0)
    smile, blink = (CHANNEL_INDEX[name] for name in ("mouthSmile_L", "eyeBlink_L"))
    still = slice(5, 35)
    assert np.ptp(motion.controls[1:][still, smile]) < 0.9 * np.ptp(each[still, smile])
    assert motion.controls[40, blink] > 0.95 * each[39, blink]
    assert set(np.flatnonzero(motion.controls[:, blink] > 0.5)) == {39, 40, 41}


def test_a_table_that_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(FaceBasisError, match="missing or damaged"):
        FaceBasis.from_file(tmp_path / "none.safetensors")
    damaged = tmp_path / "reading.safetensors"
    damaged.write_bytes(b"\x00" * 64)
    with pytest.raises(FaceBasisError, match=r"reading\.safetensors is missing or damaged"):
        FaceBasis.from_file(damaged)


def a_photo(
    expression: F64,
    *,
    person: int,
    seen: float = 0.4,
    angles: tuple[float, float, float] = (0, 0, 0),
) -> FaceObservation:
    """A face of somebody who differs from the mean, of which a network reads a share."""
    basis = shipped_basis()
    differs = np.random.default_rng(person).normal(0, 0.7, len(basis.identity))
    face = (
        basis.mean
        + np.einsum("k,kpi->pi", differs, basis.identity)
        + np.einsum("k,kpi->pi", expression, basis.channels)
    )
    points = np.zeros((478, 3), np.float32)
    points[:468] = (face @ rotation_matrix(*angles).T) * [20, -20, -20] + np.array(
        [320.0, 240.0, 0.0]
    )
    points[468:] = points[159]
    controls = ControlVector.from_array([*angles, *(0.7 * expression)])
    return FaceObservation(Box.around(points[:468]), points, controls, 1.0)


@pytest.mark.parametrize("person", range(4))
def test_a_smile_in_a_photo_is_read_more_truly_whoever_it_is(person: int) -> None:
    truth = channels(mouthSmile=0.7)
    face = a_photo(truth, person=person, angles=(8.0, 4.0, -5.0))
    found = fitted_face(face)
    wrong = [
        abs(one.controls[f"mouthSmile_{side}"] - 0.7) for one in (face, found) for side in "LR"
    ]
    assert max(wrong[2:]) < min(wrong[:2]) - 0.05
    assert found.controls.angles_deg == face.controls.angles_deg


def test_a_photo_of_somebody_at_rest_is_read_as_rest() -> None:
    read = np.stack(
        [fitted_face(a_photo(channels(), person=n)).controls.array()[3:] for n in range(6)]
    )
    assert read.mean(0).max() < 0.15


def test_what_is_no_face_in_a_photo_keeps_its_reading() -> None:
    points = np.random.default_rng(0).random((478, 3)).astype(np.float32) * 100
    face = FaceObservation(Box(0, 0, 100, 100), points, ControlVector.of({"jawOpen": 0.3}), 0.9)
    assert fitted_face(face) is face


def test_a_photo_that_is_opened_holds_fitted_readings(
    tiny_predictor: FacePredictor, astronaut_path: Path
) -> None:
    face = a_photo(channels(mouthSmile=0.7), person=1)
    opened = run_to_end(Renderer(tiny_predictor, StandInTracker(face)).open(astronaut_path))
    assert opened.faces[0].controls == fitted_face(face).controls != face.controls
