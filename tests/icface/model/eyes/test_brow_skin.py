"""A raised brow unfolds bare skin, on its own side, and leaves lashes and eye alone."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from icface.face.controls import ControlVector
from icface.face.selectors import apply_deltas
from icface.model.eyes.brow_skin import raised_brows
from icface.model.face.encode import SourceEncoding
from icface.rendering.predictor import FacePredictor
from icface.tracking.builtin import BuiltinTracker


@pytest.fixture(scope="module")
def predictor() -> FacePredictor:
    return FacePredictor.load("cpu")


@pytest.fixture(scope="module")
def encoding(predictor: FacePredictor) -> SourceEncoding:
    picture = astronaut()
    return predictor.encode(picture, BuiltinTracker("cpu").detect(picture)[0])


def test_only_brows_that_rise_are_named_and_by_how_far() -> None:
    before = ControlVector.of({"browInnerUp_L": 0.3, "browOuterUp_R": 0.5})
    up = {"browInnerUp_L": 0.9, "browOuterUp_L": 0.4, "browInnerUp_R": 0.02, "browOuterUp_R": 0.1}
    assert raised_brows(before, ControlVector.of(up)) == {"L": pytest.approx(0.5)}
    assert raised_brows(before, before) == {}


def test_one_brow_unfolds_the_skin_of_its_own_side_alone(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    wanted = apply_deltas(encoding.controls, {"AU1L": 0.8, "AU2L": 0.8})
    patches = predictor.predict(encoding, wanted).patches
    assert len(patches) == 1
    middle = patches[0].patch_from_grid.inverse().points(np.array([[50.0, 50.0]]))[0]
    left = next(skin for skin in encoding.eyes.lid_skins if skin.side == "L")
    eye = left.upper.at(encoding.mesh.source.double().cpu().numpy()).mean(0)
    assert np.hypot(*(middle[:2] - eye[:2])) < 1.2 * left.width


def test_the_unfolded_skin_ends_above_the_lashes(
    predictor: FacePredictor, encoding: SourceEncoding
) -> None:
    wanted = apply_deltas(encoding.controls, {"AU1L": 1.0, "AU2L": 1.0})
    made = predictor.posed(encoding, wanted)
    assert made is not None
    patch = made.lids[0]
    left = next(skin for skin in encoding.eyes.lid_skins if skin.side == "L")
    lid = left.upper.at(encoding.mesh.source.double().cpu().numpy())
    at = np.round(patch.patch_from_grid.points(lid[2:7, :2])).astype(int)
    assert all(patch.mask[row, column] < 0.1 for column, row in at)
    assert patch.mask.max() > 0.5
    assert not np.concatenate([patch.mask[0], patch.mask[-1], *patch.mask[:, [0, -1]].T]).any()


def test_a_little_raise_draws_little(predictor: FacePredictor, encoding: SourceEncoding) -> None:
    shares = []
    for amount in (0.05, 0.3, 0.6, 1.0):
        wanted = apply_deltas(encoding.controls, {"AU1R": amount, "AU2R": amount})
        patches = predictor.predict(encoding, wanted).patches
        shares.append(max((float(p.mask.max()) for p in patches), default=0.0))
    assert shares == sorted(shares)
    assert shares[0] < 0.1
