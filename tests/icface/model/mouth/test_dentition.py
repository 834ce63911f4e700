"""Teeth that differ from face to face."""

from __future__ import annotations

import numpy as np
import pytest

from icface.model.mouth.anatomy import LOWER, UPPER, row_of
from icface.model.mouth.dentition import dentition_of


def face(nose: float = 49.5, between: float = 38.9, long: float = 56.3) -> np.ndarray:
    """Landmarks 100 px between the outer eye corners; the mean face has the mean teeth."""
    points = np.zeros((478, 2))
    points[[33, 263], 0] = (-50, 50)
    points[[129, 358], 0] = (-nose / 2, nose / 2)
    points[[133, 362], 0] = (-between / 2, between / 2)
    points[2, 1] = long
    return points


def test_a_mean_face_has_mean_teeth() -> None:
    teeth = dentition_of(face())
    assert teeth.upper.widths_cm == pytest.approx(UPPER.widths_cm, rel=0.01)
    assert teeth.lower.heights_cm == pytest.approx(LOWER.heights_cm, rel=0.01)


@pytest.mark.parametrize("change", [{"nose": 55.0}, {"between": 42.0}, {"long": 62.0}])
def test_faces_of_other_forms_have_other_teeth_of_human_size(change: dict[str, float]) -> None:
    teeth, mean = dentition_of(face(**change)), dentition_of(face())
    one, other = row_of(teeth.upper).place, row_of(mean.upper).place
    assert np.abs(one - other).max() > 0.03
    widths = np.array(teeth.upper.widths_cm)
    assert (widths > 0.8 * np.array(UPPER.widths_cm)).all()
    assert (widths < 1.25 * np.array(UPPER.widths_cm)).all()


def test_teeth_hardly_change_from_frame_to_frame() -> None:
    frames = [row_of(dentition_of(face(nose=nose)).upper).place for nose in (52.0, 52.2)]
    assert np.abs(frames[1] - frames[0]).mean() < 0.005


def test_the_size_of_a_picture_does_not_change_its_teeth() -> None:
    small, large = (dentition_of(face(nose=53.0) * size) for size in (0.5, 3.0))
    assert small.upper == large.upper
