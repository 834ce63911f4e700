"""How fast photos open and sliders answer: the figures of ``icface bench``.

Everything runs as in the editor, on one thread that calls the networks: a draft at the portrait's size for every
movement of a slider, the full quality when it rests. Times are wall-clock milliseconds.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from icface import __version__
from icface.controls import ControlVector, apply_deltas, deltas_from_settings
from icface.media import Photo, load_photo, sample_photo_path, save_photo
from icface.project import Face
from icface.render import FrameRequest, Opened, Renderer
from icface.tracking import NoFaceError

WINDOW_TIMEOUT_S = 120
_REPEATS = 5


def measure(*, size: int = 1024, ticks: int = 60, device: str = "auto") -> dict[str, Any]:
    """All figures, with the conditions they were taken under.

    Parameters
    ----------
    size : int
        Side of the sample portrait in pixels.
    ticks : int
        How many slider movements to time.
    device : str
        auto, cpu, cuda or mps.

    Returns
    -------
    dict
        ``load_ms`` (networks, including their libraries), ``open_ms`` (decode, find and read the face, encode it),
        ``tick_ms`` with ``p50`` and ``p95``, ``full_ms``, ``rest_ms``, ``window_ms`` (or None) and ``conditions``.
    """
    renderer = Renderer(device=device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portrait.png"
        photo = load_photo(sample_photo_path())
        pixels = cv2.resize(photo.pixels, (size, size), interpolation=cv2.INTER_CUBIC)
        save_photo(path, photo.with_pixels(pixels.astype(np.uint8, copy=False)))
        load_ms, _ = _timed(lambda: _finish(renderer.warm_up()))
        open_ms, opened = _timed(lambda: _open(renderer, path))
    face = opened.faces[0]

    def draw(controls: ControlVector) -> float:
        request = FrameRequest(opened.photo, (face,), (controls,))
        return _timed(lambda: renderer.render(request))[0]

    drafts = ticks_ms(renderer, opened.photo, face, size=size, ticks=ticks)
    full = [draw(_at(face.controls, i % ticks / (ticks - 1))) for i in range(_REPEATS)]
    rest = [draw(face.controls) for _ in range(_REPEATS)]
    return {
        "load_ms": round(load_ms, 1),
        "open_ms": round(open_ms, 1),
        "tick_ms": {f"p{q}": round(float(np.percentile(drafts, q)), 2) for q in (50, 95)},
        "full_ms": round(float(np.median(full)), 2),
        "rest_ms": round(float(np.median(rest)), 3),
        "window_ms": window_ms(),
        "conditions": {
            "size": size,
            "ticks": ticks,
            "device": renderer.device_name,
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "torch_threads": torch.get_num_threads(),
            "icface": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }


def ticks_ms(renderer: Renderer, photo: Photo, face: Face, *, size: int, ticks: int) -> list[float]:
    """Milliseconds of each of `ticks` slider movements (two or more) on a face that has been prepared, as a draft of `size`."""
    sweep = [_at(face.controls, i / (ticks - 1)) for i in range(ticks)]
    requests = [FrameRequest(photo, (face,), (controls,), "draft", size) for controls in sweep]
    return [_timed(partial(renderer.render, request))[0] for request in requests]


def window_ms() -> float | None:
    """Milliseconds from the start of Python to the window being shown, without a display; None where there is none.

    The window is asked for in a process of its own: nothing in this package knows it.
    """
    program = Path(__file__).resolve().parents[1] / "main.py"
    if importlib.util.find_spec("PySide6") is None or not program.is_file():
        return None
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, str(program), "--quit-when-shown"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=WINDOW_TIMEOUT_S, check=True)
        return round(float(json.loads(done.stdout)["window_ms"]), 1)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def table(figures: dict[str, Any]) -> str:
    """The figures for people, one a line."""
    conditions = figures["conditions"]
    window = figures["window_ms"]
    rows = [
        ("networks loaded", f"{figures['load_ms']:.0f} ms"),
        ("photo opened", f"{figures['open_ms']:.0f} ms"),
        ("slider tick, half of them within", f"{figures['tick_ms']['p50']:.1f} ms"),
        ("slider tick, 95 % of them within", f"{figures['tick_ms']['p95']:.1f} ms"),
        ("full quality", f"{figures['full_ms']:.1f} ms"),
        ("at rest", f"{figures['rest_ms']:.2f} ms"),
        ("window shown after", "not measured" if window is None else f"{window:.0f} ms"),
    ]
    lines = [f"{name:<34}{value:>14}" for name, value in rows]
    lines.append(
        f"{conditions['size']} x {conditions['size']} pixels, {conditions['device']}, {conditions['cores']} cores, "
        f"{conditions['torch_threads']} threads, torch {conditions['torch']}"
    )
    return "\n".join(lines)


def _at(source: ControlVector, share: float) -> ControlVector:
    """The face while a hand moves sliders: it turns from side to side, the mouth opens, one eye closes."""
    settings = {"yaw": 40 * share - 20, "AU26": share, "AU43L": 1 - share}
    return apply_deltas(source, deltas_from_settings(source, settings))


def _open(renderer: Renderer, path: Path) -> Opened:
    opened: Opened = _finish(renderer.open(path))
    if not opened.faces:
        raise NoFaceError(f"No face was found in the sample portrait at {opened.photo.width} pixels: use a larger --size.")
    _finish(renderer.prepare(opened.photo, opened.faces[:1]))
    return opened


def _finish(job: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return (time.perf_counter() - start) * 1000, value
