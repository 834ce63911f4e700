"""Undo and redo over immutable values: a list of steps, each with the value before and after."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 1000
"""Steps kept; values share structure, so that a thousand cost little more than one."""


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """One change, with its name in a history panel."""

    label: str
    before: T
    after: T


class History(Generic[T]):
    """The present value and the ways back and forth.

    Parameters
    ----------
    value : T
        Where the history starts; counts as saved.
    limit : int
        Most steps kept; the oldest are forgotten first.
    """

    def __init__(self, value: T, limit: int = LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"A history keeps at least 1 step, not {limit}.")
        self._value = value
        self._saved = value
        self._untouched: tuple[T, ...] = ()
        self._limit = limit
        self._done: list[Step[T]] = []
        self._undone: list[Step[T]] = []
        self._open_key: Hashable = None

    @property
    def value(self) -> T:
        """The present."""
        return self._value

    @property
    def is_modified(self) -> bool:
        """Whether the present differs from what was last saved, and from all that is untouched."""
        return not any(
            self._value is kept or self._value == kept for kept in (self._saved, *self._untouched)
        )

    @property
    def undo_label(self) -> str | None:
        """Name of the step that `undo` takes back; None when there is none."""
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        """Name of the step that `redo` repeats; None when there is none."""
        return self._undone[-1].label if self._undone else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; the first `position` are done, the others undone."""
        return tuple(step.label for step in (*self._done, *reversed(self._undone)))

    @property
    def position(self) -> int:
        """The number of the `labels` that are done."""
        return len(self._done)

    def push(self, value: T, label: str, merge_key: Hashable = None) -> None:
        """Make a value the present one; what was undone can no longer be redone.

        Parameters
        ----------
        value : T
            A value equal to the present one changes nothing.
        label : str
            Name of the step for people.
        merge_key : hashable, optional
            Steps pushed one after the other with the same key become one, as all the moves of one
            drag; a drag that returns to its start leaves no step. Saving, undoing and redoing end a
            drag.
        """
        if value == self._value:
            return
        merges = merge_key is not None and merge_key == self._open_key
        before = self._done.pop().before if merges else self._value
        self._undone.clear()
        if merges and value == before:
            self._value, self._open_key = before, None
            return
        self._done.append(Step(label, before, value))
        del self._done[: -self._limit]
        self._value, self._open_key = value, merge_key

    def undo(self) -> None:
        """Go back by one step; `IndexError` when there is none."""
        step = self._done.pop()
        self._undone.append(step)
        self._value, self._open_key = step.before, None

    def redo(self) -> None:
        """Go forward by one step; `IndexError` when there is none."""
        step = self._undone.pop()
        self._done.append(step)
        self._value, self._open_key = step.after, None

    def mark_saved(self, value: T | None = None) -> None:
        """Mark the present value, or the one that was written, as saved.

        The next push begins a step.
        """
        self._saved = self._value if value is None else value
        self._untouched = ()
        self._open_key = None

    def mark_untouched(self) -> None:
        """Mark the present value as one that holds no work, besides the one that was saved."""
        self._untouched = (*self._untouched, self._value)
