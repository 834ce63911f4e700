"""What is on the clipboard when an expression is pasted: anything."""

from __future__ import annotations

import pytest

from app.editor.expression_clipboard import read_settings


def test_an_expression_is_read_and_held_within_its_range() -> None:
    assert read_settings('{"yaw": 10, "AU26": 7}') == {"yaw": 10.0, "AU26": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "words",
        "[]",
        "{}",
        "[" * 100_000,
        '{"yaw": ' * 100_000,
        '{"yaw": ' + "9" * 5000 + "}",
        "[" + "0, " * 90_000 + "0]",
    ],
)
def test_what_is_no_expression_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"Copy an expression first: Edit, Copy\."):
        read_settings(text)


def test_a_nested_value_is_shown_in_short() -> None:
    with pytest.raises(ValueError, match=r"a control takes a number") as caught:
        read_settings('{"yaw": ' + "[" * 500 + "]" * 500 + "}")
    assert len(str(caught.value)) < 120
