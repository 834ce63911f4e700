"""The corpus: file number N of a seed is always the same file.

Files are made from installed packages' data and from files of our own.
"""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

KINDS = (
    *["photo"] * 5, *["clip"] * 4, *["table"] * 4, *["motion"] * 2, *["npz"], *["project"] * 2,
    *["edits"], *["weights"],
)  # fmt: skip
"""File number N is of the kind at N modulo their count."""
NASTY: tuple[Any, ...] = (
    None, True, "", "x" * 300, "1e999999999", "1/0", "-1", [], {}, [[]], [1] * 500, -1, 0, 1 << 53,
    -(1 << 70), 10**90, 1e300,
    -1e-300, 1e-29, 1e14, 0.5, {"a": {"b": []}}, "\0", "../../etc/passwd", "NaN",
)  # fmt: skip
CELLS = (
    "nan",
    "-nan(ind)",
    "1e999",
    "",
    "9" * 5000,
    "-1",
    "1e300",
    "0x10",
    "1_000",
    "a\0b",
    '"',
    "00:99:00:00",
    "1,5",
    "\ud7ff",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A file of the corpus.

    Attributes
    ----------
    path : Path
    kind : str
        What reads it.
    story : str
        What it was made from, and how.
    """

    path: Path
    kind: str
    story: str


def make(folder: Path, seed: int, number: int) -> Made:
    """Write file `number` of a seed into a folder."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    bases = _bases()[kind]
    name = sorted(bases)[int(rng.integers(len(bases)))]
    mutations = _MUTATIONS[kind]
    how = mutations[int(rng.integers(len(mutations)))]
    data = how(bases[name], rng)
    reader, suffix = kind, Path(name).suffix
    if rng.random() < 0.05:  # under a name of another kind, or opened as what it is not
        reader = str(rng.choice(sorted(set(KINDS))))
        suffix = Path(min(_bases()[reader])).suffix
    path = folder / f"{number}{suffix}"
    path.write_bytes(data)
    return Made(path, reader, f"{name}, {how.__name__.lstrip('_')}")


# --------------------------------------------------------------------------------------------------


@cache
def _bases() -> dict[str, dict[str, bytes]]:
    """Good files by kind and name."""
    feat, skimage = _data("feat", "tests", "data"), _data("skimage", "data")
    names = {
        "photo": ("single_face.jpg", "0-f1-su-ph.jpg"),
        "clip": ("single_face.mp4", "no_face.mp4"),
        "table": ("001.csv", "Feat_Test.csv", "OpenFace_Test.csv", "iMotions_Test_v6.txt"),
    }
    found: dict[str, dict[str, bytes]] = {
        kind: {name: (feat / name).read_bytes() for name in of} for kind, of in names.items()
    }
    found["table"] = {
        name: b"\n".join(data.split(b"\n")[:40]) for name, data in found["table"].items()
    }
    portrait = Image.open(skimage / "astronaut.png").convert("RGB").resize((160, 160))
    for ending in ("png", "webp", "tiff", "bmp", "gif"):
        stream = io.BytesIO()
        portrait.save(stream, ending)
        found["photo"][f"portrait.{ending}"] = stream.getvalue()
    found["edits"] = {
        "edits.json": (
            b'{"rest": {}, "wink": {"AU43L": 1}, '
            b'"turn": {"yaw": 12.5, "AU12": "+0.3", "jawOpen": 0.2}}'
        )
    }
    return found | _own()


def _own() -> dict[str, dict[str, bytes]]:
    """Files that this program writes."""
    import torch

    from icface.formats import save
    from icface.model.networks.weights import save_model
    from icface.motion.store import save_reading
    from icface.project_file import save_project

    project = _a_project()
    motion = next(driver.motion for driver in project.drivers if driver.motion is not None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for ending in ("json", "csv"):
            save(folder / f"motion.{ending}", motion)
        save(folder / "take.csv", motion, "livelink")
        save_reading(folder / "motion.npz", (motion, motion), {"by": "test"})
        save_project(folder / "work.icface", project)
        save_model(
            folder / "net.safetensors",
            kind="test",
            config={"width": 4},
            state={"w": torch.arange(64.0)},
        )
        shapes = {"jawOpen": 0.5, "mouthSmileLeft": 0.25}
        lines = [
            {"timestamp_ms": 40 * i, "blendshapes": shapes, "matrix": np.eye(4).ravel().tolist()}
            for i in range(4)
        ]
        results = [
            {
                "faceBlendshapes": [
                    {
                        "categories": [
                            {"categoryName": name, "score": value} for name, value in shapes.items()
                        ]
                    }
                ]
            }
        ] * 4
        return {
            "motion": {
                "motion.json": (folder / "motion.json").read_bytes(),
                "motion.csv": (folder / "motion.csv").read_bytes(),
                "take.csv": (folder / "take.csv").read_bytes(),
                "lines.jsonl": "\n".join(map(json.dumps, lines)).encode(),
                "results.json": json.dumps(results).encode(),
            },
            "npz": {"motion.npz": (folder / "motion.npz").read_bytes()},
            "project": {"work.icface": (folder / "work.icface").read_bytes()},
            "weights": {"net.safetensors": (folder / "net.safetensors").read_bytes()},
        }


def _a_project() -> Any:
    """A document with a face, keys, a driver and a rule."""
    from icface.document import edits
    from icface.face.controls import ControlVector
    from tests.strategies import a_driver, a_project, a_ramp

    project = a_project(ControlVector.of({"yaw": 3.0, "jawOpen": 0.2}))
    project = edits.add_driver(project, a_driver("A", a_ramp("jawOpen", [0.0, 0.5, None, 0.2])))
    for frame in range(0, 50, 10):
        project = edits.set_key(project, "AU12L", frame, 0.1)
    return edits.drive_with(project, "A")


def _data(package: str, *way: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)), *way)


# --------------------------------------------------------------------------------------------------

Mutation = Callable[[bytes, np.random.Generator], bytes]


def _place(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(len(data)))
    return start, min(start + int(2 ** rng.uniform(0, 12)), len(data))


def _cut_off(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: int(rng.integers(len(data)))]


def _bits_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for at in rng.integers(len(found), size=int(2 ** rng.uniform(0, 8))):
        found[at] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _head_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    return _bits_flipped(data[:256], rng) + data[256:]


def _noise(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = _place(data, rng)
    return data[:start] + rng.bytes(end - start) + data[end:]


def _left_out(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = _place(data, rng)
    return data[:start] + data[end:]


def _doubled(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = _place(data, rng)
    return data[:end] + data[start:end] * int(rng.integers(1, 20)) + data[end:]


def _zeros(data: bytes, rng: np.random.Generator) -> bytes:
    start, end = _place(data, rng)
    return data[:start] + bytes(end - start) + data[end:]


def _cells(data: bytes, rng: np.random.Generator) -> bytes:
    rows = [line.split(",") for line in data.decode("latin-1").splitlines()]
    for _ in range(int(2 ** rng.uniform(0, 5))):
        row = rows[int(rng.integers(len(rows)))]
        row[int(rng.integers(len(row)))] = str(rng.choice(CELLS))
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")


def _lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.splitlines()
    order = rng.permutation(np.repeat(np.arange(len(lines)), int(rng.integers(1, 3))))
    return b"\n".join(lines[at] for at in order[: int(rng.integers(1, len(order) + 1))])


def _json_values(data: bytes, rng: np.random.Generator) -> bytes:
    try:
        tree = json.loads(data)
    except ValueError:  # lines of JSON, or a table
        return _bits_flipped(data, rng)
    for _ in range(int(2 ** rng.uniform(0, 3))):
        places = _places(tree)
        at, key = places[int(rng.integers(len(places)))]
        at[key] = copy.deepcopy(NASTY[int(rng.integers(len(NASTY)))])
    return json.dumps(tree).encode()


def _json_deep(data: bytes, rng: np.random.Generator) -> bytes:
    at, depth = int(rng.integers(len(data))), int(10 ** rng.uniform(2, 5))
    return data[:at] + b"[" * depth + data[at:]


def _json_digits(data: bytes, rng: np.random.Generator) -> bytes:
    places = [at for at in range(1, len(data)) if data[at : at + 1].isdigit()]
    at = places[int(rng.integers(len(places)))]
    return data[:at] + b"9" * int(10 ** rng.uniform(1, 4)) + data[at:]


def _json_long(data: bytes, rng: np.random.Generator) -> bytes:
    try:
        tree = json.loads(data)
    except ValueError:
        return data * int(rng.integers(2, 200))
    lists = [value for at, key in _places(tree) if isinstance(value := at[key], list) and value]
    if not lists:
        tree |= {f"n{i}": {} for i in range(int(10 ** rng.uniform(2, 4.6)))}
        return json.dumps(tree).encode()
    found = lists[int(rng.integers(len(lists)))]
    found += [copy.deepcopy(found[0])] * int(10 ** rng.uniform(2, 4.6))
    return json.dumps(tree).encode()


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree that holds a value: what it is in, and under which key."""
    keys: list[Any] = (
        list(tree)
        if isinstance(tree, dict)
        else list(range(len(tree)))
        if isinstance(tree, list)
        else []
    )
    here = [(tree, key) for key in keys]
    return here + [place for key in keys[:200] for place in _places(tree[key])]


def _entries(data: bytes, rng: np.random.Generator) -> bytes:
    """A zip whose check sums are right and whose content is not."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = sorted(entries)[int(rng.integers(len(entries)))]
    if name.endswith(".npz"):
        entries[name] = _entries(entries[name], rng)
    else:
        of = (
            (_json_values, _json_deep, _json_digits, _json_long) if name.endswith(".json") else _ANY
        )
        entries[name] = of[int(rng.integers(len(of)))](entries[name], rng)
    stream = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.3 else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return stream.getvalue()


_ANY: tuple[Mutation, ...] = (
    _cut_off,
    _bits_flipped,
    _head_flipped,
    _noise,
    _left_out,
    _doubled,
    _zeros,
)
_TEXT: tuple[Mutation, ...] = (
    _json_values,
    _json_values,
    _json_values,
    _json_deep,
    _json_digits,
    _json_long,
)
_MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "photo": _ANY,
    "clip": _ANY,
    "table": (*_ANY, _cells, _cells, _cells, _lines, _lines),
    "motion": (*_ANY, *_TEXT),
    "npz": (*_ANY, _entries, _entries, _entries),
    "project": (*_ANY, *[_entries] * 7),
    "edits": (*_ANY, *_TEXT),
    "weights": _ANY,
}
