"""Colours of the inside of a mouth, by the light and the hues of the photo."""

from __future__ import annotations

import numpy as np
import pytest

from icface.model.mouth.light import Light
from icface.model.mouth.tones import tones_of


def portrait(
    skin: tuple[int, int, int], lips: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    picture = np.full((100, 100, 3), skin, np.uint8)
    picture[55:65, 35:65] = lips
    points = np.full((478, 2), 60.0)
    points[:, 0] = np.linspace(40, 60, 478)
    return picture, points, picture[:20].reshape(-1, 3)


@pytest.mark.parametrize("level", [60, 200])
def test_a_grey_photo_has_a_grey_mouth(level: int) -> None:
    picture, points, skin = portrait((level,) * 3, (level // 2,) * 3)
    tones = tones_of(picture, points, skin, skin[:0])
    for tone in (tones.tooth, tones.tongue, tones.gum, tones.dark):
        assert np.ptp(tone) < 1e-3
    assert tones.tooth[0] > tones.tongue[0] > 3 * tones.dark[0]


def test_a_mouth_is_as_bright_as_the_face_and_its_flesh_is_pink() -> None:
    found = []
    for skin in ((230, 180, 150), (110, 75, 55)):
        picture, points, own = portrait(skin, (skin[0] - 20, skin[1] - 60, skin[2] - 40))
        found.append(tones_of(picture, points, own, own[:0]))
    light, dark = found
    assert light.tooth.mean() > dark.tooth.mean() + 0.2
    for tones in found:
        assert tones.tooth.min() > tones.tongue.min()
        assert tones.tongue[0] > 1.2 * tones.tongue[1:].max()


def test_teeth_take_the_tint_of_the_light() -> None:
    def tooth(skin: tuple[int, int, int], lips: tuple[int, int, int]) -> np.ndarray:
        picture, points, own = portrait(skin, lips)
        return tones_of(picture, points, own, own[:0]).tooth

    tinted, plain = tooth((200, 150, 60), (180, 90, 40)), tooth((205, 147, 123), (180, 90, 85))
    assert tinted[2] / tinted[0] < 0.8 * plain[2] / plain[0]


def test_teeth_in_the_shade_are_darker_and_as_red_as_flesh_makes_them() -> None:
    picture, points, skin = portrait((200, 150, 130), (180, 90, 90))
    tones = tones_of(picture, points, skin, skin[:0])
    bright = tones.lit(Light(teeth=1.0, flesh=1.0, dark=1.0, shade=0.0)).tooth
    dim = tones.lit(Light(teeth=0.4, flesh=0.4, dark=0.4, shade=0.0)).tooth
    assert bright == pytest.approx(tones.tooth)
    assert dim.mean() == pytest.approx(0.4 * bright.mean(), rel=1e-4)
    assert dim[0] / dim[1] > 1.05 * bright[0] / bright[1]


def test_teeth_of_a_grey_photo_stay_grey_in_the_shade() -> None:
    picture, points, skin = portrait((150, 150, 150), (110, 110, 110))
    tones = tones_of(picture, points, skin, skin[:0])
    dim = tones.lit(Light(teeth=0.4, flesh=0.4, dark=0.4, shade=0.0)).tooth
    assert np.ptp(dim) < 0.01
