"""The evaluation document as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_METHODS = {
    "driven": "driven",
    "driven_by_readings": "driven by readings",
    "driven_by_fit": "driven by fits",
    "still": "still source",
    "rig": "the rig itself",
}


def table(document: Mapping[str, Any]) -> str:
    """The figures of a document as tables, headed by the material."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    results, data = document["results"], document["data"]
    photos, clips = len(data["photos"]), len(data["clips"])
    yield f"{photos} photos, {clips} clips, {document['device']}, icface {document['icface']}"
    for note in document["notes"]:
        yield f"note: {note}"
    yield from _controls(results["controls"])
    rest = results["rest_difference"]["largest"]
    rest = "not measured" if rest is None else rest
    yield ""
    yield f"rest: largest change of a value  {rest} (of 255; 0 is right)"
    yield from _states(
        "there and back: mean difference in the face, 0..1", results["there_and_back"]
    )
    yield from _states(
        "sharpness: detail of the edited face over the photo's, median", results["sharpness"]
    )
    yield from _reenactment(
        "self-reenactment, first frame driven by its clip", results["reenactment"]
    )
    if "reenactment_fitted" in results:
        yield from _reenactment("self-reenactment of fitted frames", results["reenactment_fitted"])
    yield from _arrived(results["arrived"])
    yield from _flicker(results["flicker"])
    if "mouth" in results:
        yield from _mouth(results["mouth"])
    yield from _times(document["milliseconds"])


def _figure(value: float | None, places: int = 3, width: int = 9) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.{places}f}"


def _controls(controls: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    titles = ("error", "slope", "pooled", "rank", "others", "worst")
    yield f"{'control':<9}{''.join(f'{title:>9}' for title in titles)}  photos  lost"
    for name, row in controls.items():
        talk = row.get("cross_talk", {})
        figures = [row.get(key) for key in ("error", "slope", "slope_pooled", "rank_correlation")]
        cells = "".join(_figure(value) for value in [*figures, talk.get("mean"), talk.get("worst")])
        worst = talk.get("worst_control", "")
        yield f"{name:<9}{cells}  {row['photos']:>6}  {row['lost']:>4}  {worst}"


def _states(title: str, row: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield title
    yield "  " + "  ".join(
        f"{name} {_figure(value, 4, 0)}" for name, value in row.items() if name != "lost"
    )
    if row["lost"]:
        yield f"  not found again: {row['lost']}"


def _reenactment(title: str, results: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{title:<52}{'L1':>9}{'PSNR':>9}{'SSIM':>9}{'AKD px':>9}"
    for clip, row in [*results["clips"].items(), ("mean", results["mean"])]:
        for method, label in _METHODS.items():
            if method in row:
                cells = "".join(
                    _figure(row[method][n], p)
                    for n, p in (("l1", 4), ("psnr", 2), ("ssim", 3), ("akd", 2))
                )
                yield f"  {clip:<29.29} {label:<20}{cells}"


def _arrived(results: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    units = list(results["mean"])
    yield f"{'movement that arrives: share, correlation':<32}" + "".join(
        f"{unit:>14}" for unit in units
    )
    for clip, row in [*results["clips"].items(), ("mean", results["mean"])]:
        cells = "".join(
            _figure(row[u]["share"], 2, 8) + _figure(row[u]["correlation"], 2, 6)
            if u in row
            else f"{'-':>14}"
            for u in units
        )
        yield f"  {clip:<30.30}{cells}"


def _flicker(results: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{'flicker under a still driver':<32}{'picture':>9}{'degrees':>9}{'channels':>10}"
    for clip, row in [*results["clips"].items(), ("mean", results["mean"])]:
        if row:
            cells = (
                _figure(row["picture"], 5)
                + _figure(row["angles_deg"], 3)
                + _figure(row["channels"], 4, 10)
            )
            yield f"  {clip:<30.30}{cells}"


def _mouth(mouth: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    people = mouth["people"]
    yield f"mouths closed by the rig and opened again, {people} people: mean difference, 0..1"
    if mouth["lost"]:
        yield f"  no face seen by the network: {mouth['lost']} more"
    yield f"  {'':<20}{'inside':>9}{'box':>9}"
    for key, label in (("full", "as it is"), ("moved", "without paint"), ("closed", "left closed")):
        yield f"  {label:<20}{_figure(mouth[key]['inside'], 4)}{_figure(mouth[key]['box'], 4)}"


def _times(times: Mapping[str, Any]) -> Iterator[str]:
    if times:
        yield ""
        yield (
            f"milliseconds at {times['size']} px: tick {times['tick']['p50']:.1f}, "
            f"95 % of them within {times['tick']['p95']:.1f}; detect {times['detect']:.0f}, "
            f"follow {times['follow']:.0f}, encode {times['encode']:.0f}"
        )
