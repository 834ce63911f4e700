"""The controls panel on the right: head, gaze and Action Units by region, with a search field."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.control_rows import (
    GAZE_IDS,
    GAZE_UNITS,
    PANEL_REGIONS,
    RowSpec,
    find_rows,
    gaze_point,
    row_value,
    rows,
)
from app.controls.foretelling import Outlook, foretell
from app.controls.gaze_pad import GazePad
from app.controls.row import ControlRow
from app.theme import EDGE
from app.widgets.panel_section import PanelSection
from app.widgets.plain_text import PlainLabel
from icface.document import FaceEdits, Project
from icface.document.mixing import readings, shown


class SearchField(QLineEdit):
    """A field that filters the rows; Escape clears it, then leaves it."""

    left = Signal()
    """Escape was pressed in the empty field."""
    entered = Signal()
    """Return or Down was pressed: the first row found is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Search: smile, blink, 12 …   /")
        self.setAccessibleName("Search controls")
        self.setToolTip(
            "Find a control by FACS number, name or a word such as smile, blink or jaw (key: /)"
        )
        self.setClearButtonEnabled(True)
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self.retint()

    def retint(self) -> None:
        """Draw the icon in the colours of the theme."""
        self._glass.setIcon(theme.icon("search"))

    def event(self, event: QEvent) -> bool:
        """Accept Down before the window takes it as a shortcut."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Down
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle Escape, and Return and Down, which lead to what was found."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down}:
            self.entered.emit()
            return
        if event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
            return
        super().keyPressEvent(event)


class ControlsPanel(QWidget):
    """All controls of the selected face; requests edits by signals."""

    value_edited = Signal(str, float, int)
    """row key (see `app.control_rows`), value in degrees or intensity, gesture number."""
    gaze_edited = Signal(float, float, int)
    """x and y as seen in the picture, gesture number."""
    reset_asked = Signal(str, int)
    """row key, or "gaze"; gesture number."""
    link_toggled = Signal(int, bool)
    """FACS number, whether left and right move together."""
    reset_all_asked = Signal()
    key_toggled = Signal(str)
    """row key: set a key on the current frame, or remove it."""
    row_chosen = Signal(str)
    """row key: it received the keyboard focus."""
    region_folded = Signal(str, bool)
    """region, whether it is folded."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("controls-panel")
        self._project = Project()
        self._frame = 0
        self._auto_key = False
        self._held: ControlRow | None = None
        self.search = SearchField(self)
        self.rows: dict[str, ControlRow] = {}
        self.sections: dict[str, PanelSection] = {}
        self.gaze = GazePad()
        self.gaze_rows_button = QToolButton()
        self.reset_button = QPushButton("Reset all")
        self._nothing = PlainLabel("")
        self.blend_note = PlainLabel("")
        self._found: frozenset[str] | None = None
        self._build()
        self.search.textChanged.connect(self._search)
        self.search.entered.connect(self._enter_first)
        self._search("")
        self._show(Project())

    def sizeHint(self) -> QSize:
        """Room for names and a track."""
        return QSize(400, 600)

    # Building -------------------------------------------------------------------------------------

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(EDGE - 4, 10, EDGE - 4, 10)
        top.setSpacing(theme.GRID_PX)
        top.addWidget(self.search, 1)
        self.reset_button.setToolTip("Reset every control of the selected face; Undo restores them")
        self.reset_button.clicked.connect(self.reset_all_asked)
        top.addWidget(self.reset_button)
        inside = QWidget()
        inside.setObjectName("controls")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 16)
        column.setSpacing(0)
        self._nothing.setWordWrap(True)
        self._nothing.setContentsMargins(EDGE, 16, EDGE, 16)
        self._nothing.setProperty("secondary", True)
        column.addWidget(self._nothing)
        self.blend_note.setWordWrap(True)
        self.blend_note.setContentsMargins(EDGE, 0, EDGE, 10)
        self.blend_note.hide()
        for region, title in PANEL_REGIONS:
            section = PanelSection(region, title)
            section.folded.connect(self.region_folded)
            self.sections[region] = section
            column.addWidget(section)
            if region == "gaze":
                self._build_gaze(section)
            for spec in (row for row in rows().values() if row.region == region):
                section.rows.addWidget(self._row(spec))
        column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.blend_note)
        layout.addWidget(self._scroll, 1)

    def _build_gaze(self, section: PanelSection) -> None:
        section.rows.addWidget(self.gaze)
        self.gaze.gaze_edited.connect(self.gaze_edited)
        self.gaze.reset_asked.connect(lambda gesture: self.reset_asked.emit("gaze", gesture))
        self.gaze_rows_button.setText("AU61 to AU64, each eye")
        self.gaze_rows_button.setCheckable(True)
        self.gaze_rows_button.setObjectName("disclosure")
        self.gaze_rows_button.setToolTip(
            "Show the four gaze units as rows, to move each eye on its own"
        )
        self.gaze_rows_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.gaze_rows_button.toggled.connect(lambda _on: self._arrange())
        holder = QHBoxLayout()
        holder.setContentsMargins(EDGE - 6, 0, EDGE, 2)
        holder.addWidget(self.gaze_rows_button)
        holder.addStretch(1)
        section.rows.addLayout(holder)

    def _row(self, spec: RowSpec) -> ControlRow:
        row = ControlRow(spec)
        row.value_edited.connect(self.value_edited)
        row.reset_asked.connect(self.reset_asked)
        row.key_toggled.connect(self.key_toggled)
        row.chosen.connect(self.row_chosen)
        if spec.can_unlink and spec.unit is not None:
            number = spec.unit
            row.link_toggled.connect(lambda _key, linked: self.link_toggled.emit(number, linked))
        self.rows[spec.key] = row
        return row

    # Showing --------------------------------------------------------------------------------------

    def apply(self, before: Project, after: Project, frame: int | None = None) -> None:
        """Show a project in a frame (the last one if omitted), if the face has changed."""
        frame = self._frame if frame is None else frame
        same = (
            after.face is before.face
            and after.face_edits is before.face_edits
            and after.drivers is before.drivers
        )
        if not same or frame != self._frame:
            self._frame = frame
            self._show(after)

    def show_frame(self, frame: int) -> None:
        """Show another frame of the same project."""
        if frame != self._frame:
            self._frame = frame
            edits = self._project.face_edits
            moves = edits is not None and (edits.tracks or edits.mix or edits.blend is not None)
            if moves or self._project.clip is not None:
                self._show(self._project)

    def _show(self, project: Project) -> None:
        opened = self._unlinked
        self._project = project
        frame, edits = self._frame, project.face_edits
        weight = 1.0 if edits is None else edits.weight(frame)
        self._note_blend(edits, weight)
        live = project.face is not None and project.face.at(frame) is not None and weight > 0
        self._hold_focus(live=live)
        now, photo = shown(project, frame), readings(project, frame)
        moved = frozenset(edits.by_control()) if edits else frozenset[str]()
        keyed, here = _keyed(edits, frame)
        changed = moved | keyed
        unlinked = self._unlinked
        for row in self.rows.values():
            spec, ids = row.spec, set(row.spec.ids)
            moves, text = foretell(
                spec, keyed=bool(keyed & ids), here=bool(here & ids), auto_key=self._auto_key
            )
            value, own = row_value(now, spec), row_value(photo, spec)
            row.setEnabled(live)
            row.apply(
                value,
                own,
                edited=any(i in changed for i in spec.ids),
                linked=spec.unit not in unlinked,
                key="here" if here & ids else "elsewhere" if keyed & ids else "",
                outlook=Outlook(
                    moves=moves,
                    text=self.blend_note.text() if weight < 1 else text,
                    shifted=bool(keyed & moved & ids),
                    in_picture=None if weight == 1 else own + weight * (value - own),
                ),
            )
        self._return_focus(live=live)
        self.gaze.setEnabled(live)
        self.gaze.apply(
            gaze_point(now), gaze_point(photo), edited=any(i in changed for i in GAZE_IDS)
        )
        self.reset_button.setEnabled(bool(changed or unlinked))
        for region, section in self.sections.items():
            section.header.set_changes(_count_changes(region, changed))
        if unlinked != opened:
            self._arrange()

    def set_auto_key(self, on: bool) -> None:
        """Show whether sliders set keys."""
        if on is not self._auto_key:
            self._auto_key = on
            self._show(self._project)

    def _hold_focus(self, *, live: bool) -> None:
        """Hold the focus of a row that is about to be disabled, instead of passing it on."""
        focused = self.focusWidget()
        if not live and isinstance(focused, ControlRow) and focused.hasFocus():
            self._held = focused
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _return_focus(self, *, live: bool) -> None:
        """Return the focus to its row, unless it has gone elsewhere."""
        if live and self._held is not None:
            if self.hasFocus():
                self._held.setFocus(Qt.FocusReason.OtherFocusReason)
            self._held = None

    def _note_blend(self, edits: FaceEdits | None, weight: float) -> None:
        """Say that a blend takes edits back in this frame, wholly or in part."""
        blend = None if edits is None else edits.blend
        text = ""
        if blend is not None and weight < 1:
            text = (
                f"The blend fades here: {weight:.0%} of the edits counts. "
                "Numbers are those of this frame."
                if weight
                else f"Outside the blend, frames {blend.first} to {blend.last}: "
                "edits do not count in this frame."
            )
        self.blend_note.setText(text.replace("%", "\u00a0%"))
        self.blend_note.setVisible(bool(text))

    @property
    def _unlinked(self) -> frozenset[int]:
        """Action Units with separate rows for left and right."""
        edits = self._project.face_edits
        return edits.unlinked if edits else frozenset()

    def retint(self) -> None:
        """Draw icons in the colours of the theme."""
        self.search.retint()
        self._arrange()
        self.update()

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_row(self, key: str) -> None:
        """Scroll to a row."""
        self._scroll.ensureWidgetVisible(self.rows[key], 0, 2 * theme.ROW_PX)

    def set_folded(self, regions: Iterable[str]) -> None:
        """Fold these regions, unfold the others."""
        closed = set(regions)
        for region, section in self.sections.items():
            section.set_open(region not in closed)

    # Searching ------------------------------------------------------------------------------------

    def _search(self, text: str) -> None:
        self._found = frozenset(find_rows(text)) if text.strip() else None
        self._nothing.setText(
            f"No control matches “{text.strip()}”. "
            "Try smile, blink, brow, jaw, or a number such as 12."
        )
        self._arrange()
        self._scroll.verticalScrollBar().setValue(0)

    def _enter_first(self) -> None:
        """Focus the first row that is shown and can be moved."""
        first = next((r for r in self.rows.values() if r.isVisible() and not r.is_split), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.show_row(first.spec.key)

    def _arrange(self) -> None:
        """Show the rows that match the search, the links and the gaze disclosure."""
        found = self._found
        unlinked = self._unlinked
        for row in self.rows.values():
            spec = row.spec
            wanted = (
                found is None or (f"AU{spec.unit}" if spec.unit is not None else spec.key) in found
            )
            if spec.unit in GAZE_UNITS and found is None:
                wanted = self.gaze_rows_button.isChecked()
            row.setVisible(wanted and (not spec.side or spec.unit in unlinked))
        looks = found is None or any(f"AU{number}" in found for number in GAZE_UNITS)
        self.gaze.setVisible(looks)
        self.gaze_rows_button.setVisible(found is None)
        self.gaze_rows_button.setIcon(
            theme.icon("chevron-down" if self.gaze_rows_button.isChecked() else "chevron-right")
        )
        for region, section in self.sections.items():
            section.setVisible(found is None or any(rows()[key].region == region for key in found))
            section.set_searching(found is not None)
        self._nothing.setVisible(found is not None and not found)
        for section in self.sections.values():  # at once, innermost first: no flicker
            section.settle()


def _keyed(edits: FaceEdits | None, frame: int) -> tuple[frozenset[str], frozenset[str]]:
    """Targets that are keyed at all, and those keyed on a frame."""
    tracks = edits.tracks if edits else ()
    here = frozenset(track.target for track in tracks if track.key_at(frame) is not None)
    return frozenset(track.target for track in tracks), here


def _count_changes(region: str, changed: frozenset[str]) -> int:
    """Number of angles and Action Units changed in a region."""
    return sum(
        1
        for row in rows().values()
        if row.region == region and not row.side and changed & set(row.ids)
    )
