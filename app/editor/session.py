"""The one place that holds a document and replaces it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from PySide6.QtCore import QObject, Signal

from icface.document import Project, ProjectError
from icface.document.curves import CurveError
from icface.document.history import History


class Session(QObject):
    """The project of a window with its history.

    Widgets listen to `project_changed` and update what ``is not`` the same in both; they change the
    project through `edit` and `try_edit` alone, with a pure function of `icface.document.edits`.

    Attributes
    ----------
    has_file : bool
        Whether the document has a file of its own, which another source would change.
    """

    project_changed = Signal(object, object)
    """before, after: two `Project`."""
    history_changed = Signal()
    """The labels of undo and redo, or whether there are unsaved changes, may differ from before."""

    document_emptied = Signal()
    """The document was replaced by an empty one: undo leads back to nothing."""
    edit_refused = Signal(str)
    """Why `try_edit` changed nothing."""
    edit_accepted = Signal()
    """`try_edit` went well."""

    def __init__(self, project: Project | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History(Project() if project is None else project)
        self.has_file = False

    @property
    def project(self) -> Project:
        """The current document."""
        return self._history.value

    @property
    def undo_label(self) -> str | None:
        """Name of the step that `undo` takes back; None when there is none."""
        return self._history.undo_label

    @property
    def redo_label(self) -> str | None:
        """Name of the step that `redo` repeats; None when there is none."""
        return self._history.redo_label

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; the first `position` of them are done."""
        return self._history.labels

    @property
    def position(self) -> int:
        """Number of the `labels` that are done."""
        return self._history.position

    @property
    def is_modified(self) -> bool:
        """Whether the document differs from what was last saved."""
        return self._history.is_modified

    def edit(
        self, function: Callable[[Project], Project], label: str, merge_key: Hashable = None
    ) -> None:
        """Replace the project by what a pure function makes of it, as one step of the history.

        Parameters
        ----------
        function : callable
            Project -> Project; what it raises is raised here, and nothing has changed then.
        label : str
            Name of the step, as undo shows it: "Set AU12".
        merge_key : hashable, optional
            The same for all moves of one drag, different for the next: (control, gesture number).
        """
        before = self.project
        self._history.push(function(before), label, merge_key)
        self._tell(before)

    def try_edit(
        self, function: Callable[[Project], Project], label: str, merge_key: Hashable = None
    ) -> None:
        """Edit for a user: where the document refuses, `edit_refused` is emitted, not raised.

        The arguments are those of `edit`.
        """
        try:
            self.edit(function, label, merge_key)
        except (ProjectError, CurveError) as error:
            self.edit_refused.emit(str(error))
        else:
            self.edit_accepted.emit()

    def open_over(
        self, function: Callable[[Project], Project], label: str, merge_key: Hashable = None
    ) -> None:
        """Edit for a file that was opened: over a document without work, that is no work either.

        A document with a file of its own is changed by another source, as by any edit.
        """
        untouched = not self.is_modified and not self.has_file
        self.edit(function, label, merge_key)
        if untouched:
            self._history.mark_untouched()
            self.history_changed.emit()

    def go_to(self, position: int) -> None:
        """Undo or redo until `position` steps of the history are done."""
        while self.position > position and self.undo_label is not None:
            self.undo()
        while self.position < position and self.redo_label is not None:
            self.redo()

    def undo(self) -> None:
        """Undo the last step, if there is one."""
        before = self.project
        if self.undo_label is not None:
            self._history.undo()
            self._tell(before)

    def redo(self) -> None:
        """Redo the last undone step, if there is one."""
        before = self.project
        if self.redo_label is not None:
            self._history.redo()
            self._tell(before)

    def start(self, project: Project) -> None:
        """Replace the document and clear its history."""
        before = self.project
        self._history = History(project)
        self.project_changed.emit(before, project)
        self.history_changed.emit()
        if project.source is None and not project.drivers:
            self.document_emptied.emit()

    def mark_saved(self, project: Project | None = None) -> None:
        """Mark as saved the current document, or the one written while editing continued."""
        self._history.mark_saved(project)
        self.history_changed.emit()

    def _tell(self, before: Project) -> None:
        if self.project is not before:
            self.project_changed.emit(before, self.project)
            self.history_changed.emit()
