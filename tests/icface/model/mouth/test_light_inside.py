"""The light that gets between lips."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from icface.face.controls import ControlVector
from icface.face.selectors import apply_deltas
from icface.model.mouth.light import light_inside


def edit(**units: float) -> ControlVector:
    return apply_deltas(ControlVector(), units)


def test_the_wider_a_mouth_opens_the_more_light_gets_in_to_the_teeth_first() -> None:
    narrow, half, wide = (light_inside(ControlVector(), cm) for cm in (0.2, 0.8, 2.5))
    for name in ("teeth", "flesh", "dark"):
        assert getattr(narrow, name) < getattr(half, name) <= getattr(wide, name)
    assert wide.shade < narrow.shade
    assert narrow.teeth / wide.teeth > narrow.flesh / wide.flesh


def test_lips_that_draw_back_bare_the_teeth_to_the_light() -> None:
    talking, smiling = (
        light_inside(edit(**units), 0.4) for units in ({}, {"AU12L": 1.0, "AU12R": 1.0})
    )
    assert smiling.teeth > talking.teeth
    assert smiling.shade < talking.shade


def test_lips_that_funnel_keep_light_out() -> None:
    plain, funnel = (light_inside(edit(**units), 0.6) for units in ({}, {"AU22": 1.0}))
    assert funnel.teeth < 0.8 * plain.teeth
    assert funnel.flesh < 0.8 * plain.flesh


@pytest.mark.parametrize("units", [{}, {"AU12L": 1.0, "AU12R": 1.0}, {"AU22": 1.0}])
def test_light_follows_the_opening_without_steps(units: dict[str, float]) -> None:
    values = np.array([astuple(light_inside(edit(**units), cm)) for cm in np.linspace(0, 3, 301)])
    assert (np.diff(values[:, :3], axis=0) >= 0).all()
    assert np.abs(np.diff(values, axis=0)).max() < 0.02
    assert values.min() >= 0
    assert values.max() <= 1
