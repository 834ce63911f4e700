"""Who emits which signal."""

from __future__ import annotations

import ast
from pathlib import Path

import app

SHARED = {"requests", "_requests", "studio", "_studio"}
"""Objects whose signals are there for others to emit: requests, and notices of the studio."""


def foreign_emits(tree: ast.AST) -> list[int]:
    """Lines that emit a signal of another object than `self` and the shared ones."""
    lines = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr == "emit"):
            continue
        if not isinstance(node.value, ast.Attribute):  # a local name: its value is read elsewhere
            continue
        owner = node.value.value
        name = getattr(owner, "attr", getattr(owner, "id", ""))
        if name not in {"self", *SHARED}:
            lines.append(node.lineno)
    return lines


def test_no_object_emits_the_signal_of_another() -> None:
    found = {
        f"{path.relative_to(Path(app.__path__[0]))}:{line}"
        for path in Path(app.__path__[0]).rglob("*.py")
        for line in foreign_emits(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not found


def test_a_signal_of_a_field_is_recognised_as_another_objects() -> None:
    assert foreign_emits(ast.parse("self.bar.in_field.committed.emit(3)")) == [1]
    assert not foreign_emits(ast.parse("self.committed.emit(3)\nself._requests.a.emit()"))
