"""The device and the precision in which the networks run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Device:
    """A device and a precision.

    Attributes
    ----------
    torch_device : torch.device
        CPU, CUDA or MPS.
    dtype : torch.dtype
        Half precision on a GPU, float32 on the CPU.
    """

    torch_device: torch.device
    dtype: torch.dtype

    @property
    def name(self) -> str:
        """Name for the status bar: ``CPU``, ``CUDA fp16``."""
        if self.torch_device.type == "cpu":
            return "CPU"
        return (
            f"{self.torch_device.type.upper()} {'fp16' if self.dtype is torch.float16 else 'fp32'}"
        )

    def in_full_precision(self) -> Device:
        """The same device with float32."""
        return Device(self.torch_device, torch.float32)


CPU = Device(torch.device("cpu"), torch.float32)


def pick_device(wish: str = "auto") -> Device:
    """The best device present, or the requested one.

    Raises
    ------
    ValueError
        When the device is unknown or not present.
    """
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if wish == "auto":
        wish = next((kind for kind in ("cuda", "mps") if present[kind]), "cpu")
    if wish not in present:
        raise ValueError(f"Unknown device {wish!r}; use auto, cpu, cuda or mps.")
    if not present[wish]:
        raise ValueError(f"No {wish.upper()} device is present; use --device cpu or auto.")
    return CPU if wish == "cpu" else Device(torch.device(wish), torch.float16)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread: the operations are too small to split."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
