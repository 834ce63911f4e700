"""The stretches of a clip that show one person, by the place, size and look of the head.

Within a shot, a face that is lost and found again is the same one if it is where it could have got
to, or looks the same. Over a cut only the look tells. Who looks different in another shot, by light
or by a turn of the head, is taken for somebody else: two people are never joined for want of
evidence. The shape of the face is not asked: among the landmarks of sixteen people, those of two
were often nearer to each other than those of one who turned the head.

Convention
----------
A look is (8, 8, 3) float32, an upright crop of the head with its hair, at a mean of 100.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.geometry import Box, face_crop
from icface.face.observation import FaceObservation
from icface.model.surface.crops import sample_crop

SAME_LOOK = 8.0
"""Mean difference of two looks up to which they are one person's.  It was at most 8 within clips in
which the head stays as it is turned, 25 where it turns, and 11 and more between people, the nearest
of them before one studio wall."""
NEW_LOOK = 4.0
"""Least mean difference of a new look from the stored looks of a stretch to be stored, too."""
MOST_LOOKS = 12
"""Most looks that are stored of a stretch."""
OTHER_LOOK = 30.0
"""Mean difference from which on two looks are not one person's, wherever they are."""
REACH = 1.0
"""Farthest distance of a face from where it was lost, in its own sizes; half of it more for every
second."""
SIZE_RATIO = 1.8
"""Greatest ratio of a face's sizes where it was lost and where it is found again."""
MOST_BACK = 200
"""Earlier stretches that a stretch is compared with, at most."""

Look = NDArray[np.float32]

_CROP = 64
"""Side of the crop that a look is taken from, pixels."""
_GRID = 8
"""Side of a look, cells."""
_MARGIN = 1.7
"""Side of the crop, in sizes of the face mesh."""


def look_of(pixels: U8, face: FaceObservation) -> Look:
    """The look of a head in a picture."""
    crop = sample_crop(pixels, face_crop(face.landmarks, _CROP, margin=_MARGIN), _CROP)
    look = cv2.resize(crop, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    bright: Look = look * np.float32(100 / max(float(look.mean()), 1.0))
    return bright


@dataclass(slots=True, eq=False, kw_only=True)
class Stretch:
    """One stretch of a followed face, by its ends and looks.

    Attributes
    ----------
    first, last : int
        Frames of the motion, both seen.
    begun_s, ended_s : float
        When they are shown.
    start, end : Box
        Where the face was in them.
    looks : list of (8, 8, 3) float32
        Of the first frame, and of others that differ from all before.
    latest : (8, 8, 3) float32
        Of the last frame.
    weight : float
        Sum of the sizes of the face, pixels.
    """

    first: int
    last: int
    begun_s: float
    ended_s: float
    start: Box
    end: Box
    looks: list[Look] = field(repr=False)
    latest: Look = field(repr=False)
    weight: float = 0.0

    @classmethod
    def begin(cls, row: int, seconds: float, box: Box, look: Look) -> Stretch:
        """A stretch of one frame."""
        return cls(
            first=row,
            last=row,
            begun_s=seconds,
            ended_s=seconds,
            start=box,
            end=box,
            looks=[look],
            latest=look,
            weight=_size(box),
        )

    def go_on(self, row: int, seconds: float, box: Box, look: Look) -> None:
        """Add a frame to the stretch."""
        self.last, self.ended_s, self.end, self.latest = row, seconds, box, look
        if len(self.looks) < MOST_LOOKS and _unlike(self.looks, [look]) > NEW_LOOK:
            self.looks.append(look)
        self.weight += _size(box)


def people(stretches: Sequence[Stretch], cuts: Sequence[int]) -> list[list[int]]:
    """Places of the stretches of each person, in the order of time.

    The person who is seen longest and largest comes first.

    Parameters
    ----------
    stretches : sequence of Stretch
    cuts : sequence of int
        First rows after a cut.
    """
    shot = np.searchsorted(np.array(cuts, np.int64), [s.first for s in stretches], side="right")
    groups: dict[int, list[int]] = {n: [n] for n in range(len(stretches))}
    owner = list(range(len(stretches)))
    for _, one, other in sorted(_joins(stretches, shot.tolist())):
        a, b = sorted((owner[one], owner[other]))
        if a != b and not _meet(
            [stretches[n] for n in groups[a]], [stretches[n] for n in groups[b]]
        ):
            groups[a] += groups.pop(b)
            for n in groups[a]:
                owner[n] = a
    ranked = sorted(groups.values(), key=lambda members: -sum(stretches[n].weight for n in members))
    return [sorted(members, key=lambda n: stretches[n].first) for members in ranked]


def _joins(stretches: Sequence[Stretch], shots: Sequence[int]) -> Iterator[tuple[float, int, int]]:
    """Pairs of stretches that may be one person's, with the cost of joining them."""
    order = sorted(range(len(stretches)), key=lambda n: stretches[n].first)
    for place, later in enumerate(order):
        for earlier in order[max(place - MOST_BACK, 0) : place]:
            a, b = stretches[earlier], stretches[later]
            if a.last >= b.first:
                continue
            look = _unlike([*a.looks, a.latest], [*b.looks, b.latest])
            same_shot = shots[earlier] == shots[later]
            away = _away(a, b)
            if look <= SAME_LOOK or (same_shot and away <= 1 and look < OTHER_LOOK):
                yield (
                    look / SAME_LOOK
                    + (min(away, 4.0) if same_shot else 4.0)
                    + 0.1 * (b.begun_s - a.ended_s),
                    earlier,
                    later,
                )


def _unlike(some: Sequence[Look], others: Sequence[Look]) -> float:
    """Mean difference between the two most similar looks."""
    return float(np.abs(np.array(some)[:, None] - np.array(others)[None]).mean((2, 3, 4)).min())


def _away(a: Stretch, b: Stretch) -> float:
    """Distance from where the face was lost to where it is found; 1 is the farthest possible."""
    (ax, ay), (bx, by) = a.end.centre, b.start.centre
    one, other = _size(a.end), _size(b.start)
    reach = REACH * (1 + 0.5 * (b.begun_s - a.ended_s)) * (one + other) / 2
    grown = abs(float(np.log(other / one))) / float(np.log(SIZE_RATIO))
    return max(float(np.hypot(bx - ax, by - ay)) / reach, grown)


def _meet(some: Sequence[Stretch], others: Sequence[Stretch]) -> bool:
    """Whether two groups are seen in one frame."""
    return any(a.first <= b.last and b.first <= a.last for a in some for b in others)


def _size(box: Box) -> float:
    return float(np.sqrt(box.width * box.height))
