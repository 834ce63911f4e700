"""The first estimate of a surface: a smoothing thin-plate spline."""

from __future__ import annotations

import pytest
import torch

from icface.model.networks import neutralizer
from icface.model.networks.neutralizer import place_estimate


def test_an_affine_map_is_reproduced_exactly() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, 60, 2, generator=generator) * 1.6 - 0.8
    matrix = torch.tensor([[0.5, -0.2], [0.1, 0.8], [0.0, 0.3]])
    estimate = place_estimate(points[:1], points[0] @ matrix.T + 0.1, 64)
    t = (torch.arange(64) + 0.5) / 32 - 1
    ys, xs = torch.meshgrid(t, t, indexing="ij")
    expected = torch.einsum("kc,chw->khw", matrix, torch.stack([xs, ys])) + 0.1
    assert torch.allclose(
        estimate[0, :, 4:-4, 4:-4], expected[:, 4:-4, 4:-4], atol=6e-3
    )  # the enlargement is bicubic


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_noise_in_the_points_is_smoothed(noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1, 96, 2, generator=generator) * 1.6 - 0.8
    values = torch.stack([points[0, :, 0], points[0, :, 1], 1 - points[0].square().sum(1)], 1)
    wrong = points + noise * torch.randn(points.shape, generator=generator)
    t = (torch.arange(32) + 0.5) / 16 - 1
    ys, xs = torch.meshgrid(t, t, indexing="ij")
    truth = torch.stack([xs, ys, 1 - xs.square() - ys.square()])
    error = (place_estimate(wrong, values, 32)[0] - truth)[:, 6:-6, 6:-6].norm(dim=0).mean()
    assert error < 0.02 + noise


def test_the_shipped_network_knows_its_anchors() -> None:
    from icface.model.networks.weights import models_dir

    network = neutralizer.Neutralizer.from_file(models_dir() / "neutralizer.safetensors")
    assert len(set(network.anchors.tolist())) == neutralizer.ANCHORS
    assert network.anchor_places.abs().max() < 1.5
