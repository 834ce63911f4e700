"""Closed lids retouched: the light that a drawn lid lacks of a photographed one, once per photo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np
import torch

from icface.arrays import F32, F64
from icface.face.ramps import smoothstep
from icface.model.eyes.eye_photo import EyePhoto
from icface.model.eyes.lid_skin import LidSkin
from icface.model.eyes.lid_window import lid_window
from icface.model.networks.lid_retoucher import LID_COLUMNS, LID_ROWS, LidRetoucher

_GREY = 0.004
"""Spread of the channels, 0..1, up to which a photo is black and white."""

_SHARE = 0.55
"""Share of the network's light that is added: it learnt from stronger make-up and harder light."""
_FADES = 0.16
"""Width of the strip along the window's border in which the light fades, in window widths."""


def drawn_over(skin: LidSkin, photo: EyePhoto, source: F64) -> tuple[F32, F32]:
    """A photo's eye closed by drawing alone, (S, S, 3) 0..1, and where it was drawn, (S, S).

    Parameters
    ----------
    skin : LidSkin
    photo : EyePhoto
    source : (N, 2)
        Surface points, grid pixels.
    """
    size = (photo.size, photo.size)
    patch = skin.drawn(source, 1.0)
    if patch is None:
        return photo.pixels, np.zeros(size, np.float32)
    there = photo.frame @ patch.patch_from_grid.inverse()
    layer = np.dstack([patch.colour * patch.mask[..., None], patch.mask])
    over = cv2.warpAffine(layer, there.matrix, size, flags=cv2.INTER_LINEAR)
    drawn = photo.pixels * (1 - over[..., 3:]) + over[..., :3]
    return drawn.astype(np.float32), np.ascontiguousarray(over[..., 3], np.float32)


def retouched(
    skins: Iterable[LidSkin], photos: Iterable[EyePhoto], source: F64, network: LidRetoucher
) -> tuple[LidSkin, ...]:
    """The lids with the light they lack.

    Parameters
    ----------
    skins, photos : iterables
        Of the same eyes.
    source : (N, 2)
        Surface points, grid pixels.
    network : LidRetoucher
    """
    return tuple(
        _retouched(skin, photo, source, network) if skin.hidden > 0 else skin
        for skin, photo in zip(skins, photos, strict=True)
    )


def _fade() -> F32:
    """(LID_ROWS, LID_COLUMNS) share of the light that is added, 0 along the border."""
    lines = [(np.arange(n) + 0.5) / n for n in (LID_ROWS, LID_COLUMNS)]
    down, across = (smoothstep(np.clip(np.minimum(v, 1 - v) / _FADES, 0, 1)) for v in lines)
    return (_SHARE * down[:, None] * across).astype(np.float32)


def _retouched(skin: LidSkin, photo: EyePhoto, source: F64, network: LidRetoucher) -> LidSkin:
    drawn, mask = drawn_over(skin, photo, source)
    line = skin.line_at(source)
    seen, cover = (lid_window(a, line, photo.outer) for a in (drawn, mask))
    channels = np.concatenate([seen * 2 - 1, cover[..., None]], 2).transpose(2, 0, 1)
    with torch.no_grad():
        light = network(torch.from_numpy(np.ascontiguousarray(channels))[None])[0].numpy() / 2
    touch = np.ascontiguousarray(light.transpose(1, 2, 0) * _fade()[..., None], np.float32)
    if float(np.ptp(photo.pixels, axis=2).mean()) < _GREY:
        touch[:] = touch.mean(2, keepdims=True)
    return replace(skin, touch=touch)
