"""Training runs of moments on a small rig: they learn, resume and measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icface.evaluation.sheet import contact_sheet
from icface.face.controls import EXPRESSIONS
from icface.model.networks.animator import Animator
from icface.model.networks.neutralizer import WINDOW, Neutralizer, Part
from icface.rendering.predictor import FacePredictor
from icface.training.animator.train import AnimatorTraining
from icface.training.animator.train import judge as judge_animator
from icface.training.animator.train import train as train_animator
from icface.training.neutralizer.data import (
    SurfaceAtlas,
    SurfaceStream,
    flipped,
    misread,
    sparse_expression,
    surface_sample,
)
from icface.training.neutralizer.evaluate import flow_errors, observation
from icface.training.neutralizer.train import NeutralizerTraining, held_out, judge
from icface.training.neutralizer.train import train as train_neutralizer
from icface.training.portraits.canvases import Portraits
from icface.training.rig.rig import MIRROR, Rig, View, flow, warp
from tests.icface.training.synthetic_rig import write_portraits, write_rig
from tests.tiny_networks import tiny_networks


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_rig(folder / "rig.npz")
    write_portraits(folder / "portraits", folder / "rig.npz")
    return folder


@pytest.fixture(scope="module")
def rig(data: Path) -> Rig:
    return Rig(data / "rig.npz")


@pytest.fixture(scope="module")
def people(data: Path) -> Portraits:
    return Portraits(data / "portraits", data / "cache", "train")


def test_a_state_moves_with_its_picture(rig: Rig, people: Portraits) -> None:
    portrait = people[0]
    seen = rig.vertices(portrait.state)[rig.mesh, :2]
    assert np.abs(seen - portrait.landmarks[:468, :2]).max() < 0.05


def test_mirroring_twice_is_nothing(rig: Rig, people: Portraits) -> None:
    portrait = people[1]
    again = flipped(flipped(portrait, rig), rig)
    assert (again.image == portrait.image).all()
    assert np.allclose(again.state.pivot, portrait.state.pivot)
    assert (MIRROR[MIRROR] == np.arange(len(EXPRESSIONS))).all()


def test_the_flow_between_a_state_and_itself_is_nothing(rig: Rig, people: Portraits) -> None:
    view = View(rig, people[0].state, 320)
    field, known = flow(view, view)
    assert known.any()
    assert np.abs(field[known]).max() < 0.05
    assert (warp(people[0].image, np.zeros_like(field)) == people[0].image).all()


def test_a_sample_names_every_part_of_the_face(rig: Rig, people: Portraits) -> None:
    sample = surface_sample(rig, SurfaceAtlas.of(rig), people[0])
    assert set(np.unique(sample.part)) == {int(p) for p in Part}
    inside = sample.part > 0
    assert np.abs(sample.head[inside]).max() < 1.5
    assert sample.image.shape == (WINDOW, WINDOW, 3)


def test_landmarks_are_misread_by_a_few_per_cent(people: Portraits) -> None:
    rng = np.random.default_rng(0)
    landmarks = people[0].landmarks[:468, :2]
    between_eyes = np.linalg.norm(landmarks[33] - landmarks[263])
    errors = [
        np.linalg.norm(misread(landmarks, rng) - landmarks, axis=1).mean() / between_eyes
        for _ in range(50)
    ]
    assert 0.01 < np.mean(errors) < 0.06


def test_the_stream_is_endless_and_its_seed_decides_it(data: Path) -> None:
    paths = data / "portraits", data / "rig.npz", data / "cache"
    first, again, other = (iter(SurfaceStream(*paths, seed=s)) for s in (1, 1, 2))
    a, b, c = ([next(stream) for _ in range(6)] for stream in (first, again, other))
    assert all((x["image"] == y["image"]).all() for x, y in zip(a, b, strict=True))
    assert any((x["image"] != y["image"]).any() for x, y in zip(a, c, strict=True))


def test_sparse_expressions_are_intensities() -> None:
    rng = np.random.default_rng(0)
    real = rng.random((5, len(EXPRESSIONS)))
    drawn = np.stack([sparse_expression(rng, real) for _ in range(200)])
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert (drawn.max(0) > 0.3).mean() > 0.9


def training(data: Path, out: Path, steps: int) -> NeutralizerTraining:
    return NeutralizerTraining(
        portraits=data / "portraits",
        rig=data / "rig.npz",
        cache=data / "cache",
        out=out,
        minutes=9,
        steps=steps,
        batch=4,
        workers=0,
        small_share=0.9,
        widths=(8, 8, 8, 8, 8),
    )


def test_the_neutralizer_learns_resumes_and_its_weights_load(data: Path, tmp_path: Path) -> None:
    run = training(data, tmp_path, 25)
    weights = train_neutralizer(run)
    assert int(load_file(tmp_path / "neutralizer-training.safetensors")["steps"]) == 25
    before = judge(Neutralizer.from_file(weights), held_out(run, count=4))
    train_neutralizer(training(data, tmp_path, 40))
    assert int(load_file(tmp_path / "neutralizer-training.safetensors")["steps"]) == 65
    after = judge(Neutralizer.from_file(weights), held_out(run, count=4))
    assert after["parts"] < before["parts"]


def test_the_animators_field_learns_resumes_and_is_measured_against_the_rig(
    data: Path, rig: Rig, tmp_path: Path
) -> None:
    def run(steps: int) -> Animator:
        options = AnimatorTraining(rig=data / "rig.npz", out=tmp_path, steps=steps, batch=512)
        return Animator.from_file(train_animator(options))

    first = judge_animator(run(100), rig)
    assert int(load_file(tmp_path / "animator-training.safetensors")["steps"]) == 100
    field = run(700)
    assert int(load_file(tmp_path / "animator-training.safetensors")["steps"]) == 800
    assert judge_animator(field, rig)["moving_cm"] < first["moving_cm"]
    atlas = SurfaceAtlas.of(rig)
    chin = int(np.hypot(rig.base[:, 0], rig.base[:, 1] + 8).argmin())
    drop = field(torch.from_numpy(atlas.place[chin : chin + 1] / 10))[
        0, EXPRESSIONS.index("jawOpen")
    ]
    assert drop[1] < -1.5
    people = Portraits(data / "portraits", data / "cache", "val")
    predictor = FacePredictor(tiny_networks()[0], field)
    figures = flow_errors(predictor, people, rig, count=1)
    assert {"expression", "pose", "photo_expression", "photo_pose"} <= set(figures)
    portrait = people[0]
    assert contact_sheet(
        predictor, [(portrait.image, observation(rig, portrait.state))], side=32
    ).shape == (32, 14 * 32, 3)
