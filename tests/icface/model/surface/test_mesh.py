"""The mesh that moves and the flow it leaves, on surfaces whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.face.controls import EXPRESSIONS
from icface.face.geometry import rotation_matrix
from icface.model.networks.animator import Animator, AnimatorConfig
from icface.model.networks.neutralizer import GRID, LENGTH_CM, OFFSET, WINDOW, Part, Surface
from icface.model.surface.fill import beside, extended, fill, softened
from icface.model.surface.folds import JUMP_PX
from icface.model.surface.mesh import SurfaceMesh, build_mesh, fit_camera, mesh_places, move
from icface.model.surface.rasterise import Flow, flow_of

PX_PER_CM = 7.0
JAW = EXPRESSIONS.index("jawOpen")
MIDDLE = (GRID - 1) / 2


def egg(*, mouth_row: int | None = None) -> tuple[Surface, Tensor]:
    """An ellipsoid from the front, most of the window; below the mouth it falls with the jaw."""
    ys, xs = torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")
    x, y = (xs + OFFSET - MIDDLE) / PX_PER_CM, -(ys + OFFSET - MIDDLE) / PX_PER_CM
    depth = 1 - (x / 8).square() - (y / 10).square()
    head = torch.stack([x, y, 9 * depth.clamp(min=0).sqrt()]) / LENGTH_CM
    part = torch.where(depth > 0.05, int(Part.SKIN), int(Part.BACKGROUND))
    place = head.clone()
    if mouth_row is not None:
        lower = (ys + OFFSET >= mouth_row) & (part > 0)
        part[lower] = int(Part.LOWER)
        place[1][lower] -= 1.5 / LENGTH_CM
    logits = torch.nn.functional.one_hot(part, len(Part)).permute(2, 0, 1)[None].float()
    return Surface(head[None], place[None, None].expand(1, 4, -1, -1, -1), logits), part


def mesh_of(surface: Surface, part: Tensor) -> SurfaceMesh:
    places = mesh_places(surface, part)
    basis = torch.zeros(len(places), len(EXPRESSIONS), 3)
    rows = (part > 0).nonzero()
    basis[part[rows[:, 0], rows[:, 1]] == Part.LOWER, JAW, 1] = -3.0
    return build_mesh(surface, part, lambda _, turn: torch.einsum("ij,ncj->cin", turn, basis))


def turned(
    mesh: SurfaceMesh, yaw: float = 0, pitch: float = 0, roll: float = 0, jaw: float = 0
) -> Flow:
    change = torch.zeros(len(EXPRESSIONS))
    change[JAW] = jaw
    turn = torch.tensor(rotation_matrix(yaw, pitch, roll), dtype=torch.float32)
    return flow_of(mesh, move(mesh, turn, change))


def test_a_mesh_that_does_not_move_leaves_no_flow() -> None:
    flow = turned(mesh_of(*egg()))
    assert flow.known.mean() > 0.15
    assert np.abs(flow.field).max() < 1e-3
    assert flow.cavity.max() == 0


def test_a_turn_in_the_picture_plane_is_a_rotation_about_the_pivot() -> None:
    flow = turned(mesh_of(*egg()), roll=12)
    inner = cv2.erode(flow.known.astype(np.uint8), np.ones((3, 3), np.uint8))
    ys, xs = inner.nonzero()  # the outermost pixels lead over to the surroundings
    offset = np.stack([xs - MIDDLE, -(ys - MIDDLE)], 1)
    back = rotation_matrix(0, 0, -12)[:2, :2]
    expected = (offset @ back.T - offset) * (1.0, -1.0)
    error = np.linalg.norm(flow.field[ys, xs] - expected, axis=1)
    assert np.quantile(error, 0.99) < 0.1


def test_positive_yaw_moves_the_nose_to_the_viewers_right() -> None:
    flow = turned(mesh_of(*egg()), yaw=20)
    middle = flow.field[GRID // 2, GRID // 2]
    assert middle[0] < -10  # what is now in the middle came from the left of the picture
    assert abs(middle[1]) < 0.5


def test_positive_pitch_looks_down() -> None:
    assert turned(mesh_of(*egg()), pitch=10).field[GRID // 2, GRID // 2, 1] < -5


def test_flow_of_a_turn_undoes_the_forward_motion() -> None:
    mesh = mesh_of(*egg())
    turn = torch.tensor(rotation_matrix(15, -8, 4), dtype=torch.float32)
    moved = move(mesh, turn, torch.zeros(len(EXPRESSIONS)))
    field = torch.from_numpy(flow_of(mesh, moved).field).permute(2, 0, 1)[None]
    front = moved[:, 2] > 20
    at = (moved[front, :2] + 0.5) * (2 / GRID) - 1
    there = torch.nn.functional.grid_sample(field, at[None, None], align_corners=False)[0, :, 0].T
    error = (moved[front, :2] + there - mesh.source[front]).norm(dim=1)
    assert error.median() < 0.05
    assert error.quantile(0.95) < 0.5


def test_an_opening_mouth_shows_its_cavity_and_a_closed_one_does_not() -> None:
    mesh = mesh_of(*egg(mouth_row=150))
    assert len(mesh.seams) > 50
    assert turned(mesh, yaw=5).cavity.max() == 0
    cavity = turned(mesh, jaw=0.5).cavity
    rows = np.flatnonzero(cavity.max(1))
    assert cavity.max() > 0.9
    assert rows.min() >= 148
    assert rows.max() <= 150 + 0.5 * 3 * PX_PER_CM + 2


def wrinkled(mesh: SurfaceMesh, depth_px: float, bulge_px: float = 0.0) -> Flow:
    """The flow when all below the middle rises by 20 pixels within a few rows, and comes nearer.

    The rows between come nearer by the bulge.
    """
    rows = mesh.source[:, 1]
    rises = torch.sigmoid((rows - MIDDLE - 10) / 2)
    moved = torch.cat([mesh.source, mesh.camera[:, 2:]], 1)
    moved[:, 1] -= 20 * rises
    moved[:, 2] += depth_px * rises + 4 * bulge_px * rises * (1 - rises)
    return flow_of(mesh, moved)


def shown(flow: Flow) -> NDArray[np.float32]:
    """(GRID,) source rows of the middle column."""
    field = flow.field
    if flow.folds is not None:
        field = np.where(flow.folds.coverage[..., None] > 0.5, flow.folds.near, field)
    rows: NDArray[np.float32] = np.arange(GRID, dtype=np.float32) + field[:, GRID // 2, 1]
    return rows


@pytest.mark.parametrize("depth_px", [15.0, -15.0])
def test_skin_that_rises_over_other_skin_hides_it_or_goes_behind_it(depth_px: float) -> None:
    flow = wrinkled(mesh_of(*egg()), depth_px)
    assert flow.folds is not None
    rows = shown(flow)[round(MIDDLE) - 30 : round(MIDDLE) + 30]
    steps = np.diff(rows)
    edge = int(steps.argmax())
    assert steps[edge] > 10  # one jump to what comes from farther down, and no way back
    assert np.delete(steps, edge).max() < 1 + JUMP_PX
    assert steps.min() > -0.5
    below = round(MIDDLE) - 30 + edge
    assert below < MIDDLE - 3 if depth_px > 0 else below > MIDDLE


def test_skin_seen_from_behind_is_not_drawn() -> None:
    flow = wrinkled(mesh_of(*egg()), 15.0, bulge_px=40.0)
    rows = shown(flow)[round(MIDDLE) - 40 : round(MIDDLE) + 40]
    turned_over = np.abs(rows - MIDDLE - 10) < 3  # the middle of the rows that rise
    assert not turned_over.any()


def test_the_cavity_opens_gradually() -> None:
    mesh = mesh_of(*egg(mouth_row=150))
    shown = [float(turned(mesh, jaw=j).cavity.sum()) for j in (0.0, 0.1, 0.2, 0.4, 0.8)]
    assert shown == sorted(shown)
    assert shown[0] == 0 < shown[2]


def test_the_flow_is_nothing_along_the_border() -> None:
    field = turned(mesh_of(*egg()), yaw=-25, pitch=10).field
    border = np.concatenate([field[0], field[-1], field[:, 0], field[:, -1]])
    assert np.abs(border).max() == 0


def test_the_camera_is_found_among_outliers() -> None:
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(400, 3, generator=generator) * torch.tensor([5.0, 6.0, 3.0])
    rotation = torch.tensor(rotation_matrix(20, -10, 5), dtype=torch.float32)
    seen = points @ rotation[:2].T * PX_PER_CM * torch.tensor([1.0, -1.0]) + torch.tensor(
        [120.0, 90.0]
    )
    seen[:40] += 30
    found, scale, pivot = fit_camera(points, seen, rounds=4)
    assert torch.allclose(found, rotation, atol=0.03)
    assert scale == pytest.approx(PX_PER_CM, rel=0.02)
    assert torch.allclose(pivot, torch.tensor([120.0, 90.0]), atol=1.0)


def test_a_camera_misled_by_a_flat_answer_stays_plausible() -> None:
    points = torch.full((100, 3), 0.1) + 1e-4 * torch.randn(
        100, 3, generator=torch.Generator().manual_seed(0)
    )
    rotation, scale, pivot = fit_camera(points, torch.rand(100, 2) * 100)
    assert 3 <= scale <= 16
    assert torch.isfinite(rotation).all()
    assert torch.isfinite(pivot).all()


def test_filling_keeps_what_is_known_and_stays_between_its_bounds() -> None:
    known = np.zeros((64, 64), np.bool_)
    known[20:40, 20:40] = True
    values = np.repeat(np.where(known, np.float32(5), np.float32(0))[..., None], 2, axis=2)
    filled = fill(values, known)
    assert (filled[20:40, 20:40] == 5).all()
    assert filled.min() >= 0
    assert filled.max() <= 5
    assert filled[30, 45, 0] > filled[30, 60, 0]


def test_a_known_flow_differs_from_its_surroundings_inside_and_at_holes() -> None:
    known = np.zeros((64, 64), np.bool_)
    known[20:44, 20:44] = True
    known[30:33, 30:33] = False
    around = np.full((64, 64, 2), 2, np.float32)
    around[[0, -1]] = around[:, [0, -1]] = 0
    values = np.where(known, np.float32(5), np.float32(0))[..., None].repeat(2, axis=2)
    made = beside(around, values, known)
    assert made[29:34, 29:34] == pytest.approx(5)
    assert made[22, 22:42] == pytest.approx(5)
    assert (made[20, 20:44] < 5).all()
    assert (made[20, 20:44] > 2).all()
    assert not made[0].any()


def test_a_softened_mask_has_an_edge_of_two_pixels_and_an_empty_border() -> None:
    mask = np.zeros((32, 32), np.float32)
    mask[:10] = 1
    soft = softened(mask)
    assert soft[[5, 9, 10, 11], 16] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert soft[0].max() == 0


def test_a_layer_is_continued_a_few_pixels_beyond_where_it_is_known() -> None:
    known = np.zeros((32, 32), np.bool_)
    known[10:20, 10:20] = True
    field = np.where(known, np.float32(3), np.float32(0))[..., None].repeat(2, axis=2)
    far = extended(field, known, rounds=2)
    assert far[8:22, 8:22] == pytest.approx(3.0)
    assert far[7, 15, 0] == 0


def test_channels_add_up() -> None:
    mesh = mesh_of(*egg(mouth_row=150))
    turn = torch.eye(3)
    change = torch.zeros(len(EXPRESSIONS))
    still = move(mesh, turn, change)
    change[JAW] = 0.3
    once = move(mesh, turn, change) - still
    change[JAW] = 0.6
    assert torch.allclose(move(mesh, turn, change) - still, 2 * once, atol=1e-3)


def test_the_animator_answers_in_a_turned_frame_as_it_does_in_its_own() -> None:
    torch.manual_seed(0)
    animator = Animator(AnimatorConfig(planes=(4,), features=2, width=8, depth=1))
    place = torch.rand(5, 3) - 0.5
    turn = 3 * torch.tensor(rotation_matrix(20, -10, 5), dtype=torch.float32)
    with torch.inference_mode():
        expected = torch.einsum("ij,ncj->cin", turn, animator(place))
        assert torch.allclose(animator.turned(place, turn), expected, atol=1e-5)
