"""Faces are followed, looked for when one is lost, and now and then for those who come in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from icface.face.geometry import Box
from icface.face.observation import FaceObservation, NoFaceError
from icface.tracking.follower import LOOK_SECONDS, FaceFollower
from tests.faces import observation_in

PIXELS = np.zeros((8, 8, 3), np.uint8)


class Scene:
    """A tracker of faces 100 pixels wide at listed places, which follows up to 60 pixels."""

    name = "scene"

    def __init__(self, *frames: Sequence[float]) -> None:
        self._frames = frames
        self.at = 0
        self.searched: list[int] = []

    def detect(self, image: NDArray[np.uint8]) -> tuple[FaceObservation, ...]:
        self.searched.append(self.at)
        return tuple(_face(left) for left in self._frames[self.at])

    def observe(self, image: NDArray[np.uint8], box: Box) -> FaceObservation:
        raise NoFaceError

    def follow(self, image: NDArray[np.uint8], previous: FaceObservation) -> FaceObservation | None:
        near = [
            left
            for left in self._frames[self.at]
            if abs(_face(left).box.left - previous.box.left) <= 60
        ]
        return _face(near[0]) if near else None

    def run(self, *, fps: float = 25, cuts: Sequence[int] = ()) -> list[list[int]]:
        follower = FaceFollower(self)
        seen = []
        for at in range(len(self._frames)):
            self.at = at
            faces = follower.step(PIXELS, at / fps, jumped=at in cuts)
            seen.append([followed.stretch for followed in faces])
        return seen


def _face(left: float) -> FaceObservation:
    return observation_in(Box(left, 0, left + 100, 100))


def test_a_face_that_moves_is_one_stretch_and_one_that_jumps_is_two() -> None:
    assert Scene([0], [40], [80], [300], [300]).run() == [[0], [0], [0], [1], [1]]


def test_a_lost_face_is_looked_for_at_once_and_then_now_and_then() -> None:
    scene = Scene(*[[0]] * 3, *[[]] * 9, *[[0]] * 3)
    assert scene.run() == [*[[0]] * 3, *[[]] * 9, *[[1]] * 3]
    assert scene.searched == [0, 3, 6, 9, 12]


def test_whoever_comes_in_is_found() -> None:
    scene = Scene(*[[0]] * 5, *[[0, 400]] * 20)
    seen = scene.run()
    assert seen[4] == [0]
    assert seen[-1] == [0, 1]
    assert len(scene.searched) <= 1 + len(seen) / 25 / LOOK_SECONDS


def test_after_a_cut_nobody_is_followed() -> None:
    assert Scene([0], [0], [0], [0]).run(cuts=[2]) == [[0], [0], [1], [1]]


def test_two_that_run_into_each_other_are_one() -> None:
    assert Scene([0, 300], [50, 250], [90, 190], [140], [140]).run()[-1] == [0]


def test_a_clip_whose_clock_jumps_back_is_searched() -> None:
    scene = Scene([0], [0], [0])
    follower = FaceFollower(scene)
    for scene.at, seconds in enumerate((9.0, 9.04, 0.0)):
        follower.step(PIXELS, seconds, jumped=False)
    assert scene.searched == [0, 2]
