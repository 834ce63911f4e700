"""Training of the lid retoucher, on closed eyes drawn with a pencil."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from icface.face.landmarks import BROW_EDGES, EYES
from icface.model.networks.lid_retoucher import LID_COLUMNS, LID_ROWS, LidRetoucher
from icface.training.lids.pairs import lid_pairs, openness
from icface.training.lids.train import LidPairs, RetouchPlan, lid_loss, train_retoucher, varied

SIDE, SKIN = 256, (200, 150, 120)


def landmarks(gap: float) -> np.ndarray:
    """A face whose eyes are open by this much of their width."""
    points = np.random.default_rng(0).uniform(60, 196, (478, 2))
    for side, middle, outer in (("L", 165, 1), ("R", 91, -1)):
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        x, y = middle + outer * 20 * np.cos(turn), 120 - 20 * gap * np.sin(turn)
        points[list(EYES[side])] = np.stack([x, y], 1)
        points[list(BROW_EDGES[side])] = [(middle + dx, 92) for dx in (-16, -8, 0, 8, 16)]
    return points


def portraits(folder: Path, gaps: tuple[float, ...]) -> Path:
    """A portraits folder: one person a picture, with dark lines for shut eyes."""
    (folder / "images").mkdir(parents=True)
    names, rng = [f"{k}.png" for k in range(len(gaps))], np.random.default_rng(2)
    for name in names:
        picture = np.clip(
            np.full((SIDE, SIDE, 3), SKIN) + rng.normal(0, 4, (SIDE, SIDE, 1)), 0, 255
        )
        picture = np.ascontiguousarray(picture, np.uint8)
        for middle in (165, 91):
            cv2.line(picture, (middle - 19, 121), (middle + 19, 121), (40, 30, 20), 3, cv2.LINE_AA)
        cv2.imwrite(str(folder / "images" / name), picture[..., ::-1])
    np.savez(
        folder / "portraits.npz",
        image=np.array(names),
        person=np.arange(len(gaps)),
        split=np.array(["train"] * len(gaps)),
        landmarks=np.stack([landmarks(gap) for gap in gaps]).astype(np.float32),
    )
    return folder


def test_only_shut_eyes_become_pairs(tmp_path: Path) -> None:
    assert openness(landmarks(0.02)) < 0.05 < openness(landmarks(0.3))
    found = list(lid_pairs(portraits(tmp_path / "p", (0.02, 0.3, 0.03))))
    assert [person for _, person, _ in found] == [0, 0, 2, 2]
    for pair, _, _ in found:
        assert pair.drawn.shape == pair.photo.shape == (LID_ROWS, LID_COLUMNS, 3)
        assert pair.mask.max() == pytest.approx(1, abs=0.01)
        away = pair.mask == 0
        assert np.abs(pair.drawn - pair.photo)[away].max() < 0.02  # elsewhere the photograph stays


def test_a_drawn_lid_shows_nothing_of_the_photographed_one(tmp_path: Path) -> None:
    first = next(lid_pairs(portraits(tmp_path / "p", (0.02,))))[0]
    line = first.photo[..., 0].min(0) < 0.4
    drawn = first.drawn.mean(2)
    assert line.any()
    assert (drawn[: LID_ROWS // 3].min()) > 0.45  # bare skin above the line


def test_variations_change_drawn_and_photographed_lids_alike(tmp_path: Path) -> None:
    pairs = LidPairs.of([(p, who) for p, who, _ in lid_pairs(portraits(tmp_path / "p", (0.02,)))])
    same = LidPairs(pairs.photo, pairs.photo, pairs.mask, pairs.person)
    other = varied(same, torch.Generator().manual_seed(1))
    assert torch.equal(other.drawn, other.photo)
    assert not torch.equal(other.photo, pairs.photo)


def test_the_retoucher_learns_and_its_weights_load(tmp_path: Path) -> None:
    folder = portraits(tmp_path / "p", (0.02, 0.03))
    pairs = LidPairs.of([(p, who) for p, who, _ in lid_pairs(folder)])
    plan = RetouchPlan(portraits=folder, out=tmp_path / "out", looks=0, steps=30, batch=4)
    network = LidRetoucher.from_file(train_retoucher(plan))
    with torch.no_grad():
        light = network(torch.cat([pairs.drawn * 2 - 1, pairs.mask], 1)) / 2
    assert light[pairs.mask.expand_as(light) == 0].abs().max() == 0
    drawn = lid_loss(pairs.drawn, pairs.photo, pairs.mask)
    assert lid_loss(pairs.drawn + light, pairs.photo, pairs.mask) < drawn


def test_portraits_without_shut_eyes_teach_nothing(tmp_path: Path) -> None:
    folder = portraits(tmp_path / "p", (0.3,))
    with pytest.raises(ValueError, match="no shut eyes"):
        train_retoucher(RetouchPlan(portraits=folder, out=tmp_path / "out", looks=0, steps=1))
