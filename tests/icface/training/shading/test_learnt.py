"""Folds are learnt from people who smile more than others, where smiles make folds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from icface.arrays import F32
from icface.face.controls import EXPRESSIONS
from icface.model.skin.chart import chart_of, map_from_chart
from icface.model.skin.shading_maps import MAP_SIDE
from icface.training.portraits.table import PortraitTable
from icface.training.rig.rig import Rig
from icface.training.shading.learnt import learnt_light
from icface.training.shading.maps import places_of_landmarks
from tests.icface.training.synthetic_rig import write_portraits, write_rig

FOLD, FOREHEAD = (3.2, 2.4), (2.0, -5.0)
SMILE = [EXPRESSIONS.index(name) for name in ("mouthSmile_L", "mouthSmile_R")]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> F32:
    """What eggs teach of which the smiling half has a dark cheek and a dark forehead."""
    folder = tmp_path_factory.mktemp("learnt")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz", people=14)
    rig = Rig(folder / "rig.npz")
    with np.load(folder / "portraits" / "portraits.npz") as table:
        columns = dict(table)
    for row, name in enumerate(columns["image"]):
        if row % 2:
            continue
        columns["expression"][row, SMILE] = 0.8
        path = str(folder / "portraits" / "images" / name)
        picture = cv2.imread(path)
        assert picture is not None
        for spot in (FOLD, FOREHEAD):
            vertex = np.linalg.norm(chart_of(rig.base) - spot, axis=1).argmin()
            at = rig.base[vertex, :2] * columns["scale"][row] * (1, -1) + columns["trans"][row]
            centre = (round(float(at[0])), round(float(at[1])))
            cv2.circle(picture, centre, 5, (100, 120, 150), -1)
        cv2.imwrite(path, picture)
    np.savez(folder / "portraits" / "portraits.npz", **columns)
    return learnt_light(PortraitTable(folder / "portraits"), places_of_landmarks(rig))


def at(chart: F32, place: tuple[float, float]) -> float:
    x, y = map_from_chart(MAP_SIDE).points(np.array([place]))[0].round().astype(int)
    return float(chart[y - 1 : y + 2, x - 1 : x + 2].mean())


def test_a_smile_learns_the_dark_of_its_fold_on_its_own_side(taught: F32) -> None:
    left, right = taught[SMILE]
    assert at(left, FOLD) < -0.05
    assert abs(at(left, (-FOLD[0], FOLD[1]))) < 0.01
    assert np.allclose(left, right[:, ::-1], atol=0.02)


def test_what_smiling_people_share_elsewhere_is_not_learnt(taught: F32) -> None:
    assert abs(at(taught[SMILE[0]], FOREHEAD)) < 0.005


def test_channels_that_photographs_cannot_teach_are_left_to_the_rig(taught: F32) -> None:
    stems = ("mouthSmile", "mouthFrown", "mouthShrugLower", "mouthUpperUp", "noseSneer")
    others = [i for i, name in enumerate(EXPRESSIONS) if not name.startswith(stems)]
    assert not taught[others].any()
