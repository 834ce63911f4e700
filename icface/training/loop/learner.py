"""A network that learns: its AdamW, the moving average of its weights, and both in a checkpoint."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from icface.training.loop.processes import Ranks


@dataclass(slots=True, eq=False)
class Learner:
    """A network and how it is optimised; each learner has its own AdamW.

    Attributes
    ----------
    network : nn.Module
        It is moved to the device of the process.
    rate : float
        Highest learning rate.
    betas : tuple of float
        AdamW's decay of the gradient's mean and of its square.
    weight_decay : float
        AdamW's weight decay.
    clip : float
        Largest norm of the gradient over all weights; longer ones are scaled down to it.
    averaged : bool
        Whether a moving average of the weights is kept.
    spare_weights : bool
        Set it if a step may leave some weights unused; processes then look for them, which takes
        time.
    """

    network: nn.Module
    rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-3
    clip: float = 1.0
    averaged: bool = True
    spare_weights: bool = False


class LearnerState:
    """A learner at work: its network, alone or shared by processes, its average and its optimiser.

    Attributes
    ----------
    network : nn.Module
        The network itself.
    shared : nn.Module
        The network to call in training; with several processes it averages their gradients.
    average : nn.Module or None
        The network with the moving average of its weights, in evaluation mode.
    weights : list of nn.Parameter
        The weights that learn.
    optimiser : torch.optim.AdamW
        Their optimiser.
    """

    def __init__(self, learner: Learner, ranks: Ranks) -> None:
        self._learner = learner
        self.network = learner.network.to(ranks.device)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.shared = self.network
        if ranks.world > 1:
            self.shared = DistributedDataParallel(
                self.network,
                device_ids=[ranks.device] if ranks.device.type == "cuda" else None,
                find_unused_parameters=learner.spare_weights,
                **_unsynchronised_buffers(),
            )
        self.average = (
            copy.deepcopy(self.network).requires_grad_(False).eval() if learner.averaged else None
        )
        self.optimiser = torch.optim.AdamW(
            self.weights, learner.rate, betas=learner.betas, weight_decay=learner.weight_decay
        )

    def begin_step(self, rate_share: float) -> None:
        """Set the learning rate to a share of its highest; switch the network to training mode."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._learner.rate * rate_share
        self.shared.train()

    def clip_gradient(self) -> Tensor:
        """Scale the gradient down to the largest norm allowed; returns its norm before that."""
        return nn.utils.clip_grad_norm_(self.weights, self._learner.clip)

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Move the average, buffers included, towards the network; a share `decay` of it stays."""
        if self.average is None:
            return
        for mean, now in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def state(self) -> dict[str, Tensor]:
        """Weights, average and the optimiser's moments by name: all that a later run needs."""
        state = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        if self.average is not None:
            state |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        for number, weight in enumerate(self.weights):
            state |= {
                f"optimiser.{number}.{key}": value
                for key, value in self.optimiser.state[weight].items()
            }
        return state

    def load(self, saved: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; `RuntimeError` if it is of another network."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                key.removeprefix(prefix): value
                for key, value in saved.items()
                if key.startswith(prefix)
            }

        self.network.load_state_dict(part("network."))
        if self.average is not None:
            self.average.load_state_dict(part("average."))
        for number, weight in enumerate(self.weights):
            for key, value in part(f"optimiser.{number}.").items():
                if value.ndim == 0:  # the count of steps: AdamW keeps it on the CPU
                    self.optimiser.state[weight][key] = value
                    continue
                self.optimiser.state[weight][key] = torch.empty_like(weight).copy_(value)


def _unsynchronised_buffers() -> dict[str, Any]:
    """The option, as this torch names it, that leaves buffers alone between two calls of a step."""
    known = inspect.signature(DistributedDataParallel).parameters
    return {
        next(name for name in ("forward_sync_buffers", "broadcast_buffers") if name in known): False
    }
