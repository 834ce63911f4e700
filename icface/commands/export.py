"""``icface export``: a saved project exported to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from icface.commands.exporting import carry_out, export_options, range_options
from icface.system.telling import tell


@click.command()
@click.argument("project", type=click.Path(path_type=Path))
@export_options
@range_options
@click.option(
    "--sound",
    metavar="NAME",
    help="Name of the driver whose sound is used, or none. Default: as in the project.",
)
def export(project: Path, device: str, **chosen: Any) -> None:
    """Export PROJECT, a project that the editor saved, between its in and out points.

    The plan is printed first. After Ctrl-C a file of that name is as it was; a sequence of stills
    resumes where it stopped.
    """
    from icface.project_file import read_project
    from icface.rendering.kinds import check_kind
    from icface.rendering.renderer import Renderer

    check_kind(project, "project")
    loaded = read_project(project)
    for note in loaded.notes:
        tell(f"note: {note}", err=True)
    carry_out(loaded.project, chosen, Renderer(device=device), {"input": str(project)})
