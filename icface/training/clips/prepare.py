"""``icface train prepare``: crops of faces, with the tracker's readings, from any videos.

Each clip is a job of its own, done in one pass and in bounded memory;
`icface.training.clips.shards` says what comes out.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from icface.face.geometry import CROP_MARGIN, face_crop
from icface.face.observation import FaceTracker
from icface.media.video import VIDEO_SUFFIXES, read_video
from icface.model.surface.crops import sample_crop
from icface.system.atomic_write import remove_unfinished
from icface.system.cores import pool_size
from icface.system.failures import lacks_memory, trace_of_fault
from icface.tracking.builtin import BuiltinTracker
from icface.training.clips.person_tracks import Rhythm, Sighting, sightings
from icface.training.clips.shards import ShardWriter, build_index, digest_of, is_prepared

log = logging.getLogger(__name__)
JPEG_QUALITY = 92


class PrepareError(ValueError):
    """Nothing can be prepared; the message says why and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Options of preparing clips; a clip that was prepared with the same ones is left alone.

    Attributes
    ----------
    size : int
        Side of the crops in pixels.
    every, fps : int, float or None
        Every n-th frame of the file, or at most so many a second.
    min_confidence : float
        Least confidence of the tracker, 0..1; frames below it are tracked but not stored.
    """

    size: int = 256
    every: int = 1
    fps: float | None = None
    min_confidence: float = 0.9

    @property
    def options(self) -> dict[str, Any]:
        """All options that determine the content of a shard, as plain values."""
        return {**asdict(self), "margin": CROP_MARGIN, "jpeg_quality": JPEG_QUALITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of preparing one clip.

    Attributes
    ----------
    status : str
        "prepared", "there" (it had been before), or "failed".
    reason : str
        Of a failure.
    trace : str
        Where a fault of the program came up; "" for what is wrong with a file.
    """

    path: Path
    status: str
    digest: str = ""
    frames: int = 0
    tracks: int = 0
    reason: str = ""
    trace: str = ""

    def line(self) -> str:
        """It in words."""
        what = {
            "prepared": f"{self.frames} frames, {self.tracks} tracks",
            "there": "is there already",
            "failed": self.reason,
        }
        return f"{self.path.name}: {what[self.status]}"


def find_videos(paths: Iterable[Path]) -> list[Path]:
    """The given files, and the videos in the given folders and their subfolders, each once.

    Raises
    ------
    PrepareError
        If a path does not exist or nothing is found.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise PrepareError(f"There is no file or folder {path}. Check the name.")
        inside = sorted(
            p
            for p in path.rglob("*")
            if p.suffix.lower() in VIDEO_SUFFIXES and not p.name.startswith(".")
        )
        for file in [path] if path.is_file() else [p for p in inside if p.is_file()]:
            found.setdefault(file.resolve(), file)
    if not found:
        raise PrepareError(
            "No videos were found. They are recognised by their endings: "
            f"{', '.join(sorted(VIDEO_SUFFIXES))}."
        )
    return list(found.values())


def prepare_clip(
    path: Path, folder: Path, preparation: Preparation, tracker: FaceTracker
) -> Outcome:
    """Prepare one clip, unless it is there; errors become an outcome, so other clips go on."""
    try:
        digest = digest_of(path)
        if is_prepared(folder, digest, preparation.options):
            return Outcome(path=path, status="there", digest=digest)
        rhythm = Rhythm(every=preparation.every, fps=preparation.fps)
        with ShardWriter(folder, digest, preparation.options) as writer:
            for sighting in sightings(read_video(path), tracker, rhythm):
                if sighting.face.confidence >= preparation.min_confidence:
                    writer.add(*_record(sighting, preparation.size))
            about = writer.finish(name=path.name)
    except Exception as error:  # noqa: BLE001 (any codec or network may raise anything; `prepare_folder` tells of what it was)
        return _failed(path, error)
    return Outcome(
        path=path,
        status="prepared",
        digest=digest,
        frames=about["frames"],
        tracks=len(about["tracks"]),
    )


def _failed(path: Path, error: Exception) -> Outcome:
    reason, trace = str(error), trace_of_fault(error)
    if lacks_memory(error):
        reason = "there is not enough memory for it; use fewer --workers"
    elif trace:
        reason = f"a fault of the program came up ({type(error).__name__}: {error})"
    return Outcome(path=path, status="failed", reason=" ".join(reason.split()), trace=trace)


def _record(sighting: Sighting, size: int) -> tuple[bytes, dict[str, Any]]:
    face = sighting.face
    crop = face_crop(face.landmarks, size, margin=CROP_MARGIN)
    picture = sample_crop(sighting.pixels, crop, size)
    done, jpeg = cv2.imencode(".jpg", picture[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    if not done:
        raise PrepareError(f"A crop of {size} x {size} pixels cannot be written as JPEG.")
    controls = face.controls.array()
    controls[2] = (
        controls[2] + crop.turn_deg + 180
    ) % 360 - 180  # the head's roll as the crop shows it
    return jpeg.tobytes(), {
        "seconds": sighting.frame.seconds,
        "track": sighting.track,
        "confidence": face.confidence,
        "crop_from_image": np.array(crop.rows),
        "image_size": sighting.pixels.shape[1::-1],
        "landmarks": crop.points(face.landmarks),
        "controls": controls,
    }


# --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pool:
    """Processes that prepare clips; a clip whose process dies is tried once more, alone."""

    job: partial[Outcome]
    workers: int
    waiting: deque[Path] = field(default_factory=deque)
    suspects: deque[Path] = field(default_factory=deque)

    def outcomes(self) -> Iterator[Outcome]:
        """One for each clip, as they come."""
        while self.waiting:
            yield from self._round()
        self.workers = 1
        while self.suspects:
            path = self.suspects.popleft()
            self.waiting.append(path)
            yield from self._round()
            if self.suspects and self.suspects[-1] == path:
                self.suspects.pop()
                yield Outcome(
                    path=path,
                    status="failed",
                    reason="the process that read it died, as over a broken file",
                )

    def _round(self) -> Iterator[Outcome]:
        """Work until nothing waits or a process dies."""
        running: dict[Future[Outcome], Path] = {}
        with ProcessPoolExecutor(
            self.workers, mp_context=get_context("spawn"), initializer=_quiet
        ) as pool:
            try:
                while self.waiting or running:
                    while self.waiting and len(running) < self.workers:
                        running[pool.submit(self.job, self.waiting[0])] = self.waiting[0]
                        self.waiting.popleft()
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        outcome = done.result()
                        del running[done]
                        yield outcome
            except BrokenProcessPool:
                self.suspects.extend(running.values())


def prepare(
    paths: Sequence[Path], folder: Path, preparation: Preparation, *, workers: int, device: str
) -> Iterator[Outcome]:
    """Prepare clips, in this process if there are no workers; one outcome for each, as they come.

    Parameters
    ----------
    paths : sequence of Path
        See `find_videos`.
    workers : int
        Processes besides this one.
    device : str
        Where the tracker's networks run, as torch names it.
    """
    if workers == 0:
        tracker = BuiltinTracker(device)
        yield from (prepare_clip(path, folder, preparation, tracker) for path in paths)
        return
    job = partial(_in_a_process, folder=folder, preparation=preparation, device=device)
    yield from _Pool(
        job=job, workers=pool_size(min(workers, len(paths))), waiting=deque(paths)
    ).outcomes()


def prepare_folder(
    paths: Sequence[Path],
    folder: Path,
    preparation: Preparation,
    *,
    workers: int,
    device: str,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Prepare all videos under some paths, write the index and return a summary.

    `tell` gets a line for each clip.

    Raises
    ------
    PrepareError
        If there are no videos, or in the end not one frame.
    """
    videos = find_videos(paths)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
    except OSError as error:
        raise PrepareError(
            f"{folder} cannot be written to: {error.strerror or error}. Choose another folder."
        ) from None
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    for outcome in prepare(videos, folder, preparation, workers=workers, device=device):
        outcomes.append(outcome)
        if outcome.trace:
            log.error(
                "%s could not be prepared, by a fault of the program:\n%s",
                outcome.path,
                outcome.trace,
            )
        tell(f"[{len(outcomes)}/{len(videos)}] {outcome.line()}")
    clips = build_index(folder)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    frames = sum(clip["frames"] for clip in clips)
    if len(failed) == len(outcomes) or not frames:
        why = (
            f"the last of {len(failed)} failures: {failed[-1].reason}"
            if failed
            else "no face was found in any frame"
        )
        raise PrepareError(f"Nothing could be prepared from {len(videos)} videos; {why}")
    return {
        "folder": str(folder),
        "options": preparation.options,
        "prepared": sum(outcome.status == "prepared" for outcome in outcomes),
        "there": sum(outcome.status == "there" for outcome in outcomes),
        "failed": len(failed),
        "failures": [{"video": str(outcome.path), "reason": outcome.reason} for outcome in failed],
        "new_frames": sum(outcome.frames for outcome in outcomes),
        "clips": len(clips),
        "frames": frames,
        "tracks": sum(len(clip["tracks"]) for clip in clips),
        "seconds": round(time.monotonic() - begun, 2),
    }


@cache
def _tracker(device: str) -> BuiltinTracker:
    return BuiltinTracker(device)


def _in_a_process(path: Path, *, folder: Path, preparation: Preparation, device: str) -> Outcome:
    return prepare_clip(path, folder, preparation, _tracker(device))


def _quiet() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
