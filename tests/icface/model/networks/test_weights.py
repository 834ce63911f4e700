"""Weights files: what is written is read, and anything else is refused with the file named."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from icface.model.networks.neutralizer import Neutralizer, NeutralizerConfig
from icface.model.networks.weights import (
    ModelFileError,
    load_into,
    load_model,
    models_dir,
    save_model,
)
from icface.motion.reading.face_basis import TABLE_FILE, FaceBasis, FaceBasisError
from icface.system.digests import SUMS, listed, read_listed

SMALL = NeutralizerConfig(widths=(8, 8, 8, 8, 8))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "neutralizer.safetensors"
    config = {"widths": list(SMALL.widths)}
    save_model(
        path,
        kind="icface.neutralizer",
        config=config,
        state=Neutralizer(SMALL).state_dict(),
        notes={"steps": 3},
    )
    return path


def test_weights_come_back_with_their_configuration(weights: Path) -> None:
    stored = load_model(weights, kind="icface.neutralizer")
    assert stored.config == {"widths": [8, 8, 8, 8, 8]}
    assert stored.notes == {"steps": 3}
    assert len(stored.digest) == 16
    assert Neutralizer.from_file(weights).config == SMALL


def test_nothing_is_left_beside_the_file(weights: Path) -> None:
    assert [p.name for p in weights.parent.iterdir()] == [weights.name]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"absent\.safetensors is missing"):
        load_model(tmp_path / "absent.safetensors", kind="icface.neutralizer")


@pytest.mark.parametrize("keep", [0, 7, 100, 5000])
def test_a_truncated_file_is_named(weights: Path, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match="not a readable weights file"):
        load_model(weights, kind="icface.neutralizer")


def test_another_network_is_refused(weights: Path) -> None:
    with pytest.raises(
        ModelFileError, match=r"holds 'icface\.neutralizer', expected 'icface\.animator'"
    ):
        load_model(weights, kind="icface.animator")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="no ICface network"):
        load_model(tmp_path / "other.safetensors", kind="icface.neutralizer")


def test_weights_of_another_shape_are_refused_by_name(weights: Path) -> None:
    stored = load_model(weights, kind="icface.neutralizer")
    with pytest.raises(ModelFileError, match=r"stem\.0\.weight"):
        load_into(Neutralizer(NeutralizerConfig(widths=(16, 8, 8, 8, 8))), stored, path=weights)


@pytest.mark.parametrize("config", [{}, {"widths": [8], "wheels": 4}, {"widths": 3}])
def test_a_configuration_that_no_network_has_is_refused(
    tmp_path: Path, config: dict[str, object]
) -> None:
    path = tmp_path / "odd.safetensors"
    save_model(
        path, kind="icface.neutralizer", config=config, state=Neutralizer(SMALL).state_dict()
    )
    with pytest.raises(ModelFileError, match=r"odd\.safetensors"):
        Neutralizer.from_file(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = Neutralizer(SMALL).state_dict()
    state["head.bias"][0] = float("nan")
    path = tmp_path / "nan.safetensors"
    save_model(path, kind="icface.neutralizer", config={"widths": list(SMALL.widths)}, state=state)
    with pytest.raises(ModelFileError, match="not finite"):
        Neutralizer.from_file(path)


def test_an_old_file_survives_a_write_that_fails(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weights.read_bytes()

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_model(weights, kind="icface.neutralizer", config={}, state={"a": torch.zeros(1)})
    assert weights.read_bytes() == before
    assert [p.name for p in weights.parent.iterdir()] == [weights.name]


def test_all_shipped_weights_fit_in_thirty_megabytes() -> None:
    assert sum(p.stat().st_size for p in models_dir().glob("*.safetensors")) <= 30e6


# --------------------------------------------------------------------------------------------------


def flipped(data: bytes, count: int, seed: int) -> bytes:
    """A file with this many bytes flipped, anywhere in the tensors."""
    dice, changed = random.Random(seed), bytearray(data)
    begin = 8 + int.from_bytes(data[:8], "little")
    for at in dice.sample(range(begin, len(data)), count):
        changed[at] ^= 0xFF
    return bytes(changed)


def test_every_shipped_file_is_listed_with_its_digest() -> None:
    shipped = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in models_dir().glob("*.safetensors")
    }
    assert listed(models_dir()) == shipped


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("name", sorted(path.name for path in models_dir().glob("*.safetensors")))
def test_shipped_weights_with_flipped_bytes_are_refused_with_the_remedy(
    tmp_path: Path, name: str, count: int
) -> None:
    for file in (name, SUMS):
        shutil.copy(models_dir() / file, tmp_path)
    path = tmp_path / name
    with safe_open(path, framework="pt") as file:
        kind = (file.metadata() or {}).get("kind")

    def read() -> str:
        return (
            read_listed(path)[1]
            if kind in (None, "icface.reading")
            else load_model(path, kind=kind).digest
        )

    assert listed(tmp_path)[name].startswith(read())
    path.write_bytes(flipped(path.read_bytes(), count, seed=count))
    with pytest.raises(
        ValueError,
        match=rf"{re.escape(str(path))} is damaged or was replaced: .* Reinstall ICface Studio",
    ):
        read()


@pytest.mark.parametrize("seed", range(5))
def test_own_weights_need_no_list_and_are_refused_with_flipped_bytes(
    weights: Path, seed: int
) -> None:
    assert listed(weights.parent) == {}
    before = load_model(weights, kind="icface.neutralizer")
    weights.write_bytes(flipped(weights.read_bytes(), 1, seed))
    with pytest.raises(ModelFileError, match="is damaged: it is not what was written"):
        load_model(weights, kind="icface.neutralizer")
    save_model(
        weights, kind=before.kind, config=before.config, state=before.state, notes=before.notes
    )
    assert load_model(weights, kind="icface.neutralizer").notes == before.notes


def test_a_changed_configuration_is_noticed_even_if_it_can_be_read(weights: Path) -> None:
    data = weights.read_bytes()
    changed = data.replace(b"steps", b"stepz")
    assert changed != data
    weights.write_bytes(changed)
    with pytest.raises(ModelFileError, match="not what was written"):
        load_model(weights, kind="icface.neutralizer")


def test_weights_written_before_they_held_digests_are_read(weights: Path) -> None:
    state = {
        name: tensor.half()
        for name, tensor in load_model(weights, kind="icface.neutralizer").state.items()
    }
    config = json.dumps({"widths": list(SMALL.widths)})
    save_file(
        state,
        weights,
        metadata={"format": "icface-1", "kind": "icface.neutralizer", "config": config},
    )
    assert load_model(weights, kind="icface.neutralizer").config == {"widths": list(SMALL.widths)}


def test_training_over_a_listed_file_lists_the_new_one(weights: Path) -> None:
    sums = weights.parent / SUMS
    sums.write_text(f"{'0' * 64}  {weights.name}\n{'1' * 64}  other.safetensors\n")
    with pytest.raises(ModelFileError, match="was replaced"):
        load_model(weights, kind="icface.neutralizer")
    state = Neutralizer(SMALL).state_dict()
    save_model(
        weights, kind="icface.neutralizer", config={"widths": list(SMALL.widths)}, state=state
    )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert listed(weights.parent) == {weights.name: digest, "other.safetensors": "1" * 64}
    assert load_model(weights, kind="icface.neutralizer").digest == digest[:16]


def test_a_damaged_table_of_readings_is_refused_with_the_remedy(tmp_path: Path) -> None:
    for file in (TABLE_FILE, SUMS):
        shutil.copy(models_dir() / file, tmp_path)
    FaceBasis.from_file(tmp_path / TABLE_FILE)
    path = tmp_path / TABLE_FILE
    path.write_bytes(flipped(path.read_bytes(), 1, seed=1))
    with pytest.raises(FaceBasisError, match="is damaged or was replaced"):
        FaceBasis.from_file(path)


def test_former_names_of_a_network_are_read_as_todays(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    save_model(
        path,
        kind="icface.painter",
        config={"told": 4},
        state={"tell.0.weight": torch.ones(2), "head.bias": torch.ones(1)},
    )
    stored = load_model(path, kind="icface.painter").renamed(
        {"told": "condition_dim", "tell": "embed_controls"}
    )
    assert stored.config == {"condition_dim": 4}
    assert set(stored.state) == {"embed_controls.0.weight", "head.bias"}
