"""The compositor moves the photo's pixels by the flow, whole or in bands, and no others."""

from __future__ import annotations

import numpy as np
import pytest

from icface.face.controls import ControlVector
from icface.face.geometry import Similarity
from icface.model.face.encode import SourceEncoding, SourceEyes
from icface.model.face.pose import FacePrediction
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.layers import ColourLayer, FlowLayer, Layer
from icface.rendering import compositor
from icface.rendering.compositor import composite

SIDE = 300.0


def encoding(turn_deg: float = 0.0) -> SourceEncoding:
    """A crop in the middle of a picture of 400 x 420 pixels, with any surface."""
    crop = Similarity.crop(centre=(200.0, 210.0), side=SIDE, roll_deg=turn_deg, size=GRID)
    nothing = np.zeros((1, 1), np.int64)
    return SourceEncoding(
        crop_from_image=crop,
        controls=ControlVector(),
        fine_crop=np.zeros((1, 1, 3), np.uint8),
        part=nothing,
        mesh=None,  # type: ignore[arg-type]
        head=None,
        eyes=SourceEyes(),
        mouth=None,  # type: ignore[arg-type]
    )


def skin(flow: np.ndarray, *over: Layer, patches: tuple[Patch, ...] = ()) -> FacePrediction:
    """Skin that moves by a flow, with other layers and patches over it."""
    return FacePrediction((FlowLayer("skin", flow), *over), patches)


def bump(amount: float) -> np.ndarray:
    """A flow of so many grid pixels to the left in the middle, none at the border."""
    x = np.sin(np.linspace(0, np.pi, GRID)) ** 2
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[..., 0] = np.outer(x, x) * amount
    return flow


def picture(dtype: type = np.uint8, channels: int = 3) -> np.ndarray:
    """Smooth waves: the value of a place is known between pixels too."""
    y, x = np.mgrid[:420, :400].astype(float)
    waves = np.stack(
        [np.sin(x / 30), np.cos(y / 25), np.sin((x + y) / 40), np.cos(x / 50)][:channels], -1
    )
    return ((0.5 + 0.45 * waves) * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("quality", ["draft", "full"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_come_from_where_the_flow_points(quality, dtype):
    image = picture(dtype)
    prediction = skin(bump(10.0))
    moved = composite(image, encoding(), prediction, quality=quality)
    shift = 10.0 * SIDE / GRID  # at the very middle
    expected = (0.5 + 0.45 * np.sin((200 + shift) / 30)) * np.iinfo(dtype).max
    assert moved[210, 200, 0] == pytest.approx(expected, abs=np.iinfo(dtype).max / 80)
    assert (
        np.abs(moved[210, 190:211, 1].astype(float) - image[210, 190:211, 1]).max()
        <= np.iinfo(dtype).max / 100
    )


def test_draft_and_full_quality_show_the_same_picture():
    image = picture()
    draft, full = (
        composite(image, encoding(12.0), skin(bump(8.0)), quality=q) for q in ("draft", "full")
    )
    assert np.abs(draft.astype(int) - full).max() <= 3
    assert (draft != image).any()


@pytest.mark.parametrize("quality", ["draft", "full"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_large_face_is_done_in_bands_that_do_not_show(monkeypatch, quality, channels):
    y, x = np.mgrid[:GRID, :GRID] / GRID - 0.5
    hole = (np.hypot(x, y) < 0.1).astype(np.float32)
    prediction = skin(
        bump(6.0),
        FlowLayer("openings", bump(-4.0), hole),
        ColourLayer((60.0, 20.0, 20.0), hole * np.float32(0.5)),
    )
    image = picture(channels=channels)
    whole = composite(image, encoding(7.0), prediction, quality=quality)
    monkeypatch.setattr(compositor, "_BAND_PIXELS", 2000)
    banded = composite(image, encoding(7.0), prediction, quality=quality)
    assert np.abs(whole.astype(int) - banded).max() <= 1


@pytest.mark.parametrize(
    "prediction", [FacePrediction(), skin(np.zeros((GRID, GRID, 2), np.float32))]
)
def test_nothing_to_move_returns_the_very_picture(prediction):
    image = picture()
    assert composite(image, encoding(), prediction) is image


@pytest.mark.parametrize("quality", ["draft", "full"])
def test_a_sharp_edge_is_narrow_soft_and_where_the_coverage_is_a_half(quality):
    ramp = np.clip(0.5 + (128.25 - np.arange(GRID)) / 4, 0, 1)
    ramp[:110] = 0
    coverage = np.tile(ramp.astype(np.float32), (GRID, 1))
    coverage[[0, -1]] = 0
    image = np.zeros((420, 400, 3), np.uint8)
    image[:, 230:] = 250
    still = np.zeros((GRID, GRID, 2), np.float32)
    still[1, 1] = still[-2, -2] = 0.01  # all of the crop takes part, and nothing is seen to move
    there = still.copy()
    there[..., 0] = 50.0
    edge = FlowLayer("folds", there, coverage, ramp_px=4.0)
    row = composite(image, encoding(), skin(still, edge), quality=quality)[210].astype(int)[:, 0]
    crossing = encoding().crop_from_image.inverse().points(np.array([[128.25, 128.0]]))[0, 0]
    mixed = np.flatnonzero((row > 3) & (row < 247))
    mixed = mixed[(mixed > 190) & (mixed < 225)]
    assert 1 <= len(mixed) <= 3
    assert np.abs(mixed - crossing).max() <= 1.6
    assert (row[195 : mixed[0]] == 250).all()
    assert not row[mixed[-1] + 1 : 225].any()


def test_outside_the_crop_no_pixel_is_touched():
    image = np.random.default_rng(0).integers(0, 256, (420, 400, 3), dtype=np.uint8)
    moved = composite(image, encoding(), skin(bump(20.0)))
    outside = np.ones((420, 400), bool)
    outside[60:361, 50:351] = False
    np.testing.assert_array_equal(moved[outside], image[outside])
    assert (moved != image).any()


def painted(
    amount: float, depth: type = np.uint8, channels: int = 3, share: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """A picture under a still flow, with red painted on a square in the middle of the crop."""
    flow = np.zeros((GRID, GRID, 2), np.float32)
    flow[1, 1] = flow[-2, -2] = 0.01  # all of the crop takes part, and nothing is seen to move
    frame = Similarity.crop(
        centre=((GRID - 1) / 2, (GRID - 1) / 2), side=64.0, roll_deg=0.0, size=96
    )
    colour = np.zeros((96, 96, 3), np.float32)
    colour[..., 0] = amount
    line = np.clip(2 - 2 * np.abs(np.linspace(-1, 1, 96)), 0, 1)
    mask = (np.outer(line, line) * share).astype(np.float32)
    image = np.full((420, 400, channels), np.iinfo(depth).max // 2, depth)
    still = composite(image, encoding(), skin(flow))
    return still, composite(image, encoding(), skin(flow, patches=(Patch(frame, colour, mask),)))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_paint_is_added_where_its_mask_is_open(depth, channels):
    still, image = painted(0.25, depth, channels)
    change = (image.astype(float) - still) / np.iinfo(depth).max
    assert change[210, 200, 0] == pytest.approx(0.25, abs=0.005)
    assert (change[..., 1:] == 0).all()
    reach = 0.5 * 64.0 * SIDE / GRID
    ys, xs = np.nonzero(change[..., 0])
    assert np.abs(ys - 210).max() <= reach + 1
    assert np.abs(xs - 200).max() <= reach + 1


def test_paint_stays_within_the_range_of_values():
    assert painted(2.0)[1][210, 200, 0] == 255
    assert painted(-2.0)[1][210, 200, 0] == 0


def test_a_shut_mask_paints_nothing():
    still, image = painted(0.9, share=0.0)
    assert (still == image).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("quality", ["draft", "full"])
def test_an_opaque_patch_takes_the_place_of_what_is_below(depth, channels, quality):
    frame = Similarity.crop(
        centre=(GRID / 2 - 0.5, GRID / 2 - 0.5), side=64.0, roll_deg=0.0, size=48
    )
    mask = np.zeros((48, 48), np.float32)
    mask[8:40, 8:24], mask[8:40, 24:40] = 1, 0.5
    patch = Patch(frame, np.full((48, 48, 3), (0.9, 0.0, 0.2), np.float32), mask, opaque=True)
    image = np.full((420, 400, channels), np.iinfo(depth).max // 2, depth)
    result = composite(image, encoding(), skin(bump(0.0) + 0.01, patches=(patch,)), quality=quality)
    shown = result / np.iinfo(depth).max
    assert shown[210, 190, :3] == pytest.approx([0.9, 0.0, 0.2], abs=0.01)
    assert shown[210, 212, :3] == pytest.approx([0.7, 0.25, 0.35], abs=0.01)
    assert (result[..., 3:] == image[..., 3:]).all()
    assert np.abs(result[100].astype(float) - image[100]).max() == 0


def test_streaks_are_smoothed_under_paint_and_nowhere_else():
    striped = picture()
    striped[:, ::2] = 40
    striped[:, 1::2] = 200
    frame = Similarity.crop(
        centre=(GRID / 2 - 0.5, GRID / 2 - 0.5), side=64.0, roll_deg=0.0, size=32
    )
    middle = np.zeros((32, 32), np.float32)
    middle[8:24, 8:24] = 1
    colour = np.full((32, 32, 3), 0.02, np.float32)
    flow = bump(0.5)
    results = [
        composite(striped, encoding(), skin(flow, patches=(Patch(frame, colour, middle, smooth),)))
        for smooth in (None, middle)
    ]
    rough, smoothed = (np.abs(np.diff(r[210, 190:210, 0].astype(float))).mean() for r in results)
    assert smoothed < 0.2 * rough
    assert (results[0][:150] == results[1][:150]).all()


@pytest.mark.parametrize("moves_alone", [True, False])
def test_only_a_layer_that_moves_alone_shows_where_the_skin_is_at_rest(moves_alone: bool) -> None:
    still, cover = np.zeros((GRID, GRID, 2), np.float32), np.zeros((GRID, GRID), np.float32)
    cover[100:120, 100:120] = 1
    layer = FlowLayer("eye", still + 4, cover, moves_alone=moves_alone)
    image = picture()
    result = composite(image, encoding(), skin(still, layer))
    assert (result is not image) == moves_alone
