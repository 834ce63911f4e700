"""Exports of the window: the dialog, the queue, and the question when the window closes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMessageBox, QToolButton, QWidget

from app.editor.studio import Studio
from app.errors import Notice, in_plain_words
from app.export.dialog import ExportDialog, ExportRequest
from app.export.list import ExportList, open_folder
from app.export.queue import ExportQueue, QueuedExport
from app.files.disk_thread import DiskThread
from app.settings import Settings
from app.widgets.plain_text import plain_box, unmarked
from icface.document import edits
from icface.export import ExportPlan, describe, plan_export


class ExportController(QObject):
    """Plans exports on its own thread and adds them to the queue.

    Parameters
    ----------
    owner : QWidget
        The window.
    studio : Studio
    settings : Settings

    Attributes
    ----------
    badge : QToolButton
        Button of the status bar that shows the progress and opens the dialog.
    """

    def __init__(self, owner: QWidget, studio: Studio, settings: Settings) -> None:
        super().__init__(owner)
        self._owner, self._studio, self._settings = owner, studio, settings
        self._disk = DiskThread(self)
        self._asked = 0
        self._may_close = False
        self.queue = ExportQueue(studio.bridge, self)
        self.dialog = ExportDialog(ExportList(self.queue), owner)
        self.badge = QToolButton()
        self.badge.setToolTip("Running exports")
        self.badge.hide()
        self.badge.clicked.connect(self.open)
        self.dialog.plan_requested.connect(self._plan)
        self.dialog.start_asked.connect(self._start)
        self.queue.added.connect(self._show_badge)
        self.queue.changed.connect(self._show_badge)
        self.queue.finished.connect(self._report)
        studio.session.project_changed.connect(lambda _before, _after: self._refresh())
        studio.playhead.moved.connect(lambda _frame: self._refresh())

    def handlers(self) -> dict[str, Callable[..., object]]:
        """Handlers of the actions, by id."""
        return {"export": self.open}

    def open(self) -> None:
        """Show the dialog."""
        project = self._studio.project
        if project.source is not None:
            keep = self._settings.word("keep", "all")
            self.dialog.open_for(project, self._settings.folder, self._studio.playhead.frame, keep)

    def _refresh(self) -> None:
        if self.dialog.isVisible() and not self._studio.playhead.is_playing:
            self.dialog.apply(self._studio.project, self._studio.playhead.frame)

    # Planning -------------------------------------------------------------------------------------

    def _plan(self, request: ExportRequest) -> None:
        """Make a plan; only the newest is shown."""
        self._asked += 1
        number = self._asked

        def shown(lines: list[str]) -> None:
            if number == self._asked:
                self.dialog.show_plan(lines)

        def refused(error: Exception) -> None:
            if number == self._asked:
                self.dialog.show_problem(in_plain_words(error))

        self._disk.do(
            lambda: describe(plan_export(request.project, request.path, request.options)),
            shown,
            refused,
        )

    def _start(self, request: ExportRequest) -> None:
        output = self.dialog.settings()
        self._studio.edit(
            lambda project: edits.set_output(
                project,
                preset=output.preset,
                sound=output.sound,
                side_by_side=output.side_by_side,
                labelled=output.labelled,
            ),
            "Change export settings",
        )
        self._settings.folder = request.path.parent
        self._settings.set_word("keep", request.options.keep)
        self._disk.do(
            lambda: plan_export(request.project, request.path, request.options),
            self._queue,
            lambda error: self.dialog.show_problem(in_plain_words(error)),
        )

    def _queue(self, plan: ExportPlan) -> None:
        if self.queue.is_taken(plan.path):
            self.dialog.show_problem(
                f"{plan.path.name} is already being exported. "
                "Choose another name, or stop that export."
            )
            return
        self.queue.add(plan)

    # Reporting ------------------------------------------------------------------------------------

    def _show_badge(self, _item: QueuedExport) -> None:
        current, waiting = self.queue.current, len(self.queue.unfinished)
        self.badge.setVisible(waiting > 0)
        if current is not None:
            more = f" and {waiting - 1} more" if waiting > 1 else ""
            state = (
                "Paused" if current.state == "paused" else f"{current.share:.0%}".replace("%", " %")
            )
            self.badge.setText(unmarked(f"Exporting {current.plan.path.name}{more}: {state}"))

    def _report(self, item: QueuedExport) -> None:
        """Raise a notice about an export that ended, unless the dialog shows it."""
        if self.dialog.isVisible():
            return
        name = item.plan.path.name
        if item.state == "failed":
            self._studio.notice_raised.emit(
                Notice.failure(f"{name} could not be exported", item.text)
            )
        else:
            path = item.path
            remedy = ("Open folder", lambda: open_folder(path))
            self._studio.notice_raised.emit(
                Notice(
                    kind="info",
                    title=f"Exported {name}",
                    text=item.text,
                    topic="exported",
                    remedy=remedy,
                )
            )

    # Closing --------------------------------------------------------------------------------------

    def may_close(self) -> bool:
        """Whether the window may close now; if not, ask the user, and close it if they agree."""
        if self._may_close or not self.queue.unfinished:
            return True
        if self._owner.findChild(QMessageBox, "exports-unfinished") is None:
            self._ask()
        return False

    def _ask(self) -> None:
        count = len(self.queue.unfinished)
        text = "An export is not finished." if count == 1 else f"{count} exports are not finished."
        more = "If you quit now, unfinished exports are discarded; existing files are kept."
        box = plain_box("Exports", text, more, self._owner)
        box.setObjectName("exports-unfinished")
        keep_exporting = box.addButton("Keep exporting", QMessageBox.ButtonRole.RejectRole)
        stop = box.addButton("Stop and quit", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(keep_exporting)
        box.setEscapeButton(keep_exporting)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def answered(button: object) -> None:
            if button is stop:
                self._may_close = True
                self.queue.stop_all()
                self._owner.close()

        box.buttonClicked.connect(answered)
        box.open()

    def close(self) -> None:
        """Stop planning and discard unfinished exports; further calls do nothing."""
        self.dialog.hide()  # a visible dialog requests plans
        self._disk.close()
        self.queue.stop_all()
