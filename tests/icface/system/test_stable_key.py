"""Keys are the same in every process, and differ where the values do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from icface.export import ExportOptions
from icface.system.stable_key import stable_key
from tests.icface.export.exporting import portrait_clip

ROOT = Path(__file__).resolve().parents[3]
NAMES = frozenset(
    {"yaw", "pitch", "roll", "jawOpen", "mouthClose", "browInnerUp", "cheekPuff", "tongueOut"}
)
SPOKEN = (
    "from icface.system.stable_key import stable_key; from icface.motion.motion import Motion; "
    "from icface.face.controls import ControlVector;"
    f"print(stable_key(set({sorted(NAMES)}), dict.fromkeys({sorted(NAMES)}), "
    "Motion.still(ControlVector())))"
)


def in_a_process(seed: int, *arguments: str) -> list[str]:
    """What a Python process of that hash seed prints, line by line."""
    around = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=around, capture_output=True, text=True, check=True, timeout=200
    )
    return done.stdout.splitlines()


def test_processes_of_other_hash_seeds_make_the_same_key() -> None:
    assert len({in_a_process(seed, "-c", SPOKEN)[0] for seed in (0, 1, 7)}) == 1


def test_a_sequence_that_one_process_left_off_another_one_completes(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    clip = portrait_clip(tmp_path / "clip.mkv", astronaut, 6)
    job = (
        "-m",
        "tests.icface.export.half_sequences",
        str(clip),
        str(tmp_path / "stills" / "take.png"),
    )
    (first,) = in_a_process(1, *job, "2")
    there = len(list((tmp_path / "stills").glob("*.png")))
    second, reused = in_a_process(2, *job, "0")
    assert first == second
    assert int(reused) == there >= 2
    assert len(list((tmp_path / "stills").glob("*.png"))) == 6


@dataclass(frozen=True)
class Kept:
    shown: int
    told: str = field(default="", compare=False)


@dataclass(frozen=True)
class Digested:
    values: tuple[int, ...]
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", f"of {len(self.values)}")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((1, 2), (12,)),
        ("1", 1),
        (1, True),
        (0.0, -0.0),
        (("a", "b"), ("ab",)),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        (Fraction(1, 2), 0.5),
        (np.zeros(2, np.float32), np.zeros(2)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (ExportOptions(height=2), ExportOptions(quality=2)),
        (Kept(1), Kept(2)),
        (Path("a"), "a"),
        (b"a", "a"),
        (frozenset("ab"), ("a", "b")),
    ],
)
def test_other_values_make_another_key(one: object, two: object) -> None:
    assert stable_key(one) != stable_key(two)


def test_the_order_of_sets_and_mappings_and_fields_that_are_not_compared_do_not_count() -> None:
    assert stable_key({"b": 1, "a": {3, 2, 1}}) == stable_key({"a": {1, 2, 3}, "b": 1})
    assert stable_key(Kept(1, "x")) == stable_key(Kept(1, "y"))
    assert stable_key(Digested((1, 2))) == stable_key(Digested((3, 4)))


def test_a_value_whose_text_could_differ_between_processes_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be made of object"):
        stable_key((1, object()))
