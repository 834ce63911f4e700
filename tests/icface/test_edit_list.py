"""What people write on the command line and in lists of edits, understood or refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.edit_list import SettingsError, parse_box, parse_settings, read_edits


def test_settings_are_names_and_numbers_and_the_later_counts():
    assert parse_settings(("yaw=15", "AU12 = 0.8", "yaw=-3")) == {"yaw": -3.0, "AU12": 0.8}
    assert parse_settings(()) == {}


@pytest.mark.parametrize("text", ["AU12", "=1", "AU12=", "AU12=much", "AU12=0,5", ""])
def test_a_setting_that_is_none_is_named(text):
    with pytest.raises(SettingsError) as caught:
        parse_settings(("yaw=1", text))
    assert repr(text) in str(caught.value)


@given(st.text(max_size=20))
def test_any_text_is_a_setting_or_refused(text):
    try:
        settings = parse_settings((text,))
    except SettingsError:
        return
    assert all(isinstance(value, float) for value in settings.values())


def test_a_box_is_four_numbers():
    assert parse_box("1, 2,30.5,40") == (1.0, 2.0, 30.5, 40.0)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "5,1,5,9", "1,9,5,9", "9,1,5,9", "nan,0,1,1", "0,0,inf,1"]
)
def test_a_box_without_area_or_numbers_is_named(text):
    with pytest.raises(SettingsError) as caught:
        parse_box(text)
    assert repr(text) in str(caught.value)


def test_edits_keep_their_order(tmp_path):
    (tmp_path / "e.json").write_text('{"wink": {"AU43L": 1}, "rest": {}, "turn left": {"yaw": 12.5}}', encoding="utf-8")
    edits = read_edits(tmp_path / "e.json")
    assert list(edits.items()) == [("wink", {"AU43L": 1.0}), ("rest", {}), ("turn left", {"yaw": 12.5})]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "/a", "c:d", "a\0b", "a\n", " a", "a ", "a.", ".hidden", "x" * 101, "a*", "a?"],
)
def test_a_name_that_is_no_file_name_somewhere_is_refused(tmp_path, name):
    (tmp_path / "e.json").write_text(json.dumps({"fine": {}, name: {}}), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_edits(tmp_path / "e.json")
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "edits by name"),
        ("{}", "edits by name"),
        ('{"a": 1}', "'a'"),
        ('{"a": {"yaw": true}}', "True"),
        ('{"a": {"yaw": "5"}}', "'5'"),
        ('{"a": {"yaw": null}}', "None"),
        ('{"a": {}, "a": {}}', "twice"),
        ('{"a": {"yaw": 1, "yaw": 2}}', "twice"),
        ('{"Wink": {}, "wink": {}}', "one file"),
    ],
)
def test_a_list_that_is_no_list_of_edits_says_why(tmp_path, content, named):
    (tmp_path / "e.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"e\.json") as caught:
        read_edits(tmp_path / "e.json")
    assert named in str(caught.value)


def test_a_list_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "e.json").write_bytes(b'{"\xff": {}}')
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "e.json"):
        with pytest.raises(SettingsError) as caught:
            read_edits(path)
        assert path.name in str(caught.value)


def test_a_number_too_large_for_a_float_is_left_to_the_range_check(tmp_path):
    (tmp_path / "e.json").write_text('{"a": {"yaw": 1' + "0" * 400 + "}}", encoding="utf-8")
    assert read_edits(tmp_path / "e.json") == {"a": {"yaw": float("inf")}}
