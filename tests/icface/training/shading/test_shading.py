"""Maps of light and creases, made from a small rig and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from icface.face.controls import EXPRESSIONS
from icface.model.networks.weights import ModelFileError, load_model, save_model
from icface.model.skin.chart import map_from_chart
from icface.model.skin.creases import FOLDED_BY
from icface.model.skin.shading_maps import KIND, MAP_SIDE, ShadingMaps
from icface.training.command import main
from icface.training.rig.rig import Rig
from icface.training.shading.creases import PIXEL_CM, draw_creases
from icface.training.shading.maps import light_on
from tests.icface.training.synthetic_rig import write_portraits, write_rig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("shading")
    write_rig(where / "rig.npz")
    write_portraits(where / "portraits", where / "rig.npz")
    return where


def test_the_command_writes_maps_that_the_product_reads(folder: Path) -> None:
    out = folder / "shading.safetensors"
    words = ["shading", "--portraits", str(folder / "portraits"), "--rig", str(folder / "rig.npz")]
    result = CliRunner().invoke(main, [*words, "--people", "2", "--out", str(out)])
    assert result.exit_code == 0, result.output
    maps = ShadingMaps.from_file(out)
    assert maps.light.shape == (len(EXPRESSIONS), MAP_SIDE, MAP_SIDE)
    assert set(maps.creases) == set(draw_creases())
    assert all(one.usual_texture > 0 for one in maps.creases.values())
    assert load_model(out, kind=KIND).notes["people"] == 2


def test_a_folder_without_large_faces_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "portraits" / "portraits.npz") as table:
        columns = dict(table)
    (tmp_path / "small").mkdir()
    np.savez(tmp_path / "small" / "portraits.npz", **(columns | {"scale": columns["scale"] / 9}))
    words = ["shading", "--portraits", str(tmp_path / "small"), "--rig", str(folder / "rig.npz")]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "none.safetensors")])
    assert result.exit_code == 2
    assert "no training still" in result.output
    assert not (tmp_path / "none.safetensors").exists()


def test_skin_that_tilts_up_and_out_grows_lighter_and_still_skin_keeps_its_light(
    folder: Path,
) -> None:
    rig = Rig(folder / "rig.npz")
    rig.shapes[:] = 0
    smile = EXPRESSIONS.index("mouthSmile_L")
    swells = np.exp(-((rig.base[:, 0] - 2) ** 2 + (rig.base[:, 1] + 2) ** 2))
    rig.shapes[smile, :, 2] = swells
    maps = light_on(rig)
    assert not maps[EXPRESSIONS.index("browDown_L")].any()

    def at(u: float, v: float) -> float:
        x, y = map_from_chart(MAP_SIDE).points(np.array([[u, v]]))[0].round().astype(int)
        return float(maps[smile, y, x])

    assert at(2.0, 1.0) > 0.05  # the upper side of the swelling looks up
    assert at(2.0, 3.0) < -0.05  # the lower one looks down
    assert abs(at(-4.0, 2.0)) < 1e-3


def test_creases_of_both_halves_mirror_each_other_and_have_a_valley() -> None:
    drawn = draw_creases()
    for name, one in drawn.items():
        assert one.picture.min() < -0.05, name
        assert one.picture.max() > 0, name
        if name.endswith("_L"):
            other = drawn[f"{name[:-2]}_R"]
            assert (other.picture == one.picture[:, ::-1]).all()
            right = other.corner_cm[0] + (one.picture.shape[1] - 1) * PIXEL_CM
            assert right == pytest.approx(-one.corner_cm[0])


def test_every_crease_is_folded_by_some_channel_and_every_fold_is_drawn() -> None:
    assert {name.removesuffix("_L").removesuffix("_R") for name in draw_creases()} == set(FOLDED_BY)
    for channels in FOLDED_BY.values():
        for name in channels:
            assert name in EXPRESSIONS or f"{name}_L" in EXPRESSIONS


@pytest.mark.parametrize(
    ("state", "config"),
    [
        ({"light": torch.zeros(3, 4, 4)}, {"creases": {}, "pixel_cm": 0.04}),
        ({}, {}),
        (
            {"light": torch.zeros(53, 96, 96), "places": torch.full((468, 2), torch.nan)},
            {"creases": {}, "pixel_cm": 0.04},
        ),
        (
            {"light": torch.zeros(53, 96, 96), "places": torch.zeros(468, 2)},
            {"creases": {"crow_L": (0, 0, 1)}, "pixel_cm": 0.04},
        ),
    ],
)
def test_other_maps_are_refused_with_the_file_and_the_remedy(
    tmp_path: Path, state: dict[str, torch.Tensor], config: dict[str, object]
) -> None:
    path = tmp_path / "shading.safetensors"
    save_model(path, kind=KIND, config=config, state=state)
    with pytest.raises(ModelFileError, match="Reinstall") as error:
        ShadingMaps.from_file(path)
    assert str(path) in str(error.value)
