"""Real pairs for the painter: frames of one person, driven from one to the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from icface.cli import main
from icface.face.selectors import apply_deltas
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker
from icface.training.clips.prepare import Preparation, prepare_folder
from icface.training.painter.batches import PatchSampler
from icface.training.painter.frames import aligned, patches_of_frames
from icface.training.painter.patches import Kind
from tests.icface.media.videos import write_video


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared clip of the astronaut at rest and with her jaw dropped; the camera moves."""
    from skimage import data

    astronaut, folder = data.astronaut(), tmp_path_factory.mktemp("frames")
    face, predictor = BuiltinTracker().detect(astronaut)[0], FacePredictor.load("cpu")
    encoding = predictor.encode(astronaut, face)
    dropped = composite(
        astronaut, encoding, predictor.predict(encoding, apply_deltas(face.controls, {"AU27": 0.5}))
    )
    pictures = [
        picture[:400, 2 * n : 400 + 2 * n] for n, picture in enumerate((astronaut, dropped) * 2)
    ]
    write_video(folder / "clip.mp4", pictures)
    preparation = Preparation(size=256)
    prepare_folder(
        [folder / "clip.mp4"],
        folder / "prepared",
        preparation,
        workers=0,
        device="cpu",
        tell=lambda _: None,
    )
    return folder / "prepared"


def test_a_shift_and_a_scale_lay_one_face_over_another() -> None:
    here = np.random.default_rng(0).normal(100, 20, (478, 3))
    there = here * 1.3 + (7.0, -4.0, 0.0)
    move = aligned(here, there)
    assert move.scale == pytest.approx(1.3)
    assert move.turn_deg == 0
    assert move.points(here[:, :2]) == pytest.approx(there[:, :2])


def test_one_frame_is_driven_to_the_other_and_the_other_is_the_target(
    frames: Path, tmp_path: Path
) -> None:
    made = patches_of_frames(frames, tmp_path, 4, split="all", seed=1)
    assert made >= 1
    sampler = PatchSampler(tmp_path)
    (batch,) = sampler.in_order(8, Kind.PHOTO)
    assert len(batch.seen) == made
    apart = (batch.seen[:, :3] - batch.target).abs() / 2
    source_apart = (batch.seen[:, 3:6] - batch.target).abs() / 2
    assert float(apart.mean()) < 0.08  # both lie at the same place
    assert float(apart.mean()) < float(source_apart.mean())
    assert float((batch.after - batch.before).abs().max()) > 0.1


def test_a_folder_that_was_not_prepared_is_refused_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["train", "frame-patches", str(tmp_path), "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 2
    assert str(tmp_path) in result.output
