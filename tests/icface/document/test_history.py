from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from icface.document.history import LIMIT, History


class HistoryMachine(RuleBasedStateMachine):
    """Compared with the obvious model: a list of values, a cursor and the key of the drag."""

    LIMIT = 6

    def __init__(self) -> None:
        super().__init__()
        self.history = History(0, limit=self.LIMIT)
        self.values = [0]
        self.names: list[str] = []
        self.at = 0
        self.saved = 0
        self.drag: str | None = None

    @rule(value=st.integers(0, 4), key=st.sampled_from([None, "a", "b"]))
    def push(self, value: int, key: str | None) -> None:
        name = f"set {value}"
        self.history.push(value, name, key)
        if value == self.values[self.at]:
            return
        if key is not None and key == self.drag:
            del self.values[self.at :], self.names[self.at - 1 :]
            self.at -= 1
        else:
            del self.values[self.at + 1 :], self.names[self.at :]
        if value == self.values[self.at]:
            self.drag = None
            return
        self.values.append(value)
        self.names.append(name)
        self.at += 1
        self.drag = key
        if self.at > self.LIMIT:
            del self.values[0], self.names[0]
            self.at -= 1

    @precondition(lambda self: self.at > 0)
    @rule()
    def undo(self) -> None:
        self.history.undo()
        self.at -= 1
        self.drag = None

    @precondition(lambda self: self.at < len(self.values) - 1)
    @rule()
    def redo(self) -> None:
        self.history.redo()
        self.at += 1
        self.drag = None

    @rule()
    def save(self) -> None:
        self.history.mark_saved()
        self.saved = self.values[self.at]
        self.drag = None

    @invariant()
    def agrees(self) -> None:
        assert self.history.value == self.values[self.at]
        assert self.history.labels == tuple(self.names)
        assert self.history.position == self.at
        assert self.history.undo_label == (self.names[self.at - 1] if self.at else None)
        assert self.history.redo_label == (
            self.names[self.at] if self.at < len(self.names) else None
        )
        assert self.history.is_modified == (self.values[self.at] != self.saved)


TestHistoryAgainstAList = HistoryMachine.TestCase
TestHistoryAgainstAList.settings = settings(max_examples=200, stateful_step_count=30)


def dragged(history: History[int], values: range, key: object = "drag") -> None:
    for value in values:
        history.push(value, "Set AU12", key)


def test_a_drag_is_one_step() -> None:
    history = History(0)
    dragged(history, range(1, 30), ("AU12", 7))
    dragged(history, range(40, 50), ("AU12", 8))
    assert history.labels == ("Set AU12", "Set AU12")
    history.undo()
    assert history.value == 29
    history.undo()
    assert history.value == 0
    history.redo()
    assert history.value == 29


def test_a_drag_that_comes_home_leaves_no_step_and_the_very_same_value() -> None:
    @dataclass(frozen=True)
    class Value:
        number: int

    start = Value(0)
    history = History(start)
    history.push(Value(5), "Set", "drag")
    history.push(Value(0), "Set", "drag")
    assert history.labels == ()
    assert history.value is start


def test_a_drag_that_comes_home_and_leaves_again_is_one_step() -> None:
    history = History(0)
    for value in (1, 2, 0, 3, 4):
        history.push(value, "Set", "drag")
    assert history.labels == ("Set",)


def test_pushes_without_a_key_never_become_one() -> None:
    history = History(0)
    for value in (1, 2, 3):
        history.push(value, f"set {value}")
    assert history.labels == ("set 1", "set 2", "set 3")


def test_a_push_never_merges_into_the_saved_step() -> None:
    history = History(0)
    history.push(1, "Set", "drag")
    history.mark_saved()
    history.push(2, "Set", "drag")
    history.undo()
    assert history.value == 1
    assert not history.is_modified


def test_what_was_edited_while_it_was_saved_is_not_saved() -> None:
    history = History(0)
    history.push(1, "Set")
    written = history.value
    history.push(2, "Set again")
    history.mark_saved(written)
    assert history.is_modified
    history.undo()
    assert not history.is_modified


def test_a_push_never_merges_after_an_undo_or_a_redo() -> None:
    history = History(0)
    dragged(history, range(1, 4), "one")
    dragged(history, range(10, 14), "two")
    history.undo()
    history.push(99, "Set", "one")
    assert history.labels == ("Set AU12", "Set")
    history.undo()
    history.redo()
    history.push(100, "Again", "one")
    assert history.labels == ("Set AU12", "Set", "Again")


def test_the_value_as_it_is_changes_nothing_and_keeps_what_can_be_redone() -> None:
    history = History(0)
    history.push(1, "one")
    history.undo()
    history.push(0, "nothing")
    assert history.redo_label == "one"


def test_a_value_that_was_saved_is_unmodified_however_it_was_reached() -> None:
    history = History(0)
    history.push(1, "one")
    assert history.is_modified
    history.push(0, "back")
    assert not history.is_modified


def test_many_steps_are_kept_and_the_oldest_forgotten_first() -> None:
    assert LIMIT >= 500
    history = History(0)
    for value in range(1, LIMIT + 11):
        history.push(value, f"set {value}")
    assert len(history.labels) == LIMIT
    assert history.labels[0] == "set 11"
    for _ in range(LIMIT):
        history.undo()
    assert history.value == 10
    with pytest.raises(IndexError):
        history.undo()


def test_without_a_step_there_is_nothing_to_undo_or_redo() -> None:
    history = History("start")
    assert (history.undo_label, history.redo_label) == (None, None)
    with pytest.raises(IndexError):
        history.undo()
    with pytest.raises(IndexError):
        history.redo()


def test_a_history_of_no_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 step, not 0"):
        History(0, limit=0)
