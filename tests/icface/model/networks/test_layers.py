"""Blocks of the networks, and faster copies of networks."""

from __future__ import annotations

import torch
from torch import nn

from icface.model.networks.layers import DirectConv2d, for_inference
from icface.model.networks.neutralizer import Neutralizer, NeutralizerConfig
from icface.model.networks.painter import PATCH, PATCH_CHANNELS, Painter, PainterConfig


def with_learnt_statistics(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
            nn.init.normal_(module.weight, 1, 0.2)
    return network.eval()


def test_a_copy_for_inference_answers_alike_and_leaves_the_network_as_is() -> None:
    torch.manual_seed(0)
    painter = with_learnt_statistics(Painter(PainterConfig(widths=(8, 12, 16), condition_dim=6)))
    before = {name: value.clone() for name, value in painter.state_dict().items()}
    seen, controls = torch.randn(1, PATCH_CHANNELS, PATCH, PATCH), torch.rand(2, 1, 56)
    quick = for_inference(painter)
    with torch.inference_mode():
        slow, fast = painter(seen, *controls), quick(seen, *controls)
    assert torch.allclose(slow.colour, fast.colour, atol=1e-4)
    assert torch.allclose(slow.mask, fast.mask, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    assert all(torch.equal(value, before[name]) for name, value in painter.state_dict().items())


def test_normalisations_within_rows_of_layers_are_worked_in_too() -> None:
    torch.manual_seed(0)
    network = with_learnt_statistics(Neutralizer(NeutralizerConfig(widths=(8, 8, 8, 8, 8))))
    quick = for_inference(network)
    image, points = torch.randn(1, 3, 160, 160), torch.rand(1, 478, 2) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(network(image, points).logits, quick(image, points).logits, atol=1e-3)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())


def test_a_direct_convolution_is_a_convolution() -> None:
    torch.manual_seed(0)
    plain, direct = nn.Conv2d(16, 8, 3, 2, 1), DirectConv2d(16, 8, 3, 2, 1)
    direct.load_state_dict(plain.state_dict())
    for picture in (torch.randn(1, 16, 12, 12), torch.randn(1, 16, 12, 12).double()):
        plain.to(picture.dtype), direct.to(picture.dtype)
        with torch.inference_mode():
            assert torch.allclose(plain(picture), direct(picture), atol=1e-5)
