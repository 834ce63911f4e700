"""Bounded least squares for many problems at once, equal to a solver for single problems."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from icface.motion.bounded import solve_bounded


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 6))
def test_every_problem_of_a_batch_is_solved_as_it_would_be_alone(
    seed: int, size: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, size + 4, size))
    wanted = rng.normal(size=(count, size + 4)) * 3
    low, high = -rng.random((count, size)), rng.random((count, size))
    low[rng.random((count, size)) < 0.2] = -np.inf
    ridge = 0.1 * np.eye(size)
    hessian = matrix.transpose(0, 2, 1) @ matrix + ridge**2
    gradient = np.einsum("bij,bi->bj", matrix, wanted)
    found = solve_bounded(hessian, gradient, low, high, tolerance=1e-10)
    assert ((found >= low) & (found <= high)).all()
    for n in range(count):
        alone = lsq_linear(
            np.vstack([matrix[n], ridge]),
            np.append(wanted[n], np.zeros(size)),
            (low[n], high[n]),
            tol=1e-12,
        )
        np.testing.assert_allclose(found[n], alone.x, atol=1e-5)


def test_the_answer_does_not_hang_on_where_it_is_looked_for() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(8, 20, 6))
    hessian, gradient = matrix.transpose(0, 2, 1) @ matrix, rng.normal(size=(8, 6)) * 20
    one = solve_bounded(hessian, gradient, 0.0, 1.0, tolerance=1e-10)
    other = solve_bounded(hessian, gradient, 0.0, 1.0, start=rng.random((8, 6)), tolerance=1e-10)
    np.testing.assert_allclose(one, other, atol=1e-7)


def test_one_matrix_may_serve_all_problems() -> None:
    found = solve_bounded(2 * np.eye(3), np.array([[1.0, 9.0, -9.0], [0.0, 1.0, 2.0]]), -1.0, 1.0)
    np.testing.assert_allclose(found, [[0.5, 1.0, -1.0], [0.0, 0.5, 1.0]])


def test_an_unknown_whose_bounds_meet_stays_there() -> None:
    found = solve_bounded(
        np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[5.0, 1.0]]), [0.25, -9.0], [0.25, 9.0]
    )
    np.testing.assert_allclose(found, [[0.25, 0.375]])


def test_bounds_the_wrong_way_round_and_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="lower bound lies above"):
        solve_bounded(np.eye(2), np.zeros((1, 2)), 1.0, 0.0)
    with pytest.raises(ValueError, match="does not fit together"):
        solve_bounded(np.eye(3), np.zeros((1, 2)), 0.0, 1.0)
