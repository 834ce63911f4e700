"""The figures of icface bench --export."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from typing import Any, Self

import numpy as np
import pytest

from icface.evaluation import export_speed as export_bench
from icface.evaluation.export_speed import measure_export, peak_mb, table
from icface.face.geometry import Box
from icface.motion.motion import Motion
from icface.rendering.renderer import Renderer, Tracked
from tests.faces import StandInTracker, observation_in
from tests.tiny_networks import tiny_face_predictor


class Here:
    """Runs in this process what would have one of its own."""

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Any, *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


def test_a_short_clip_is_exported_and_its_figures_told(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(
        tiny_face_predictor(), StandInTracker(observation_in(Box(260, 60, 420, 260)))
    )
    monkeypatch.setattr(export_bench, "Renderer", lambda device: renderer)
    monkeypatch.setattr(export_bench, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(export_bench, "SIZE", (160, 90))
    monkeypatch.setattr(renderer, "track", _tracked)
    figures = measure_export(seconds=1, device="cpu")
    assert figures["frames_per_second"] > 0
    assert figures["peak_mb"] >= figures["short_peak_mb"] > 0  # one process has one peak
    assert "frames/s" in table(figures)


def test_where_the_system_does_not_say_how_much_memory_was_taken_the_figure_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_mb() is None
    conditions = {"clip": "a clip", "device": "CPU", "cores": 2, "load": None}
    figures = {
        "frames_per_second": 3.0,
        "cpu_seconds_per_frame": 0.5,
        "peak_mb": None,
        "short_peak_mb": None,
    }
    assert table(figures | {"conditions": conditions}).count("not known") == 2


def _tracked(found: Any) -> Any:
    seen = [observation_in(Box(260, 60, 420, 260))] * found.n_frames
    motion = Motion.of_observations(
        seen, np.arange(found.n_frames) / float(found.rate), rate=found.rate
    )
    yield None
    return Tracked(found, (motion,))
