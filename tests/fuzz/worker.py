"""A process that reads files of the corpus, one after the other, and says what came of each.

A line on the standard input is a JSON list of a path and of what reads it; the answer is a JSON
list of an outcome and a text. The outcome is "opened", "refused" (an error of ours, in our words)
or "wrong". Work of more than `CPU_SECONDS` ends the process.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from itertools import islice
from pathlib import Path

CPU_SECONDS = 20
"""Of the processor, so that a busy machine changes nothing."""
MOST_MEMORY_BYTES = 2 << 30
_FOREIGN = re.compile(
    r"Errno|is not a valid|Exceeds the limit|Maximum allowed|Unable to allocate|Traceback"
    r"|has no attribute|NoneType|unhashable"
    r"|codec can't"
    r"|invalid literal|could not convert|must be (str|int|real)|takes \d+ positional"
    r"|<class|object is not|cv2\.|av\."
)


def _photo(path: Path, _scratch: Path) -> None:
    from icface.media.photo_reading import load_photo

    load_photo(path).rgb8.sum()


def _clip(path: Path, _scratch: Path) -> None:
    from icface.media.clip import probe
    from icface.media.video import read_video

    probe(path)
    for frame in islice(read_video(path), 12):
        frame.pixels()


def _table(path: Path, scratch: Path) -> None:
    from icface.formats import FORMATS, load, save
    from icface.rendering.kinds import kind_of

    kind_of(path)
    found = load(path)
    for kind in FORMATS.values():
        if kind.save is not None and found.motion.present.any():
            save(scratch / f"out.{kind.name}", found.motion, kind.name)


def _project(path: Path, scratch: Path) -> None:
    import numpy as np

    from icface.document.mixing import shown
    from icface.project_file import load_project, save_project

    project = load_project(path)
    project.seconds(np.array([0, project.n_frames]))
    if project.face is not None:
        shown(project, 0)
        shown(project, project.n_frames - 1)
    save_project(scratch / "out.icface", project)


def _edits(path: Path, _scratch: Path) -> None:
    from app.editor.expression_clipboard import read_settings
    from icface.commands.arguments import read_edits

    refusals = []
    for read in (
        lambda: read_edits(path),
        lambda: read_settings(path.read_bytes().decode("utf-8", "replace")),
    ):
        try:
            read()
        except ValueError as error:
            refusals.append(error)
    if len(refusals) == 2:
        raise refusals[0]


def _weights(path: Path, _scratch: Path) -> None:
    from icface.model.networks.weights import load_model

    load_model(path, kind="test")


READERS: dict[str, Callable[[Path, Path], None]] = {
    "photo": _photo, "clip": _clip, "table": _table, "motion": _table, "npz": _table,
    "project": _project, "edits": _edits,
    "weights": _weights,
}  # fmt: skip


def outcome_of(path: Path, kind: str) -> tuple[str, str]:
    """What came of reading a file, and the words."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            READERS[kind](path, Path(scratch))
        except ValueError as error:
            ours = type(error).__module__.partition(".")[0] in ("icface", "app") or _raised_by_us(
                error
            )
            text = str(error)
            if not ours or _FOREIGN.search(text):
                return "wrong", f"foreign words, {type(error).__name__}: {text[:300]}"
            return "refused", text[:300]
        except BaseException:  # noqa: BLE001  (whatever it is, it is what is looked for)
            return "wrong", f"traceback: {traceback.format_exc()[-1500:]}"
    return "opened", ""


def _raised_by_us(error: BaseException) -> bool:
    """Whether a plain ValueError was raised by a line of ours."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and at.tb_frame.f_globals.get("__name__", "").partition(".")[0] in (
        "icface",
        "app",
    )


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 0 if found is None else int(found[1]) * 1024


def main() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_DATA, (3 * MOST_MEMORY_BYTES, 3 * MOST_MEMORY_BYTES))
    answers = sys.stdout
    sys.stdout = sys.stderr
    import torch

    torch.set_num_threads(1)
    for line in sys.stdin:
        path, kind = json.loads(line)
        _forget_peak()
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # its end, unhandled, ends the process
        outcome, text = outcome_of(Path(path), kind)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if outcome != "wrong" and (peak := _peak_bytes()) > MOST_MEMORY_BYTES:
            outcome, text = "wrong", f"memory: {peak >> 20} MiB"
        answers.write(json.dumps([outcome, text]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
