"""The document as a JSON tree, strictly both ways: nothing unknown, every error with its place.

Convention
----------
Fields are called as in `icface.document`, but for those of `_NAMES_IN_FILE`. A fraction is text
("30000/1001"). A state of a face is an object of the channels that are not 0. Motions and landmarks
are named by their digest; their numbers lie beside the tree. A photo, clip or table says in
``kind`` which of them it is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from fractions import Fraction
from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import numpy as np
from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.v import transform_error

from icface.document import Clip, DataFile, Face, Project, Source
from icface.document.curves import Interpolation, Key, Track
from icface.face.controls import CHANNELS, ControlVector
from icface.motion.motion import MOST_CONTROL, Motion
from icface.project_file.errors import ProjectFileError
from icface.project_file.migrations import FORMAT, VERSION
from icface.system import json_text

KINDS: dict[str, type] = {"photo": Source, "clip": Clip, "table": DataFile}
LINE = 200
"""Characters of the longest flat value, such as a key of a curve, that is kept on one line."""
_FRACTION = re.compile(r"[0-9]{1,30}(/[1-9][0-9]{0,29})?")
_MOST_WHOLE = 1 << 53
_NAMES_IN_FILE: dict[type, dict[str, str]] = {
    Key: {"interpolation_in": "left", "interpolation_out": "right"},
    Track: {"extrapolation": "outside"},
}
"""Fields that are called otherwise in the file than in `icface.document`, by class."""
_ATTRIBUTE_IN_PLACE = re.compile(r"(?<=\.)(interpolation_in|interpolation_out|extrapolation)\b")
_KEY_FIELDS = frozenset(_NAMES_IN_FILE[Key].get(field.name, field.name) for field in fields(Key))
_INTERPOLATIONS = frozenset(get_args(Interpolation))
_LONE = re.compile("[\ud800-\udfff]")


class MisfitError(ValueError):
    """A value of the wrong type or range for its place."""


# --------------------------------------------------------------------------------------------------


def tree_of(project: Project) -> dict[str, Any]:
    """The JSON tree of a document."""
    return {"format": FORMAT, "version": VERSION, **_writing().unstructure(project)}


def text_of(tree: Mapping[str, Any]) -> str:
    """JSON with one line for each key of a curve, so that versions can be compared line by line."""
    text = _pretty(tree, 0) + "\n"
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _pretty(node: Any, depth: int) -> str:
    if _is_flat(node):
        flat = json.dumps(node, ensure_ascii=False, sort_keys=True, allow_nan=False)
        if len(flat) + depth <= LINE or not isinstance(node, dict | list):
            return flat
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(node, list):
        return f"[{inner}{f',{inner}'.join(_pretty(item, depth + 1) for item in node)}{outer}]"
    lines = (
        f"{json.dumps(name, ensure_ascii=False)}: {_pretty(node[name], depth + 1)}"
        for name in sorted(node)
    )
    return f"{{{inner}{f',{inner}'.join(lines)}{outer}}}"


def _is_flat(node: Any) -> bool:
    """Whether a node may be on one line: a scalar, or a collection of scalars and flat lists."""
    items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    within = [deep for item in items if isinstance(item, list) for deep in item]
    return not any(isinstance(item, dict) for item in items) and not any(
        isinstance(deep, dict | list) for deep in within
    )


@cache
def _writing() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook(float, float)
    converter.register_unstructure_hook(bool, bool)
    converter.register_unstructure_hook(int, int)
    converter.register_unstructure_hook(Fraction, str)
    converter.register_unstructure_hook(Motion, lambda motion: motion.digest)
    converter.register_unstructure_hook(
        ControlVector,
        lambda vector: {
            name: float(value) for name, value in zip(CHANNELS, vector.values, strict=True) if value
        },
    )
    converter.register_unstructure_hook_func(lambda kind: _origin(kind) is frozenset, sorted)
    converter.register_unstructure_hook_func(
        lambda kind: _origin(kind) is tuple, lambda v: _listed(converter, v)
    )
    converter.register_unstructure_hook(Face, lambda face: _face_tree(converter, face))
    for kind in _NAMES_IN_FILE:
        converter.register_unstructure_hook(
            kind, make_dict_unstructure_fn(kind, converter, **_overrides(kind))
        )
    for name, kind in KINDS.items():
        converter.register_unstructure_hook(
            kind, _tagging(name, make_dict_unstructure_fn(kind, converter))
        )
    return converter


def _overrides(kind: Any) -> dict[str, Any]:
    names = _NAMES_IN_FILE.get(kind, {})
    return {name: override(rename=written) for name, written in names.items()}


def _origin(kind: Any) -> Any:
    return get_origin(kind)


def _listed(converter: Converter, values: tuple[Any, ...]) -> list[Any]:
    return [converter.unstructure(value) for value in values]


def _tagging(name: str, plain: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    return lambda medium: {"kind": name, **plain(medium)}


def _face_tree(converter: Converter, face: Face) -> dict[str, Any]:
    return {
        "box": converter.unstructure(face.box),
        "confidence": float(face.confidence),
        "controls": converter.unstructure(face.controls),
        "landmarks": face.landmarks_digest,
        "motion": None if face.motion is None else face.motion.digest,
    }


# --------------------------------------------------------------------------------------------------


def parsed(data: bytes) -> Any:
    """The parsed JSON; a field that is given twice becomes one that no document knows."""
    try:
        return json_text.parsed(data, pairs=_object, constants=True)
    except json_text.JsonError as error:
        raise ProjectFileError(f"{error}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found[f"{json_text.named_twice(name for name, _ in pairs)} (given twice)"] = None
    return found


def project_of(
    tree: Any, motions: Mapping[str, Motion], landmarks: Mapping[str, np.ndarray[Any, Any]]
) -> Project:
    """The document of a tree of today's version.

    Parameters
    ----------
    tree : object
        Without ``format`` and ``version``.
    motions, landmarks : mapping
        What the tree names by digest.

    Raises
    ------
    ProjectFileError
        With the place: "$.edits[0].tracks[3].keys[7].value: expected a number, not 'x'".
    """
    try:
        project: Project = _reading(motions, landmarks).structure(tree, Project)
    except RecursionError:
        raise ProjectFileError("$: nested deeper than any project.") from None
    except Exception as error:  # noqa: BLE001  (cattrs gathers whatever values raise; all of it is about the file)
        found = transform_error(error, format_exception=_in_words)
        text, _, place = found[0].rpartition(" @ ")
        raise ProjectFileError(f"{_in_file(place)}: {text}") from None
    return project


def _in_file(place: str) -> str:
    """A place such as "$.edits[0].tracks[3]" with the names that fields have in the file."""
    names = {
        name: written for renamed in _NAMES_IN_FILE.values() for name, written in renamed.items()
    }
    return _ATTRIBUTE_IN_PLACE.sub(lambda found: names[found[0]], place)


def _in_words(error: BaseException, kind: type | None) -> str:
    if isinstance(error, ForbiddenExtraKeysError):
        return f"unknown field {min(error.extra_fields)!r}."
    if isinstance(error, KeyError):
        return "this field is missing."
    if isinstance(error, ValueError):
        return str(error)
    return f"not what stands here ({type(error).__name__}: {error})."


def _reading(
    motions: Mapping[str, Motion], landmarks: Mapping[str, np.ndarray[Any, Any]]
) -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (bool, int, float, str):
        converter.register_structure_hook(kind, _plain)
    converter.register_structure_hook(Fraction, _fraction)
    converter.register_structure_hook(ControlVector, _vector)
    converter.register_structure_hook(Motion, _named(motions, "a motion"))
    converter.register_structure_hook_func(
        lambda kind: _origin(kind) is np.ndarray, _named(landmarks, "landmarks")
    )
    converter.register_structure_hook_func(lambda kind: _origin(kind) is Literal, _literal)
    converter.register_structure_hook_func(
        lambda kind: _origin(kind) in (tuple, frozenset),
        lambda value, kind: _sequence(converter, value, kind),
    )
    converter.register_structure_hook_factory(
        lambda kind: hasattr(kind, "__dataclass_fields__") and kind not in (ControlVector, Motion),
        lambda kind: (_key if kind is Key else _object_of)(
            make_dict_structure_fn(kind, converter, **_overrides(kind))
        ),
    )
    converter.register_structure_hook_func(
        _is_medium, lambda value, kind: _medium(converter, value, kind)
    )
    return converter


def _plain(value: Any, kind: Any) -> Any:
    """A value of exactly the type; whole numbers are accepted for fractions."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if kind is float and type(value) is int and abs(value) < _MOST_WHOLE:
        return float(value)
    if type(value) is not kind:
        raise MisfitError(f"expected {names[kind]}, not {_short(value)}.")
    if kind is float and not math.isfinite(value):
        raise MisfitError(f"expected a finite number, not {value}.")
    if kind is int and abs(value) >= _MOST_WHOLE:
        raise MisfitError(f"{_short(value)} is too large.")
    return value


def _fraction(value: Any, _kind: Any) -> Fraction:
    if not isinstance(value, str) or not _FRACTION.fullmatch(value):
        raise MisfitError(f'expected a fraction as "25" or "30000/1001", not {_short(value)}.')
    return Fraction(value)


def _vector(value: Any, _kind: Any) -> ControlVector:
    if not isinstance(value, dict):
        raise MisfitError(f"expected an object of channels, not {_short(value)}.")
    numbers = dict.fromkeys(CHANNELS, 0.0)
    for name, number in value.items():
        if name not in numbers:
            raise MisfitError(f"unknown channel {name!r}.")
        try:
            numbers[name] = _plain(number, float)
        except MisfitError as error:
            raise MisfitError(f"{name}: {error}") from None
        if abs(numbers[name]) > MOST_CONTROL:
            raise MisfitError(
                f"{name}: {number!r} is beyond what a face can show; at most {MOST_CONTROL:g}."
            )
    return ControlVector(tuple(numbers.values()))


def _named(known: Mapping[str, Any], what: str) -> Callable[[Any, Any], Any]:
    def look_up(value: Any, _kind: Any) -> Any:
        if not isinstance(value, str) or value not in known:
            raise MisfitError(f"{_short(value)} is not the digest of {what} of this project.")
        return known[value]

    return look_up


def _literal(value: Any, kind: Any) -> Any:
    if value not in get_args(kind) or not isinstance(value, str):
        raise MisfitError(
            f"expected one of {', '.join(map(repr, get_args(kind)))}, not {_short(value)}."
        )
    return value


def _sequence(converter: Converter, value: Any, kind: Any) -> Any:
    """A list as a tuple or a frozenset, each item with its place in messages."""
    if not isinstance(value, list):
        raise MisfitError(f"expected a list, not {_short(value)}.")
    of = get_args(kind)
    uniform = get_origin(kind) is frozenset or of[-1] is Ellipsis
    if not uniform and len(value) != len(of):
        raise MisfitError(f"expected a list of {len(of)}, not of {len(value)}.")
    kinds = [of[0]] * len(value) if uniform else of
    items, errors = [], []
    for index, (item, its_kind) in enumerate(zip(value, kinds, strict=True)):
        try:
            items.append(converter.structure(item, its_kind))
        except Exception as error:  # noqa: BLE001  (gathered, as cattrs does)
            error.add_note(IterableValidationNote(f"at {index}", index, its_kind))
            errors.append(error)
            break
    if errors:
        raise IterableValidationError("a list", errors, kind)
    return frozenset(items) if get_origin(kind) is frozenset else tuple(items)


def _object_of(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise MisfitError(f"expected an object, not {_short(value)}.")
        return plain(value, kind)

    return structure


def _key(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A fast path for keys as written, of which there may be hundreds of thousands."""
    general = _object_of(plain)

    def structure(value: Any, kind: Any) -> Any:
        if type(value) is not dict or value.keys() != _KEY_FIELDS:
            return general(value, kind)
        frame, number, left, right = value["frame"], value["value"], value["left"], value["right"]
        handles = value["left_handle"], value["right_handle"]
        whole = (
            type(frame) is int
            and abs(frame) < _MOST_WHOLE
            and type(left) is str
            and type(right) is str
            and {left, right} <= _INTERPOLATIONS
        )
        if not whole or not _is_finite(number) or not all(_is_handle(handle) for handle in handles):
            return general(value, kind)
        to_left, to_right = map(tuple, handles)
        return Key(
            frame=frame,
            value=number,
            interpolation_in=left,
            interpolation_out=right,
            left_handle=to_left,
            right_handle=to_right,
        )

    return structure


def _is_finite(value: Any) -> bool:
    return type(value) is float and math.isfinite(value)


def _is_handle(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and _is_finite(value[0]) and _is_finite(value[1])


def _is_medium(kind: Any) -> bool:
    members = set(get_args(kind))
    return len(members) > 1 and members <= {*KINDS.values(), NoneType} and members != {NoneType}


def _medium(converter: Converter, value: Any, kind: Any) -> Any:
    if value is None and NoneType in get_args(kind):
        return None
    if not isinstance(value, dict):
        raise MisfitError(f"expected a photo, clip or table, not {_short(value)}.")
    allowed = [name for name, its_kind in KINDS.items() if its_kind in get_args(kind)]
    name = value.get("kind")
    if name not in allowed:
        raise MisfitError(f"the kind is one of {', '.join(allowed)}, not {_short(name)}.")
    medium: Any = converter.structure(
        {field: item for field, item in value.items() if field != "kind"}, KINDS[name]
    )
    if "\0" in medium.path or not medium.path:
        raise MisfitError(f"{_short(medium.path)} is not a path.")
    return medium


def _short(value: Any) -> str:
    return json_text.shown(value)
