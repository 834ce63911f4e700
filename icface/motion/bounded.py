"""Bounded least squares for many small problems at once, such as every frame of a clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64

_HALVINGS = 4
_RELEASED = 4
_CLOSE = 1e-9


def solve_bounded(  # noqa: PLR0913
    hessian: F64,
    gradient: F64,
    low: F64,
    high: F64,
    *,
    start: F64 | None = None,
    iterations: int = 25,
    tolerance: float = 1e-6,
) -> F64:
    """The minimiser of ``x H x / 2 - g x`` within bounds, for each problem of a batch.

    The method is projected Newton steps.

    The normal equations of least squares are of this form: ``H = A' A`` and ``g = A' b``. Unknowns
    at a bound that the slope holds there are left out of a step; the others take the Newton step of
    their own, cut at the bounds, and halved while it does not go down. A few steps suffice for
    problems with a ridge.

    Parameters
    ----------
    hessian : (B, N, N) or (N, N) float64
        Symmetric and positive definite. One matrix may serve all problems.
    gradient : (B, N) float64
        One problem a row.
    low, high : broadcastable to (B, N)
        Bounds, which may be infinite.
    start : (B, N) float64, optional
        Where to begin: a solution nearby saves steps. Nought otherwise.
    iterations, tolerance
        The most steps taken, and the largest slope, over the diagonal of `hessian`, that counts as
        none.

    Returns
    -------
    (B, N) float64

    Raises
    ------
    ValueError
        If a lower bound lies above its upper one, or the shapes do not fit.
    """
    gradient = np.asarray(gradient, np.float64)
    if gradient.ndim != 2 or hessian.shape[-2:] != (gradient.shape[1],) * 2:
        raise ValueError(
            f"A bounded problem of shapes {hessian.shape} and {gradient.shape} does not fit "
            "together."
        )
    low, high = (np.broadcast_to(np.asarray(b, np.float64), gradient.shape) for b in (low, high))
    if (low > high).any():
        raise ValueError("A lower bound lies above its upper bound.")
    count, size = gradient.shape
    matrix = np.broadcast_to(np.asarray(hessian, np.float64), (count, size, size))
    scale = np.maximum(np.einsum("bii->bi", matrix), 1e-300)
    found = np.clip(np.zeros_like(gradient) if start is None else start, low, high)
    todo = np.arange(count)
    for _ in range(iterations):
        h, x, lo, hi = matrix[todo], found[todo], low[todo], high[todo]
        slope = np.einsum("bij,bj->bi", h, x) - gradient[todo]
        held = ((x <= lo + _CLOSE) & (slope > 0)) | ((x >= hi - _CLOSE) & (slope < 0))
        free = ~held
        unfinished = (np.abs(slope / scale[todo]) * free).max(1) > tolerance
        if not unfinished.any():
            break
        todo, h, x, lo, hi = (
            todo[unfinished],
            h[unfinished],
            x[unfinished],
            lo[unfinished],
            hi[unfinished],
        )
        slope, free = slope[unfinished], free[unfinished]
        found[todo] = _step(h, x, slope, free, (lo, hi))
    return found


def _step(h: F64, x: F64, slope: F64, free: NDArray[np.bool_], bounds: tuple[F64, F64]) -> F64:
    """One step of every problem: the best of the Newton step, its halves, and the first bound."""
    low, high = bounds
    full = _newton(h, slope, free)
    for _ in range(_RELEASED):  # at a bound and pushed beyond it by the others: held as well
        outward = free & (((x <= low + _CLOSE) & (full < 0)) | ((x >= high - _CLOSE) & (full > 0)))
        if not outward.any():
            break
        free = free & ~outward
        full = _newton(h, slope, free)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(full < 0, (low - x) / full, np.where(full > 0, (high - x) / full, np.inf))
    reach = np.clip(room.min(1), 0, 1)
    best: F64 = x
    lowest = np.zeros(len(x))
    for length in (*(0.5**n for n in range(_HALVINGS)), reach[:, None]):
        tried = np.clip(x + length * full, low, high)
        move = tried - x
        change = (move * slope).sum(1) + 0.5 * np.einsum("bi,bij,bj->b", move, h, move)
        better = change < lowest
        best = np.where(better[:, None], tried, best).astype(np.float64, copy=False)
        lowest = np.where(better, change, lowest).astype(np.float64, copy=False)
        if better.all():
            break
    return best


def _newton(h: F64, slope: F64, free: NDArray[np.bool_]) -> F64:
    """The steps that bring the slope of the free unknowns to zero; the others do not move."""
    reduced: F64 = np.where(free[:, :, None] & free[:, None, :], h, 0.0).astype(
        np.float64, copy=False
    )
    own = np.arange(h.shape[1])
    reduced[:, own, own] += np.where(free, 0.0, 1.0)
    steps: F64 = np.asarray(
        -np.linalg.solve(reduced, (slope * free)[..., None])[..., 0], np.float64
    )
    return steps
