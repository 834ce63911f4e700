"""The place of a process among those that torchrun starts to train together.

A process alone is number 0 of 1 and does not need torchrun.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist

Item = TypeVar("Item")

_PATIENCE = timedelta(hours=1)
"""Longest time a process waits for the others: longer than any evaluation takes."""


class TrainingError(ValueError):
    """A run that cannot start or go on; the message says why and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """The place of this process among those that train together.

    Attributes
    ----------
    rank, world : int
        Its number, from 0, and how many there are.
    device : torch.device
        Where its networks are.
    number_group : dist.ProcessGroup, optional
        The group in which processes exchange numbers; the one for gradients if None.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    number_group: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """True for the process that writes files and the log."""
        return self.rank == 0

    def seed(self, seed: int, *more: int) -> int:
        """A seed for this process, 0 to 2^63 - 1, from the run's seed and further numbers."""
        words = np.random.SeedSequence((seed, self.rank, *more)).generate_state(1, np.uint64)
        return int(words[0] >> np.uint64(1))

    def part_of_batch(self, total: int) -> int:
        """The process's number of samples of a batch of `total`."""
        if total < self.world or total % self.world:
            raise TrainingError(
                f"A batch of {total} cannot be shared equally by {self.world} processes: "
                f"make it a multiple of {self.world}."
            )
        return total // self.world

    def part_of(self, items: Sequence[Item]) -> Sequence[Item]:
        """The process's share of the items; every item belongs to one process."""
        return items[self.rank :: self.world]

    def agreed(self, value: float) -> float:
        """The first process's value, the same in all processes."""
        if self.world == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        dist.broadcast(shared, 0, group=self.number_group)
        return float(shared)


def is_first() -> bool:
    """True if this process is alone or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: str = "auto") -> Iterator[Ranks]:
    """The place of this process among those that torchrun started, or alone.

    At the end of the context the processes leave their group.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda", or another as torch names it. Processes on CUDA take one GPU each and
        talk by NCCL, others by Gloo.

    Raises
    ------
    TrainingError
        If the device is not there or has not enough GPUs.
    """
    world, rank, local = (
        _variable(name, default)
        for name, default in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0))
    )
    where = _device(device, local, several=world > 1)
    if world == 1:
        yield Ranks(device=where)
        return
    loud = logging.getLogger("icface")
    level = loud.level
    if rank:
        loud.setLevel(logging.WARNING)
    try:
        on_gpu = where.type == "cuda"
        if on_gpu:
            torch.cuda.set_device(where)
        dist.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
        # Numbers go by Gloo: one read from a GPU would wait for all its work.
        number_group = (
            cast("dist.ProcessGroup", dist.new_group(backend="gloo", timeout=_PATIENCE))
            if on_gpu
            else None
        )
        yield Ranks(rank=rank, world=world, device=where, number_group=number_group)
        dist.barrier(group=number_group)  # leaving early makes others fail
    finally:
        loud.setLevel(level)
        if dist.is_initialized():
            dist.destroy_process_group()


def _variable(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise TrainingError(
            f"The environment variable {name} is {text!r}, not a number: let torchrun set it."
        ) from None


def _device(name: str, local: int, *, several: bool) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise TrainingError(
            f"There is no kind of device {name!r}: choose auto, cpu or cuda."
        ) from None
    if device.type != "cuda":
        return device
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    number = local if several else device.index or 0
    if number >= count:
        raise TrainingError(
            f"GPU number {number} was asked for, and torch sees {count}: "
            + (
                f"start at most {count} processes (--nproc_per_node={count})."
                if count
                else "choose --device cpu."
            )
        )
    return torch.device("cuda", number)
