"""Rows of the control panel: their names, ranges, search words and number formats.

Qt-free, so that it is tested as plain values. A row stands for one control id, or for both sides of
a linked Action Unit; its number is then the mean of the two sides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from app.numbers import MINUS, with_minus
from icface.face.controls import (
    ACTION_UNITS,
    ANGLES,
    AU_BY_NUMBER,
    ActionUnit,
    control_range,
)
from icface.face.place import PLACES
from icface.face.reach import reach_of_controls

INTENSITY_LETTERS = "ABCDE"
"""FACS intensities: trace, slight, marked, severe, maximum; each a fifth of the range."""
INTENSITY_WORDS = ("trace", "slight", "marked", "severe", "maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpec:
    """One row: which control ids it sets and how it presents itself.

    Attributes
    ----------
    key : str
        AU12 for a linked unit, AU12L for one side, yaw for an angle, zoom for a place.
    ids : tuple of str
        The control ids of `icface.face.controls` that it sets.
    unit : int or None
        FACS number, None for the head.
    side : str
        "L" or "R" for a row of an unlinked unit, else "".
    seen : float or None
        Beyond this distance from 0 pictures went wrong, or the networks have seen no examples.
    """

    key: str
    ids: tuple[str, ...]
    unit: int | None
    side: str
    number: str
    name: str
    help: str
    region: str
    minimum: float
    maximum: float
    seen: float | None = None

    @property
    def is_angle(self) -> bool:
        """Degrees, rather than a percentage or an intensity."""
        return self.unit is None and not self.is_place

    @property
    def is_place(self) -> bool:
        """Percent of the face, rather than degrees or an intensity."""
        return self.key in PLACES

    @property
    def is_of_head(self) -> bool:
        """An angle or a place, rather than an intensity."""
        return self.unit is None

    @property
    def sign(self) -> str:
        """The sign behind the number: of degrees, of percent, or none."""
        return "" if self.unit is not None else "%" if self.is_place else "°"

    @property
    def can_unlink(self) -> bool:
        """The row stands for two sides."""
        return len(self.ids) > 1

    @property
    def step(self) -> float:
        """Step of an arrow key: one degree, one percent, or a hundredth of an intensity."""
        return 1.0 if self.is_of_head else 0.01

    @property
    def tip(self) -> str:
        """The tooltip: what the muscle does, and how to read a side."""
        name = f"{self.number} {self.name}".strip()
        side = {
            "L": " on the person's own left (on the right in the picture)",
            "R": " on the person's own right (on the left in the picture)",
        }.get(self.side, "")
        return f"{name}: {self.help}{side}."

    def clamp(self, value: float) -> float:
        """The nearest value of the range."""
        return min(max(value, self.minimum), self.maximum)

    def is_beyond_seen(self, value: float) -> bool:
        """The networks guess at this value."""
        return self.seen is not None and abs(value) > self.seen + 1e-9

    def text(self, value: float) -> str:
        """The value as the row writes it: 0.42, 12.5° or 12.5%."""
        if not self.is_of_head:
            return with_minus(f"{abs(value) if abs(value) < 0.005 else value:.2f}")
        shown = round(value, 1) + 0.0
        places = 0 if shown == int(shown) else 1
        return with_minus(f"{shown:.{places}f}{self.sign}")

    def spoken(self, value: float) -> str:
        """The value in words, for screen readers and the status bar."""
        if self.is_angle:
            return f"{value:.1f} degrees"
        if self.is_place:
            return f"{value:.1f} percent"
        letter = intensity_letter(value)
        word = (
            f", {letter}, {INTENSITY_WORDS[INTENSITY_LETTERS.index(letter)]}"
            if letter
            else ", none"
        )
        return f"{value:.2f}{word}"

    def parse(self, text: str) -> float | None:
        """A typed value within the range; None if the text is no value.

        Accepted are ``0.42``, ``0,42``, ``42 %``, ``15°`` and the letters A to E; of a place ``42``
        and ``42 %`` are the same.
        """
        cleaned = text.strip().replace(",", ".").replace(MINUS, "-")
        if not self.is_of_head and cleaned.upper() in INTENSITY_LETTERS and len(cleaned) == 1:
            return (INTENSITY_LETTERS.index(cleaned.upper()) + 1) / len(INTENSITY_LETTERS)
        match = re.fullmatch(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*(%|°|deg)?", cleaned)
        if (
            match is None
            or (match[2] == "%" and self.is_angle)
            or (match[2] in {"°", "deg"} and not self.is_angle)
        ):
            return None
        value = float(match[1]) / (100 if match[2] == "%" and not self.is_place else 1)
        return value if math.isfinite(value) and self.minimum <= value <= self.maximum else None


def row_label(spec: RowSpec) -> str:
    """A row as steps of the history name it: "AU12 Lip corner puller left"."""
    side = {"L": "left", "R": "right"}.get(spec.side, "")
    return " ".join(part for part in (spec.number, spec.name, side) if part)


def intensity_letter(value: float) -> str:
    """FACS intensity A to E of a value in 0..1; "" at rest."""
    size = abs(value)
    if size < 0.005:
        return ""
    return INTENSITY_LETTERS[min(math.ceil(size * 5 - 1e-9), 5) - 1]


_ANGLE_TEXT = {
    "yaw": ("Yaw", "turns the head to the side; above 0 towards the right of the picture"),
    "pitch": ("Pitch", "nods the head; above 0 it looks down"),
    "roll": (
        "Roll",
        "tilts the head towards a shoulder; above 0 its top moves left in the picture",
    ),
}


_PLACE_TEXT = {
    "x": (
        "Move x",
        "moves the head sideways, in percent of the face's height; above 0 to the right",
    ),
    "y": (
        "Move y",
        "moves the head up or down, in percent of the face's height; above 0 upwards",
    ),
    "zoom": ("Zoom", "makes the head larger or smaller, in percent; above 0 it comes nearer"),
}


def _head_row(control: str) -> RowSpec:
    low, high = control_range(control)
    name, text = (_ANGLE_TEXT | _PLACE_TEXT)[control]
    return RowSpec(
        key=control,
        ids=(control,),
        unit=None,
        side="",
        number="",
        name=name,
        help=text,
        region="head",
        minimum=low,
        maximum=high,
        seen=reach_of_controls().get(control),
    )


def _unit_row(unit: ActionUnit, side: str) -> RowSpec:
    return RowSpec(
        key=unit.id + side,
        ids=(unit.id + side,) if side else unit.control_ids,
        unit=unit.number,
        side=side,
        number=unit.id,
        name=unit.name,
        help=unit.help,
        region=unit.region,
        minimum=unit.minimum,
        maximum=unit.maximum,
        seen=within if (within := reach_of_controls()[unit.id]) < unit.maximum else None,
    )


@cache
def rows() -> dict[str, RowSpec]:
    """Every row by key, in the order of a face from top to bottom."""
    made = [_head_row(control) for control in (*ANGLES, *PLACES)]
    for unit in ACTION_UNITS:
        made.append(_unit_row(unit, ""))
        made += [_unit_row(unit, side) for side in unit.sides if side]
    return {row.key: row for row in made}


PANEL_REGIONS: tuple[tuple[str, str], ...] = (
    ("head", "Head"),
    ("brows", "Brows"),
    ("eyes", "Eyes"),
    ("gaze", "Gaze"),
    ("nose", "Nose"),
    ("cheeks", "Cheeks"),
    ("mouth", "Mouth"),
    ("jaw", "Jaw"),
)
"""Region key and title, from top to bottom."""

_PLAIN_WORDS: dict[str, tuple[str, ...]] = {
    "AU1": ("sad", "worry", "plead", "eyebrow", "raise"),
    "AU2": ("surprise", "eyebrow", "raise"),
    "AU4": ("frown", "anger", "angry", "eyebrow", "scowl", "concentrate"),
    "AU5": ("surprise", "fear", "wide", "stare", "open eyes"),
    "AU6": ("smile", "happy", "laugh", "joy", "squint", "crow's feet"),
    "AU7": ("squint", "narrow", "anger"),
    "AU9": ("disgust", "sniff", "wrinkle"),
    "AU10": ("snarl", "sneer", "disgust"),
    "AU11": ("cry", "fold"),
    "AU12": ("smile", "happy", "laugh", "grin", "joy"),
    "AU14": ("dimple", "smirk", "contempt"),
    "AU15": ("sad", "frown", "unhappy"),
    "AU16": ("teeth",),
    "AU17": ("pout", "doubt", "chin"),
    "AU18": ("kiss", "pout", "pucker"),
    "AU20": ("fear", "grimace", "stretch"),
    "AU22": ("funnel", "oo", "whistle"),
    "AU23": ("anger", "tight"),
    "AU24": ("press", "anger", "lips together"),
    "AU25": ("mouth open", "talk", "teeth"),
    "AU26": ("mouth open", "open mouth", "talk", "surprise", "aah"),
    "AU27": ("mouth open", "open mouth", "yawn", "shout", "scream"),
    "AU28": ("suck", "bite"),
    "AU29": ("chin", "forward", "underbite"),
    "AU30": ("chin", "sideways", "crooked"),
    "AU34": ("puff", "blow", "cheek"),
    "AU43": ("blink", "wink", "close", "shut", "sleep", "AU45", "AU46"),
    "AU61": ("look left", "gaze"),
    "AU62": ("look right", "gaze"),
    "AU63": ("look up", "gaze"),
    "AU64": ("look down", "gaze"),
    "yaw": ("turn", "rotate", "pose", "left", "right"),
    "pitch": ("nod", "tilt", "pose", "up", "down"),
    "roll": ("tilt", "lean", "pose"),
    "x": ("move", "shift", "left", "right", "position", "place", "translate"),
    "y": ("move", "shift", "up", "down", "position", "place", "translate"),
    "zoom": ("scale", "size", "bigger", "larger", "smaller", "nearer", "place"),
}


def find_rows(query: str) -> tuple[str, ...]:
    """Keys of the rows (the head's and whole units) that a search means, in panel order.

    Numbers match a whole FACS number ("12", "au12"); words match the beginning of words in the
    name, what the muscle does, its region, and plain words such as smile, blink, frown. Every word
    of the query must match.
    """
    words = query.lower().split()
    whole = [row for row in rows().values() if not row.side]
    return tuple(row.key for row in whole if all(_word_matches(word, row) for word in words))


def _word_matches(word: str, row: RowSpec) -> bool:
    number = re.fullmatch(r"(?:au)?0*(\d+)", word)
    if number:
        asked = int(number[1])
        return row.unit == {45: 43, 46: 43}.get(asked, asked)
    region = dict(PANEL_REGIONS)[row.region]
    texts = (row.number, row.name, region, row.help, *_PLAIN_WORDS.get(row.key, ()))
    return any(
        part.startswith(word) for text in texts for part in re.findall(r"[\w']+", text.lower())
    )


def row_value(values: Mapping[str, float], row: RowSpec) -> float:
    """Value that a row shows: the mean of its sides."""
    return sum(values[i] for i in row.ids) / len(row.ids)


GAZE_UNITS = (61, 62, 63, 64)
"""Eyes left, right, up, down."""
GAZE_IDS: tuple[str, ...] = tuple(
    i for number in GAZE_UNITS for i in AU_BY_NUMBER[number].control_ids
)


def gaze_point(values: Mapping[str, float]) -> tuple[float, float]:
    """Gaze from the values by control id: x to the picture's right, y up, each -1..1."""
    left, right, up, down = (row_value(values, rows()[f"AU{number}"]) for number in GAZE_UNITS)
    return left - right, up - down


def gaze_settings(x: float, y: float) -> dict[str, float]:
    """Values of AU61 to AU64 with which both eyes look at a point of the pad, -1..1 each.

    The person's own left is the right of the picture, so AU61 (eyes left) is positive x.
    """
    amounts = {61: max(x, 0.0), 62: max(-x, 0.0), 63: max(y, 0.0), 64: max(-y, 0.0)}
    return {
        i: min(amount, 1.0)
        for number, amount in amounts.items()
        for i in AU_BY_NUMBER[number].control_ids
    }


def describe_gaze(x: float, y: float) -> str:
    """A gaze in words, as seen in the picture: ``0.20 right, 0.05 up``, or ``straight ahead``."""
    parts = []
    if abs(x) >= 0.005:
        parts.append(f"{abs(x):.2f} {'right' if x > 0 else 'left'}")
    if abs(y) >= 0.005:
        parts.append(f"{abs(y):.2f} {'up' if y > 0 else 'down'}")
    return ", ".join(parts) or "straight ahead"
