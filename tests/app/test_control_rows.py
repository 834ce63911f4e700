from __future__ import annotations

import pytest

from app.control_rows import (
    PANEL_REGIONS,
    find_rows,
    gaze_point,
    gaze_settings,
    intensity_letter,
    row_value,
    rows,
)
from icface.face.controls import ACTION_UNITS, ANGLES, CONTROL_IDS
from icface.face.place import PLACES


def test_every_unit_has_its_place_in_the_panel() -> None:
    assert {unit.region for unit in ACTION_UNITS} | {"head"} == set(dict(PANEL_REGIONS))


def test_every_control_has_a_row_and_every_row_a_tip() -> None:
    assert {i for row in rows().values() for i in row.ids} == set(CONTROL_IDS)
    of_head = len(ANGLES) + len(PLACES)
    assert len([row for row in rows().values() if not row.side]) == len(ACTION_UNITS) + of_head
    for row in rows().values():
        assert len(row.tip) > 12
        assert row.tip.endswith(".")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("smile", {"AU6", "AU12"}),
        ("blink", {"AU43"}),
        ("wink", {"AU43"}),
        ("12", {"AU12"}),
        ("au 4", {"AU4"}),
        ("AU4", {"AU4"}),
        ("au45", {"AU43"}),
        ("frown", {"AU4", "AU15"}),
        ("jaw", {"AU26", "AU27", "AU29", "AU30"}),
        ("lip pucker", {"AU18"}),
        ("yawn", {"AU27"}),
        ("tail", set()),
        ("nod", {"pitch"}),
    ],
)
def test_controls_are_found_by_number_name_and_plain_word(query: str, found: set[str]) -> None:
    assert set(find_rows(query)) == found


def test_a_region_is_found_by_its_name() -> None:
    assert {rows()[key].region for key in find_rows("brows")} >= {"brows"}
    assert set(find_rows("gaze")) == {"AU61", "AU62", "AU63", "AU64"}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("AU12", "0.42", 0.42),
        ("AU12", "0,42", 0.42),
        ("AU12", ".5", 0.5),
        ("AU12", "40 %", 0.4),
        ("AU12", "c", 0.6),
        ("AU12", "E", 1.0),
        ("AU12", "1.2", None),
        ("AU12", "-0.1", None),
        ("AU12", "15°", None),
        ("AU12", "", None),
        ("AU30", "-0.5", -0.5),
        ("AU30", "\u22120.5", -0.5),
        ("yaw", "-15", -15.0),
        ("yaw", "12.5°", 12.5),
        ("yaw", "46", None),
        ("yaw", "10%", None),
        ("yaw", "A", None),
        ("AU12", "nan", None),
        ("AU12", "1e9", None),
    ],
)
def test_numbers_are_typed_as_people_write_them(key: str, text: str, value: float | None) -> None:
    assert rows()[key].parse(text) == (None if value is None else pytest.approx(value))


def test_numbers_are_written_shortly_and_never_as_minus_zero() -> None:
    assert [rows()["yaw"].text(v) for v in (0.0, -0.04, 15.0, 12.54)] == [
        "0°",
        "0°",
        "15°",
        "12.5°",
    ]
    assert [rows()["AU30"].text(v) for v in (-0.001, -0.5, 0.426)] == ["0.00", "\u22120.50", "0.43"]


def test_letters_are_fifths_of_the_range() -> None:
    assert [intensity_letter(v) for v in (0.0, 0.1, 0.2, 0.21, 0.6, 0.81, 1.0)] == [
        "",
        "A",
        "A",
        "B",
        "C",
        "E",
        "E",
    ]
    assert intensity_letter(-0.5) == "C"


def test_a_linked_row_shows_the_mean_of_its_sides() -> None:
    values = dict.fromkeys(CONTROL_IDS, 0.0) | {"AU12L": 0.4, "AU12R": 0.2}
    assert row_value(values, rows()["AU12"]) == pytest.approx(0.3)


@pytest.mark.parametrize("point", [(0.0, 0.0), (0.5, -0.25), (-1.0, 1.0)])
def test_a_gaze_survives_its_way_through_the_action_units(point: tuple[float, float]) -> None:
    values = dict.fromkeys(CONTROL_IDS, 0.0) | gaze_settings(*point)
    assert gaze_point(values) == pytest.approx(point)


def test_eyes_to_the_right_of_the_picture_are_the_persons_left() -> None:
    settings = gaze_settings(0.5, 0.0)
    assert settings["AU61L"] == settings["AU61R"] == 0.5
    assert settings["AU62L"] == 0.0


def test_values_the_networks_have_not_seen_are_known() -> None:
    yaw = rows()["yaw"]
    assert not yaw.is_beyond_seen(30.0)
    assert yaw.is_beyond_seen(-30.5)
    assert not rows()["AU12"].is_beyond_seen(1.0)


def test_a_place_is_written_spoken_and_typed_in_percent() -> None:
    zoom = rows()["zoom"]
    assert zoom.text(12.5) == "12.5%"
    assert zoom.text(-3.0) == "\u22123%"
    assert zoom.spoken(20.0) == "20.0 percent"
    assert zoom.parse("20 %") == zoom.parse("20") == 20.0
    assert zoom.parse("20°") is None
    assert zoom.parse("41") is None
    assert zoom.step == 1.0
    assert {"x", "y", "zoom"} <= set(find_rows("place"))
