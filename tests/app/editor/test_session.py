from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.editor.session import Session
from icface.document import Project, ProjectError, edits
from icface.face.controls import ControlVector
from tests.strategies import a_project


class Listener:
    """What a session told."""

    def __init__(self, session: Session) -> None:
        self.changes: list[tuple[Project, Project]] = []
        self.history = 0
        session.project_changed.connect(lambda before, after: self.changes.append((before, after)))
        session.history_changed.connect(self._count)

    def _count(self) -> None:
        self.history += 1


@pytest.fixture
def session(qtbot: QtBot) -> Session:
    return Session(a_project(ControlVector()))


def yaw(value: float):
    return lambda project: edits.set_control(project, "yaw", value)


def test_a_new_session_holds_an_empty_document(qtbot: QtBot) -> None:
    session = Session()
    assert session.project == Project()
    assert (session.undo_label, session.redo_label, session.is_modified) == (None, None, False)


def test_an_edit_tells_before_and_after_which_share_what_was_left_alone(session: Session) -> None:
    start, heard = session.project, Listener(session)
    session.edit(yaw(5), "Turn the head")
    ((before, after),) = heard.changes
    assert before is start
    assert after is session.project
    assert after.faces is before.faces
    assert after.edits[0] is not before.edits[0]
    assert heard.history == 1
    assert (session.undo_label, session.is_modified) == ("Turn the head", True)


def test_an_edit_that_changes_nothing_tells_nothing(session: Session) -> None:
    heard = Listener(session)
    session.edit(yaw(0), "Turn the head")
    session.undo()
    session.redo()
    assert (heard.changes, heard.history, session.labels) == ([], 0, ())


def test_an_edit_that_fails_changes_nothing(session: Session) -> None:
    start, heard = session.project, Listener(session)
    with pytest.raises(ProjectError):
        session.edit(yaw(float("nan")), "Turn the head")
    assert session.project is start
    assert heard.changes == []


def test_a_drag_is_one_step_to_undo_and_to_redo(session: Session) -> None:
    start = session.project
    for value in range(1, 20):
        session.edit(yaw(value), "Turn the head", ("yaw", 1))
    session.edit(yaw(30), "Turn the head", ("yaw", 2))
    assert (session.labels, session.position) == (("Turn the head",) * 2, 2)
    heard = Listener(session)
    session.undo()
    session.undo()
    assert session.project is start
    assert [after for _, after in heard.changes][-1] is start
    assert (session.redo_label, session.is_modified) == ("Turn the head", False)
    session.redo()
    assert session.project.edits[0].by_control() == {"yaw": 19}


def test_saving_is_remembered_and_told(session: Session) -> None:
    session.edit(yaw(5), "Turn the head")
    heard = Listener(session)
    session.mark_saved()
    assert not session.is_modified
    assert (heard.history, heard.changes) == (1, [])
    session.undo()
    assert session.is_modified


def test_another_document_begins_without_a_past(session: Session) -> None:
    session.edit(yaw(5), "Turn the head")
    before, heard = session.project, Listener(session)
    fresh = a_project(ControlVector.of({"yaw": 9}))
    session.start(fresh)
    assert heard.changes == [(before, fresh)]
    assert session.project is fresh
    assert (session.labels, session.is_modified, heard.history) == ((), False, 1)
