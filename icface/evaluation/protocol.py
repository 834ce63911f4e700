"""The measuring protocol: all measures over all photos and clips, in one JSON document.

The document names the weights, data and library versions that it was made from. The same ones give
the same document, apart from ``milliseconds`` and ``time``: networks and filters run on one thread
except while time is measured, frames are chosen evenly, and noise has a seed.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from icface import __version__
from icface.document import Face
from icface.evaluation.accuracy import SWEPT, Sweep, summary, sweeps
from icface.evaluation.arrived import arrived, mean_arrived
from icface.evaluation.material import HeldOut, Item, Subject, read_clip, read_subject
from icface.evaluation.reenactment import clip_summary, mean_of_clips, reenact
from icface.evaluation.speed import ticks_ms
from icface.evaluation.stability import (
    NOISE_SEED,
    averaged,
    flicker,
    rest_difference,
    sharpness,
    there_and_back,
)
from icface.face.controls import ANGLE_UNIT_DEG
from icface.face.observation import FaceObservation, FaceTracker, NoFaceError
from icface.jobs import run_to_end
from icface.media import PhotoError, load_photo, sample_photo_path
from icface.rendering.predictor import FacePredictor
from icface.rendering.renderer import Renderer
from icface.system.cores import cores
from icface.system.file_stamp import sha256_of

SCHEMA = 3
TIMED_SIZE_PX = 1024
"""Side of the portrait that times are taken on, pixels."""
TIMED_TICKS = 60
"""Number of slider movements that are timed."""
SHOWN_PEOPLE = 12
_REPEATS = 5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The photos and clips to measure on.

    Attributes
    ----------
    photos, clips : sequence of Item
    held_out : HeldOut or None
        People never trained on, with further measures of their own.
    notes : sequence of str
        Material that is missing in this installation and was left out.
    """

    photos: Sequence[Item]
    clips: Sequence[Item]
    held_out: HeldOut | None = None
    notes: Sequence[str] = ()


@dataclass(slots=True, eq=False)
class _Found:
    """Results of the photos, one entry for each of them."""

    sweeps: list[Sweep] = field(default_factory=list)
    rest: dict[str, int] = field(default_factory=dict)
    back: list[dict[str, float | None]] = field(default_factory=list)
    sharp: list[dict[str, float | None]] = field(default_factory=list)
    shown: list[tuple[NDArray[np.uint8], FaceObservation]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A finished evaluation.

    Attributes
    ----------
    document : dict
        Plain values, ready for JSON.
    shown : list of (image, face)
        The first photos, for a contact sheet.
    """

    document: dict[str, Any]
    shown: list[tuple[NDArray[np.uint8], FaceObservation]]


def evaluate(
    predictor: FacePredictor,
    tracker: FaceTracker,
    material: Material,
    *,
    models: Path,
    frames: int,
    say: Say = lambda _: None,
) -> Evaluation:
    """Take every measure of the protocol.

    Parameters
    ----------
    models : Path
        Folder of the weights; the document has their digests.
    frames : int
        Most frames of each clip besides its first.
    say : callable
        Called with the name of each step, to report progress.
    """
    start = time.perf_counter()
    digests = weights(models)  # at the start: a file may be replaced while this runs
    notes = list(material.notes)
    with one_thread():
        found = _photos(predictor, tracker, material.photos, notes, say)
        reenacted, flickers, arrivals = _clips(
            predictor, tracker, material.clips, frames, notes, say
        )
        extra = {}
        if material.held_out is not None:
            say("fitted people")
            extra = material.held_out.measure(predictor, tracker, frames=frames)
    say("time")
    milliseconds = timings(predictor, tracker)
    results = {
        "controls": summary(found.sweeps),
        "rest_difference": {
            "largest": max(found.rest.values(), default=None),
            "by_photo": found.rest,
        },
        "there_and_back": averaged(found.back),
        "sharpness": averaged(found.sharp, median=True),
        "reenactment": {"clips": reenacted, "mean": mean_of_clips(reenacted)},
        "arrived": {"clips": arrivals, "mean": mean_arrived(arrivals)},
        "flicker": flickers,
    } | extra
    document = {
        "schema": SCHEMA,
        "icface": __version__,
        "protocol": "installed" if material.held_out is None else "held-out",
        "device": predictor.device_name,
        "versions": versions(),
        "seeds": {"flicker": NOISE_SEED},
        "frames": frames,
        "ranges": {name: list(bounds) for name, bounds in SWEPT.items()},
        "cross_talk_angle_unit_deg": ANGLE_UNIT_DEG,
        "weights": digests,
        "data": _listed(material),
        "notes": notes + predictor.drain_notices(),
        "results": rounded(results),
        "milliseconds": milliseconds,
        "time": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 1),
            "cores": cores(),
        },
    }
    return Evaluation(document, found.shown)


def weights(models: Path) -> dict[str, str]:
    """SHA-256 digests of a folder's weights files, by name."""
    return {path.name: sha256_of(path) for path in sorted(models.glob("*.safetensors"))}


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that compute the figures."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "scikit-image": metadata.version("scikit-image"),
        "scipy": scipy.__version__,
        "torch": torch.__version__,
    }


def _listed(material: Material) -> dict[str, list[dict[str, str]]]:
    own = {
        "photos": [item.listed for item in material.photos],
        "clips": [item.listed for item in material.clips],
    }
    return own | (material.held_out.listed if material.held_out is not None else {})


def _photos(
    predictor: FacePredictor,
    tracker: FaceTracker,
    items: Sequence[Item],
    notes: list[str],
    say: Say,
) -> _Found:
    found = _Found()
    for number, item in enumerate(items):
        say(f"photo {number + 1} of {len(items)}: {item.name}")
        subject = read_subject(item, predictor, tracker)
        if subject is None:
            notes.append(f"No face was found in {item.name}: left out.")
            continue
        _measure_photo(predictor, tracker, subject, found)
    return found


def _measure_photo(
    predictor: FacePredictor, tracker: FaceTracker, subject: Subject, found: _Found
) -> None:
    found.rest[subject.name] = rest_difference(predictor, subject)
    found.sweeps += sweeps(predictor, tracker, subject)
    found.back.append(there_and_back(predictor, tracker, subject))
    found.sharp.append(sharpness(predictor, tracker, subject))
    if len(found.shown) < SHOWN_PEOPLE:
        found.shown.append((subject.image, subject.face))


def _clips(
    predictor: FacePredictor,
    tracker: FaceTracker,
    items: Sequence[Item],
    frames: int,
    notes: list[str],
    say: Say,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    reenacted: dict[str, Any] = {}
    arrivals: dict[str, Any] = {}
    flickers: dict[str, dict[str, float | None]] = {}
    for number, item in enumerate(items):
        say(f"clip {number + 1} of {len(items)}: {item.name}")
        reading = read_clip(item, tracker, frames)
        if len(reading.shots) < 2:
            notes.append(f"{item.name} has fewer than two frames with a face: left out.")
            continue
        try:
            reenacted[item.name] = clip_summary(
                reenact(predictor, tracker, reading.shots, driven=reading.driven),
                without_face=reading.without,
            )
            arrivals[item.name] = arrived(predictor, tracker, reading.shots, reading.driven)
            flickers[item.name] = flicker(predictor, tracker, reading.shots[0])
        except NoFaceError as error:
            notes.append(f"{item.name}: {error} Left out.")
    names = dict.fromkeys(name for row in flickers.values() for name in row)
    found = {
        name: [value for row in flickers.values() if (value := row[name]) is not None]
        for name in names
    }
    mean = {name: float(np.mean(values)) if values else None for name, values in found.items()}
    return reenacted, {"clips": flickers, "mean": mean}, arrivals


def timings(predictor: FacePredictor, tracker: FaceTracker) -> dict[str, Any]:
    """Milliseconds on the astronaut's portrait at `TIMED_SIZE_PX`: medians, p95 for slider ticks.

    The result is empty if the portrait is not installed or its face is not found.
    """
    try:
        photo = load_photo(sample_photo_path())
    except PhotoError:
        return {}
    size = (TIMED_SIZE_PX, TIMED_SIZE_PX)
    photo = photo.with_pixels(
        cv2.resize(photo.pixels, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
    )
    faces = tracker.detect(photo.rgb8)
    if not faces:
        return {}
    face, renderer = Face.from_observation(faces[0]), Renderer(predictor, tracker)
    try:
        run_to_end(renderer.prepare(photo, (face,)))
    except NoFaceError:
        return {}
    ticks = ticks_ms(renderer, photo, face, size=TIMED_SIZE_PX, ticks=TIMED_TICKS)
    return {
        "size": TIMED_SIZE_PX,
        "tick": {f"p{q}": round(float(np.percentile(ticks, q)), 2) for q in (50, 95)},
        "detect": _median_ms(lambda: tracker.detect(photo.rgb8)),
        "follow": _median_ms(lambda: tracker.follow(photo.rgb8, faces[0])),
        "encode": _median_ms(lambda: predictor.encode(photo.rgb8, faces[0])),
        "torch_threads": torch.get_num_threads(),
    }


def _median_ms(work: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return round(float(np.median(taken)), 2)


def rounded(value: Any) -> Any:
    """Plain values with floats rounded to six decimals; None replaces NaN and infinity."""
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread within the context, so that sums have the same order everywhere."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
