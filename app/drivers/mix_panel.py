"""The mix: one row for each group of channels, with its driver and its settings."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app import theme
from app.drivers.mix_row import FOLD_W, GAIN_W, NAME_W, MixRow, RowLook
from app.drivers.requests import DriverRequests
from app.widgets.panel_section import PanelSection
from app.widgets.plain_text import PlainLabel
from icface.document import GROUPS, Project
from icface.face.controls import ACTION_UNITS


class MixPanel(QWidget):
    """Rules of the selected face; wide groups first, in the order in which they apply."""

    def __init__(self, requests: DriverRequests, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._requests = requests
        self._project = Project()
        self._frame = 0
        self._added_units: list[str] = []  # Action Units that were added and have no rule yet
        self.section = PanelSection("mix", "Mix")
        self.rows: dict[str, MixRow] = {}
        self.add = QPushButton("Add an Action Unit…")
        head = QHBoxLayout()
        head.setContentsMargins(16, 2, 10, 0)
        head.setSpacing(3)
        for text, width in (
            ("Group", NAME_W),
            ("Driver", 0),
            ("Gain", GAIN_W),
            ("Offset", GAIN_W),
            ("", FOLD_W),
        ):
            label = PlainLabel(text)
            label.setFont(theme.ui_font(10))
            label.setProperty("secondary", True)
            if width:
                label.setFixedWidth(width)
            if text in {"Gain", "Offset"}:
                label.setAlignment(Qt.AlignmentFlag.AlignRight)
                label.setContentsMargins(0, 0, 5, 0)
            head.addWidget(label, 0 if width else 1)
        self.section.rows.addLayout(head)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.section.rows.addLayout(self._rows)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 6, 12, 4)
        self.add.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.add.setToolTip("Add a row for one Action Unit, narrower than the groups above")
        self.add.clicked.connect(self._open_units)
        foot.addWidget(self.add)
        self.section.rows.addLayout(foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.section)
        self._match_rows()
        self.retint()

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.add.setIcon(theme.icon("add"))
        for row in self.rows.values():
            row.retint()

    def apply(self, before: Project, after: Project) -> None:
        """Show a project."""
        if (after.face_edits, after.drivers) != (
            before.face_edits,
            before.drivers,
        ) or after.source is not before.source:
            if after.source is not before.source:
                self._added_units = []
            self._project = after
            self._match_rows()
            self._show()
        self._project = after

    def show_frame(self, frame: int) -> None:
        """Show keyed values at a frame."""
        self._frame = frame
        edits = self._project.face_edits
        if edits is not None and any(track.target.startswith("mix:") for track in edits.tracks):
            self._show()

    def add_unit(self, group: str) -> None:
        """Add a row for one Action Unit."""
        if group not in self.rows:
            self._added_units.append(group)
            self._match_rows()
            self._show()
        self.rows[group].fold.setChecked(True)

    def _open_units(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for unit in ACTION_UNITS:
            if len(unit.sides) > 1:
                part = menu.addMenu(f"{unit.id}  {unit.name}")
                for group, text in (
                    (unit.id, "Both sides"),
                    (f"{unit.id}L", "Left"),
                    (f"{unit.id}R", "Right"),
                ):
                    part.addAction(text).triggered.connect(
                        lambda _checked, group=group: self.add_unit(group)
                    )
            else:
                action = menu.addAction(f"{unit.id}  {unit.name}")
                action.triggered.connect(lambda _checked, group=unit.id: self.add_unit(group))
        menu.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def _match_rows(self) -> None:
        edits = self._project.face_edits
        ruled = [rule.group for rule in edits.mix if rule.group not in GROUPS] if edits else []
        groups = [*GROUPS, *dict.fromkeys([*ruled, *self._added_units])]
        for group in [g for g in self.rows if g not in groups]:
            row = self.rows.pop(group)
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        for group in groups:
            if group not in self.rows:
                self.rows[group] = MixRow(group, self._requests)
                self._rows.addWidget(self.rows[group])
                self.rows[group].show()

    def _show(self) -> None:
        project, edits = self._project, self._project.face_edits
        names = tuple(driver.name for driver in project.drivers)
        count = 0
        for group, row in self.rows.items():
            rule = edits.rule(group) if edits else None
            count += rule is not None
            row.apply(RowLook.of(edits, group, names, self._frame))
        self.section.header.set_changes(count)
        self.add.setEnabled(edits is not None)
