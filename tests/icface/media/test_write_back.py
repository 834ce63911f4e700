"""Edited pixels go back into the planes of a frame, and nothing else changes."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from icface.media.clip_reader import ClipReader
from icface.media.colour import Colours, Converter, Layout, planes
from icface.media.orientation import Orientation
from icface.media.video_frame import VideoFrame
from icface.media.write_back import byte_planes, copy_frame, put_back
from tests.icface.media.videos import feat_clips, moving_frames

FORMS = [
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuvj420p",
    "yuv411p",
    "yuva420p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p12le",
    "gray",
]
OTHER_FORMS = ["rgb24", "bgra", "gbrp", "rgb48le", "gbrp10le"]
INTERLEAVED = ["nv12", "yuyv422", "p010le", "rgb48be"]
MATRICES = {
    "bt601": (6, 1),
    "bt709": (1, 1),
    "bt2020": (9, 1),
    "full range": (1, 2),
    "not said": (2, 0),
}
COLOUR_CHECKER = [  # the 24 patches of the usual chart, in sRGB
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
]  # fmt: skip
CONVERTER = Converter()


def wrapped(
    decoded: av.VideoFrame, orientation: Orientation | None = None, stretch: float = 1.0
) -> VideoFrame:
    return VideoFrame(0, 0.0, decoded, CONVERTER, orientation or Orientation(), stretch)


def picture(
    form: str = "yuv420p", size: tuple[int, int] = (96, 64), matrix: int = 1, range_: int = 1
) -> av.VideoFrame:
    frame = moving_frames(1, size, form)[0]
    frame.colorspace, frame.color_range, frame.pts, frame.time_base = matrix, range_, 7, 1
    return frame


def other_picture(form: str) -> av.VideoFrame:
    frame = picture("yuv444p").reformat(format=form)
    frame.colorspace, frame.color_range = 1, 1
    return frame


def raw(frame: av.VideoFrame) -> list[NDArray[np.uint8]]:
    return byte_planes(frame)


def same_bytes(one: av.VideoFrame, two: av.VideoFrame) -> bool:
    return one.format.name == two.format.name and all(
        (a == b).all() for a, b in zip(raw(one), raw(two), strict=True)
    )


@pytest.mark.parametrize("form", FORMS + OTHER_FORMS)
def test_pixels_that_nobody_edited_keep_their_bytes(form: str) -> None:
    decoded = picture(form) if form in FORMS else other_picture(form)
    frame = wrapped(decoded)
    pixels = frame.pixels()
    back = put_back(frame, pixels)
    assert same_bytes(back, decoded)
    assert (back.pts, Colours.of(back)) == (decoded.pts, Colours.of(decoded))
    before = [plane.copy() for plane in raw(decoded)]
    put_back(frame, np.zeros((9, 11, 3), np.uint8), (13, 7))
    assert all((a == b).all() for a, b in zip(raw(decoded), before, strict=True)), (
        "the frame itself was written to"
    )


@pytest.mark.parametrize("form", INTERLEAVED)
def test_interleaved_samples_are_laid_out_in_planes_and_keep_their_values(form: str) -> None:
    frame = wrapped(other_picture(form))
    back = wrapped(put_back(frame, frame.pixels()[:10, :10]))
    assert back.decoded.format.name in ("yuv420p", "yuv422p", "yuv420p10le", "rgb48le")
    assert (back.deep_pixels() == frame.deep_pixels()).all() or form == "p010le"
    assert np.abs(back.pixels().astype(int) - frame.pixels()).max() <= 1


@pytest.mark.parametrize("form", FORMS + OTHER_FORMS)
def test_outside_the_rectangle_every_byte_stays(form: str) -> None:
    decoded = picture(form) if form in FORMS else other_picture(form)
    patch = np.full((17, 21, 3), (200, 40, 90), np.uint8)
    back = put_back(wrapped(decoded), patch, (25, 11))
    for plane, before in zip(raw(back), raw(decoded), strict=True):
        down = 64 // plane.shape[0]
        rows = np.flatnonzero((plane != before).any(1))
        columns = np.flatnonzero((plane != before).any(0)) * 96 / plane.shape[1]
        if len(rows):
            assert rows.min() * down >= 11 - 3
            assert rows.max() * down <= 11 + 17 + 1
            assert columns.min() >= 25 - 4
            assert columns.max() <= 25 + 21 + 3
    assert not same_bytes(back, decoded)


@pytest.mark.parametrize(
    ("name", "form"), [*product(MATRICES, ["yuv420p", "yuv444p", "yuv420p10le", "gbrp"])]
)
def test_a_chart_is_put_back_in_its_colours(name: str, form: str) -> None:
    matrix, range_ = MATRICES[name]
    decoded = picture(form, matrix=matrix, range_=range_) if form in FORMS else other_picture(form)
    chart = np.array(COLOUR_CHECKER, np.uint8).reshape(4, 6, 3).repeat(16, 0).repeat(16, 1)
    shown = wrapped(put_back(wrapped(decoded), chart)).pixels()
    difference = deltaE_ciede2000(rgb2lab(chart), rgb2lab(shown))
    assert difference.max() < 1.0
    assert np.abs(shown.astype(int) - chart).max() <= 2


def test_sixteen_bits_go_into_ten_with_no_detour(tmp_path: object) -> None:
    frame = wrapped(picture("yuv444p10le"))
    wanted = np.clip(frame.deep_pixels().astype(int) + 3000, 0, 65535).astype(np.uint16)
    wanted[:, :48] = frame.deep_pixels()[:, :48]
    shown = wrapped(put_back(frame, wanted))
    inside = ((frame.deep_pixels() > 0) & (wanted < 65535)).all(
        2
    )  # a picture may be whiter than white
    assert np.abs(shown.deep_pixels().astype(int) - wanted)[inside].max() <= 65535 / 1023 * 1.6
    assert (shown.deep_pixels()[:, :48] == wanted[:, :48]).all()


@pytest.mark.parametrize(
    "way", [Orientation(*ways) for ways in product((False, True), repeat=3)], ids=str
)
def test_upright_edits_are_turned_back_to_how_the_file_stores_them(way: Orientation) -> None:
    frame = wrapped(picture(), way)
    edited = frame.pixels()
    edited[10:30, 20:44] = (220, 30, 60)
    shown = wrapped(put_back(frame, edited[8:32, 18:46], (18, 8)), way).pixels()
    assert np.abs(shown[10:30, 20:44].astype(int) - edited[10:30, 20:44]).mean() < 1.0
    assert (shown[:7] == edited[:7]).all()
    assert (shown[:, 48:] == edited[:, 48:]).all()


def test_pixels_that_are_not_square_are_stored_in_their_own_columns() -> None:
    frame = wrapped(picture(), stretch=4 / 3)
    edited = frame.pixels()
    assert edited.shape == (64, 128, 3)
    edited[20:40, 40:80] = (90, 90, 200)
    back = put_back(frame, edited[20:40, 40:80], (40, 20))
    shown = wrapped(back, stretch=4 / 3).pixels()
    assert np.abs(shown[22:38, 44:76].astype(int) - (90, 90, 200)).max() <= 3
    assert (shown[:20] == frame.pixels()[:20]).all()
    assert (shown[20:40, :34] == frame.pixels()[20:40, :34]).all()


@given(
    left=st.integers(0, 95),
    top=st.integers(0, 63),
    width=st.integers(1, 96),
    height=st.integers(1, 64),
)
def test_any_rectangle_can_be_put_back_unchanged(
    left: int, top: int, width: int, height: int
) -> None:
    frame = wrapped(picture())
    pixels = frame.pixels()[top : top + height, left : left + width]
    assert same_bytes(put_back(frame, pixels, (left, top)), frame.decoded)


def test_a_small_change_moves_a_sample_by_little_even_beyond_white() -> None:
    decoded = picture()
    layout = Layout.of(decoded.format)
    assert layout is not None
    planes(decoded, layout)[0][...] = 250  # whiter than white
    frame = wrapped(decoded)
    pixels = frame.pixels()
    back = put_back(frame, np.where(pixels > 0, pixels - 1, pixels))
    moved = planes(back, layout)[0].astype(int) - 250
    assert moved.min() >= -3
    dark = put_back(frame, np.full_like(pixels, 60))
    assert np.abs(wrapped(dark).pixels().astype(int) - 60).max() <= 1


@pytest.mark.parametrize("corner", [(-1, 0), (0, 50), (90, 0)])
def test_a_rectangle_beyond_the_frame_is_refused(corner: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="do not lie in a frame"):
        put_back(wrapped(picture()), np.zeros((20, 20, 3), np.uint8), corner)


def test_odd_sizes_are_copied_whole() -> None:
    decoded = picture(size=(95, 63))
    assert same_bytes(copy_frame(decoded), decoded)
    frame = wrapped(decoded)
    edited = frame.pixels()
    edited[60:, 90:] = 0
    assert wrapped(put_back(frame, edited)).pixels()[61:, 91:].max() <= 2


@pytest.mark.parametrize("clip", feat_clips(), ids=lambda path: path.name)
def test_frames_of_cameras_keep_their_bytes_and_take_edits(clip: Path) -> None:
    with ClipReader(clip) as reader:
        frame = reader.frame(20)
        pixels = frame.pixels()
        assert same_bytes(put_back(frame, pixels), frame.decoded)
        edited = pixels[100:200, 150:300].copy()
        edited[20:80, 30:120] = edited[20:80, 30:120] // 2 + 40
        shown = wrapped(put_back(frame, edited, (150, 100))).pixels()
        assert (shown[:, :148] == pixels[:, :148]).all()
        assert np.abs(shown[122:178, 182:268].astype(int) - edited[22:78, 32:118]).mean() < 1.5
