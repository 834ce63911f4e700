"""The matte network: the person in front, the wall behind, and its published weights."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from icface.model.networks.matting import SIDE, MatteNet
from icface.model.networks.weights import models_dir
from icface.training.matte.convert import ConvertError, convert


def test_the_astronaut_is_told_from_what_is_behind_her() -> None:
    network = MatteNet.from_file(models_dir() / "matte.safetensors")
    picture = cv2.resize(astronaut(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        matte = network(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)[0, 0]
    assert matte.shape == (SIDE, SIDE)
    found = matte.numpy()
    assert found[30:60, 100:120].min() > 0.9  # the face
    assert found[150:200, 90:130].min() > 0.9  # the suit
    assert found[10:60, 200:240].max() < 0.2  # the shuttle
    assert 0 <= found.min() <= found.max() <= 1


def test_a_flipped_picture_has_a_flipped_matte() -> None:
    network = MatteNet.from_file(models_dir() / "matte.safetensors")
    picture = cv2.resize(astronaut(), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    both = torch.from_numpy(np.stack([picture, picture[:, ::-1]])).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        one, other = network(both / 255)[:, 0]
    assert (one - other.flip(1)).abs().mean() < 0.05


def test_without_the_package_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "tflite":
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConvertError, match=r"tflite is not installed.*\[train\]"):
        convert(tmp_path / "selfie_segmentation.tflite", tmp_path / "matte.safetensors")
    assert not (tmp_path / "matte.safetensors").exists()
