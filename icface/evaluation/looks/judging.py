"""All measures of edited photos, gathered person by person into one document for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from icface.evaluation.looks.edits import EDITS, OPENS_MOUTH, SHUTS_EYES
from icface.evaluation.looks.flow_steps import MANY_PX, flow_steps_px
from icface.evaluation.looks.folds import fold_changes, fold_masks
from icface.evaluation.looks.lid_lines import lid_lines, openness_of
from icface.evaluation.looks.mouth_light import (
    PERCENTILES,
    cheek_of,
    eyes_apart_px,
    mouth_gap,
    mouth_light,
)
from icface.evaluation.looks.smears import smeared_px
from icface.evaluation.looks.subjects import Edited, edited_pictures, face_view
from icface.evaluation.material import Subject
from icface.model.networks.neutralizer import GRID
from icface.rendering.predictor import FacePredictor

Figures = dict[str, dict[str, float]]
"""What one picture shows: figures by measure and name."""
Watch = Callable[[Iterable[Edited]], Iterator[Edited]]
_OPEN_EYE = 0.2
"""Least openness of an eye that an edit can be seen to shut."""
_CLOSED_MOUTH = 0.05
"""Greatest gap of the lips, in distances between the outer eye corners, of a mouth whose inside is
judged: where the photo shows teeth of its own, they are no drawing."""
_NEUTRAL = {"mouthSmile_L": 0.2, "mouthSmile_R": 0.2, "jawOpen": 0.15}
"""Readings up to which a face counts as neutral."""


class PictureJudge(Protocol):
    """A further measure of one edited picture, such as a network's distance."""

    def figures(self, one: Edited) -> Figures:
        """Figures by the name of the measure; empty where it cannot tell."""
        ...


def judge_person(
    predictor: FacePredictor, subject: Subject, *, also: Sequence[PictureJudge], watch: Watch
) -> dict[str, Figures]:
    """All figures of one person by edit; `watch` sees every picture as it is made."""
    measure = _Measures(subject)
    found = {}
    for one in watch(edited_pictures(predictor, subject, EDITS)):
        figures = measure.of(one)
        for judge in also:
            figures |= judge.figures(one)
        found[one.edit] = figures
    return found


class _Measures:
    """The measures of one person that need no further network."""

    def __init__(self, subject: Subject) -> None:
        face, encoding = subject.face, subject.encoding
        self._landmarks = face.landmarks
        self._cheek = cheek_of(subject.image, face.landmarks)
        self._eyes_px = eyes_apart_px(face.landmarks)
        self._before = face_view(subject.image, encoding.crop_from_image, GRID)
        self._closed = mouth_gap(face.landmarks) < _CLOSED_MOUTH
        self._folds = fold_masks(encoding.crop_from_image.points(face.landmarks[:, :2]))
        self._neutral = all(face.controls[name] <= most for name, most in _NEUTRAL.items())

    def of(self, one: Edited) -> Figures:
        """Figures of one picture."""
        found: Figures = {
            "flow": {
                "steps_px": float(flow_steps_px(one.prediction)),
                "smeared_px": float(smeared_px(one.prediction)),
            }
        }
        if one.edit == "rest":
            found["rest"] = {"equal": float(np.array_equal(one.picture, one.subject.image))}
        found |= self._lids(one) | self._mouth(one) | self._fold(one)
        return found

    def _lids(self, one: Edited) -> Figures:
        lines = [
            line
            for side in SHUTS_EYES.get(one.edit, ())
            if openness_of(self._landmarks, side) > _OPEN_EYE
            for line in lid_lines(one.picture, self._landmarks, side)
        ]
        if not lines:
            return {}
        rows = [asdict(line) for line in lines]
        return {"lids": {name: float(np.median([row[name] for row in rows])) for name in rows[0]}}

    def _mouth(self, one: Edited) -> Figures:
        if one.edit not in OPENS_MOUTH or one.lips is None or not self._closed:
            return {}
        light = mouth_light(one.picture, one.lips, self._cheek, eyes_px=self._eyes_px)
        if light is None:
            return {}
        named = {f"p{q}": v for q, v in zip(PERCENTILES, light.percentiles, strict=True)}
        teeth = {"teeth_L": light.teeth_lightness, "teeth_a": light.teeth_redness}
        return {"mouth": named | teeth}

    def _fold(self, one: Edited) -> Figures:
        if not self._neutral:
            return {}
        after = face_view(one.picture, one.subject.encoding.crop_from_image, GRID)
        changes = fold_changes(self._before, after, one.prediction, self._folds)
        return {"folds": {name: v for name, v in changes.items() if v is not None}}


def summary(people: Sequence[dict[str, Figures]]) -> dict[str, dict[str, Any]]:
    """The figures of all people, by edit and measure: the median over people and their number.

    Steps in the flow have ``many``, the number of people above `MANY_PX`; changes of folds are
    means.
    """
    return {edit: _of_edit([one[edit] for one in people]) for edit in EDITS}


def _of_edit(figures: Sequence[Figures]) -> dict[str, Any]:
    measures = dict.fromkeys(name for one in figures for name in one)
    found: dict[str, Any] = {}
    for measure in measures:
        rows = [one[measure] for one in figures if one.get(measure)]
        names = dict.fromkeys(name for row in rows for name in row)
        values = {name: [row[name] for row in rows if name in row] for name in names}
        middle = np.mean if measure in {"folds", "rest"} else np.median
        found[measure] = {"people": len(rows)} | {
            name: float(middle(row)) for name, row in values.items()
        }
        if measure == "flow":
            found[measure]["many"] = sum(v > MANY_PX for v in values["steps_px"])
        if measure == "identity":
            found[measure]["largest"] = max(values["distance"])
    return found
