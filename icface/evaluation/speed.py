"""Speed of opening photos and moving sliders: the figures of ``icface bench``.

Everything runs as in the editor, on one thread that calls the networks: a draft at the portrait's
size for every slider movement, full quality when the slider rests. Times are wall-clock
milliseconds.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface import __version__
from icface.document import Clip, Driver, Face, Project, Source, edits
from icface.face.controls import CHANNEL_INDEX, CHANNELS, ControlVector
from icface.face.observation import NoFaceError
from icface.face.selectors import apply_deltas, deltas_from_settings
from icface.jobs import Event, Failed, run_to_end
from icface.media import Photo, load_photo, sample_photo_path, save_photo
from icface.media.clip import probe
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import beside_frame, clip_of
from icface.rendering.engine import RenderEngine
from icface.rendering.frame_request import FrameRequest
from icface.rendering.renderer import Opened, Renderer
from icface.system.cores import cores

WINDOW_TIMEOUT_S = 120
PLAYED_SIDE = 512
"""Side of the portrait whose playback is timed."""
_PLAYED_FRAMES = 100
_REPEATS = 5


def measure(*, size: int = 1024, ticks: int = 60, device: str = "auto") -> dict[str, Any]:
    """All figures, and the conditions under which they were taken.

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
        ``load_ms`` (networks, including their libraries), ``open_ms`` (decode, find and read the
        face, encode it), ``tick_ms`` with ``p50`` and ``p95``, ``full_ms``, ``rest_ms``,
        ``playback_fps`` (of a portrait at `PLAYED_SIDE`), ``window_ms`` (or None) and
        ``conditions``.
    """
    renderer = Renderer(device=device)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "portrait.png"
        photo = load_photo(sample_photo_path())
        pixels = cv2.resize(photo.pixels, (size, size), interpolation=cv2.INTER_CUBIC)
        save_photo(path, photo.with_pixels(pixels.astype(np.uint8, copy=False)))
        load_ms, _ = _timed(lambda: run_to_end(renderer.warm_up()))
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
        "playback_fps": round(_playback(renderer), 1),
        "window_ms": window_ms(),
        "conditions": {
            "size": size,
            "ticks": ticks,
            "device": renderer.device_name,
            "cores": cores(),
            "torch_threads": torch.get_num_threads(),
            "icface": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }


def ticks_ms(renderer: Renderer, photo: Photo, face: Face, *, size: int, ticks: int) -> list[float]:
    """Milliseconds of each of `ticks` slider movements (two or more), drawn as drafts of `size`.

    The face has been prepared.
    """
    sweep = [_at(face.controls, i / (ticks - 1)) for i in range(ticks)]
    requests = [FrameRequest(photo, (face,), (controls,), "draft", size) for controls in sweep]
    return [_timed(partial(renderer.render, request))[0] for request in requests]


def playback_fps(renderer: Renderer, photo: Photo, face: Face, *, clip: Clip) -> float:
    """Frames a second that the engine finishes while a clip drives a portrait.

    They are drafts of `PLAYED_SIDE`. Each is requested when the one before has arrived, with the
    clip's frame beside it, as the window shows it. The motion is made up, since it does not
    influence the time. Drafts from the renderer's cache are not counted.

    Parameters
    ----------
    renderer : Renderer
    photo, face
        The portrait; if the face is not prepared yet, its preparation counts too.
    clip : Clip
        Of two frames or more.
    """
    project = edits.open_source(
        Project(), Source(str(photo.path), photo.digest, photo.width, photo.height), (face,)
    )
    driver = Driver(name="A", medium=clip, motion=_made_up(clip), smoothing=0.0)
    project = edits.drive_with(edits.add_driver(project, driver), "A")
    done: queue.SimpleQueue[Event] = queue.SimpleQueue()
    engine = RenderEngine(renderer.render)
    engine.start(done.put)
    try:
        start = time.perf_counter()
        for frame in range(clip.n_frames):
            request = FrameRequest.of(project, photo, "draft", PLAYED_SIDE, frame=frame)
            engine.request(replace(request, beside=beside_frame(project, frame), playing=True))
            event = done.get()
            if isinstance(event, Failed):
                raise event.error
        return clip.n_frames / (time.perf_counter() - start)
    finally:
        engine.close()


def _playback(renderer: Renderer) -> float:
    photo = load_photo(sample_photo_path())
    pixels = cv2.resize(
        photo.pixels, (PLAYED_SIDE, PLAYED_SIDE), interpolation=cv2.INTER_CUBIC
    ).astype(np.uint8, copy=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "portrait.png"
        save_photo(path, photo.with_pixels(pixels))
        opened = _open(renderer, path)
        clip = _write_clip(Path(folder) / "driver.mp4", pixels)
        return playback_fps(renderer, opened.photo, opened.faces[0], clip=clip)


def _write_clip(path: Path, pixels: NDArray[np.uint8]) -> Clip:
    """A clip of 640 x 360 pixels, 25 frames a second, in which the portrait moves sideways."""
    wide = cv2.resize(pixels, (640 + _PLAYED_FRAMES, 640), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(_PLAYED_FRAMES):
            picture = np.ascontiguousarray(wide[:360, number : number + 640], np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return clip_of(probe(path))


def _made_up(clip: Clip) -> Motion:
    """A head that turns and a mouth that opens and smiles, never twice the same."""
    seconds = np.arange(clip.n_frames) / float(clip.rate)
    rows = np.zeros((clip.n_frames, len(CHANNELS)), np.float32)
    for channel, reach, hz in (("yaw", 12.0, 0.7), ("pitch", 6.0, 0.45), ("roll", 4.0, 0.3)):
        rows[:, CHANNEL_INDEX[channel]] = reach * np.sin(2 * np.pi * hz * seconds)
    for channel, reach, hz in (
        ("jawOpen", 0.5, 2.0),
        ("mouthSmile_L", 0.6, 0.8),
        ("mouthSmile_R", 0.6, 0.9),
        ("eyeBlink_L", 0.8, 1.1),
    ):
        rows[:, CHANNEL_INDEX[channel]] = reach * (1 - np.cos(2 * np.pi * hz * seconds)) / 2
    sure = np.ones(clip.n_frames, np.float32)
    return Motion(seconds=seconds, controls=rows, confidence=sure, rate=clip.rate, origin="made up")


def window_ms() -> float | None:
    """Milliseconds from the start of Python to the shown window; None if there is no window.

    The window runs in a process of its own, without a display: this package does not import it.
    """
    program = Path(__file__).resolve().parents[2] / "main.py"
    if importlib.util.find_spec("PySide6") is None or not program.is_file():
        return None
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, str(program), "--quit-when-shown"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment,
            timeout=WINDOW_TIMEOUT_S,
            check=True,
        )
        return round(float(json.loads(done.stdout)["window_ms"]), 1)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def table(figures: dict[str, Any]) -> str:
    """The figures as a table for people."""
    conditions = figures["conditions"]
    window = figures["window_ms"]
    rows = [
        ("networks loaded", f"{figures['load_ms']:.0f} ms"),
        ("photo opened", f"{figures['open_ms']:.0f} ms"),
        ("slider tick, half of them within", f"{figures['tick_ms']['p50']:.1f} ms"),
        ("slider tick, 95 % of them within", f"{figures['tick_ms']['p95']:.1f} ms"),
        ("full quality", f"{figures['full_ms']:.1f} ms"),
        (f"playback at {PLAYED_SIDE} pixels", f"{figures['playback_fps']:.1f} frames/s"),
        ("at rest", f"{figures['rest_ms']:.2f} ms"),
        ("window shown after", "not measured" if window is None else f"{window:.0f} ms"),
    ]
    lines = [f"{name:<34}{value:>14}" for name, value in rows]
    lines.append(
        f"{conditions['size']} x {conditions['size']} pixels, {conditions['device']}, "
        f"{conditions['cores']} cores, {conditions['torch_threads']} threads, "
        f"torch {conditions['torch']}"
    )
    return "\n".join(lines)


def _at(source: ControlVector, share: float) -> ControlVector:
    """The state at a share 0..1 of a sweep: the head turns, the mouth opens, an eye opens."""
    settings = {"yaw": 40 * share - 20, "AU26": share, "AU43L": 1 - share}
    return apply_deltas(source, deltas_from_settings(source, settings))


def _open(renderer: Renderer, path: Path) -> Opened:
    opened: Opened = run_to_end(renderer.open(path))
    if not opened.faces:
        raise NoFaceError(
            f"No face was found in the sample portrait at {opened.photo.width} pixels: "
            "use a larger --size."
        )
    run_to_end(renderer.prepare(opened.photo, opened.faces[:1]))
    return opened


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return (time.perf_counter() - start) * 1000, value
