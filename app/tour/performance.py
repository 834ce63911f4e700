"""A short keyed performance of the sample, exported as a clip and saved as a project."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from icface.document import Project, edits
from icface.export import Exported, export, plan_export
from icface.jobs import run_to_end
from icface.project_file import save_project
from icface.rendering.renderer import Opened, Renderer

T = TypeVar("T")

LAST = 74
KEYS: tuple[tuple[int, dict[str, float]], ...] = (
    (12, {"yaw": -13.0, "AU12L": 0.2, "AU12R": 0.2}),
    (16, {"AU43L": 0.0, "AU43R": 0.0}),
    (19, {"AU43L": 1.0, "AU43R": 1.0}),
    (23, {"AU43L": 0.0, "AU43R": 0.0}),
    (32, {"yaw": 4.0, "roll": 6.0, "AU12L": 1.0, "AU12R": 1.0, "AU6L": 0.8, "AU6R": 0.8}),
    (
        48,
        {
            "yaw": 14.0,
            "roll": -4.0,
            "AU1L": 0.8,
            "AU1R": 0.8,
            "AU2L": 0.8,
            "AU2R": 0.8,
            "AU12L": 0.5,
            "AU12R": 0.5,
        },
    ),
)
"""Frame by frame at 25 a second, what a slider would be set to. First and last frame are the photo
itself."""


def performance(opened: Opened) -> Project:
    """The document: the photo at rest, keyed through `KEYS`, and at rest again."""
    project = edits.open_source(Project(), opened.source, opened.faces)
    project = edits.set_length(project, LAST + 1)
    keyed = sorted({control for _, values in KEYS for control in values})
    for frame in (0, LAST):
        project = edits.key_controls(project, keyed, frame)
    for frame, values in KEYS:
        project = edits.set_controls(project, values, frame=frame, auto_key=True)
    return edits.set_marker(project, KEYS[-2][0], "smile")


def leave_performance(renderer: Renderer, project: Project, out: Path) -> Exported:
    """Write ``performance.mp4`` and ``performance.icface`` into a folder."""
    save_project(out / "performance.icface", project)
    return run_to_end(export(plan_export(project, out / "performance.mp4"), renderer))
