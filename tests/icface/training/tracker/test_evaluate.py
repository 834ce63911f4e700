"""Measures of the built-in tracker: the truth scores full marks, a blind reader none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.controls import ControlVector
from icface.face.geometry import Box
from icface.face.landmarks import MESH_POINTS
from icface.face.observation import FaceObservation
from icface.training.portraits.table import PortraitTable, read_rgb
from icface.training.tracker.data import FIT_ERROR_LIMIT, LabelledImages
from icface.training.tracker.evaluate import (
    JUDGED,
    alarms_report,
    portraits_report,
    renders_report,
    scenes_report,
)
from tests.faces import StandInTracker
from tests.icface.training.synthetic_rig import write_tracker_data


class Knowing(StandInTracker):
    """Knows the truth about some pictures, to the last pixel of them."""

    def __init__(self) -> None:
        super().__init__()
        self.truth: dict[bytes, FaceObservation] = {}

    def learn(
        self, picture: U8, landmarks: NDArray[np.float32], controls: NDArray[np.floating]
    ) -> None:
        state = ControlVector.from_array(controls.astype(np.float64))
        seen = FaceObservation(Box.around(landmarks[:MESH_POINTS]), landmarks.copy(), state, 1.0)
        self.truth[np.ascontiguousarray(picture).tobytes()] = seen

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        found = self.truth.get(image.tobytes())
        return () if found is None else (found,)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracker_data(tmp_path_factory.mktemp("tracker"))


@pytest.mark.parametrize("name", ["val_sweeps", "val_renders"])
def test_who_reads_the_truth_of_renders_is_right_in_all_of_them(data: Path, name: str) -> None:
    renders, tracker = LabelledImages.load(data / "cache", name), Knowing()
    for picture, landmarks, controls in zip(
        renders.images, renders.landmarks, renders.controls, strict=True
    ):
        tracker.learn(picture, landmarks, controls)
    report = renders_report(tracker, data / "cache", name=name, most=100)
    assert (report["renders"], report["found_percent"]) == (len(renders), 100)
    assert report["angle_error_deg"] == [0, 0, 0]
    assert set(report["rank_correlation"]) == set(JUDGED)
    assert report["rank_correlation"]["jawOpen"] == pytest.approx(1, abs=0.01)
    assert report["rank_correlation_within_a_person"]["jawOpen"] == pytest.approx(1, abs=0.01)


def test_who_reads_the_fits_of_portraits_errs_by_nothing(data: Path) -> None:
    table, tracker = PortraitTable(data / "portraits"), Knowing()
    for number in table.rows("val", worst_fit=FIT_ERROR_LIMIT):
        row = table[number]
        tracker.learn(
            read_rgb(row.path),
            row.landmarks,
            np.array([*row.state.angles_deg, *np.clip(row.state.expression, 0, 1)]),
        )
    report = portraits_report(tracker, table)
    assert report["found_percent"] == 100
    assert report["landmark_error_percent_of_eye_distance"] == 0
    assert report["angle_error_deg"]["mean"] == pytest.approx(0, abs=1e-6)


def test_who_sees_nothing_gets_figures_too_and_no_false_alarms(data: Path) -> None:
    blind, cache = StandInTracker(), data / "cache"
    reports = {
        "val": portraits_report(blind, PortraitTable(data / "portraits")),
        "scenes": scenes_report(blind, cache, count=1),
        "renders": renders_report(blind, cache, name="val_renders", most=9),
        "alarms": alarms_report(blind, cache),
    }
    json.dumps(reports, allow_nan=False)
    assert reports["val"]["found_percent"] == reports["renders"]["found_percent"] == 0
    assert reports["scenes"]["300_to_640_px"]["landmark_error_percent"] is None
    assert reports["alarms"] == {"pictures": 0, "smeared_portraits": 0}
