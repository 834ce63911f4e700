"""Batches of stored patches, shifted, turned, mirrored and relit as they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from icface.face.controls import CHANNELS
from icface.model.networks.painter import PATCH
from icface.training.painter.patches import ROOMY, Kind
from icface.training.rig.rig import MIRROR

RIG_SHARE = 0.4
_STRETCHED = 80
"""Stored stretch below this (the surface is more than twice as long there) is welcome to be painted
over."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchBatch:
    """A training batch.

    Attributes
    ----------
    seen : (N, PATCH_CHANNELS, PATCH, PATCH)
        What the painter sees.
    target : (N, 3, PATCH, PATCH) in -1..1
        The photograph there, or what the rig makes of it.
    zone, inside : (N, 1, PATCH, PATCH) in 0..1
        Where painting is welcome; where the target shows the inside of a mouth.
    before, after : (N, 56)
        Controls as the painter is conditioned on them.
    """

    seen: Tensor
    target: Tensor
    zone: Tensor
    inside: Tensor
    before: Tensor
    after: Tensor

    def to(self, device: torch.device) -> PatchBatch:
        """On another device, pictures channels last."""
        seen, target = (
            m.to(device, memory_format=torch.channels_last) for m in (self.seen, self.target)
        )
        zone, inside, before, after = (
            t.to(device) for t in (self.zone, self.inside, self.before, self.after)
        )
        return PatchBatch(seen, target, zone, inside, before, after)


class PatchSampler:
    """Draws batches of patches without end.

    In the paired phase every target teaches, a share of `RIG_SHARE` being rig targets; in the
    unpaired phase the two domains are patches that are no photograph's, and photographs.
    """

    def __init__(self, *folders: Path, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        names = ("seen", "target", "zone", "controls")
        self._arrays = {name: torch.from_numpy(_joined(folders, name)) for name in names}
        kind = _joined(folders, "kind")
        self._rows = {k: np.flatnonzero(kind == k) for k in Kind}
        self._mirror = torch.from_numpy(np.concatenate([np.arange(3), 3 + MIRROR]))
        self._signs = torch.ones(len(CHANNELS))
        self._signs[[0, 2]] = -1

    def batch(self, count: int, kind: Kind | None = None) -> PatchBatch:
        """`count` augmented samples of a kind, or of both."""
        if kind is None and all(len(rows) for rows in self._rows.values()):
            kinds = self._rng.random(count) < RIG_SHARE
            drawn = [self._rng.choice(self._rows[k], count) for k in (Kind.PHOTO, Kind.RIG)]
            return self._take(np.where(kinds, drawn[1], drawn[0]), augmented=True)
        rows = np.concatenate(list(self._rows.values())) if kind is None else self._rows[kind]
        return self._take(self._rng.choice(rows, count), augmented=True)

    def in_order(self, size: int, kind: Kind = Kind.PHOTO) -> list[PatchBatch]:
        """All samples of a kind once, as they are."""
        rows = self._rows[kind]
        return [self._take(rows[i : i + size], augmented=False) for i in range(0, len(rows), size)]

    def _take(
        self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], *, augmented: bool
    ) -> PatchBatch:
        index = torch.from_numpy(rows)
        stored = torch.cat(
            [self._arrays[name][index] for name in ("seen", "target", "zone")], 1
        ).float()
        stretched = (stored[:, 8:9] < _STRETCHED).float() * 255
        stored[:, 12:13] = torch.maximum(stored[:, 12:13], F.max_pool2d(stretched, 5, 1, 2))
        maps = self._placed(stored, augmented=augmented)
        pictures = maps[:, [0, 1, 2, 3, 4, 5, 9, 10, 11]] / 127.5 - 1
        controls = self._arrays["controls"][index].clone()
        if augmented:
            pictures = self._relit(pictures)
            mirrored = torch.from_numpy(self._rng.random(len(rows)) < 0.5)
            maps[mirrored], pictures[mirrored] = maps[mirrored].flip(3), pictures[mirrored].flip(3)
            controls[mirrored] = controls[mirrored][:, :, self._mirror] * self._signs
        seen = torch.cat([pictures[:, :6], maps[:, 6:8] / 255, maps[:, 8:9] / 127.5 - 1], 1)
        return PatchBatch(
            seen,
            pictures[:, 6:],
            maps[:, 12:13] / 255,
            maps[:, 13:14] / 255,
            controls[:, 0],
            controls[:, 1],
        )

    def _placed(self, maps: Tensor, *, augmented: bool) -> Tensor:
        """The patch out of the roomy one; augmented ones shifted, scaled and turned a little."""
        count = len(maps)
        if not augmented:
            edge = (ROOMY - PATCH) // 2
            return maps[:, :, edge : edge + PATCH, edge : edge + PATCH].contiguous()
        rng = self._rng
        zoom, angle = np.exp(rng.normal(0, 0.03, count)), rng.normal(0, 0.04, count)
        cos, sin = zoom * np.cos(angle) * PATCH / ROOMY, zoom * np.sin(angle) * PATCH / ROOMY
        theta = np.stack(
            [cos, -sin, rng.normal(0, 0.03, count), sin, cos, rng.normal(0, 0.03, count)], 1
        )
        grid = F.affine_grid(
            torch.from_numpy(theta.reshape(-1, 2, 3).astype(np.float32)),
            [count, 1, PATCH, PATCH],
            align_corners=False,
        )
        return F.grid_sample(maps, grid, padding_mode="border", align_corners=False)

    def _relit(self, pictures: Tensor) -> Tensor:
        """Another gamma, gain and cast, the same for all pictures of a sample."""
        count = len(pictures)

        def normal(*shape: int) -> Tensor:
            return torch.from_numpy(self._rng.standard_normal(shape, np.float32))

        cast = (
            normal(count, 1, 1, 1) * 0.12 + (normal(count, 3, 1, 1) * 0.05).repeat(1, 3, 1, 1)
        ).exp()
        light = (pictures * 0.5 + 0.5).clamp(0, 1) ** (normal(count, 1, 1, 1) * 0.15).exp()
        return (light * cast).clamp(0, 1) * 2 - 1


def _joined(folders: Sequence[Path], name: str) -> NDArray[Any]:
    """An array of all folders, one after the other."""
    return np.concatenate([np.load(folder / f"{name}.npy") for folder in folders])
