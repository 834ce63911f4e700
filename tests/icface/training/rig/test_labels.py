"""Labels made anew: fits find known states, and faces at rest teach the mesh where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from icface.cli import main
from icface.face.controls import EXPRESSIONS
from icface.face.geometry import rotation_matrix
from icface.training.portraits.table import PortraitTable
from icface.training.rig.fit import FitPlan, fit_faces
from icface.training.rig.labels import relabel
from icface.training.rig.resting_face import move_to_rest, resting_faces
from icface.training.rig.rig import Rig, State
from tests.icface.training.synthetic_rig import write_rig

SMILE, JAW = EXPRESSIONS.index("mouthSmile_L"), EXPRESSIONS.index("jawOpen")


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    write_rig(tmp_path / "rig.npz")
    return Rig(tmp_path / "rig.npz")


def state(*, yaw: float = 0.0, jaw: float = 0.0, smile: float = 0.0) -> State:
    expression = np.zeros(len(EXPRESSIONS))
    expression[JAW], expression[SMILE] = jaw, smile
    return State(
        rotation_matrix(yaw, 2.0, -3.0), 11.0, np.array([130.0, 120.0]), np.zeros(60), expression
    )


def landmarks_of(rig: Rig, shown: State, noise: float = 0.0) -> NDArray[np.float32]:
    """(478, 3) where the landmarks of a state are, z of the mesh's convention."""
    seen = rig.vertices(shown)
    points = np.zeros((478, 3), np.float32)
    points[:468], points[468:473], points[473:] = (
        seen[rig.mesh],
        seen[rig.pupils[0]],
        seen[rig.pupils[1]],
    )
    points[:, 2] *= -1
    return points + np.random.default_rng(0).normal(0, noise, points.shape).astype(np.float32)


def test_fits_find_pose_and_expression_of_several_faces_at_once(rig: Rig) -> None:
    wanted = [state(yaw=15.0, jaw=0.6), state(yaw=-10.0, smile=0.5), state()]
    fits = fit_faces(rig, np.stack([landmarks_of(rig, one) for one in wanted]))
    assert fits.error.max() < 0.004
    for found, true in zip(fits.states, wanted, strict=True):
        np.testing.assert_allclose(found.angles_deg, true.angles_deg, atol=1.5)
        np.testing.assert_allclose(
            found.expression[[JAW, SMILE]], true.expression[[JAW, SMILE]], atol=0.2
        )
        assert found.scale == pytest.approx(true.scale, rel=0.03)


def test_a_face_is_fitted_as_it_is_alone(rig: Rig) -> None:
    points = np.stack(
        [landmarks_of(rig, state(jaw=0.6), 0.1), landmarks_of(rig, state(yaw=9.0, smile=0.4), 0.1)]
    )
    both, alone = fit_faces(rig, points), fit_faces(rig, points[1:])
    np.testing.assert_allclose(both.states[1].expression, alone.states[0].expression, atol=1e-4)


def test_a_fit_without_expression_leaves_over_what_the_mouth_does(rig: Rig) -> None:
    found = fit_faces(rig, landmarks_of(rig, state(jaw=0.5))[None], FitPlan(expression=False))
    assert not found.states[0].expression.any()
    dropped = rig.shapes[JAW][rig.mesh, 1] < -1
    assert (
        found.residual[0, :468, 1][dropped].mean()
        < found.residual[0, :468, 1][~dropped].mean() - 0.3
    )


def test_a_mesh_that_lies_elsewhere_than_faces_at_rest_is_moved_to_them(rig: Rig) -> None:
    faces = np.stack([landmarks_of(rig, state(yaw=yaw)) for yaw in (-6.0, 0.0, 6.0)])
    low = rig.base[:, 1] < -5
    rig.base[low, 1] -= 0.4
    left_over = move_to_rest(rig, faces)
    assert left_over[-1] < left_over[0] / 2


def test_faces_at_rest_are_closed_level_and_from_the_front() -> None:
    points = np.zeros((40, 478, 3))
    points[:, 33, 0], points[:, 263, 0] = -50, 50
    points[:, [13, 14], 1] = 60
    points[:, [61, 291], 1] = 60 - np.arange(40)[:, None] / 4  # corners higher and higher
    points[0, 14, 1] += 20  # open
    yaw = np.zeros(40)
    yaw[1] = 30
    chosen = resting_faces(points, yaw)
    assert chosen.min() == 2
    assert chosen.max() < 24
    with pytest.raises(ValueError, match="1 of 2 faces have a closed mouth"):
        resting_faces(points[1:3], yaw[1:3])


def test_the_command_writes_a_portraits_folder_with_its_rig(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "portraits"
    (folder / "images" / "official").mkdir(parents=True)
    names = [f"official/{n}.jpg" for n in range(30)]
    for name in names:
        (folder / "images" / name).write_bytes(b"picture")
    points = np.stack(
        [landmarks_of(rig, state(jaw=0.3 if n == 0 else 0.0), 0.05) for n in range(30)]
    )
    gap = points[1:, 13, :2] - points[1:, 14, :2]
    points[1:, 14, :2] += gap  # closed lips
    np.savez(
        folder / "portraits.npz",
        image=np.array(names),
        person=np.arange(30),
        split=np.array(["train"] * 29 + ["val"]),
        landmarks=points,
    )
    args = [
        "train",
        "labels",
        "--portraits",
        str(folder),
        "--rig",
        str(tmp_path / "rig.npz"),
        "--out",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout.splitlines()[-1])
    assert figures["pictures"] == 30
    table = PortraitTable(tmp_path / "out")
    assert len(table.rows("train", worst_fit=0.05)) == 29
    assert table[0].path.read_bytes() == b"picture"
    assert Rig(tmp_path / "out" / "rig.npz").base.shape == rig.base.shape
    with pytest.raises(ValueError, match=r"hold a picture named official/0\.jpg"):
        relabel([folder, folder], tmp_path / "rig.npz", tmp_path / "twice", resting=["official/"])
