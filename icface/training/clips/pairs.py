"""Pairs of frames of one person: what self-supervised training learns from.

Both frames come from one person track of one clip, so they show one person in two states; the
farther apart the states, the likelier the pair.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from icface.training.clips.shards import PART_FRAMES, Part, ShardError, read_index

PAIR_ANGLE_DEG = 20.0
"""A turn of the head that counts as much as one channel from 0 to 1 when pairs of frames are
chosen."""
HELD_OUT_ONE_IN = 10
OPEN_PARTS = 24
SPLITS = ("train", "val", "all")


def control_distance(
    one: NDArray[np.floating], others: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Euclidean distance of states, with angles in units of `PAIR_ANGLE_DEG`.

    Parameters
    ----------
    one, others : (56,) and (N, 56)
        Degrees, then 0..1.

    Returns
    -------
    (N,)
        The distance of each of `others` from `one`.
    """
    difference = others.astype(np.float64) - one
    difference[:, 2] = (difference[:, 2] + 180) % 360 - 180
    difference[:, :3] /= PAIR_ANGLE_DEG
    distance: NDArray[np.float64] = np.linalg.norm(difference, axis=1)
    return distance


def is_held_out(clip: dict[str, Any], patterns: Sequence[str] | None) -> bool:
    """True if a clip is held out: by patterns of its name or, without any, one in ten by digest."""
    if patterns is None:
        return int(clip["digest"][:8], 16) % HELD_OUT_ONE_IN == 0
    return any(fnmatch(clip["name"], pattern) for pattern in patterns)


class FramePairs(IterableDataset[dict[str, Tensor]]):
    """Endless pairs of frames from a folder that ``icface train prepare`` filled.

    The seed and the number of loading processes determine the pairs.

    An item has

    ``pictures`` (2, S, S, 3) uint8
        RGB crops.
    ``known`` (2, S, S) bool
        Where a crop shows the video; elsewhere it repeats the frame's border.
    ``landmarks`` (2, 478, 3) float32
        Crop pixels.
    ``controls`` (2, 56) float32
        Degrees, then 0..1; roll is the roll of the head in the crop.
    ``confidences`` (2,) float32
        0..1.
    ``seconds`` (2,) float64
        On the clip's clock.
    ``clip``, ``track`` () int64
        Place in `clips`, and the track in that clip.

    Parameters
    ----------
    folder : Path
        With ``index.json``.
    split : str
        "train", "val" or "all". Clips are never in both; a person who appears in several clips may
        be, unless `held_out` names them all.
    seed : int
        From 0. Give each training process another, see `icface.training.loop.processes.Ranks.seed`.
    held_out : sequence of str, optional
        Patterns of the names of the clips in "val" (``GRID_s*``); without them it is one clip in
        ten.

    Raises
    ------
    ShardError
        If the folder has no clips of this split with two frames of one track, or crops of several
        sizes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        split: str = "train",
        seed: int = 0,
        held_out: Sequence[str] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ShardError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
        self._folder, self._seed = folder, seed
        index = read_index(folder)
        chosen = [
            c for c in index if split == "all" or is_held_out(c, held_out) == (split == "val")
        ]
        self.clips = [
            clip for clip in chosen if any(track["frames"] > 1 for track in clip["tracks"])
        ]
        if not self.clips:
            raise ShardError(
                f"{folder} has no clips of the split {split!r} with two frames of one person "
                f"(of {len(index)} clips in all). "
                "Prepare more videos, or say which are held out."
            )
        sizes = {int(clip["options"]["size"]) for clip in self.clips}
        if len(sizes) > 1:
            raise ShardError(
                f"{folder} holds crops of {sorted(sizes)} pixels: "
                "prepare all clips with one --size."
            )
        self.size = sizes.pop()
        """Side of the pictures in pixels."""

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        info = get_worker_info()
        if info is not None:
            cv2.setNumThreads(1)
        rng = np.random.default_rng((self._seed, info.id if info else 0))
        parts, weights = self._parts()
        opened: OrderedDict[tuple[int, int], Part] = OrderedDict()
        try:
            while True:
                key = parts[int(rng.choice(len(parts), p=weights))]
                part = self._open(opened, key)
                chosen = _pair(part, rng)
                if chosen is not None:
                    yield self._item(part, chosen, key[0])
        finally:
            for part in opened.values():
                part.close()

    def _parts(self) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
        """Parts that have a pair (clip, number), and their weights: the root of the frame count."""
        keys, counts = [], []
        for number, clip in enumerate(self.clips):
            for index, most in enumerate(_largest_shares(clip)):
                if most > 1:
                    keys.append((number, index))
                    counts.append(min(clip["frames"] - index * PART_FRAMES, PART_FRAMES))
        weights = np.sqrt(np.array(counts, np.float64))
        return keys, weights / weights.sum()

    def _open(self, opened: OrderedDict[tuple[int, int], Part], key: tuple[int, int]) -> Part:
        if key not in opened:
            if len(opened) == OPEN_PARTS:
                opened.popitem(last=False)[1].close()
            clip, index = key
            opened[key] = Part(self._folder / self.clips[clip]["digest"] / f"{index:04d}.zip")
        opened.move_to_end(key)
        return opened[key]

    def _item(self, part: Part, chosen: NDArray[np.intp], clip: int) -> dict[str, Tensor]:
        frames = part.frames
        return {
            "pictures": torch.from_numpy(np.stack([part.picture(int(i)) for i in chosen])),
            "known": torch.from_numpy(np.stack([frames.known(int(i), self.size) for i in chosen])),
            "landmarks": torch.from_numpy(frames.landmarks[chosen]),
            "controls": torch.from_numpy(frames.controls[chosen]),
            "confidences": torch.from_numpy(frames.confidence[chosen]),
            "seconds": torch.from_numpy(frames.seconds[chosen]),
            "clip": torch.tensor(clip),
            "track": torch.tensor(int(frames.track[chosen[0]])),
        }


def _largest_shares(clip: dict[str, Any]) -> Iterator[int]:
    """Most frames of one track in each part of a clip; tracks follow each other in time."""
    shares = [0] * int(clip["parts"])
    begin = 0
    for track in clip["tracks"]:
        end = begin + int(track["frames"])
        for part in range(begin // PART_FRAMES, -(-end // PART_FRAMES)):
            share = min(end, (part + 1) * PART_FRAMES) - max(begin, part * PART_FRAMES)
            shares[part] = max(shares[part], share)
        begin = end
    return iter(shares)


def _pair(part: Part, rng: np.random.Generator) -> NDArray[np.intp] | None:
    """Two frames of one track; the second is likelier the more its controls differ."""
    frames = part.frames
    _, place, count = np.unique(frames.track, return_inverse=True, return_counts=True)
    able = np.flatnonzero(count[place] > 1)
    if not len(able):
        return None
    first = int(rng.choice(able))
    others = np.flatnonzero(frames.track == frames.track[first])
    others = others[others != first]
    distance = control_distance(frames.controls[first], frames.controls[others]) + 1e-6
    second = int(rng.choice(others, p=distance / distance.sum()))
    return np.array([first, second])
