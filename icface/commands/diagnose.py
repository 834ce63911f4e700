"""``icface diagnose``: facts about an installation, for a report of a fault."""

from __future__ import annotations

import json
from pathlib import Path

import click

from icface.commands.options import json_option


@click.command()
@click.option(
    "--names",
    is_flag=True,
    help="Add the texts of faults and the end of the log, which may name your files.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report to a file.")
@json_option
def diagnose(names: bool, output: Path | None, as_json: bool) -> None:
    """Print versions, devices, codecs, weights and recent faults, to attach to a report.

    The report holds no pictures, and no file names unless you add --names.
    """
    from icface.evaluation.diagnosis import as_text, diagnosis
    from icface.system.atomic_write import write_whole
    from icface.system.telling import tell, tell_report

    if output is None:
        if as_json:
            tell_report(diagnosis(names=names))
        else:
            tell(*as_text(names=names).splitlines())
        return
    text = json.dumps(diagnosis(names=names), indent=2) + "\n" if as_json else as_text(names=names)
    write_whole(output, lambda stream: stream.write(text.encode()))
    tell(str(output))
