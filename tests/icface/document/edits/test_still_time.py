"""A still photo is given time: its length and rate, in edits of the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from icface.batch.recipes import applied
from icface.document import DataFile, Driver, Project, ProjectError, edits
from icface.document.curves import MOST_FRAME
from icface.face.controls import ControlVector
from tests.strategies import a_clip, a_clip_project, a_motion, a_project, a_ramp


def photo() -> Project:
    return a_project(ControlVector())


FIRST_KEYS: list[Callable[[Project], Project]] = [
    lambda project: edits.set_key(project, "yaw", 0, 1),
    lambda project: edits.key_controls(project, ["AU12L"], 0),
    lambda project: edits.set_control(project, "AU12L", 0.5, auto_key=True),
    lambda project: edits.set_controls(project, {"yaw": 5}, auto_key=True),
    lambda project: edits.paste_keys(
        project, edits.copy_keys(edits.set_key(project, "yaw", 0, 1), [("yaw", 0)]), 0
    ),
]


@pytest.mark.parametrize("first_key", FIRST_KEYS)
def test_the_first_key_gives_a_photo_five_seconds(first_key: Callable[[Project], Project]) -> None:
    project = first_key(photo())
    assert (project.length, project.n_frames, project.rate, project.range) == (
        125,
        125,
        25,
        (0, 124),
    )
    again = edits.set_key(edits.set_length(project, 40), "pitch", 3, 1)
    assert again.length == 40, "what was chosen stays"


def test_a_slider_alone_gives_no_time() -> None:
    assert edits.set_control(photo(), "yaw", 5).length is None
    assert photo().n_frames == 1


def test_time_is_given_once_at_the_documents_rate() -> None:
    project = edits.given_time(edits.set_rate(photo(), Fraction(30000, 1001)))
    assert project.length == 150
    assert edits.given_time(project) is project
    assert edits.given_time(Project()) == Project(), "an empty window has nothing to show over time"


def test_what_has_time_of_its_own_is_given_none() -> None:
    clip = a_clip_project(a_ramp("yaw", [1.0, 2, 3, 4]))
    driven = edits.add_driver(photo(), Driver(name="A", medium=a_clip(30, rate=30)))
    for project in (clip, driven):
        assert edits.given_time(project) is project
        assert edits.set_key(project, "yaw", 0, 1).length is None
    assert edits.set_key(driven, "yaw", 0, 1).n_frames == 30


def test_a_single_expression_as_a_source_is_no_time() -> None:
    still = Driver(name="C", medium=DataFile("c.csv", "d"), motion=a_motion([ControlVector()]))
    assert edits.set_key(edits.add_driver(photo(), still), "yaw", 0, 1).n_frames == 125


def test_the_first_moving_driver_gives_its_length_unless_keys_exist() -> None:
    clip = Driver(name="A", medium=a_clip(30, rate=30))
    timed = edits.given_time(photo())
    assert (edits.add_driver(timed, clip).length, edits.add_driver(timed, clip).n_frames) == (
        None,
        30,
    )
    keyed = edits.add_driver(edits.set_key(photo(), "yaw", 9, 1), clip)
    assert (keyed.length, keyed.rate) == (125, 25)


def test_a_length_holds_all_that_is_keyed_and_grows_with_it() -> None:
    project = edits.set_key(photo(), "yaw", 50, 1)
    assert edits.set_length(project, 51).n_frames == 51
    with pytest.raises(ProjectError, match=r"40 frames are too few: .* need 51"):
        edits.set_length(project, 40)
    assert edits.set_key(project, "yaw", 200, 1).n_frames == 201
    assert edits.set_length(project, None).n_frames == 51
    assert edits.set_length(edits.given_time(photo()), None) == photo()


def test_a_rate_keeps_seconds_while_nothing_is_keyed_and_frames_afterwards() -> None:
    timed = edits.given_time(photo())
    assert edits.set_rate(timed, Fraction(50)).length == 250
    assert edits.set_rate(timed, timed.rate) is timed
    keyed = edits.set_rate(edits.set_key(timed, "yaw", 50, 1), Fraction(50))
    assert (keyed.length, keyed.least_frames) == (125, 51)


@pytest.mark.parametrize("length", [0, -5, MOST_FRAME + 2])
def test_lengths_out_of_range_are_refused(length: int) -> None:
    with pytest.raises(ProjectError, match=f"{length}"):
        edits.set_length(photo(), length)
    with pytest.raises(ProjectError, match=f"1 to {MOST_FRAME + 1} frames, not {length}"):
        replace(photo(), length=length)


def test_a_clip_has_the_length_that_it_has() -> None:
    clip = a_clip_project(a_ramp("yaw", [1.0, 2, 3, 4]))
    with pytest.raises(ProjectError, match="A clip is as long as it is"):
        edits.set_length(clip, 9)
    with pytest.raises(ProjectError, match="own 4 frames; a length of 9 is for photos"):
        replace(clip, length=9)
    timed = edits.given_time(photo())
    assert clip.source is not None
    assert edits.open_source(timed, clip.source, clip.faces).length is None
    assert applied(edits.given_time(photo()), clip).length is None
    assert applied(edits.set_length(photo(), 60), photo()).length == 60
