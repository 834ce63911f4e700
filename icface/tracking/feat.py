"""py-feat as a tracker, in a process of its own that starts when it is needed.

The process is `icface.tracking.feat_process`, the units are converted in
`icface.tracking.feat_readings`. py-feat finds faces in every frame anew; to follow one is to take
that which is where it was.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Generator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, NoReturn

import numpy as np

from icface.arrays import U8
from icface.face.geometry import Box
from icface.face.observation import FaceObservation, NoFaceError, TrackerUnavailableError
from icface.jobs import Progress
from icface.system.cores import cores
from icface.system.failures import end_of_process
from icface.tracking.feat_process import Failure, serve
from icface.tracking.feat_readings import Detector, observations

SAME_FACE = 0.3
"""Least overlap of a face with its last place, intersection over union."""
_GLANCE_S = 0.05
_END_S = 5.0
_LICENCE = (
    "The weights of Detectorv2 may be used for noncommercial research only, whatever the "
    "licence of py-feat says; for those of "
    "MPDetector see the terms of each. The built-in tracker needs none of them."
)


class FeatTracker:
    """Faces as py-feat 2 reads them.

    Parameters
    ----------
    detector : {"Detectorv2", "MPDetector"}
        Which of its detectors.
    device : str
        Where its networks run, as torch names it.
    """

    def __init__(self, detector: Detector = "Detectorv2", *, device: str = "cpu") -> None:
        self._detector: Detector = detector
        self._device = device
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._version = ""
        self._seen: tuple[U8, tuple[FaceObservation, ...]] | None = None

    @property
    def name(self) -> str:
        """Short name for people."""
        return f"py-feat {self._detector}"

    @property
    def version(self) -> str:
        """The version of py-feat and of its weights, which are loaded to find it."""
        self._wait_until_ready()
        return self._version

    def begin(self) -> Generator[Progress, None, None]:
        """A job that starts the process and waits for it in small steps.

        Raises
        ------
        TrackerUnavailableError
            If py-feat or its weights are not there; the message says what to do.
        """
        self._start()
        while not self._version:
            yield Progress(0, 0, "py-feat is starting, which takes a while")
            self._take_greeting(_GLANCE_S)

    def detect(self, image: U8) -> tuple[FaceObservation, ...]:
        """All faces of an RGB image (H, W, 3), largest first; empty when there is none."""
        if self._seen is None or self._seen[0] is not image:
            self._wait_until_ready()
            self._send(image)
            self._seen = image, observations(self._answer(), self._detector)
        return self._seen[1]

    def observe(self, image: U8, box: Box) -> FaceObservation:
        """The face in a box that a person drew; `NoFaceError` if py-feat finds none there."""
        left, top = (max(int(v), 0) for v in (box.left - box.width / 2, box.top - box.height / 2))
        part = image[
            top : int(box.bottom + box.height / 2) + 1, left : int(box.right + box.width / 2) + 1
        ]
        moved = (
            [_moved(face, left, top) for face in self.detect(np.ascontiguousarray(part))]
            if part.size
            else []
        )
        best = max(moved, key=lambda face: face.box.iou(box), default=None)
        if best is None or best.box.iou(box) <= 0.1:
            raise NoFaceError(
                "py-feat found no face in this box. Draw it around one face, or take the "
                "built-in tracker."
            )
        return best

    def follow(self, image: U8, previous: FaceObservation) -> FaceObservation | None:
        """The same face in the next frame of a clip; None when it is lost."""
        best = max(self.detect(image), key=lambda face: face.box.iou(previous.box), default=None)
        return best if best is not None and best.box.iou(previous.box) >= SAME_FACE else None

    def close(self) -> None:
        """End the process. The tracker may be used again, and starts another one then."""
        process, connection = self._process, self._connection
        self._process = self._connection = self._seen = None
        self._version = ""
        if connection is not None:
            connection.close()
        if process is not None:
            process.terminate()
            process.join(_END_S)
            if process.is_alive():  # in the midst of a call that hears no signal
                process.kill()

    # ----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve,
            args=(theirs, self._detector, self._device, cores()),
            name="icface-feat",
            daemon=True,
        )
        process.start()
        theirs.close()
        self._process, self._connection = process, ours

    def _wait_until_ready(self) -> None:
        self._start()
        while not self._version:
            self._take_greeting(None)

    def _take_greeting(self, wait_s: float | None) -> None:
        assert self._connection is not None  # started before
        try:
            if wait_s is not None and not self._connection.poll(wait_s):
                return
        except OSError:  # on Windows, where a pipe that has ended cannot even be asked
            self._has_ended()
        word, *rest = self._receive()
        if word == "ready":
            self._version = str(rest[0])
            return
        self.close()
        raise unavailable(rest[0], str(rest[1]))

    def _send(self, image: U8) -> None:
        assert self._connection is not None  # started before
        try:
            self._connection.send(image)
        except OSError:
            self._has_ended()

    def _answer(self) -> Any:
        word, *rest = self._receive()
        if word == "read":
            return rest[0]
        raise TrackerUnavailableError(
            f"py-feat could not read this picture ({rest[1]}). Take the built-in tracker."
        )

    def _receive(self) -> tuple[Any, ...]:
        assert self._connection is not None  # started before
        try:
            answer: tuple[Any, ...] = self._connection.recv()
        except (EOFError, OSError):
            self._has_ended()
        return answer

    def _has_ended(self) -> NoReturn:
        process = self._process
        if process is not None:
            process.join(_END_S)
        end = end_of_process([] if process is None else [process.exitcode])
        self.close()
        raise TrackerUnavailableError(
            f"The process in which py-feat runs {end}. Start again, or take the built-in tracker."
        )


def unavailable(kind: Failure, reason: str) -> TrackerUnavailableError:
    """The reason why py-feat cannot be used, and the remedy."""
    if kind == "import" and reason.startswith("ModuleNotFoundError"):
        return TrackerUnavailableError(
            f"py-feat is not wholly installed ({reason}). Install it: python -m pip install py-feat"
        )
    if kind == "import":
        return TrackerUnavailableError(
            f"py-feat cannot be imported ({reason}). Mostly torch, torchvision and torchcodec "
            "do not fit each other, such as "
            "where torch is a build for the CPU only: install all three anew from one source, "
            "in versions that belong "
            "together, or use the built-in tracker, which needs none of this."
        )
    if kind == "weights":
        return TrackerUnavailableError(
            "py-feat's weights are not on this computer, and the Hugging Face hub does not "
            f"give them: {reason}. With a "
            "network, py-feat downloads them when it is first used; "
            "without one, copy the folder feat/resources of an "
            f"installation that has them. {_LICENCE}"
        )
    return TrackerUnavailableError(
        f"py-feat could not be started ({reason}). Take the built-in tracker."
    )


def _moved(face: FaceObservation, right: float, down: float) -> FaceObservation:
    """A face found in a part of a picture, in the whole picture."""
    landmarks = face.landmarks + np.array([right, down, 0], np.float32)
    box = Box(
        face.box.left + right, face.box.top + down, face.box.right + right, face.box.bottom + down
    )
    return FaceObservation(box, landmarks, face.controls, face.confidence)
