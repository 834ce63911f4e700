"""The training recipe: its commands exist, and their defaults are the shipped runs'."""

from __future__ import annotations

import shlex
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pytest

from icface.evaluation.command import main as evaluate
from icface.training.animator.train import AnimatorTraining
from icface.training.command import main as train
from icface.training.neutralizer.train import NeutralizerTraining
from icface.training.painter.train import PainterPlan

RECIPE = Path(__file__).resolve().parents[3] / "icface" / "training" / "README.md"


def recipe() -> list[list[str]]:
    text = RECIPE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("icface ")]


def command_of(words: list[str]) -> click.Command:
    command: click.Command = train if words[1] == "train" else evaluate
    for word in words[2:]:
        if not isinstance(command, click.Group):
            break
        command = command.commands[word]
    return command


def test_every_command_of_the_recipe_exists_with_its_options() -> None:
    lines = recipe()
    assert len(lines) > 12
    for words in lines:
        options = [p for p in command_of(words).params if isinstance(p, click.Option)]
        known = {name for option in options for name in option.opts}
        assert {word for word in words if word.startswith("-")} <= known, words
        for option in options:
            assert not option.required or set(option.opts) & set(words), words


def test_every_network_that_is_trained_has_its_place_in_the_recipe() -> None:
    used = {command_of(words).name for words in recipe()}
    assert {"detector", "landmarks", "refiner", "neutralizer", "animator", "painter"} <= used


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("neutralizer", NeutralizerTraining),
        ("animator", AnimatorTraining),
        ("painter", PainterPlan),
    ],
)
def test_options_and_plans_have_the_same_defaults(name: str, plan: Any) -> None:
    options = {p.name: p for p in train.commands[name].params if isinstance(p, click.Option)}
    shared = [f for f in fields(plan) if f.name in options and f.default is not MISSING]
    assert len(shared) >= 5
    for field in shared:
        default = options[field.name].get_default(click.Context(train.commands[name]))
        if not options[field.name].multiple:
            assert default == field.default, field.name
