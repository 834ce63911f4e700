"""The cuts of a clip, found in small grey copies of its frames.

Two neighbouring frames are compared block by block, each block as bright and as contrasty as its
counterpart, so that lamps and fades pass, and over each other as the camera moved, so that pans
pass. After a cut between scenes hardly any block matches. Where much of the picture stays, a cut
within a scene is a single sudden change; a hand or an object that passes changes the picture over
several frames or gives it back.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from icface.arrays import F64, U8

NEW_SCENE = 5.0
"""Least mean change of grey values, 0..255, that can be a cut where hardly anything matches."""
CUT_DIFFERENCE = 7.0
"""Least mean change of grey values, 0..255, that can be a cut within a scene."""
NEW_SCENE_RATIO, CUT_RATIO = 3.0, 4.0
"""Least change at a cut to another scene and within one, as multiples of the usual change in the
frames before it."""
FLASH_FRAMES = 4
"""Most frames of a flash: if the picture is back within them, there was no cut."""
PASSING_FRAMES = 45
"""Most frames in which something hides a part of the picture and leaves it as it was."""
_STAYS = 0.4
"""Share of blocks that match from which on it is the same scene: more than 0.45 with a hand in the
way of a moving camera, 0.32 and less between people before one studio wall."""
_MATCH = 0.45
"""Most change of a block that matches, as a share of its contrast."""
_FLAT = 4.0
"""Contrast of a block, in grey values, below which it says nothing."""
_BLOCKS = 8
_GAIN = (0.25, 4.0)
_PANNED = 0.75
"""Share of blocks that match when the camera moved."""
_EXPOSED = 122.5
"""Distance from middle grey up to which a pixel is neither blown out nor black."""
_LEAST_EXPOSED = 0.25
"""Share of a block's pixels, and of the blocks, that must be neither blown out nor black in both
frames for the others to be left out."""
_SUDDEN = 2.0
"""A change within a scene is this many times larger than those in the frames around it."""
_RETURNED = 0.7
"""Largest change from before that is left, as a share, when the picture is back."""
_MOST_KEPT = 6

_Grey = F64


class _Change(NamedTuple):
    """A change of the picture: mean grey values, and the share of blocks that stayed the same.

    `moved` is the size as it was before a movement of the camera was taken out.
    """

    size: float
    matched: float
    moved: float = 0.0

    @property
    def is_new_scene(self) -> bool:
        """Whether so little is left that another scene must be shown."""
        return self.matched < _STAYS and self.size > NEW_SCENE


class _Before(NamedTuple):
    """The picture before a change, kept for a number of frames while it may come back."""

    picture: _Grey
    number: int
    frames: int


_NONE = _Change(0.0, 1.0)


class CutDetector:
    """A detector of cuts, which takes the frames of a file in order.

    `is_cut` answers at once, from what came before; `cuts` is corrected by the frames that
    follow. A change that is taken back, as by a flash or a passing hand, or that goes on, as a
    movement does, is struck from it.
    """

    def __init__(self) -> None:
        self._last: _Grey | None = None
        self._usual = 0.0
        self._changes: list[_Change] = []
        self._found: list[int] = []
        self._before: list[_Before] = []
        self._back = False

    @property
    def cuts(self) -> tuple[int, ...]:
        """Frames before which a cut lies, rising, as far as is known now."""
        return tuple(number for number in self._found if self._is_sudden(number))

    @property
    def ended_flash(self) -> bool:
        """Whether the picture came back with the last frame."""
        return self._back

    def is_cut(self, glance: U8) -> bool:
        """Whether the picture changed at once; `glance` is (S, S) grey of the next frame."""
        now, number = glance.astype(np.float64), len(self._changes)
        last, self._last = self._last, now
        self._back = False
        change = _NONE if last is None else _change(last, now)
        self._changes.append(change)
        if last is None:
            return False
        begins = number == 1 and not change.is_new_scene  # nothing is usual yet
        usual, share = self._usual, 0.5 if begins else 0.2
        self._usual += share * (min(change.size, 28.0) - self._usual)
        self._before = [was for was in self._before if number - was.number <= was.frames]
        is_change = (
            change.size > NEW_SCENE_RATIO * usual
            if change.is_new_scene
            else change.size > max(CUT_DIFFERENCE, CUT_RATIO * usual)
        )
        if self._is_back(now, number):
            self._back = True
            return False
        if begins or not is_change:
            return False
        frames = FLASH_FRAMES if change.is_new_scene else PASSING_FRAMES
        self._before = [*self._before, _Before(last, number, frames)][-_MOST_KEPT:]
        self._found.append(number)
        return True

    def skip(self) -> None:
        """Count a frame that could not be read."""
        self._changes.append(_NONE)

    def _is_back(self, now: _Grey, number: int) -> bool:
        """Whether the picture from before a change is back, moved as usual.

        What was found since that change is struck.
        """
        for was in self._before:
            gone = self._changes[was.number]
            apart = _change(was.picture, now)
            if apart.matched > max(_STAYS, (1 + gone.matched) / 2) and (
                apart.size < _RETURNED * gone.size
            ):
                self._found = [cut for cut in self._found if cut < was.number]
                self._before = [other for other in self._before if other.number < was.number]
                return True
        return False

    def _is_sudden(self, number: int) -> bool:
        """Whether a change is over in one frame, or in two where all of the picture changes."""
        change = self._changes[number]
        before, after = (
            [self._changes[n] for n in range(max(start, 1), min(start + 2, len(self._changes)))]
            for start in (number - 2, number + 1)
        )
        if not change.is_new_scene:
            return all(c.is_new_scene or c.size * _SUDDEN < change.size for c in before + after)
        goes_on = sum(c.matched < _STAYS and c.size * _SUDDEN > change.size for c in before + after)
        pans = [any(c.moved * _SUDDEN > change.size for c in side) for side in (before, after)]
        return goes_on < 2 and not all(pans)


def _change(one: _Grey, other: _Grey) -> _Change:
    """The change from one frame to the next that neither light nor a moving camera explains."""
    plain = _compared(one, other)
    if plain.size < NEW_SCENE:
        return plain
    moved = _overlapping(one, other)
    if moved is None:
        return plain
    panned = _compared(*moved)
    return panned._replace(moved=plain.size) if panned.matched > _PANNED else plain


def _compared(one: _Grey, other: _Grey) -> _Change:
    """The change from one picture to another, block by block, without what light explains."""
    a, b = _blocks(one), _blocks(other)
    shown = ((np.abs(a - 127.5) < _EXPOSED) & (np.abs(b - 127.5) < _EXPOSED)).astype(np.float64)
    enough = shown.mean(1) > _LEAST_EXPOSED
    if enough.mean() > _LEAST_EXPOSED:
        a, b, shown = a[enough], b[enough], shown[enough]
    else:
        shown = np.ones_like(a)
    weight = shown / shown.sum(1, keepdims=True)

    def mean(values: _Grey) -> _Grey:
        over_block: _Grey = (weight * values).sum(1)
        return over_block

    high, wide = (side // _BLOCKS for side in one.shape)
    for slope in np.mgrid[:high, :wide].reshape(2, -1):  # what a lamp beside the scene adds
        even = slope - mean(slope[None])[:, None]
        size = np.maximum(mean(even * even), 1e-6)
        a, b = (block - (mean(block * even) / size)[:, None] * even for block in (a, b))
    a, b = a - mean(a)[:, None], b - mean(b)[:, None]
    power_a, power_b, shared = mean(a * a), mean(b * b), mean(a * b)
    there = np.clip(shared / np.maximum(power_a, 1.0), *_GAIN)[:, None]
    back = np.clip(shared / np.maximum(power_b, 1.0), *_GAIN)[:, None]
    rest = np.maximum(mean(np.abs(b - there * a)), mean(np.abs(a - back * b)))
    contrast = np.sqrt(np.maximum(power_a, power_b))
    telling = contrast > _FLAT
    matched = float((rest < _MATCH * contrast)[telling].mean()) if telling.any() else 1.0
    return _Change(float(rest.mean()), matched)


def _blocks(picture: _Grey) -> _Grey:
    """(B, P) pixels of the picture's blocks; what is left at its edges is not looked at."""
    high, wide = (side // _BLOCKS for side in picture.shape)
    whole = picture[: _BLOCKS * high, : _BLOCKS * wide].reshape(_BLOCKS, high, _BLOCKS, wide)
    blocks: _Grey = whole.swapaxes(1, 2).reshape(_BLOCKS**2, high * wide)
    return blocks


def _overlapping(one: _Grey, other: _Grey) -> tuple[_Grey, _Grey] | None:
    """What two frames show in common if the camera moved; None if it did not.

    Halves of one frame are looked for in the other.
    """
    size = one.shape[0]
    half, edge = size // 2, size // _BLOCKS
    a, b = one.astype(np.float32), other.astype(np.float32)
    best, right, down = -1.0, 0, 0
    for top, left, high, wide in (
        (edge, 0, size - 2 * edge, half),
        (edge, size - half, size - 2 * edge, half),
        (0, edge, half, size - 2 * edge),
        (size - half, edge, half, size - 2 * edge),
    ):
        likeness = cv2.matchTemplate(
            b, a[top : top + high, left : left + wide], cv2.TM_CCOEFF_NORMED
        )
        _, score, _, (x, y) = cv2.minMaxLoc(likeness)
        if score > best:
            best, right, down = score, x - left, y - top
    if (right, down) == (0, 0):
        return None
    here = one[max(-down, 0) : size - max(down, 0), max(-right, 0) : size - max(right, 0)]
    there = other[max(down, 0) : size + min(down, 0), max(right, 0) : size + min(right, 0)]
    return here, there
