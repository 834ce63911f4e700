"""Can a classifier tell our edits from real faces in the same state? 50 % is perfect.

A logistic regression on frozen, pooled Lite0 features of patches (see `patches`) is fitted
on four fifths of the people and asked about the others, five times. Accuracy is the mean of the
shares of real and of edited patches that it is right about.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64, I64, Bools
from icface.evaluation.looks.lite0 import Lite0
from icface.evaluation.looks.patches import PLACES, Patches, Say, gather
from icface.evaluation.material import MeasuredFace
from icface.rendering.predictor import FacePredictor

FOLDS = 5
RESAMPLED = 500
"""Number of draws of people for the interval."""
SHUFFLED = 20
"""Number of shufflings of the labels for what chance alone would reach."""
_PENALTY = 0.02
"""Inverse strength of the L2 penalty: there are more features than patches."""
_SEED = 17


def has_classifier() -> bool:
    """Whether scikit-learn is installed."""
    return importlib.util.find_spec("sklearn") is not None


def real_or_edited(
    predictor: FacePredictor,
    network: Lite0,
    faces: Sequence[MeasuredFace],
    *,
    say: Say,
    show: Callable[[str, Patches], None],
) -> dict[str, dict[str, Any]]:
    """The test at each place that enough faces show: figures by the name of the place.

    Parameters
    ----------
    say : callable
        Called with the name of each step.
    show : callable
        Called with the name and the patches of each place that is tested.

    Returns
    -------
    dict
        ``accuracy`` 0..1; ``interval``, in which 95 % of the accuracies lie if people are drawn
        again; ``chance``, which 95 % of the accuracies for shuffled labels do not pass; the
        numbers of ``real`` and ``edited`` patches, and of ``people``; ``splits``, the number of
        real faces by split.
    """
    results = {}
    for name, place in PLACES.items():
        say(f"real or edited: {name}")
        found = gather(predictor, faces, place, say=partial(_say_at, say, name))
        people, labels = np.array(found.people), np.array(found.is_edited)
        if len(set(found.people)) < FOLDS or not labels.any() or labels.all():
            continue
        show(name, found)
        features = network.pooled(found.pictures)
        results[name] = told_apart(features, labels, people) | {"splits": found.splits}
    return results


def _say_at(say: Say, name: str, what: str) -> None:
    say(f"{name}: {what}")


def told_apart(features: F64, labels: Bools, people: I64) -> dict[str, Any]:
    """How well a classifier tells two kinds of rows (N, K) apart, folds by person."""
    rng = np.random.default_rng(_SEED)
    folds = fold_of(people, labels)
    right = _right(features, labels, folds)
    by_chance = []
    for _ in range(SHUFFLED):
        mixed = rng.permutation(labels)
        by_chance.append(balanced(_right(features, mixed, folds), mixed))
    return {
        "accuracy": balanced(right, labels),
        "interval": _interval(right, labels, people, rng),
        "chance": float(np.percentile(by_chance, 95)),
        "real": int((~labels).sum()),
        "edited": int(labels.sum()),
        "people": len(np.unique(people)),
    }


def fold_of(people: I64, labels: Bools) -> I64:
    """(N,) the fold of each row: a person's rows share one, and folds are about equally large."""
    sizes = np.zeros((FOLDS, 2), int)
    fold = np.zeros(len(people), np.int64)
    names, counts = np.unique(people, return_counts=True)
    for name in names[np.argsort(-counts, kind="stable")]:
        own = people == name
        kinds = np.array([(own & ~labels).sum(), (own & labels).sum()])
        place = int(np.argmin(((sizes + kinds) ** 2).sum(1) - (sizes**2).sum(1)))
        fold[own] = place
        sizes[place] += kinds
    return fold


def balanced(right: Bools, labels: Bools) -> float:
    """The mean of the shares of both kinds that were told rightly."""
    return float(np.mean([right[labels == kind].mean() for kind in (False, True)]))


def _right(features: F64, labels: Bools, folds: I64) -> Bools:
    """(N,) whether each row is told rightly by a classifier that was fitted to other people."""
    model = importlib.import_module("sklearn.linear_model").LogisticRegression
    right = np.zeros(len(labels), bool)
    for fold in range(FOLDS):
        held = folds == fold
        known = labels[~held]
        if not held.any() or known.all() or not known.any():
            continue
        mean, spread = features[~held].mean(0), features[~held].std(0) + 1e-6
        fitted = model(C=_PENALTY, max_iter=2000, class_weight="balanced")
        fitted.fit((features[~held] - mean) / spread, known)
        right[held] = fitted.predict((features[held] - mean) / spread) == labels[held]
    return right


def _interval(
    right: Bools, labels: Bools, people: I64, rng: np.random.Generator
) -> tuple[float, float]:
    """The middle 95 % of accuracies if people are drawn again with replacement."""
    rows = [np.flatnonzero(people == name) for name in np.unique(people)]
    drawn = []
    for _ in range(RESAMPLED):
        chosen: NDArray[np.int64] = np.concatenate(
            [rows[i] for i in rng.integers(0, len(rows), len(rows))]
        )
        kinds = labels[chosen]
        if kinds.any() and not kinds.all():
            drawn.append(balanced(right[chosen], kinds))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)
