"""High dynamic range on an ordinary screen: PQ and HLG brought to BT.709 of 8 or 16 bits.

Sources
-------
ITU-R BT.2100-2, tables 4 and 5: the transfers PQ and HLG; HLG is shown at 1000 cd/m2 with a system
    gamma of 1.2.
ITU-R BT.2390-8, section 5.4: the curve that rolls highlights off, evaluated on the greatest of R, G
    and B, so that hues stay.
ITU-R BT.2408-5: diffuse white of such a picture is 203 cd/m2; that much light is the white of the
    ordinary picture.
ITU-R BT.2087: BT.2020 to BT.709; what lies outside of BT.709 is clipped. ITU-R BT.1886: the
    ordinary screen's gamma of 2.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import Pixels
from icface.media.colour import BT709, BT2020, HLG, PQ, Colours
from icface.media.photo import bands

WHITE_NITS = 203.0
"""Light of diffuse white, in cd/m2 (BT.2408): the brightest that the ordinary picture shows."""
PEAK_NITS = 1000.0
"""Light that the curve starts from, in cd/m2: what HLG is made for, and most PQ is mastered to.
Beyond, hues stay."""

_SCREEN_GAMMA = 2.4
_SYSTEM_GAMMA = 1.2
_HLG_A = 0.17883277
"""Constant a of HLG (BT.2100, table 5)."""
_HLG_B = 0.28466892
"""Constant b of HLG (BT.2100, table 5)."""
_HLG_C = 0.55991073
"""Constant c of HLG (BT.2100, table 5)."""
_PQ_M1 = 2610 / 16384
"""Constant m1 of PQ (BT.2100, table 4)."""
_PQ_M2 = 2523 / 4096 * 128
"""Constant m2 of PQ (BT.2100, table 4)."""
_PQ_C1 = 3424 / 4096
"""Constant c1 of PQ (BT.2100, table 4)."""
_PQ_C2 = 2413 / 4096 * 32
"""Constant c2 of PQ (BT.2100, table 4)."""
_PQ_C3 = 2392 / 4096 * 32
"""Constant c3 of PQ (BT.2100, table 4)."""
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593])
"""Weights of R, G and B in the luma of BT.2020."""
_BT709_LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of R, G and B in the luma of BT.709."""
_BT709_OF_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
_BT709_OF_BT2020 /= _BT709_OF_BT2020.sum(
    axis=1, keepdims=True
)  # printed with four places: grey stays grey exactly
_BRIGHT_STEPS = 1 << 16
_FADE = 16 / 255
"""Change from which on nothing is kept of what could not be shown."""

Floats = NDArray[np.float64] | np.float64


def is_hdr(colours: Colours) -> bool:
    """Whether a clip declares the transfer PQ or HLG."""
    return colours.transfer in (PQ, HLG)


def shown_colours(colours: Colours) -> Colours:
    """The colours of `to_sdr`'s result: BT.709 for PQ and HLG; unchanged for all others."""
    return Colours(BT709, BT709, colours.matrix, colours.range) if is_hdr(colours) else colours


def to_sdr(pixels: Pixels, colours: Colours) -> Pixels:
    """RGB of PQ or HLG as an ordinary screen shows it; the same pixels for other transfers.

    Parameters
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        RGB in the clip's own transfer and primaries, full range; alpha stays as it is.
    colours : Colours
        What the clip says.

    Returns
    -------
    (H, W, 3 or 4) of the same type
        BT.709 primaries, gamma 2.4.
    """
    if not is_hdr(colours):
        return pixels
    made = np.empty_like(pixels)
    for rows in bands(*pixels.shape[:2]):
        made[rows, :, :3] = _band(pixels[rows, :, :3], colours)
    made[..., 3:] = pixels[..., 3:]
    return made


def _band(codes: Pixels, colours: Colours) -> Pixels:
    most = int(np.iinfo(codes.dtype).max)
    light: NDArray[Any] = _light_table(colours.transfer, most)[codes]
    wide = colours.primaries == BT2020
    if colours.transfer == HLG:
        luma = _BT2020_LUMA if wide else _BT709_LUMA
        scene = cv2.transform(light, luma.reshape(1, 3).astype(np.float32))
        light *= PEAK_NITS * np.maximum(scene, 1e-9)[..., None] ** np.float32(_SYSTEM_GAMMA - 1)
    brightest = light.max(axis=2)
    within = np.minimum(brightest, np.float32(PEAK_NITS))
    place = (within * np.float32(_BRIGHT_STEPS / PEAK_NITS)).astype(np.int32)
    gain = _gain_table()[place] * (within / np.maximum(brightest, np.float32(1e-6)))
    light = light * gain[..., None]
    if wide:
        light = cv2.transform(light, _BT709_OF_BT2020.astype(np.float32))
    linear = np.clip(light * np.float32(1 / WHITE_NITS), 0, 1)
    root = np.rint(np.sqrt(linear) * np.float32(65535))  # finer where the screen's curve is steep
    coded: Pixels = _code_table(most)[root.astype(np.uint16)]
    return coded


def changed_as_shown(
    own: Pixels, before: Pixels, after: Pixels, colours: Colours
) -> NDArray[np.uint16]:
    """A clip's pixels, in its own transfer and primaries, with the edits of the shown picture.

    Parameters
    ----------
    own : (H, W, 3) uint16
        In the clip's PQ or HLG.
    before, after : (H, W, 3) uint16
        What `to_sdr` makes of them, and that with edits.
    colours : Colours
        What the clip says.

    Returns
    -------
    (H, W, 3) uint16
        Pixels that did not change are the clip's own, to the last bit.
    """
    changed = (before != after).any(axis=2)
    old, new = before[changed], after[changed]
    change = np.abs(new.astype(np.float64) - old).max(axis=1, initial=0, keepdims=True) / 65535
    kept = np.clip(1 - change / _FADE, 0, 1)  # of what the ordinary picture could not show
    unseen = own[changed] - 65535 * _signal_of_sdr(old, colours)
    made = own.astype(np.uint16)
    made[changed] = np.clip(np.rint(65535 * _signal_of_sdr(new, colours) + kept * unseen), 0, 65535)
    return made


def _signal_of_sdr(pixels: Pixels, colours: Colours) -> NDArray[np.float64]:
    """Signals 0..1, in PQ or HLG, (N, 3), of ordinary pixels (N, 3) uint16: `to_sdr` undone."""
    light = WHITE_NITS * (pixels / 65535.0) ** _SCREEN_GAMMA
    wide = colours.primaries == BT2020
    if wide:
        light = np.maximum(light @ np.linalg.inv(_BT709_OF_BT2020).T, 0)
    brightest = light.max(axis=1, initial=1e-6)
    nits = np.linspace(0, PEAK_NITS, _BRIGHT_STEPS + 1)
    light *= (np.interp(brightest, rolled_off(nits), nits) / brightest)[:, None]
    if colours.transfer == PQ:
        return np.asarray(pq_of_light(light))
    luma = _BT2020_LUMA if wide else _BT709_LUMA
    shown = np.maximum(light @ luma, 1e-9) / PEAK_NITS
    return hlg_of_scene(light / PEAK_NITS * (shown ** (1 / _SYSTEM_GAMMA - 1))[:, None])


@lru_cache(maxsize=8)
def _light_table(transfer: int, most: int) -> NDArray[np.float32]:
    """Light of each code: cd/m2 of PQ; of HLG the scene's, 0..1."""
    signal = np.arange(most + 1) / most
    light: NDArray[np.float32] = np.asarray(
        light_of_pq(signal) if transfer == PQ else scene_of_hlg(signal), np.float32
    )
    light.flags.writeable = False
    return light


@lru_cache(maxsize=1)
def _gain_table() -> NDArray[np.float32]:
    """Factor for each step of light, by which the curve dims it."""
    nits = ((np.arange(_BRIGHT_STEPS + 1) + 0.5) * (PEAK_NITS / _BRIGHT_STEPS)).astype(np.float64)
    gain: NDArray[np.float32] = np.asarray(rolled_off(nits) / nits, np.float32)
    gain.flags.writeable = False
    return gain


@lru_cache(maxsize=2)
def _code_table(most: int) -> Pixels:
    """The code of each root of light, in steps of 1/65535."""
    signal = (np.arange(65536) / 65535) ** (2 / _SCREEN_GAMMA)
    codes = np.rint(signal * most).astype(np.uint8 if most == 255 else np.uint16)
    codes.flags.writeable = False
    return cast("Pixels", codes)


def light_of_pq(signal: Floats) -> Floats:
    """Light in cd/m2, 0 to 10,000, of PQ signals in 0..1 (BT.2100, table 4)."""
    root = np.asarray(signal, np.float64) ** (1 / _PQ_M2)
    light: Floats = 10_000 * (np.maximum(root - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * root)) ** (
        1 / _PQ_M1
    )
    return light


def pq_of_light(nits: Floats) -> Floats:
    """PQ signal in 0..1 of light in cd/m2 (BT.2100, table 4)."""
    power = (np.asarray(nits, np.float64) / 10_000) ** _PQ_M1
    signal: Floats = ((_PQ_C1 + _PQ_C2 * power) / (1 + _PQ_C3 * power)) ** _PQ_M2
    return signal


def scene_of_hlg(signal: Floats) -> Floats:
    """Light of the scene, 0..1, of HLG signals in 0..1 (BT.2100, table 5)."""
    signal = np.asarray(signal, np.float64)
    light: Floats = np.where(
        signal <= 0.5, signal**2 / 3, (np.exp((signal - _HLG_C) / _HLG_A) + _HLG_B) / 12
    )
    return light


def hlg_of_scene(light: Floats) -> NDArray[np.float64]:
    """HLG signal in 0..1 of the scene's light, 0..1 (BT.2100, table 5)."""
    light = np.clip(light, 0, 1)
    bright = _HLG_A * np.log(np.maximum(12 * light - _HLG_B, 1e-12)) + _HLG_C
    return np.asarray(np.where(light <= 1 / 12, np.sqrt(3 * light), bright))


def rolled_off(nits: Floats) -> Floats:
    """Light of 0 to `PEAK_NITS`, brought to 0 to `WHITE_NITS` (BT.2390, 5.4.1).

    It is unchanged below a knee and bent above it.
    """
    top = float(pq_of_light(np.float64(PEAK_NITS)))
    most = float(pq_of_light(np.float64(WHITE_NITS))) / top
    knee = 1.5 * most - 0.5
    signal = np.minimum(pq_of_light(nits) / top, 1)
    t = np.maximum(signal - knee, 0) / (1 - knee)
    bent = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * most
    )
    return light_of_pq(np.where(signal < knee, signal, bent) * top)
