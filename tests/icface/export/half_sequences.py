"""One export of a sequence, stopped after a number of stills; 0 lets it end.

``python -m tests.icface.export.half_sequences CLIP TARGET COUNT`` prints the plan's key, then how
many stills were used again.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from icface.document import edits
from icface.export import export, plan_export
from icface.jobs import run_to_end
from icface.rendering.renderer import Renderer
from tests.icface.export.exporting import document
from tests.tiny_networks import tiny_face_predictor


def main(clip: Path, target: Path, count: int) -> None:
    """Export, and stop or tell."""
    project = edits.set_control(document(clip), "AU12L", 0.4)
    own = replace(project.edits[0], unlinked=frozenset({1, 2, 6, 12}))
    plan = plan_export(replace(project, edits=(own,)), target)
    job = export(plan, Renderer(tiny_face_predictor()))
    print(plan.key)  # noqa: T201  (read by the test)
    if count:
        while len(list(target.parent.glob("*.png"))) < count:
            next(job)
        job.close()
    else:
        print(run_to_end(job).reused)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
