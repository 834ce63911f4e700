"""A head's place is edited as other controls are: set, keyed, reset, undone, blended."""

from __future__ import annotations

import numpy as np
import pytest

from icface.document import ProjectError, edits, mixing
from icface.document.drivers import group_channels
from icface.document.history import History
from icface.face.controls import ControlVector
from icface.face.place import Place
from icface.face.selectors import apply_deltas
from tests.strategies import a_project

SMILE = ControlVector.of({"mouthSmile_L": 0.4, "mouthSmile_R": 0.4, "yaw": 5.0})


@pytest.mark.parametrize("control", ["x", "y", "zoom"])
def test_a_place_is_set_shown_and_reset(control: str) -> None:
    opened = a_project(SMILE)
    project = edits.set_control(opened, control, 12.0)
    state = mixing.resolve(project)
    assert state is not None
    assert mixing.shown(project)[control] == 12.0
    assert state.place == Place(**{control: 12.0})
    assert state.values == SMILE.values
    assert edits.reset_control(project, control) == opened
    assert edits.reset_all(project) == opened
    assert mixing.shown(edits.set_control(opened, control, 99.0))[control] < 99.0


def test_a_keyed_place_moves_from_key_to_key() -> None:
    project = edits.set_control(a_project(SMILE), "x", 0.0, auto_key=True)
    project = edits.set_control(project, "x", 20.0, frame=10, auto_key=True)
    places = [mixing.resolve(project, frame=frame).place.x for frame in (0, 5, 10)]  # type: ignore[union-attr]
    assert places[0] == 0
    assert 0 < places[1] < 20
    assert places[2] == 20
    shown = mixing.curve(project, "x", np.arange(11))[1]
    assert [shown[0], shown[5], shown[10]] == pytest.approx(places)


def test_a_place_is_undone_and_redone() -> None:
    history = History(a_project(SMILE))
    history.push(edits.set_control(history.value, "zoom", 20.0), "Zoom")
    history.undo()
    assert mixing.resolve(history.value) == SMILE
    history.redo()
    assert mixing.resolve(history.value) == apply_deltas(SMILE, {"zoom": 20.0})


def test_a_place_is_no_group_of_channels() -> None:
    with pytest.raises(ProjectError, match="Unknown group 'zoom'"):
        group_channels("zoom")
