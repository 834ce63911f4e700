"""py-feat's real Detectorv2 with random weights and faces at given places.

Run as a program of its own.

Prints what is read as one line of JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from functools import partial
from pathlib import Path


def main() -> None:
    os.environ.update(
        OMP_NUM_THREADS="3", HF_ENDPOINT="https://hub.invalid", FEAT_MULTITASK_WEIGHTS="random"
    )
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

    import feat.detector_v2
    import numpy as np
    import torch
    from feat.multitask import inference
    from feat.multitask.model_v2 import MEGraphAUv2, ModelV2Config

    from icface.tracking import feat_process
    from icface.tracking.feat_readings import observations

    torch.manual_seed(0)
    config = ModelV2Config(
        pretrained=False, n_au=24, n_emotion=8, n_blendshape=52, mesh_normalized=True
    )
    state = MEGraphAUv2(config).state_dict()
    inference._load_multitask_weights = lambda _: (dataclasses.asdict(config), state)
    feat.detector_v2.Retinaface = partial(feat.detector_v2.Retinaface, pretrained="")
    model, version = feat_process._load("Detectorv2", "cpu")
    picture = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    rolled = np.roll(picture, 20, axis=1)
    found = []
    for pixels, left in ((picture, 20), (rolled, 40)):
        model.face_detector = lambda _, left=left: [[[left, 20, left + 60, 90, 0.8]]]
        found += observations(feat_process._read(model, "Detectorv2", pixels), "Detectorv2")
    model.face_detector = lambda _: [[]]
    empty = observations(feat_process._read(model, "Detectorv2", picture), "Detectorv2")
    told = {
        "version": version,
        "confidence": found[0].confidence,
        "no_face": len(empty),
        "moved_right": found[1].box.centre[0] - found[0].box.centre[0],
        "channels": sum(value != 0 for value in found[0].controls.values),
        "threads": os.environ["OMP_NUM_THREADS"],
    }
    print(json.dumps(told))  # noqa: T201 (what it is for)


if __name__ == "__main__":
    main()
