"""The export dialog: kind of file, frames, sound, and the plan in plain words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.widgets.choice_button import Choice, ChoiceButton
from app.widgets.plain_text import PlainLabel
from icface.document import Clip, OutputSettings, Project
from icface.document.edits import set_output
from icface.document.mixing import heard_clip
from icface.export import EXPORT_PRESETS, STILL_SUFFIXES, ExportOptions
from icface.media.details import KEEPS, Keep
from icface.media.presets import Preset

_PAUSE_MS = 150
"""Time without a change before a plan is requested, milliseconds."""
_HEIGHTS = (2160, 1440, 1080, 720, 480, 360)
"""Heights of exported pictures to choose from, pixels."""
_QUALITIES: tuple[Choice, ...] = (
    ("", "Preset default"),
    ("55", "Small file"),
    ("75", "Good"),
    ("95", "Best"),
)
_KEEPS: tuple[Choice, ...] = (
    ("all", "Keep all"),
    ("no-place", "All but location (GPS)"),
    ("none", "Nothing"),
)
_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """A document, a destination and the options of an export."""

    project: Project
    path: Path
    options: ExportOptions


class ExportDialog(QDialog):
    """The settings of an export, and below them the queue.

    Parameters
    ----------
    exports : QWidget
        The queue, shown below.
    parent : QWidget, optional
    """

    plan_requested = Signal(object)
    """An `ExportRequest` whose plan is awaited by `show_plan` or `show_problem`."""
    start_asked = Signal(object)
    """An `ExportRequest` to export."""

    def __init__(self, exports: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setModal(False)
        self._project = Project()
        self._frame = 0
        self._choices = {"range": "all", "sound": "", "height": "", "quality": "", "keep": "all"}
        self.presets = QListWidget()
        self.presets.setAccessibleName("Kind of file")
        self.range, self.sound = ChoiceButton("Frames"), ChoiceButton("Sound")
        self.height_choice, self.quality = ChoiceButton("Size"), ChoiceButton("Quality")
        self.keep = ChoiceButton(
            "Metadata of the source",
            "Title, date, rights, location and comments of the source file",
        )
        self.side_by_side = QCheckBox("Show the unedited picture on the left")
        self.labelled = QCheckBox("Mark the file as edited by a trained model")
        self.labelled.setToolTip(
            "Writes the IPTC digital source type, program and version.\n"
            "Leave it on unless you have a reason."
        )
        self.path = QLineEdit()
        self.path.setAccessibleName("Destination")
        self.browse = QPushButton("Choose…")
        self.plan = PlainLabel()
        self.plan.setWordWrap(True)
        self.plan.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.plan.setAccessibleName("Plan of the export")
        self.start = QPushButton("Start export")
        self.start.setObjectName("primary")
        self.start.setDefault(True)
        self.hide_button = QPushButton("Close")
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PAUSE_MS)
        self.resize(880, 680)
        self._fill()
        self._build(exports)
        self._connect()

    # Building -------------------------------------------------------------------------------------

    def _fill(self) -> None:
        for preset in EXPORT_PRESETS.values():
            title, _, use = preset.title.partition(": ")
            item = QListWidgetItem(f"{title}\n{use[:1].upper()}{use[1:]}" if use else title)
            item.setData(_ROLE, preset.name)
            item.setSizeHint(QSize(0, 46 if use else 32))
            if missing := preset.missing_encoders():
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                item.setToolTip(
                    f"Needs the encoder {', '.join(missing)}, which this build of FFmpeg lacks."
                )
            self.presets.addItem(item)

    def _build(self, exports: QWidget) -> None:
        self.presets.setFixedWidth(288)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        rows = (
            ("Frames", self.range),
            ("Sound", self.sound),
            ("Size", self.height_choice),
            ("Quality", self.quality),
            ("Metadata", self.keep),
        )
        for number, (text, widget) in enumerate(rows):
            label = PlainLabel(text)
            label.setObjectName("secondary")
            grid.addWidget(label, number, 0)
            grid.addWidget(widget, number, 1)
        grid.addWidget(self.side_by_side, 5, 1)
        grid.addWidget(self.labelled, 6, 1)
        grid.setColumnStretch(1, 1)
        where = QHBoxLayout()
        where.addWidget(self.path, 1)
        where.addWidget(self.browse)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addLayout(grid)
        right.addLayout(where)
        title = PlainLabel("PLAN")
        title.setObjectName("section-title")
        right.addWidget(title)
        right.addWidget(self.plan, 1)
        top = QHBoxLayout()
        top.setSpacing(20)
        top.addWidget(self.presets)
        top.addLayout(right, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.hide_button)
        buttons.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(14)
        column.addLayout(top, 1)
        column.addLayout(buttons)
        column.addWidget(exports)

    def _connect(self) -> None:
        self._later.timeout.connect(self._ask_for_plan)
        self.presets.currentItemChanged.connect(self._preset_changed)
        for name, button in (
            ("range", self.range),
            ("sound", self.sound),
            ("height", self.height_choice),
            ("quality", self.quality),
            ("keep", self.keep),
        ):
            button.chosen.connect(lambda key, name=name: self._choose(name, key))
        for box in (self.side_by_side, self.labelled):
            box.toggled.connect(lambda _on: self._later.start())
        self.path.textEdited.connect(lambda _text: self._later.start())
        self.browse.clicked.connect(self._browse)
        self.hide_button.clicked.connect(self.hide)
        self.start.clicked.connect(lambda: self.start_asked.emit(self.request()))

    # Showing --------------------------------------------------------------------------------------

    def open_for(self, project: Project, folder: Path, frame: int, keep: str = "all") -> None:
        """Show the settings of a document, with the metadata to keep and a new destination."""
        output = project.output
        self._project, self._frame = project, frame  # the choices below depend on them
        self._choices |= {
            "sound": output.sound,
            "height": "",
            "range": "points" if _has_points(project) else "all",
        }
        self._choices["keep"] = keep if keep in dict(_KEEPS) else "all"
        self.side_by_side.setChecked(output.side_by_side)
        self.labelled.setChecked(output.labelled)
        self.path.setText(str(folder / f"{_file_stem(project)}-edited"))
        moving = project.is_moving
        self._select(output.preset if moving else "still")
        self.apply(project, frame)
        self._set_ending()
        self.show()
        self.raise_()
        self.activateWindow()

    def apply(self, project: Project, frame: int) -> None:
        """Follow the document and the playhead; settings made in the dialog stay."""
        self._project, self._frame = project, frame
        self._show_choices()
        self._later.start()

    def show_plan(self, lines: list[str]) -> None:
        """Show the plan, one sentence a line."""
        self._report("\n".join(lines), problem=False)

    def show_problem(self, text: str) -> None:
        """Show why the export is not possible."""
        self._report(text, problem=True)

    def _report(self, text: str, *, problem: bool) -> None:
        self.plan.setText(text)
        self.plan.setProperty("problem", problem)
        self.plan.style().unpolish(self.plan)
        self.plan.style().polish(self.plan)
        self.start.setEnabled(not problem)

    @property
    def preset(self) -> Preset:
        """The chosen kind of file."""
        item = self.presets.currentItem()
        return EXPORT_PRESETS["mp4" if item is None else item.data(_ROLE)]

    @property
    def kept(self) -> Keep:
        """Which metadata of the source file is kept."""
        return next(keep for keep in KEEPS if keep == self._choices["keep"])

    def request(self) -> ExportRequest:
        """The export as it is set in the dialog."""
        first, last = self._frames()
        height, quality = self._choices["height"], self._choices["quality"]
        options = ExportOptions(
            preset=self.preset.name,
            quality=int(quality) if quality and self._has_quality() else None,
            first=first,
            last=last,
            sound=self._choices["sound"],
            side_by_side=self.side_by_side.isChecked(),
            labelled=self.labelled.isChecked(),
            height=int(height) if height else None,
            keep=self.kept,
        )
        return ExportRequest(self._project, Path(self.path.text().strip()).expanduser(), options)

    def settings(self) -> OutputSettings:
        """The settings that the document stores."""
        chosen = OutputSettings(
            sound=self._choices["sound"],
            side_by_side=self.side_by_side.isChecked(),
            labelled=self.labelled.isChecked(),
        )
        kept = self._project.output.preset if self.preset.name == "still" else self.preset.name
        return replace(chosen, preset=kept)

    def _frames(self) -> tuple[int, int]:
        if self.preset.name == "still" or self._choices["range"] == "frame":
            return self._frame, self._frame
        return (
            self._project.range
            if self._choices["range"] == "points"
            else (0, self._project.n_frames - 1)
        )

    def _has_quality(self) -> bool:
        return any(name == "crf" for name, _ in self.preset.options) or self.preset.name == "still"

    def _show_choices(self) -> None:
        project, still = self._project, self.preset.name == "still"
        first, last = project.range
        ranges = [
            ("all", f"All {project.n_frames}"),
            ("points", f"In to out: {first} to {last}"),
        ]
        ranges += [("frame", f"Frame {self._frame}, at the playhead")]
        self.range.apply(ranges, "frame" if still else self._choices["range"])
        self.range.setEnabled(not still)
        sounds = _sounds(project)
        if self._choices["sound"] not in dict(sounds):
            self._choices["sound"] = sounds[0][0]
        silent = self.preset.kind != "clip"
        self.sound.apply(
            sounds,
            self._choices["sound"],
            shown="This kind of file has no sound" if silent else None,
            faint=silent,
        )
        self.sound.setEnabled(not silent)
        self.height_choice.apply(_sizes(project), self._choices["height"])
        self.keep.apply(_KEEPS, self._choices["keep"])
        fixed = not self._has_quality()
        self.quality.apply(
            _QUALITIES,
            self._choices["quality"],
            shown="Fixed for this kind of file" if fixed else None,
            faint=fixed,
        )
        self.quality.setEnabled(not fixed)

    # Choices --------------------------------------------------------------------------------------

    def _choose(self, name: str, key: str) -> None:
        self._choices[name] = key
        self._show_choices()
        self._later.start()

    def _select(self, name: str) -> None:
        for row in range(self.presets.count()):
            if self.presets.item(row).data(_ROLE) == name:
                self.presets.setCurrentRow(row)

    def _preset_changed(self) -> None:
        self._set_ending()
        self._show_choices()
        self._later.start()

    def _set_ending(self) -> None:
        """Give the destination the file extension of the kind of file."""
        path, preset = Path(self.path.text()), self.preset
        known = {other.suffix for other in EXPORT_PRESETS.values()} | STILL_SUFFIXES
        stem = path.with_suffix("") if path.suffix.lower() in known else path
        if preset.name == "still":
            fits = path.suffix.lower() in STILL_SUFFIXES
            self.path.setText(str(path if fits else stem.with_name(stem.name + ".png")))
        elif path.name:
            self.path.setText(str(stem.with_name(stem.name + preset.suffix)))

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Export to", str(Path(self.path.text()).parent))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(
            QFileDialog.Option.DontConfirmOverwrite
        )  # the plan warns about replaced files
        dialog.selectFile(Path(self.path.text()).name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._set_path)
        dialog.open()

    def _set_path(self, path: str) -> None:
        self.path.setText(path)
        self._set_ending()
        self._later.start()

    def _ask_for_plan(self) -> None:
        if self.isVisible():
            self.plan_requested.emit(self.request())


def _has_points(project: Project) -> bool:
    return project.first is not None or project.last is not None


def _file_stem(project: Project) -> str:
    return "picture" if project.source is None else Path(project.source.path).stem


def _sounds(project: Project) -> list[Choice]:
    unsaid = heard_clip(set_output(project, sound=""))
    whose = "Source" if project.clip is not None else "Driver of the face"
    others = [
        (driver.name, f"{driver.name}: {Path(driver.medium.path).name}")
        for driver in project.drivers
        if isinstance(driver.medium, Clip) and driver.medium.has_sound
    ]
    return [*([("", whose)] if unsaid else []), *others, ("none", "None")]


def _sizes(project: Project) -> list[Choice]:
    source = project.source
    if source is None:
        return [("", "Same as source")]
    smaller = [lines for lines in _HEIGHTS if lines < source.height]
    sizes: list[Choice] = [("", f"{source.width} \u00d7 {source.height}, same as source")]
    return [
        *sizes,
        *(
            (str(lines), f"{round(source.width * lines / source.height / 2) * 2} \u00d7 {lines}")
            for lines in smaller
        ),
    ]
