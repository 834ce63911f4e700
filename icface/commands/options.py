"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import click

from icface.system.logs import start_log

BAD_INPUT = 2
"""The exit code of wrong use and of unreadable files."""
photo_argument = click.argument("photo", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the networks run.",
)
keep_option = click.option(
    "--keep",
    type=click.Choice(["all", "no-place", "none"]),
    default="all",
    show_default=True,
    help="How much of the source's description (title, date, rights, place) is kept: "
    "all of it, all but the place, or none.",
)
label_option = click.option(
    "--no-label",
    "labelled",
    flag_value=False,
    default=None,
    type=bool,
    help="Do not label the file as made with a trained model.",
)

SIGNS = (
    "NAME=NUMBER sets the value: yaw=15, yaw=-15, AU12=0.8. A plus adds to what the face shows: "
    "AU12=+0.3, yaw=+-8. Can be repeated."
)
"""The help of --set."""
set_option = click.option("--set", "texts", multiple=True, metavar="NAME=[+]NUMBER", help=SIGNS)
delta_option = click.option(
    "--delta", is_flag=True, help="Add every number to what the face shows, with or without a plus."
)


def _begin_verbose(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        start_log(context.command_path, verbose=True)


def with_verbose(command: click.Command) -> click.Command:
    """A command and its subcommands with --verbose, as far as they take options."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            with_verbose(one)
    if not command.ignore_unknown_options and all(
        parameter.name != "verbose" for parameter in command.params
    ):
        text = "Print the log, with more detail, on the standard error."
        option = click.Option(
            ["--verbose"], is_flag=True, expose_value=False, callback=_begin_verbose, help=text
        )
        command.params.append(option)
    return command


_RATE = re.compile(r"\d{1,6}(\.\d{1,6}|/[1-9]\d{0,5})?")


def rate_of_text(
    context: click.Context, option: click.Parameter, text: str | None
) -> Fraction | None:
    """Frames a second, from a text such as 25, 29.97 or 30000/1001."""
    if text is None:
        return None
    if not _RATE.fullmatch(text) or not (rate := Fraction(text)):
        raise click.BadParameter(
            f"{text!r} is not a rate. Write frames a second: 25, 29.97 or 30000/1001.",
            context,
            option,
        )
    return rate
