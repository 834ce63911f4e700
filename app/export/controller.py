"""Exporting from the window: the dialog, the queue behind it, and what is asked when the window closes."""

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
    """Plans exports on a thread of its own and hands them to the queue.

    Parameters
    ----------
    owner : QWidget
        The window.
    studio : Studio
    settings : Settings

    Attributes
    ----------
    badge : QToolButton
        For the status bar: how far the export is; opens the dialog.
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
        self.badge.setToolTip("Exports that run")
        self.badge.hide()
        self.badge.clicked.connect(self.open)
        self.dialog.plan_wanted.connect(self._plan)
        self.dialog.start_asked.connect(self._start)
        self.queue.added.connect(self._show_badge)
        self.queue.changed.connect(self._show_badge)
        self.queue.finished.connect(self._tell)
        studio.session.project_changed.connect(lambda _before, _after: self._refresh())
        studio.playhead.moved.connect(lambda _frame: self._refresh())

    def handlers(self) -> dict[str, Callable[..., object]]:
        """What its actions do."""
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
        """Only the plan that was asked for last is shown."""
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
            "How to export",
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
                f"{plan.path.name} is being exported already. Choose another name, or stop that export."
            )
            return
        self.queue.add(plan)

    # Telling --------------------------------------------------------------------------------------

    def _show_badge(self, _item: QueuedExport) -> None:
        current, waiting = self.queue.current, len(self.queue.unfinished)
        self.badge.setVisible(waiting > 0)
        if current is not None:
            more = f" and {waiting - 1} more" if waiting > 1 else ""
            state = (
                "Paused" if current.state == "paused" else f"{current.share:.0%}".replace("%", " %")
            )
            self.badge.setText(unmarked(f"Exporting {current.plan.path.name}{more}: {state}"))

    def _tell(self, item: QueuedExport) -> None:
        """Who looks at the dialog sees it there; else a notice says it."""
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

    # The end --------------------------------------------------------------------------------------

    def may_close(self) -> bool:
        """Whether the window may close now; if not, the user is asked, and the window closed when it may."""
        if self._may_close or not self.queue.unfinished:
            return True
        if self._owner.findChild(QMessageBox, "exports-unfinished") is None:
            self._ask()
        return False

    def _ask(self) -> None:
        count = len(self.queue.unfinished)
        text = "An export is not finished." if count == 1 else f"{count} exports are not finished."
        more = "If you quit now, what is unfinished is taken back: files of that name stay as they were."
        box = plain_box("Exports", text, more, self._owner)
        box.setObjectName("exports-unfinished")
        go_on = box.addButton("Go on exporting", QMessageBox.ButtonRole.RejectRole)
        stop = box.addButton("Stop and quit", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(go_on)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def answered(button: object) -> None:
            if button is stop:
                self._may_close = True
                self.queue.stop_all()
                self._owner.close()

        box.buttonClicked.connect(answered)
        box.open()

    def close(self) -> None:
        """The window ends: nothing more is planned, and what runs is taken back. Further calls do nothing."""
        self.dialog.hide()  # it asks for plans as long as it is seen
        self._disk.close()
        self.queue.stop_all()
