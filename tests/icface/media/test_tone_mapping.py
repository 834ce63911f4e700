from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.media.colour import BT709, BT2020, HLG, PQ, Colours
from icface.media.tone_mapping import (
    PEAK_NITS,
    WHITE_NITS,
    changed_as_shown,
    is_hdr,
    light_of_pq,
    pq_of_light,
    rolled_off,
    scene_of_hlg,
    shown_colours,
    to_sdr,
)

WIDE_PQ, WIDE_HLG = (Colours(BT2020, transfer, BT2020, 1) for transfer in (PQ, HLG))


def grey(signal: float, *, deep: bool = True) -> np.ndarray:
    most, kind = (65535, np.uint16) if deep else (255, np.uint8)
    return np.full((1, 1, 3), round(signal * most), kind)


def test_pq_and_hlg_tell_the_light_that_the_recommendations_print() -> None:
    # BT.2408, table 1: signals of PQ and of HLG at 1000 cd/m2 for the light of grey cards and of
    # diffuse white
    assert light_of_pq(np.array([0, 0.58, 1.0])) == pytest.approx(
        [0, 203, 10_000], rel=0.01, abs=1e-9
    )
    assert light_of_pq(np.array(0.38)) == pytest.approx(26, rel=0.03)
    shown = 1000 * scene_of_hlg(np.array([0.38, 0.75, 1.0])) ** 1.2
    assert shown == pytest.approx([26, 203, 1000], rel=0.015)


@given(st.floats(0, 10_000))
def test_pq_of_light_is_the_way_back(nits: float) -> None:
    assert light_of_pq(pq_of_light(np.array(nits))) == pytest.approx(nits, rel=1e-6, abs=1e-6)


def test_the_curve_leaves_what_lies_below_its_knee_rises_and_ends_at_white() -> None:
    nits = np.linspace(0, PEAK_NITS, 5000)
    rolled = rolled_off(nits)
    assert rolled[nits < 80] == pytest.approx(nits[nits < 80], rel=1e-6, abs=1e-9)
    assert (np.diff(rolled) > 0).all()
    assert rolled[-1] == pytest.approx(WHITE_NITS)
    assert rolled_off(np.array(10 * PEAK_NITS)) == pytest.approx(WHITE_NITS)


@pytest.mark.parametrize("colours", [WIDE_PQ, WIDE_HLG])
def test_grey_cards_and_white_of_hdr_become_those_of_ordinary_video(colours: Colours) -> None:
    card, white = (0.38, 0.58) if colours is WIDE_PQ else (0.38, 0.75)
    assert to_sdr(grey(0), colours).max() == 0
    # 26 of 203 cd/m2 at a gamma of 2.4; ordinary video has a grey card at 0.40 to 0.43
    assert to_sdr(grey(card), colours) / 65535 == pytest.approx((26 / 203) ** (1 / 2.4), abs=0.01)
    assert (
        0.86 < to_sdr(grey(white), colours).max() / 65535 < 0.95
    )  # and something is left for highlights
    assert to_sdr(grey(1), colours).min() >= 65533


@pytest.mark.parametrize("deep", [False, True])
def test_brighter_stays_brighter_and_grey_stays_grey(*, deep: bool) -> None:
    steps = np.linspace(0, 255, 256) if not deep else np.linspace(0, 65535, 4001)
    ramp = np.rint(steps).astype(np.uint16 if deep else np.uint8)[None, :, None].repeat(3, 2)
    for colours in (WIDE_PQ, WIDE_HLG):
        shown = to_sdr(ramp, colours).astype(int)
        assert np.diff(shown[0, :, 1]).min() >= (
            -2 if deep else 0
        )  # of 65535, the fineness of the curve
        assert np.ptp(shown, axis=2).max() <= (2 if deep else 1)


def test_hues_stay_and_what_bt709_has_not_is_clipped() -> None:
    # HLG of the BT.709 red of half a grey card's light, as BT.2020 sees it
    red = np.array([[[0.40, 0.13, 0.066]]])
    shown = to_sdr(np.rint(red * 65535).astype(np.uint16), WIDE_HLG)[0, 0].astype(int)
    assert shown[0] > 3 * max(shown[1], 1)
    wide_green = np.array([[[0, 0.7, 0]]])
    shown = to_sdr(np.rint(wide_green * 65535).astype(np.uint16), WIDE_HLG)[0, 0]
    assert shown[0] == 0
    assert shown[1] > 30_000


def test_what_is_brighter_than_the_curve_begins_keeps_its_hue() -> None:
    signals = pq_of_light(np.array([[[4000.0, 2000.0, 1000.0]]]))
    shown = (
        to_sdr(np.rint(signals * 65535).astype(np.uint16), Colours(BT709, PQ, BT709, 1))[0, 0]
        / 65535
    )
    assert shown**2.4 == pytest.approx([1, 0.5, 0.25], abs=0.01)


def test_alpha_type_and_size_stay_and_ordinary_pictures_are_not_touched() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    shown = to_sdr(picture, WIDE_PQ)
    assert (shown.shape, shown.dtype) == (picture.shape, picture.dtype)
    assert (shown[..., 3] == picture[..., 3]).all()
    assert to_sdr(picture, Colours(BT709, BT709, BT709, 1)) is picture
    assert not is_hdr(Colours())
    assert shown_colours(WIDE_HLG) == Colours(BT709, BT709, BT2020, 1)
    assert shown_colours(Colours()) == Colours()


@pytest.mark.parametrize("colours", [WIDE_PQ, WIDE_HLG, Colours(BT709, HLG, BT709, 1)])
def test_an_edit_of_what_is_shown_is_shown_again_and_all_else_keeps_its_bits(
    colours: Colours,
) -> None:
    random = np.random.default_rng(3)
    own = random.integers(9_000, 40_000, (40, 30, 1), np.uint16) + random.integers(
        0, 2_000, (40, 30, 3), np.uint16
    )
    shown = to_sdr(own, colours)
    edited = shown.copy()
    edited[5:20, 4:25] = np.roll(shown, 7, axis=0)[5:20, 4:25] // 2 + 3_000
    changed = changed_as_shown(own, shown, edited, colours)
    assert (changed[20:] == own[20:]).all()
    assert (changed[5:20, 4:25] != own[5:20, 4:25]).any(axis=2).mean() > 0.95
    again = to_sdr(changed, colours).astype(int)
    assert np.abs(again - edited).max() < 65535 / 500
