"""Tracking files as other programs write them, and motions to write."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from icface.face.action_units import channel_rows
from icface.face.controls import CHANNELS
from icface.formats.openface import INTENSITIES, PRESENCES
from icface.motion.motion import Motion

RATES = (Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60), Fraction(24000, 1001))


def _series(prefix: str, count: int) -> list[str]:
    return [f"{prefix}_{i}" for i in range(count)]


def openface_columns() -> list[str]:
    """All 714 names of OpenFace 2.2, in order."""
    eyes = [f"eye_lmk_{axis}_{i}" for axis in "xyXYZ" for i in range(56)]
    points = [name for axis in "xyXYZ" for name in _series(axis, 68)]
    return [
        "frame",
        "face_id",
        "timestamp",
        "confidence",
        "success",
        "gaze_0_x",
        "gaze_0_y",
        "gaze_0_z",
        "gaze_1_x",
        "gaze_1_y",
        "gaze_1_z",
        "gaze_angle_x",
        "gaze_angle_y",
        *eyes,
        "pose_Tx",
        "pose_Ty",
        "pose_Tz",
        "pose_Rx",
        "pose_Ry",
        "pose_Rz",
        *points,
        "p_scale",
        "p_rx",
        "p_ry",
        "p_rz",
        "p_tx",
        "p_ty",
        *_series("p", 34),
        *(f"AU{n}_r" for n in INTENSITIES),
        *(f"AU{n}_c" for n in PRESENCES),
    ]


def write_table(
    path: Path,
    names: list[str],
    rows: list[dict[str, object]],
    *,
    separator: str = ",",
    empty: str = "0",
) -> Path:
    """A CSV in which what a row does not name is `empty`."""
    lines = [separator.join(names)]
    lines += [separator.join(str(row.get(name, empty)) for name in names) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def a_motion(
    controls: NDArray[np.floating], *, rate: Fraction = Fraction(25), gone: tuple[int, ...] = ()
) -> Motion:
    """Evenly spaced rows (N, 56), some of them without a face."""
    rows = np.array(controls, np.float32)
    rows[list(gone)] = np.nan
    confidence = np.where(np.isnan(rows[:, 0]), 0, 0.75)
    return Motion(
        seconds=np.arange(len(rows)) / float(rate),
        controls=rows,
        confidence=confidence.astype(np.float32),
        rate=rate,
        origin="test",
    )


@st.composite
def rows_of_faces(draw: st.DrawFn, *, most: int = 6) -> NDArray[np.float64]:
    """(N, 56) of any faces: angles within 60, 60 and 60 degrees, some channels moved."""
    count = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = np.zeros((count, len(CHANNELS)))
    rows[:, :3] = rng.uniform(-60, 60, (count, 3))
    rows[:, 3:] = rng.uniform(0, 1, (count, len(CHANNELS) - 3)) * (
        rng.uniform(size=(count, len(CHANNELS) - 3)) < draw(st.floats(0, 1))
    )
    return rows


@st.composite
def rows_of_openface(draw: st.DrawFn, *, most: int = 6) -> NDArray[np.float64]:
    """(N, 56) of faces that OpenFace's intensities can say: even, and of its units alone."""
    count = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.floats(0, 1))
    rows = channel_rows(
        {
            f"AU{n}": rng.uniform(0, 1, count) * (rng.uniform(size=count) < share)
            for n in INTENSITIES
        }
    )
    rows[:, :3] = rng.uniform(-60, 60, (count, 3))
    return rows
