"""Edits of what drives a face, of time and of the output."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from icface.document import (
    DataFile,
    Driver,
    Marker,
    MixRule,
    Project,
    ProjectError,
    Region,
    Source,
    edits,
)
from icface.face.controls import ControlVector
from icface.face.geometry import Box
from tests.strategies import a_clip, a_clip_project, a_driver, a_face, a_motion, a_project, a_ramp

RAMP = a_ramp("yaw", [4.0, 0.0, 8.0], rate=30)


def with_driver(name: str = "A") -> Project:
    return edits.add_driver(a_project(ControlVector()), a_driver(name, RAMP))


def test_sources_are_named_by_letters_then_numbers() -> None:
    project = a_project(ControlVector())
    assert edits.free_name(project) == "A"
    assert edits.free_name(with_driver()) == "B"
    many = tuple(
        replace(a_driver("A", RAMP), name=letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ1"
    )
    assert edits.free_name(replace(project, drivers=many)) == "2"


def test_the_first_moving_source_gives_a_photo_its_frame_rate() -> None:
    clip = Driver(name="A", medium=a_clip(30, rate=30))
    assert edits.add_driver(a_project(ControlVector()), clip).rate == 30
    table = edits.driver_of_data(a_project(ControlVector()), DataFile("a.csv", "d"), RAMP)
    assert edits.add_driver(a_project(ControlVector()), table, Fraction(60)).rate == 60
    assert edits.add_driver(a_project(ControlVector()), table).rate == 25
    still = edits.driver_of_photo(
        a_project(ControlVector()), Source("p.png", "d", 9, 9), a_motion([ControlVector()])
    )
    assert edits.add_driver(a_project(ControlVector()), still, Fraction(60)).rate == 25


def test_the_beat_of_a_tables_stamps_is_no_frame_rate() -> None:
    table = edits.driver_of_data(a_project(ControlVector()), DataFile("a.csv", "d"), RAMP)
    assert edits.add_driver(a_project(ControlVector()), table, Fraction(1000)).rate == 25


def test_a_frame_rate_that_something_rests_on_is_kept() -> None:
    clip = Driver(name="B", medium=a_clip(30, rate=30))
    timed = [
        edits.set_key(a_project(ControlVector()), "yaw", 3, 1),
        edits.set_marker(a_project(ControlVector()), 3),
        edits.set_in(a_project(ControlVector()), 3),
        edits.set_out(a_project(ControlVector()), 3),
        edits.add_driver(a_project(ControlVector()), Driver(name="A", medium=a_clip(5))),
        a_clip_project(a_ramp("yaw", [0.0, 1])),
    ]
    assert [edits.add_driver(project, clip).rate for project in timed] == [25] * 6


def test_two_sources_cannot_have_one_name() -> None:
    with pytest.raises(ProjectError, match="same name"):
        edits.add_driver(with_driver(), a_driver("A", RAMP))


def test_a_tracked_clip_gets_its_most_neutral_frame_proposed() -> None:
    project = edits.add_driver(a_project(ControlVector()), Driver(name="A", medium=a_clip(3)))
    states = [ControlVector.of({"jawOpen": v}) for v in (0.5, 0.0, 0.9)]
    tracked = edits.set_motion(project, "A", a_motion(states))
    assert tracked.driver("A").neutral_frame == 1
    assert edits.set_motion(tracked, "A", a_motion(states)) is tracked
    assert (
        edits.set_motion(project, "A", a_motion([None, None, None])).driver("A").neutral_frame
        is None
    )


def test_how_a_source_is_taken_can_be_set() -> None:
    project = edits.set_driver(with_driver(), "A", missing="hold", smoothing=0.9, beyond="loop")
    driver = project.driver("A")
    assert (driver.missing, driver.smoothing, driver.beyond) == ("hold", 0.9, "loop")
    assert edits.set_driver(project, "A", smoothing=0.9) is project
    assert edits.set_neutral(project, "A", 2).driver("A").neutral == ControlVector.of({"yaw": 8})
    with pytest.raises(ProjectError, match="no driver 'X'"):
        edits.set_driver(project, "X", smoothing=0)


def test_a_renamed_source_keeps_its_rules() -> None:
    project = edits.set_output(edits.drive_with(with_driver(), "A"), sound="A")
    renamed = edits.rename_driver(project, "A", "take 2")
    assert (renamed.drivers[0].name, renamed.edits[0].mix[0].driver, renamed.output.sound) == (
        "take 2",
    ) * 3
    assert edits.rename_driver(project, "A", "A") is project
    assert edits.rename_driver(edits.set_output(project, sound=""), "A", "B").output.sound == ""


def test_rules_of_a_source_go_with_it_and_so_do_their_keys() -> None:
    project = edits.add_driver(edits.set_output(with_driver(), sound="A"), a_driver("B", RAMP))
    project = edits.set_rule(
        edits.set_rule(project, MixRule(group="yaw", driver="A")),
        MixRule(group="mouth", driver="B"),
    )
    for target in ("mix:yaw:gain", "mix:mouth:gain", "pitch"):
        project = edits.set_key(project, target, 0, 1)
    gone = edits.remove_driver(project, "A")
    assert [d.name for d in gone.drivers] == ["B"]
    assert [r.group for r in gone.edits[0].mix] == ["mouth"]
    assert [t.target for t in gone.edits[0].tracks] == ["mix:mouth:gain", "pitch"]
    assert gone.output.sound == ""
    assert edits.remove_driver(gone, "B").edits[0].mix == ()
    assert edits.remove_rule(gone, "gaze") is gone


def test_there_is_one_rule_for_a_group_and_wide_groups_come_first() -> None:
    project = with_driver()
    for group, gain in (("AU12L", 1.0), ("yaw", 1.0), ("AU12", 1.0), ("all", 1.0), ("yaw", 2.0)):
        project = edits.set_rule(project, MixRule(group=group, driver="A", gain=gain))
    assert [(rule.group, rule.gain) for rule in project.edits[0].mix] == [
        ("all", 1),
        ("yaw", 2),
        ("AU12", 1),
        ("AU12L", 1),
    ]
    assert edits.set_rule(project, MixRule(group="yaw", driver="A", gain=2.0)) is project
    with pytest.raises(ProjectError, match="no driver 'Z'"):
        edits.set_rule(project, MixRule(group="yaw", driver="Z"))


def test_a_clip_drives_everything_and_a_photo_the_expression() -> None:
    project = edits.drive_with(edits.set_rule(with_driver(), MixRule(group="yaw", driver="A")), "A")
    assert [(rule.group, rule.mode) for rule in project.edits[0].mix] == [("all", "relative")]
    still = edits.driver_of_photo(project, Source("p.png", "d", 9, 9), a_motion([ControlVector()]))
    project = edits.drive_with(edits.add_driver(project, still), "B")
    assert [(rule.group, rule.driver) for rule in project.edits[0].mix] == [
        ("all", "A"), ("brows", "B"), ("eyes", "B"), ("gaze", "B"), ("cheeks", "B"), ("mouth", "B")
    ]  # fmt: skip
    assert {rule.mode for rule in project.edits[0].mix[1:]} == {"absolute"}


def test_other_faces_take_the_place_of_the_old_ones_and_edits_stay() -> None:
    project = edits.set_control(a_project(ControlVector(), ControlVector()), "yaw", 5)
    more = edits.set_faces(edits.choose_face(project, 1), [a_face(n) for n in range(3)])
    assert (more.edits[0], len(more.edits), more.face_index) == (project.edits[0], 3, 1)
    fewer = edits.set_faces(more, [a_face(0)])
    assert (fewer.edits, fewer.face_index) == ((project.edits[0],), 0)
    assert edits.set_faces(more, []).face_index is None


# Time and output ----------------------------------------------------------------------------------


def test_in_and_out_points_push_each_other_away() -> None:
    project = edits.set_out(edits.set_in(a_project(ControlVector()), 3), 8)
    assert (project.first, project.last, project.n_frames, project.range) == (3, 8, 9, (3, 8))
    assert (edits.set_in(project, 9).first, edits.set_in(project, 9).last) == (9, None)
    assert (edits.set_out(project, 2).first, edits.set_out(project, 2).last) == (None, 2)
    assert edits.set_range(project, 8, 3) is project
    assert edits.set_range(project, None, None).range == (0, 0)
    assert edits.set_in(project, None).range == (0, 8)


def test_markers_stand_in_order_and_one_on_a_frame() -> None:
    project = edits.set_marker(
        edits.set_marker(edits.set_marker(a_project(ControlVector()), 5, "b"), 2, "a"), 5, "c"
    )
    assert project.markers == (Marker(frame=2, text="a"), Marker(frame=5, text="c"))
    assert project.n_frames == 6
    assert edits.set_marker(project, 5, "c") is project
    assert edits.remove_markers(project, [2]).markers == (Marker(frame=5, text="c"),)
    assert edits.remove_markers(project, [7]) is project


def test_a_photos_frame_rate_can_be_set_and_a_clips_cannot() -> None:
    assert edits.set_rate(a_project(ControlVector()), Fraction(30000, 1001)).rate == Fraction(
        30000, 1001
    )
    project = a_project(ControlVector())
    assert edits.set_rate(project, Fraction(25)) is project
    with pytest.raises(ProjectError, match="edited at that rate"):
        edits.set_rate(a_clip_project(a_ramp("yaw", [0.0])), Fraction(30))


def test_regions_are_added_changed_and_removed() -> None:
    one, other = Region(box=Box(0, 0, 9, 9)), Region(box=Box(1, 1, 5, 5), shape="box")
    project = edits.add_region(a_project(ControlVector()), one)
    assert edits.set_region(project, 0, other).regions == (other,)
    assert edits.remove_region(project, 0).regions == edits.without_regions(project).regions == ()
    bare = a_project(ControlVector())
    assert edits.without_regions(bare) is bare
    with pytest.raises(ProjectError, match="Region 1 is not one of the 1"):
        edits.remove_region(project, 1)


def test_output_settings_are_set_one_by_one() -> None:
    project = edits.set_output(a_project(ControlVector()), preset="webm", side_by_side=True)
    assert (project.output.preset, project.output.side_by_side, project.output.labelled) == (
        "webm",
        True,
        True,
    )
    assert edits.set_output(project, preset="webm") is project
