"""A rig and portraits small enough for tests: an egg with eyes and a mouth that opens."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

from icface.face.controls import EXPRESSIONS
from icface.training.tracker.data import build_cache

SIDE = 40


def write_rig(path: Path) -> None:
    """An ellipsoid of 1,600 vertices with the names and arrays of a rig file."""
    rng = np.random.default_rng(0)
    t = np.linspace(-1, 1, SIDE)
    x, y = (a.ravel() * s for a, s in zip(np.meshgrid(t, -t), (7.0, 9.0), strict=True))
    z = 8 * np.sqrt(np.clip(1 - (x / 9) ** 2 - (y / 12) ** 2, 0.01, None))
    base = np.stack([x, y, z], 1).astype(np.float32)
    faces = Delaunay(base[:, :2]).simplices.astype(np.int32)
    middle = base[faces].mean(1)
    part = np.zeros(len(faces), np.int8)
    for side in (-1, 1):
        part[np.hypot(middle[:, 0] - 3 * side, (middle[:, 1] - 2) * 1.5) < 1.2] = 4
    part[(np.abs(middle[:, 0]) < 2) & (np.abs(middle[:, 1] + 4) < 0.5)] = 3
    shapes = np.zeros((len(EXPRESSIONS), len(base), 3), np.float16)
    shapes[EXPRESSIONS.index("jawOpen"), base[:, 1] < -4, 1] = -3
    for side, sign in (("L", 1), ("R", -1)):
        lid = np.hypot(base[:, 0] - 3 * sign, base[:, 1] - 3.5) < 1
        shapes[EXPRESSIONS.index(f"eyeBlink_{side}"), lid, 1] = -1.5
        smile = np.exp(-np.hypot(base[:, 0] - 2.5 * sign, base[:, 1] + 4))
        shapes[EXPRESSIONS.index(f"mouthSmile_{side}"), :, 1] = smile
    identity = (rng.normal(0, 0.05, (60, 1, 3)) * base[None] * 0.05).astype(np.float16)
    landmarks = rng.choice(len(base), 468, replace=False).astype(np.int32)
    landmarks[33] = np.hypot(base[:, 0] + 4.2, base[:, 1] - 2).argmin()
    landmarks[263] = np.hypot(base[:, 0] - 4.2, base[:, 1] - 2).argmin()
    np.savez(
        path,
        base=base,
        expression=shapes,
        identity=identity,
        faces=faces,
        part=part,
        landmark468=landmarks,
        canonical468=base[landmarks],
        expression_names=np.array(EXPRESSIONS),
    )


def write_portraits(folder: Path, rig: Path, *, people: int = 6) -> None:
    """Pictures of eggs with their states; the last two people are held out."""
    rng = np.random.default_rng(1)
    with np.load(rig) as data:
        base, mesh = data["base"], data["landmark468"]
    (folder / "images").mkdir(parents=True)
    rows: dict[str, list[object]] = {
        name: [] for name in ("image", "person", "split", "landmarks", "rot", "scale", "trans")
    }
    for person in range(people):
        scale, pivot = rng.uniform(9, 12), rng.uniform(115, 140, 2)
        landmarks = np.zeros((478, 3), np.float32)
        landmarks[:468] = base[mesh] * (scale, -scale, -scale) + (*pivot, 0)
        picture = rng.integers(60, 120, (256, 256, 3), dtype=np.uint8)
        centre, axes = (int(pivot[0]), int(pivot[1])), (int(7 * scale), int(9 * scale))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, (140, 170, 210), -1)
        for side in (-1, 1):
            cv2.circle(
                picture,
                (int(pivot[0] + 3 * side * scale), int(pivot[1] - 2 * scale)),
                int(scale),
                (240, 240, 240),
                -1,
            )
        name = f"{person}.png"
        cv2.imwrite(str(folder / "images" / name), picture)
        values = (
            name,
            person,
            "val" if person >= people - 2 else "train",
            landmarks,
            np.zeros(3),
            scale,
            pivot,
        )
        for key, value in zip(rows, values, strict=True):
            rows[key].append(value)
    np.savez(
        folder / "portraits.npz",
        **{k: np.array(v) for k, v in rows.items()},
        identity=np.zeros((people, 60)),
        expression=np.zeros((people, len(EXPRESSIONS))),
        fit_error=np.full(people, 0.01),
    )


def write_tracker_data(folder: Path, *, rounds: int = 1) -> Path:
    """A rig, portraits and, in ``cache``, what the tracker learns from them; returns the folder."""
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz")
    build_cache(folder / "portraits", folder / "rig.npz", folder / "cache", rounds=rounds)
    return folder
