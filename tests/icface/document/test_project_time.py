"""The document over time: clips, drivers, markers and rules, consistent or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from icface.document import (
    GROUPS,
    Clip,
    DataFile,
    Driver,
    Face,
    FaceEdits,
    Marker,
    MixRule,
    Project,
    ProjectError,
    Region,
    edits,
    mix_target,
    split_mix_target,
)
from icface.document.curves import Key, Track
from icface.document.drivers import group_channels, group_name, group_rank
from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.motion.motion import Motion
from tests.strategies import a_clip, a_clip_project, a_driver, a_face, a_motion, a_project, a_ramp

RAMP = a_ramp("yaw", [1.0, 2, None, 4])


def test_a_clips_face_is_what_each_frame_shows() -> None:
    face = Face.of_motion(RAMP)
    assert [
        None if seen is None else seen.controls["yaw"] for seen in map(face.at, range(-1, 6))
    ] == [1, 1, 2, None, 4, 4, 4]
    assert face.at(1) == face.at(1)
    assert face.at(0) != face.at(1)
    photo = a_face()
    assert photo.at(7) is photo


def test_the_best_seen_frame_stands_for_a_clips_face() -> None:
    motion = replace(RAMP, confidence=np.array([0.5, 0.9, 0, 0.7], np.float32))
    assert Face.of_motion(motion).controls["yaw"] == 2


def test_a_face_that_no_frame_shows_is_none() -> None:
    with pytest.raises(ProjectError, match="No frame of the clip shows"):
        Face.of_motion(a_motion([None, None]))
    table = replace(RAMP, landmarks=None)
    with pytest.raises(ProjectError, match="No frame of the clip shows"):
        Face.of_motion(table)
    with pytest.raises(ProjectError, match="needs its landmarks"):
        replace(a_face(), motion=table)


def test_a_document_is_as_long_as_what_it_holds() -> None:
    assert (Project().n_frames, Project().is_moving, Project().range) == (1, False, (0, 0))
    assert a_clip_project(RAMP).n_frames == 4
    assert a_clip_project(RAMP).clip == a_clip(4)
    photo = edits.add_driver(
        a_project(ControlVector()), Driver(name="A", medium=a_clip(30, rate=30))
    )
    assert photo.n_frames == 30
    assert edits.set_key(photo, "yaw", 49, 1).n_frames == 50
    table = Driver(
        name="B", medium=DataFile("b.csv", "d"), motion=a_ramp("yaw", [0.0] * 60, rate=30)
    )
    assert edits.add_driver(photo, table).n_frames == 60
    driven = edits.drive_with(edits.add_driver(photo, table), "A")
    assert (driven.n_frames, edits.drive_with(driven, "B").n_frames) == (30, 60)
    still = Driver(name="C", medium=DataFile("c.csv", "d"), motion=Motion.still(ControlVector()))
    assert edits.add_driver(a_project(ControlVector()), still).n_frames == 1
    assert (still.is_still, still.is_data, table.is_still) == (True, True, False)
    assert photo.clip is None


def test_frames_are_shown_at_the_rate_or_by_the_clips_own_stamps() -> None:
    assert a_project(ControlVector()).seconds(np.array([0, 5, -5])).tolist() == [0, 0.2, -0.2]
    motion = replace(RAMP, seconds=np.array([0, 0.1, 0.3, 0.4]))
    project = replace(a_clip_project(RAMP), faces=(Face.of_motion(motion),))
    assert project.seconds(np.array([0, 1, 2, 3])).tolist() == [0, 0.1, 0.3, 0.4]
    assert project.seconds(np.array([5, -1])).tolist() == pytest.approx([0.48, -0.04])


def test_a_range_lies_within_the_document() -> None:
    project = replace(a_clip_project(RAMP), first=2, last=90)
    assert project.range == (2, 3)
    assert replace(project, first=50, last=None).range == (3, 3)


def test_every_group_is_known_by_name_and_channels() -> None:
    everything = {
        channel
        for group in ("pose", "brows", "eyes", "gaze", "cheeks", "mouth")
        for channel in GROUPS[group][1]
    }
    assert everything == set(GROUPS["all"][1])
    assert group_channels("AU12") == ("mouthSmile_L", "mouthSmile_R")
    assert group_channels("AU12L") == ("mouthSmile_L",)
    assert set(group_channels("AU30")) == {"jawLeft", "jawRight"}
    assert [group_name(group) for group in ("mouth", "AU12", "AU12L")] == [
        "Mouth and jaw", "AU12 Lip corner puller", "AU12 Lip corner puller, left"
    ]  # fmt: skip
    assert (
        group_rank("all")
        < group_rank("pose")
        < group_rank("yaw")
        < group_rank("AU12")
        < group_rank("AU12L")
    )
    for unknown in ("nose", "AU99", "yawL", ""):
        with pytest.raises(ProjectError, match="Unknown group"):
            group_channels(unknown)


def test_targets_of_rules_are_told_from_controls() -> None:
    assert split_mix_target(mix_target("mouth", "gain")) == ("mouth", "gain")
    assert [split_mix_target(target) for target in ("yaw", "mix:mouth:shift", "mix:mouth")] == [
        None
    ] * 3


CONTRADICTIONS: list[tuple[Callable[[], Any], str]] = [
    (lambda: a_driver("A=", RAMP), "cannot be called 'A='"),
    (lambda: a_driver("", RAMP), "cannot be called ''"),
    (lambda: replace(a_driver("A", RAMP), smoothing=2), "smoothing of A is 2"),
    (lambda: Driver(name="A", medium=DataFile("a.csv", "d")), "A has no motion"),
    (lambda: replace(a_driver("A", RAMP), neutral_frame=9), "Frame 9 of A"),
    (lambda: replace(a_driver("A", RAMP), neutral_frame=2), "Frame 2 of A shows no face"),
    (lambda: Driver(name="A", medium=a_clip(4), neutral_frame=0), "Frame 0 of A"),
    (lambda: MixRule(group="nose", driver="A"), "Unknown group 'nose'"),
    (lambda: MixRule(group="yaw", driver="A", mode="added"), "not 'added'"),
    (lambda: MixRule(group="yaw", driver="A", gain=float("nan")), "gain of yaw is nan"),
    (lambda: MixRule(group="yaw", driver="A", low=float("inf")), "lie within 180"),
    (lambda: MixRule(group="yaw", driver="A", low=3, high=1), "lower one first"),
    (lambda: MixRule(group="yaw", driver="A", shift=10_000_000), "shifted by 10000000"),
    (
        lambda: Clip(
            path="a", digest="", width=0, height=1, rate=Fraction(1), n_frames=1, duration_s=1
        ),
        "0 x 1 pixels",
    ),
    (
        lambda: Clip(
            path="a", digest="", width=1, height=1, rate=Fraction(0), n_frames=1, duration_s=1
        ),
        "0 a second",
    ),
    (
        lambda: Clip(
            path="a", digest="", width=1, height=1, rate=Fraction(1), n_frames=0, duration_s=1
        ),
        "0 frames",
    ),
    (lambda: Marker(frame=-1), "not on -1"),
    (lambda: Region(box=Box(0, 0, 1, 1), shape="star"), "not 'star'"),
    (lambda: Region(box=Box(0, 0, 1, 1), feather=float("nan")), "not nan"),
    (lambda: replace(Project(), rate=Fraction(0)), "not 0"),
    (lambda: replace(Project(), first=5, last=4), "in point 5"),
    (lambda: replace(Project(), markers=(Marker(frame=4), Marker(frame=4))), r"not as \[4, 4\]"),
    (lambda: replace(a_clip_project(RAMP), rate=Fraction(30)), "edited at that rate, not at 30"),
    (
        lambda: replace(a_clip_project(RAMP), faces=(a_face(),)),
        "read in None frames, the source has 4",
    ),
    (
        lambda: replace(a_project(ControlVector()), faces=(Face.of_motion(RAMP),)),
        "read in 4 frames, the source has None",
    ),
    (lambda: Face.of_motion(_torn(1)), "In frame 1 a face is read without its landmarks"),
    (
        lambda: FaceEdits(mix=(MixRule(group="yaw", driver=""), MixRule(group="all", driver=""))),
        "from wide groups to narrow",
    ),
    (
        lambda: FaceEdits(mix=(MixRule(group="yaw", driver=""), MixRule(group="yaw", driver=""))),
        "one for each",
    ),
    (lambda: FaceEdits(tracks=(_track("yaw"), _track("AU12L"))), "Tracks are sorted"),
    (lambda: FaceEdits(tracks=(_track("AU99"),)), "Unknown control 'AU99'"),
    (lambda: FaceEdits(tracks=(_track("mix:nose:gain"),)), "Unknown group 'nose'"),
    (
        lambda: replace(
            a_project(ControlVector()), edits=(FaceEdits(mix=(MixRule(group="yaw", driver="Z"),)),)
        ),
        "driven by 'Z'",
    ),
    (lambda: Project().driver("Z"), "no driver 'Z'"),
]


def _torn(frame: int) -> Motion:
    landmarks = RAMP.landmarks
    assert landmarks is not None
    landmarks = landmarks.copy()
    landmarks[frame, 7, 1] = np.nan
    return replace(RAMP, landmarks=landmarks)


def _track(target: str) -> Track:
    return Track(target, (Key(frame=0, value=1),))


@pytest.mark.parametrize(("make", "message"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused_by_name(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        make()


def test_a_driver_rests_as_its_neutral_frame_shows_or_at_no_expression() -> None:
    driver = a_driver("A", RAMP)
    assert driver.neutral == ControlVector()
    assert replace(driver, neutral_frame=1).neutral == ControlVector.of({"yaw": 2})


def test_a_group_is_decided_by_its_own_rule_or_the_narrowest_wider_one() -> None:
    wide, pose, yaw = (MixRule(group=group, driver="") for group in ("all", "pose", "yaw"))
    face = FaceEdits(mix=(wide, pose, yaw))
    assert [face.ruling(group) for group in ("yaw", "roll", "mouth", "AU12L")] == [
        yaw,
        pose,
        wide,
        wide,
    ]
    assert FaceEdits().ruling("yaw") is None
