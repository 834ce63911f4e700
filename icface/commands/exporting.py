"""The options of the commands that export, and how they print a plan and carry it out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from icface.commands.options import device_option, json_option, keep_option, label_option
from icface.system.telling import tell, tell_report

if TYPE_CHECKING:
    from icface.document import Project
    from icface.export import ExportOptions
    from icface.rendering.renderer import Renderer

Command = TypeVar("Command", bound=Callable[..., Any])

PRESETS = (
    "mp4 (H.264), mp4-hevc, webm (VP9), webm-av1, mov (ProRes), lossless (FFV1), gif, webp, "
    "png, tiff, exr (sequences), still"
)
"""The names of all presets, for --help."""


def export_options(command: Command) -> Command:
    """The options of every command that exports."""
    for option in reversed(
        (
            click.option(
                "-o",
                "--output",
                required=True,
                type=click.Path(path_type=Path),
                help="The file; its ending chooses the format.",
            ),
            click.option("--preset", metavar="NAME", help=f"{PRESETS}. Default: by the ending."),
            click.option(
                "--quality",
                type=click.IntRange(1, 100),
                help="1 (small) to 100 (best). Default: the preset's own.",
            ),
            click.option(
                "--height",
                type=int,
                metavar="LINES",
                help="Height of the frames, pixels. Default: the source's.",
            ),
            click.option(
                "--side-by-side",
                is_flag=True,
                default=None,
                help="Put the unedited picture on the left.",
            ),
            label_option,
            keep_option,
            click.option(
                "--plan", "plan_only", is_flag=True, help="Print what would be done; write nothing."
            ),
            json_option,
            device_option,
        )
    ):
        command = option(command)
    return command


def range_options(command: Command) -> Command:
    """The options that choose the frames to export."""
    for option in (
        click.option(
            "--to",
            "last",
            type=click.IntRange(0),
            metavar="FRAME",
            help="Last frame, counted from 0.",
        ),
        click.option(
            "--from",
            "first",
            type=click.IntRange(0),
            metavar="FRAME",
            help="First frame, counted from 0.",
        ),
    ):
        command = option(command)
    return command


def options_of(chosen: dict[str, Any]) -> ExportOptions:
    """The options of an export, from the values of a command's own."""
    from icface.export import ExportOptions

    names = ("preset", "quality", "first", "last", "sound", "side_by_side", "labelled", "height")
    return ExportOptions(
        **{name: chosen.get(name) for name in names}, keep=chosen.get("keep", "all")
    )


def carry_out(
    project: Project,
    chosen: dict[str, Any],
    renderer: Renderer,
    facts: dict[str, Any] | None = None,
) -> None:
    """Print the plan for a document and, unless only the plan is wanted, export and report.

    Parameters
    ----------
    project : Project
    chosen : dict
        The values of `export_options` and `range_options`.
    renderer : Renderer
    facts : dict, optional
        Further entries of the JSON report.
    """
    from icface.commands.meter import watched
    from icface.export import describe, export, plan_export

    plan = plan_export(project, chosen["output"], options_of(chosen))
    lines, as_json = describe(plan), chosen["as_json"]
    report: dict[str, Any] = {"output": str(plan.path), "frames": plan.count, "plan": lines} | (
        facts or {}
    )
    if chosen["plan_only"]:
        tell_report(report) if as_json else tell(*lines)
        return
    tell(*(() if as_json else lines), err=True)
    begun = time.monotonic()
    done = watched(export(plan, renderer), plan.path.name)
    took = time.monotonic() - begun
    report |= {
        "output": str(done.path),
        "frames": done.frames,
        "edited": done.edited,
        "reused": done.reused,
        "sound": done.sound,
        "seconds": round(done.seconds, 6),
        "notes": list(done.notes),
        "took_seconds": round(took, 2),
        "frames_per_second": round(done.frames / took, 2),
        "device": renderer.device_name or None,
        "notices": renderer.drain_notices(),
    }
    if as_json:
        tell_report(report)
        return
    tell(
        f"{done.path}  {done.frames} frames, {done.edited} edited, {took:.1f} s, "
        f"{done.frames / took:.1f} frames/s"
    )
    for note in (*done.notes, *report["notices"]):
        tell(f"note: {note}", err=True)
