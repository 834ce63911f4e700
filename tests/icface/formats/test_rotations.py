from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.geometry import euler_angles_deg, rotation_matrix
from icface.formats import rotations
from icface.formats.rotations import (
    about,
    angles_deg,
    flipped,
    nearest,
    of_arkit,
    of_openface,
    to_arkit,
    to_openface,
)

heads = st.tuples(st.floats(-80, 80), st.floats(-80, 80), st.floats(-170, 170))


def one(angles: tuple[float, float, float]) -> NDArray[np.float64]:
    return rotations.rotations(np.array([angles]))


@given(heads)
def test_matrices_are_those_of_the_geometry(angles: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(one(angles)[0], rotation_matrix(*angles), atol=1e-12)
    np.testing.assert_allclose(
        angles_deg(one(angles))[0], euler_angles_deg(rotation_matrix(*angles)), atol=1e-9
    )


@given(heads)
def test_rotations_come_back_from_openface_and_arkit(angles: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(of_openface(*to_openface(one(angles))), one(angles), atol=1e-9)
    np.testing.assert_allclose(of_arkit(*to_arkit(one(angles))), one(angles), atol=1e-9)


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_openface_multiplies_as_its_documents_say(rx: float, ry: float, rz: float) -> None:
    (c1, c2, c3), (s1, s2, s3) = (f([rx, ry, rz]) for f in (np.cos, np.sin))
    documented = [
        [c2 * c3, -c2 * s3, s2],
        [c1 * s3 + c3 * s1 * s2, c1 * c3 - s1 * s2 * s3, -c2 * s1],
        [s1 * s3 - c1 * c3 * s2, c3 * s1 + c1 * s2 * s3, c1 * c2],
    ]
    np.testing.assert_allclose(
        flipped(of_openface(*(np.array([v]) for v in (rx, ry, rz))))[0], documented, atol=1e-12
    )


ANGLE = np.array([0.2])
REST = np.zeros(1)


@pytest.mark.parametrize(
    ("made", "ours"),
    [
        (of_openface(ANGLE, REST, REST), (0, 1, 0)),
        (of_openface(REST, ANGLE, REST), (-1, 0, 0)),
        (of_openface(REST, REST, ANGLE), (0, 0, -1)),
        (rotations.of_fex(ANGLE, REST, REST), (0, -1, 0)),
        (rotations.of_fex(REST, ANGLE, REST), (0, 0, 1)),
        (rotations.of_fex(REST, REST, ANGLE), (-1, 0, 0)),
        (rotations.of_fex_first(ANGLE, REST, REST), (0, -1, 0)),
        (rotations.of_fex_first(REST, ANGLE, REST), (0, 0, -1)),
        (rotations.of_fex_first(REST, REST, ANGLE), (-1, 0, 0)),
        (rotations.of_fex_mesh(ANGLE, REST, REST), (0, 1, 0)),
        (rotations.of_fex_mesh(REST, ANGLE, REST), (1, 0, 0)),
        (rotations.of_fex_mesh(REST, REST, ANGLE), (0, 0, 1)),
        (of_arkit(ANGLE, REST, REST), (1, 0, 0)),
        (of_arkit(REST, ANGLE, REST), (0, 1, 0)),
        (of_arkit(REST, REST, ANGLE), (0, 0, 1)),
    ],
)
def test_each_angle_alone_is_one_of_ours_with_its_sign(
    made: NDArray[np.float64], ours: tuple[int, int, int]
) -> None:
    np.testing.assert_allclose(angles_deg(made)[0], np.degrees(0.2) * np.array(ours), atol=1e-9)


def test_early_py_feat_wrote_the_angles_of_a_transposed_matrix() -> None:
    """Compared with `convert_to_euler`: x, -z, -y of the transpose's extrinsic xyz angles."""
    from scipy.spatial.transform import Rotation

    theirs = Rotation.from_rotvec([0.3, -0.4, 0.2]).as_matrix()
    x, y, z = Rotation.from_matrix(theirs.T).as_euler("xyz")
    made = rotations.of_fex_first(*(np.array([angle]) for angle in (x, -z, -y)))
    np.testing.assert_allclose(flipped(made)[0], theirs, atol=1e-12)


def test_the_nearest_rotation_takes_scale_away_and_refuses_mirrors() -> None:
    turned = about(1, np.array([0.3]))
    np.testing.assert_allclose(nearest(2.5 * turned), turned, atol=1e-12)
    assert np.isnan(nearest(np.diag([1.0, 1.0, -1.0])[None])).all()
    assert np.isnan(nearest(np.zeros((1, 3, 3)))).all()
    assert np.isnan(nearest(np.full((1, 3, 3), np.nan))).all()
