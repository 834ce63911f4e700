"""``icface batch``: many photos and clips with the same edits, or driven by the same motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from icface.commands.exporting import PRESETS, options_of
from icface.commands.options import BAD_INPUT, device_option, json_option, keep_option
from icface.system.telling import tell, tell_report

SOME_FAILED = 3
"""The exit code where some files were made and others were not."""


@click.command()
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--with",
    "pattern",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A project whose edits every file gets, or the driver of its first face: "
    "a tracking table, a clip or a photo.",
)
@click.option(
    "-o", "--output", "folder", required=True, type=click.Path(path_type=Path), metavar="FOLDER"
)
@click.option("--preset", metavar="NAME", help=f"{PRESETS}. Default: mp4.")
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    help="1 (small) to 100 (best). Default: the preset's own.",
)
@click.option(
    "--height",
    type=int,
    metavar="LINES",
    help="Height of the frames, pixels. Default: each source's.",
)
@click.option(
    "--side-by-side", is_flag=True, default=None, help="Put the unedited picture on the left."
)
@click.option(
    "--no-label",
    "labelled",
    flag_value=False,
    default=None,
    type=bool,
    help="Do not label the files as made with a trained model.",
)
@keep_option
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Number of processes."
)
@click.option(
    "--ray",
    "address",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[ADDRESS]",
    help="Run on a Ray cluster. Without an address, one is started here with --jobs workers.",
)
@json_option
@device_option
@click.pass_context
def batch(  # noqa: PLR0913  (one for each option of its own)
    context: click.Context,
    /,
    *,
    inputs: tuple[Path, ...],
    pattern: Path,
    folder: Path,
    jobs: int,
    address: str | None,
    as_json: bool,
    device: str,
    **chosen: Any,
) -> None:
    """Export every FILE with the same edits or the same motion into FOLDER.

    Outputs that exist already, from the same file and the same settings, are kept. One failure does
    not stop the others. The exit code is 0 if all files were exported, 3 if some failed, and 2 if
    all failed or the command is wrong.
    """
    from icface.batch.tasks import in_processes, run_batch, tasks_for
    from icface.commands.meter import watched
    from icface.export import ExportError
    from icface.rendering.kinds import check_kind

    if not pattern.exists():
        raise ExportError(
            f"{pattern} is not there. Name a project, a tracking table, a clip or a photo."
        )
    check_kind(pattern, "project", "table", "clip", "photo")
    tasks = tasks_for(inputs, pattern, folder, options_of(chosen), device=device)
    if address is None:
        runner = in_processes(jobs)
    else:
        from icface.batch.ray import on_ray

        runner = on_ray(address, workers=jobs)
    outcomes = watched(run_batch(tasks, folder, runner), "batch")
    counts = {
        state: sum(outcome.state == state for outcome in outcomes)
        for state in ("made", "kept", "failed")
    }
    if as_json:
        rows = [
            {
                "input": str(o.task.source),
                "output": str(o.task.target),
                "state": o.state,
                "frames": o.frames,
                "text": o.text,
            }
            for o in outcomes
        ]
        tell_report(counts | {"outputs": rows})
    else:
        for outcome in outcomes:
            why = f": {outcome.text}" if outcome.text else ""
            tell(f"{outcome.state:<6} {outcome.task.target}{why}", err=outcome.state == "failed")
        tell(f"{counts['made']} made, {counts['kept']} kept, {counts['failed']} failed")
    if counts["failed"]:
        context.exit(BAD_INPUT if counts["failed"] == len(outcomes) else SOME_FAILED)
