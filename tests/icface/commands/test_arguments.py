"""What people write on the command line and in lists of edits, understood or refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.commands.arguments import (
    MOST_BYTES,
    MOST_EDITS,
    MOST_SETTINGS,
    Settings,
    SettingsError,
    parse_box,
    parse_settings,
    read_edits,
)
from icface.face.controls import ControlVector, action_units
from icface.face.selectors import apply_deltas


def test_settings_are_names_and_numbers_and_the_later_counts():
    assert parse_settings(("yaw=15", "AU12 = 0.8", "yaw=-3")) == Settings(
        held={"yaw": -3.0, "AU12": 0.8}
    )
    assert not parse_settings(())


def test_a_plus_adds_and_any_other_number_is_the_value():
    said = parse_settings(("AU12=+0.3", "yaw=+-8", "roll=-15", "AU43=0"))
    assert said == Settings(held={"roll": -15.0, "AU43": 0.0}, added={"AU12": 0.3, "yaw": -8.0})
    assert parse_settings(("AU12=0.3", "yaw=-8", "pitch=+2"), delta=True).added == {
        "AU12": 0.3,
        "yaw": -8.0,
        "pitch": 2.0,
    }
    assert parse_settings(("yaw=+5", "yaw=5")) == Settings(held={"yaw": 5.0})


def test_values_and_amounts_are_reached_from_the_faces_own_state():
    own = ControlVector.of({"yaw": -5.0, "mouthSmile_L": 0.2, "mouthSmile_R": 0.4})
    deltas = parse_settings(("yaw=-15", "AU12=+0.3")).deltas(own)
    assert deltas == pytest.approx({"yaw": -10.0, "AU12L": 0.3, "AU12R": 0.3})
    both = parse_settings(("AU12=0.5", "AU12L=+0.2")).deltas(own)
    found = action_units(apply_deltas(own, both))
    assert (found["AU12L"], found["AU12R"]) == pytest.approx((0.7, 0.5), abs=0.02)


def test_what_cannot_be_below_zero_says_how_it_is_taken_away():
    with pytest.raises(SettingsError, match=r"write AU12=\+-0\.3"):
        parse_settings(("AU12=-0.3",)).deltas(ControlVector())
    assert parse_settings(("AU12=+-0.3",)).deltas(ControlVector()) == {"AU12L": -0.3, "AU12R": -0.3}
    assert parse_settings(("AU30=-0.3",)).deltas(ControlVector()) == {"AU30": -0.3}


def test_a_list_says_the_same_as_the_command_line_and_can_be_read_again(tmp_path):
    list_of = {"a": {"yaw": -15, "AU12": "+0.3", "roll": "+-8"}}
    (tmp_path / "e.json").write_text(json.dumps(list_of), encoding="utf-8")
    (edit,) = read_edits(tmp_path / "e.json").values()
    assert edit == parse_settings(("yaw=-15", "AU12=+0.3", "roll=+-8"))
    (tmp_path / "again.json").write_text(json.dumps({"a": edit.as_edit()}), encoding="utf-8")
    assert read_edits(tmp_path / "again.json") == {"a": edit}


def test_a_list_is_bounded_before_anything_is_done(tmp_path, monkeypatch):
    path = tmp_path / "e.json"
    path.write_text(json.dumps({f"e{n}": {} for n in range(MOST_EDITS + 1)}), encoding="utf-8")
    with pytest.raises(SettingsError, match=f"{MOST_EDITS + 1} edits; at most {MOST_EDITS}"):
        read_edits(path)
    path.write_text(
        json.dumps({"a": {f"c{n}": 0 for n in range(MOST_SETTINGS + 1)}}), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=f"at most {MOST_SETTINGS}"):
        read_edits(path)
    path.write_text('{"a": {}}' + " " * MOST_BYTES, encoding="utf-8")
    with pytest.raises(SettingsError, match="4 MiB"):
        read_edits(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without FIFOs")
def test_a_file_without_an_end_is_no_list(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(SettingsError, match="not an ordinary file"):
            read_edits(path)


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
    assert all(
        isinstance(value, float) for value in (*settings.held.values(), *settings.added.values())
    )


def test_a_box_is_four_numbers():
    assert parse_box("1, 2,30.5,40") == (1.0, 2.0, 30.5, 40.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "5,1,5,9",
        "1,9,5,9",
        "9,1,5,9",
        "nan,0,1,1",
        "0,0,inf,1",
    ],
)
def test_a_box_without_area_or_numbers_is_named(text):
    with pytest.raises(SettingsError) as caught:
        parse_box(text)
    assert repr(text) in str(caught.value)


def test_edits_keep_their_order(tmp_path):
    (tmp_path / "e.json").write_text(
        '{"wink": {"AU43L": 1}, "rest": {}, "turn left": {"yaw": 12.5}}', encoding="utf-8"
    )
    edits = read_edits(tmp_path / "e.json")
    assert {name: edit.as_edit() for name, edit in edits.items()} == {
        "wink": {"AU43L": 1.0},
        "rest": {},
        "turn left": {"yaw": 12.5},
    }
    assert list(edits) == ["wink", "rest", "turn left"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "/a",
        "c:d",
        "a\0b",
        "a\n",
        " a",
        "a ",
        "a.",
        ".hidden",
        "x" * 101,
        "a*",
        "a?",
    ],
)
def test_a_name_that_is_no_file_name_somewhere_is_refused(tmp_path, name):
    (tmp_path / "e.json").write_text(json.dumps({"fine": {}, name: {}}), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_edits(tmp_path / "e.json")
    assert (repr(name) if len(name) < 60 else "...xxx") in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "edits by name"),
        ("{}", "edits by name"),
        ('{"a": 1}', "'a'"),
        ('{"a": {"yaw": true}}', "True"),
        ('{"a": {"yaw": "five"}}', "'five'"),
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


def test_a_number_of_too_many_digits_is_told_in_our_words(tmp_path):
    (tmp_path / "e.json").write_text('{"a": {"yaw": 1' + "0" * 400 + "}}", encoding="utf-8")
    with pytest.raises(SettingsError, match="401 digits"):
        read_edits(tmp_path / "e.json")
