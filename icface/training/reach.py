"""The table of how far each control goes, made from held-out people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from icface.evaluation.material import Subject, subject_of
from icface.evaluation.reach import reach, table_of
from icface.rendering.predictor import FacePredictor
from icface.system.atomic_write import write_whole
from icface.tracking.builtin import BuiltinTracker
from icface.training.held_out import HeldOutCanvases


def make_reach(portraits: Path, models: Path | None, out: Path, *, people: int = 10) -> str:
    """Write the table of `icface.face.reach`; returns the errors of each control, one a line.

    Parameters
    ----------
    portraits : Path
        A portraits folder: people of its split ``val`` are looked at, evenly spread.
    models : Path or None
        Weights; the shipped ones if not given.
    """
    predictor, tracker = FacePredictor.load("cpu", models), BuiltinTracker("cpu", models=models)
    found = reach(predictor, tracker, _subjects(portraits, predictor, tracker, people))
    table = json.dumps(table_of(found), indent=1) + "\n"
    write_whole(out, lambda stream: stream.write(table.encode()))
    lines = []
    for control, directions in found.items():
        for one in directions:
            errors = " ".join(f"{error:.3f}" for error in one.errors)
            lines.append(f"{control:6} to {one.farthest:g} of {one.values[-1]:g}: {errors}")
    return "\n".join(lines)


def _subjects(
    portraits: Path, predictor: FacePredictor, tracker: BuiltinTracker, people: int
) -> list[Subject]:
    canvases = HeldOutCanvases(portraits)
    if not len(canvases):
        raise ValueError(f"{portraits} holds nobody whose split is 'val'.")
    chosen = np.linspace(0, len(canvases) - 1, people).astype(int).tolist()
    made = [subject_of(str(i), canvases[i].image, predictor, tracker) for i in chosen]
    found = [one for one in made if one is not None]
    if not found:
        raise ValueError(f"No face was found in the held-out pictures of {portraits}.")
    return found
