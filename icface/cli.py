"""The command line: ``icface`` and the table of its commands, from `icface.commands`.

Commands import what they need when they run, so that ``--help`` answers at once. The exit code is
0, or 2 for wrong use and bad input, with one line on the standard error that gives the fault and
the remedy. `icface batch` exits with 3 where some files were made and others were not.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from icface import __version__
from icface.commands.options import BAD_INPUT, device_option, json_option, with_verbose
from icface.system.atomic_write import reason
from icface.system.failures import is_foreseen, lacks_memory
from icface.system.leftovers import clear_left_overs
from icface.system.logs import note_fault, start_log, stop_log
from icface.system.telling import tell, tell_report

log = logging.getLogger("icface.cli")  # started as a module, too
COMMANDS: dict[str, str] = {
    "animate": "icface.commands.animate",
    "batch": "icface.commands.batch",
    "convert": "icface.commands.convert",
    "diagnose": "icface.commands.diagnose",
    "edit": "icface.commands.edit",
    "export": "icface.commands.export",
    "info": "icface.commands.info",
    "render": "icface.commands.render",
    "track": "icface.commands.track",
}
"""Modules of commands by the command's name, which is also the name of the function in it. A module
is imported when its command runs."""


class _Program(click.Group):
    """A group that imports commands when they are needed and reports errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None if there is none."""
        if cmd_name not in COMMANDS:
            found = super().get_command(ctx, cmd_name)
            return found if found is None else with_verbose(found)
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        return with_verbose(command)

    def main(
        self,
        args: Sequence[str] | None = None,
        *more: Any,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; with `standalone_mode`, leave the interpreter with an exit code."""
        run: Callable[[], Any] = partial(super().main, args, *more, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        if isinstance(
            sys.stdout, io.TextIOWrapper
        ):  # a name that a console cannot show is spelt out, and ends nothing
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = run()
        except click.Abort:
            _leave("Stopped.", 130)
        except BrokenPipeError:  # the reader of our output has gone, as with `| head`
            sys.stdout = io.StringIO()  # or Python would try to flush the old one once more
            sys.exit(1)
        except Exception as error:
            text = _in_words(error)
            if not text:
                note_fault(error, "in a command")
                raise
            log.info(
                "Refused: %s",
                text,
                exc_info=isinstance(error, ValueError) and not is_foreseen(error),
            )
            _leave(text)
        finally:
            stop_log()
        sys.exit(code if isinstance(code, int) else 0)


def _in_words(error: Exception) -> str:
    """The text for wrong use, bad input or a lack of memory; "" for a fault of the program."""
    if isinstance(error, click.UsageError) and error.ctx:
        return f"{error.format_message()} See '{error.ctx.command_path} --help'."
    if isinstance(error, click.ClickException):
        return error.format_message()
    if lacks_memory(error):  # torch and OpenCV have errors of their own for it
        return (
            "There is not enough memory for this. "
            "Close other programs, or give a smaller file or fewer frames."
        )
    if isinstance(error, OSError):  # of a folder that cannot be made, say
        return f"{error.filename}: {reason(error)}." if error.filename else str(error)
    return str(error) if isinstance(error, ValueError) else ""


def _leave(text: str, code: int = BAD_INPUT) -> NoReturn:
    tell(f"icface: {' '.join(text.split())}", err=True)
    sys.exit(code)


@click.group(
    cls=_Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="icface")
@click.pass_context
def main(context: click.Context) -> None:
    """Edit head pose and Action Units of a face in a photo."""
    # Before torch is loaded: on a busy machine, threads that wait by spinning take the time from
    # those they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        return
    start_log(context.invoked_subcommand)
    clear_left_overs()


# --------------------------------------------------------------------------------------------------


@main.command()
@click.option(
    "--size",
    type=click.IntRange(64, 8192),
    default=1024,
    show_default=True,
    help="Side of the portrait, pixels.",
)
@click.option(
    "--ticks",
    type=click.IntRange(2, 10_000),
    default=60,
    show_default=True,
    help="Number of slider movements.",
)
@click.option(
    "--export",
    "seconds",
    type=click.IntRange(6, 36_000),
    help="Measure the export of a clip of this many seconds instead.",
)
@json_option
@device_option
def bench(size: int, ticks: int, seconds: int | None, as_json: bool, device: str) -> None:
    """Measure how fast the sample portrait opens and sliders answer, or how fast a clip exports."""
    if seconds is not None:
        from icface.evaluation.export_speed import measure_export
        from icface.evaluation.export_speed import table as export_table

        report = measure_export(seconds=seconds, device=device)
        tell_report(report) if as_json else tell(*export_table(report).splitlines())
        return
    from icface.evaluation.speed import measure, table

    figures = measure(size=size, ticks=ticks, device=device)
    tell_report(figures) if as_json else tell(*table(figures).splitlines())


@contextmanager
def _needs_numba(what: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise click.ClickException(
            f"{what} needs numba, which is not installed: python -m pip install numba"
        ) from error


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Train the networks (see icface train --help).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def train(arguments: tuple[str, ...]) -> Any:
    """Train the networks."""
    with _needs_numba("Training"):
        from icface.training.command import main as command
    return with_verbose(command).main(
        list(arguments), prog_name="icface train", standalone_mode=False
    )


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Measure the networks (see icface evaluate --help).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def evaluate(arguments: tuple[str, ...]) -> Any:
    """Measure the networks."""
    from icface.evaluation.command import main as command
    from icface.evaluation.material import Finders

    def held_out(**where: Any) -> Any:
        with _needs_numba("Measuring held-out people"):
            from icface.training.held_out import HeldOutPeople
        return HeldOutPeople(**where)

    def measured(folder: Path) -> Any:
        with _needs_numba("Reading measured portraits"):
            from icface.training.measured_faces import MeasuredPortraits
        return MeasuredPortraits(folder)

    return with_verbose(command).main(
        list(arguments),
        prog_name="icface evaluate",
        standalone_mode=False,
        obj=Finders(held_out=held_out, measured=measured),
    )


if __name__ == "__main__":
    main()
