"""``icface train matte``: MediaPipe's selfie segmentation, from its own file to ours.

The file is ``selfie_segmentation.tflite`` of the npm package ``@mediapipe/selfie_segmentation``
(Apache-2.0). Convolutions stand in it in the order in which they run, which is the order of
`MatteNet`'s modules; nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from icface.arrays import F32
from icface.model.networks.matting import KIND, MatteNet
from icface.model.networks.weights import save_model

_SAMPLES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
"""Sample types of a TensorFlow Lite tensor that hold weights."""


class ConvertError(ValueError):
    """A file that does not hold the network."""


def convert(tflite_file: Path, out: Path) -> Path:
    """Write the weights of a .tflite file as a weights file of `MatteNet`; returns `out`.

    Raises
    ------
    ConvertError
        For a file with another network, or without the package ``tflite``.
    """
    network = MatteNet()
    layers = [m for m in _in_order(network) if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    stored = list(_weights(tflite_file))
    if len(stored) != len(layers):
        raise ConvertError(
            f"{tflite_file} has {len(stored)} layers with weights, not the {len(layers)} of"
            " selfie_segmentation.tflite."
        )
    state: dict[str, Tensor] = {}
    names = {id(module): name for name, module in network.named_modules()}
    for layer, (weight, bias) in zip(layers, stored, strict=True):
        ours = torch.from_numpy(_turned(weight, layer))
        if ours.shape != layer.weight.shape:
            raise ConvertError(
                f"{tflite_file}: {names[id(layer)]} has the shape {tuple(ours.shape)} there and"
                f" {tuple(layer.weight.shape)} here; it is another network."
            )
        state[f"{names[id(layer)]}.weight"] = ours
        state[f"{names[id(layer)]}.bias"] = torch.from_numpy(bias)
    save_model(
        out,
        kind=KIND,
        config={},
        state=state,
        notes={"source": "MediaPipe selfie segmentation, Apache-2.0, not trained further"},
    )
    return out


def _in_order(network: MatteNet) -> Iterator[nn.Module]:
    """The network's layers in the order in which the file lists them."""
    return network.modules()


def _turned(weight: F32, layer: nn.Conv2d | nn.ConvTranspose2d) -> F32:
    """A layer's weight in torch's order of axes, from (out, height, width, in)."""
    if isinstance(layer, nn.ConvTranspose2d):
        return np.ascontiguousarray(weight.transpose(3, 0, 1, 2))
    if layer.groups > 1:  # (1, height, width, channels)
        return np.ascontiguousarray(weight.transpose(3, 0, 1, 2))
    return np.ascontiguousarray(weight.transpose(0, 3, 1, 2))


def _weights(path: Path) -> Iterator[tuple[F32, F32]]:
    """Weight and bias of each layer of a .tflite file, in the order in which they run."""
    tflite = _package()
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    unpacked = {
        operator.Outputs(0): operator.Inputs(0)
        for operator in (graph.Operators(i) for i in range(graph.OperatorsLength()))
        if operator.InputsLength() == 1
    }
    for i in range(graph.OperatorsLength()):
        inputs = graph.Operators(i).InputsAsNumpy()
        if len(inputs) == 3:  # a layer: what comes in, weight, bias
            weight, bias = (
                _array(model, graph.Tensors(unpacked.get(int(t), int(t)))) for t in inputs[1:]
            )
            yield weight, bias


def _array(model: Any, tensor: Any) -> F32:
    data = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
    values = np.frombuffer(data, dtype=_SAMPLES[tensor.Type()]).astype(np.float32)
    return np.asarray(values.reshape(tensor.ShapeAsNumpy()), np.float32)


def _package() -> Any:
    try:
        import tflite  # noqa: PLC0415  (an optional package, for training only)
    except ImportError:
        raise ConvertError(
            'The package tflite is not installed; pip install -e ".[train]" brings it.'
        ) from None
    return tflite
