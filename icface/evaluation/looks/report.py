"""The judges' document as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from icface.evaluation.looks.mouth_light import PERCENTILES

_COLUMNS = (
    ("steps", "flow", "steps_px", 0),
    ("many", "flow", "many", 0),
    ("smeared", "flow", "smeared_px", 0),
    ("line", "lids", "line", 2),
    ("width", "lids", "width", 3),
    ("lid", "lids", "lid", 2),
    *((f"p{q}", "mouth", f"p{q}", 2) for q in PERCENTILES),
    ("teeth L", "mouth", "teeth_L", 0),
    ("a*", "mouth", "teeth_a", 0),
    ("mouths", "mouth", "people", 0),
    ("nasolab", "folds", "nasolabial", 3),
    ("bel.eye", "folds", "below_eyes", 3),
    ("Lite0", "lite0", "distance", 3),
    ("ident", "identity", "distance", 2),
    ("most", "identity", "largest", 2),
)
"""Title, measure, figure and decimals of each column."""
_WANTED = (
    "wanted: people with many steps at most 1 in 10; line .34-.53, width .12-.18, lid 1.1-1.4; "
    "AU27 p50 >= .33; teeth L >= 0; AU6+12 nasolab <= -.018, bel.eye <= 0; ident < .35"
)


def looks_table(document: Mapping[str, Any]) -> str:
    """The figures of a document of `icface.evaluation.looks.run.judge_looks` as a table."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    people = len(document["data"]["photos"])
    yield f"{people} people, {document['device']}, icface {document['icface']}"
    for note in document["notes"]:
        yield f"note: {note}"
    yield ""
    yield f"{'edit':<21}" + "".join(f"{title:>8}" for title, *_ in _COLUMNS)
    for edit, row in document["edits"].items():
        cells = (_cell(row.get(measure, {}).get(name), n) for _, measure, name, n in _COLUMNS)
        yield f"{edit:<21}" + "".join(cells)
    rest = document["edits"]["rest"].get("rest")
    if rest is not None:
        yield f"rest is the photo, byte for byte: {rest['equal']:.0%} of {rest['people']}"
    folds = document["edits"]["rest"].get("folds", {"people": 0})
    yield f"folds are those of {folds['people']} people with neutral faces"
    yield _WANTED
    yield from _real_or_edited(document.get("real_or_edited", {}))


def _cell(value: float | None, places: int) -> str:
    return f"{'':>8}" if value is None else f"{value:>8.{places}f}"


def _real_or_edited(results: Mapping[str, Any]) -> Iterator[str]:
    if not results:
        return
    yield ""
    yield "real or edited: share of patches told apart (50 % is perfect)"
    for place, row in results.items():
        low, high = row["interval"]
        yield (
            f"  {place:<8}{row['accuracy']:>6.1%}  95 % of resampled people {low:.0%} to {high:.0%}"
            f"; by chance up to {row['chance']:.0%}; {row['real']} real of {row['people']} people"
            f", {row['edited']} edited"
        )
