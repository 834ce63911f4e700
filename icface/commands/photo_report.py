"""A photo and its faces, described for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icface.document import Face
    from icface.media import Photo

_SHOWN_FROM = 0.05
"""Smallest reading of an Action Unit that people see listed."""


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Numbers by name, to four decimals."""
    return {name: round(value, 4) for name, value in values.items()}


def about_photo(photo: Photo) -> dict[str, Any]:
    """A photo's file and pixels, ready for JSON."""
    return {
        "input": str(photo.path),
        "digest": photo.digest,
        "width": photo.width,
        "height": photo.height,
        "bits": photo.pixels.dtype.itemsize * 8,
        "alpha": photo.has_alpha,
        "icc_profile": photo.icc is not None,
        "notes": list(photo.notes),
    }


def about_face(face: Face, index: int | None) -> dict[str, Any]:
    """A face's place, controls and Action Units, ready for JSON.

    Its number is None for a face in a drawn box.
    """
    from icface.face.controls import CHANNELS
    from icface.face.geometry import eye_line_deg
    from icface.face.lying import lying_deg

    box = face.box
    return {
        "index": index,
        "lies_at_degrees": lying_deg(-eye_line_deg(face.landmarks)),
        "box": [round(v, 1) for v in (box.left, box.top, box.right, box.bottom)],
        "confidence": round(face.confidence, 4),
        "controls": rounded(dict(zip(CHANNELS, face.controls.values, strict=True))),
        "action_units": rounded(face.readings),
    }


def face_lines(about: dict[str, Any]) -> Iterator[str]:
    """The lines that describe a face to people, from `about_face`."""
    from icface.face.controls import ACTION_UNITS, ANGLES

    left, top, right, bottom = about["box"]
    readings: dict[str, float] = about["action_units"]
    lies = about["lies_at_degrees"]
    place = f"{left:.0f},{top:.0f},{right:.0f},{bottom:.0f}"
    lying = f"  lies at {lies:+.0f} deg, from which roll counts" if lies else ""
    yield f"face {about['index']}: {place}  confidence {about['confidence']:.2f}{lying}"
    yield "  " + "  ".join(f"{angle} {readings[angle]:+.1f} deg" for angle in ANGLES)
    for unit in ACTION_UNITS:
        values = [readings[control] for control in unit.control_ids]
        if max(map(abs, values)) >= _SHOWN_FROM:
            sides = "  ".join(
                f"{c.removeprefix(unit.id) or ' '} {v:.2f}"
                for c, v in zip(unit.control_ids, values, strict=True)
            )
            yield f"  {unit.id:<5} {unit.name:<22} {sides}"
