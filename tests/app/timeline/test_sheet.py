from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.timeline.controller import spoken
from app.timeline.sheet import GOOD, LOW, MISSING, SheetMaker, TrackingQuality, tracking_quality
from icface.document import MixRule, Project, edits
from icface.face.controls import ControlVector
from tests.app.timeline.timeline_stand import moving_project
from tests.strategies import a_driver, a_project, a_ramp


def driven() -> Project:
    """A photo with a driver of 50 frames a second that has no face in frames 20 to 29."""
    ramp = a_ramp("yaw", [None if 20 <= n < 30 else 1.0 for n in range(100)], rate=50)
    steady = a_ramp("yaw", [1.0] * 50)
    project = edits.add_driver(a_project(ControlVector()), a_driver("A", steady))
    return edits.add_driver(project, a_driver("B", ramp))


def test_tracking_problems_are_counted_where_they_begin() -> None:
    confidence = np.array([0.9, 0.4, 0.4, 0.0, 0.0, 0.9, 0.0], np.float32)
    found = TrackingQuality.of(confidence, confidence > 0)
    assert found.state.tolist() == [GOOD, LOW, LOW, MISSING, MISSING, GOOD, MISSING]
    assert found.problems.tolist() == [1, 3, 6]


def test_the_clips_own_face_is_told_of_before_a_driver() -> None:
    found = tracking_quality(moving_project())
    assert found is not None
    assert found[0] == "This face"
    assert found[1].problems.tolist() == [30, 60]


def test_a_drivers_problems_lie_at_the_projects_rate() -> None:
    found = tracking_quality(edits.set_rule(driven(), MixRule(group="all", driver="B")))
    assert found is not None
    assert found[0] == "B"
    assert found[1].problems.tolist() == [10]
    assert found[1].state.tolist().count(MISSING) == 5


def test_it_is_the_driver_of_the_face_or_the_first() -> None:
    project = driven()
    first = tracking_quality(project)
    assert first is not None
    assert first[0] == "A"
    ruled = tracking_quality(edits.set_rule(project, MixRule(group="all", driver="B")))
    assert ruled is not None
    assert ruled[0] == "B"
    assert tracking_quality(a_project(ControlVector())) is None


def test_lanes_can_all_be_shown_and_mix_gains_among_them() -> None:
    project = edits.set_rule(driven(), MixRule(group="brows", driver="A"))
    lanes = SheetMaker().lanes(project, everything=True)
    assert [lane.id for lane in lanes if lane.is_group] == [
        "group:pose",
        "group:brows",
        "group:eyes",
        "group:gaze",
        "group:cheeks",
        "group:mouth",
        "group:mix",
    ]
    assert lanes[-2].name == "Brows: gain"
    assert SheetMaker().lanes(project) == ()
    assert [lane.id for lane in SheetMaker().lanes(project, shown={"AU4"})] == [
        "group:brows",
        "AU4",
    ]


def test_keys_of_locked_tracks_cannot_be_selected() -> None:
    project = edits.set_track(moving_project(), "AU12L", locked=True)
    lane = next(lane for lane in SheetMaker().lanes(project) if lane.id == "AU12")
    assert lane.names_between(0, 100) == {("AU12R", 10), ("AU12R", 40), ("AU12R", 80)}
    assert not lane.every("locked")


def test_a_lane_of_both_sides_has_the_frames_of_both() -> None:
    project = edits.set_key(moving_project(), "AU12R", 55, 0.2)
    lane = next(lane for lane in SheetMaker().lanes(project) if lane.id == "AU12")
    assert lane.frames.tolist() == [10, 40, 55, 80]
    assert lane.names_at(55) == {("AU12R", 55)}
    assert lane.nearest(50.0) == 55


def test_keys_that_are_gone_do_not_stand() -> None:
    maker, project = SheetMaker(), moving_project()
    maker.lanes(project)
    assert maker.standing({("yaw", 20), ("yaw", 21), ("roll", 3)}) == {("yaw", 20)}
    assert maker.lanes(replace(project, face_index=None)) == ()
    assert maker.standing({("yaw", 20)}) == frozenset()


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        (("AU12L", "AU12R"), "AU12"),
        (("AU12L",), "AU12 left"),
        (("yaw",), "Yaw"),
        (("AU26",), "AU26"),
        (("yaw", "pitch"), "2 controls"),
        (("mix:brows:gain",), "brows gain"),
    ],
)
def test_targets_are_called_what_people_call_them(targets: tuple[str, ...], text: str) -> None:
    assert spoken(targets) == text
