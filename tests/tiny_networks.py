"""The real networks, small and seeded: the whole pipeline for tests, fast and meaningless."""

from __future__ import annotations

import torch

from icface.model.networks.animator import Animator, AnimatorConfig
from icface.model.networks.neutralizer import Neutralizer, NeutralizerConfig, Part
from icface.model.networks.painter import Painter, PainterConfig
from icface.rendering.predictor import FacePredictor


def tiny_networks(seed: int = 0) -> tuple[Neutralizer, Animator, Painter]:
    """Small networks of random weights.

    The neutralizer takes every pixel for skin, so that there is a surface to move.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        neutralizer = Neutralizer(NeutralizerConfig(widths=(8, 8, 8, 8, 8)))
        animator = Animator(AnimatorConfig(planes=(4,), features=2, width=8, depth=1))
        painter = Painter(PainterConfig(widths=(8, 8), condition_dim=4))
    with torch.no_grad():
        neutralizer.head.get_parameter("weight").mul_(0.05)
        neutralizer.head.get_parameter("bias").zero_().view(20, 4)[15 + Part.SKIN] = 100.0
    return neutralizer, animator, painter


def tiny_face_predictor(seed: int = 0) -> FacePredictor:
    """The predictor of `tiny_networks`, on the CPU."""
    return FacePredictor(*tiny_networks(seed))
