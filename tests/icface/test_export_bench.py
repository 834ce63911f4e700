"""The figures of icface bench --export."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Self

import numpy as np
import pytest

from icface import export_bench
from icface.export_bench import measure_export, table
from icface.geometry import Box
from icface.motion import Motion
from icface.predictor import FacePredictor
from icface.render import Renderer, Tracked
from tests.faces import FixedTracker, observation_in


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
    renderer = Renderer(FacePredictor.tiny(), FixedTracker(observation_in(Box(260, 60, 420, 260))))
    monkeypatch.setattr(export_bench, "Renderer", lambda device: renderer)
    monkeypatch.setattr(export_bench, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(export_bench, "SIZE", (160, 90))
    monkeypatch.setattr(renderer, "track", _tracked)
    figures = measure_export(seconds=1, device="cpu")
    assert figures["frames_per_second"] > 0
    assert figures["peak_mb"] >= figures["short_peak_mb"] > 0  # one process has one peak
    assert "frames/s" in table(figures)


def _tracked(found: Any) -> Any:
    seen = [observation_in(Box(260, 60, 420, 260))] * found.n_frames
    motion = Motion.of_observations(seen, np.arange(found.n_frames) / float(found.rate), rate=found.rate)
    yield None
    return Tracked(found, (motion,))
