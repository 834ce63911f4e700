"""The texts of the command line: settings such as ``AU12=0.8``, lists of edits, boxes.

Names and ranges of controls are looked at when a face is known: see `Settings.deltas`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icface.document import MixRule
from icface.face.controls import ControlVector, control_range
from icface.face.selectors import deltas_from_settings, expand_control
from icface.system.atomic_write import reason
from icface.system.json_text import JsonError, named_twice, parsed, shown

MOST_EDITS = 2_000
"""Most edits in a list."""
MOST_SETTINGS = 500
"""Most settings in an edit."""
MOST_BYTES = 4 << 20
"""Largest list of edits, bytes."""
_EDIT_NAME = re.compile(r'[^\x00-\x1f<>:"/\\|?*.][^\x00-\x1f<>:"/\\|?*]{0,99}')
_DRIVER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_WORD = rf"(?:relative|absolute|mirror|shift=[+-]?\d+|(?:low|high)=[+-]?{_NUMBER})"
_MIX = re.compile(
    rf"(?P<group>[A-Za-z0-9]+)=(?:(?P<name>{_DRIVER_NAME.pattern})(?:\*(?P<gain>[+-]?{_NUMBER}))?(?P<offset>[+-]{_NUMBER})?"
    rf"(?P<words>(?:,{_WORD})*))?"
)
_EXAMPLE = '{"rest": {}, "wink": {"AU43L": 1}}'


class SettingsError(ValueError):
    """Settings, edits or a box that cannot be understood; the message names the text."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The wanted state of a face: selectors, mapped to degrees or intensities.

    Selectors are names such as ``yaw``, ``AU12`` and ``AU43L``, or names of channels.

    Attributes
    ----------
    held : mapping
        Values that it is to show.
    added : mapping
        Amounts added to what it shows by itself or, of a control that is held too, to that.
    """

    held: Mapping[str, float] = field(default_factory=dict)
    added: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.held or self.added)

    def as_edit(self) -> dict[str, float | str]:
        """Settings as in a list of edits: numbers are set, texts such as ``"+0.3"`` added."""
        return {**self.held, **{name: f"+{amount:g}" for name, amount in self.added.items()}}

    def deltas(self, own: ControlVector) -> dict[str, float]:
        """Amounts by control id that lead from a face's own state to the wanted one.

        Raises `ValueError` where `deltas_from_settings` does.
        """
        for name, value in self.held.items():
            if value < 0 and all(
                control_range(control)[0] >= 0 for control in expand_control(name)
            ):
                raise SettingsError(
                    f"{name}={value:g} is out of range: it is 0 to 1. "
                    f"To take that away, write {name}=+{value:g}."
                )
        deltas = deltas_from_settings(own, self.held)
        for control, amount in deltas_from_settings(own, self.added, relative=True).items():
            deltas[control] = deltas.get(control, 0.0) + amount
        return deltas


def parse_settings(texts: tuple[str, ...], *, delta: bool = False) -> Settings:
    """Settings from texts such as ``AU12=0.8``, ``yaw=-15`` and ``AU12=+0.3``.

    Of two texts for the same name, the later one counts.

    A plus sign says that the number behind it, which may be negative itself, is added: ``yaw=+-8``
    turns back by 8 degrees. Any other number is the value itself, so that ``yaw=-15`` mirrors
    ``yaw=15``.

    Parameters
    ----------
    texts : tuple of str
        NAME=NUMBER each.
    delta : bool
        All numbers are added.

    Raises
    ------
    SettingsError
        Naming the text that is not NAME=NUMBER.
    """
    amounts: dict[str, tuple[float, bool]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise SettingsError(
                f"--set {text!r} is not NAME=NUMBER, as in --set AU12=0.8, --set yaw=-15 or "
                "--set AU12=+0.3."
            )
        amounts[name] = _amount(value, f"--set {text!r}", delta=delta)
    return _settings(amounts)


def _amount(text: str, where: str, *, delta: bool = False) -> tuple[float, bool]:
    """A number, and whether it is added."""
    plus = text.startswith("+")
    try:
        return float(text[1:] if plus else text), plus or delta
    except ValueError:
        raise SettingsError(f"{where}: {text!r} is not a number.") from None


def _settings(amounts: Mapping[str, tuple[float, bool]]) -> Settings:
    return Settings(
        {name: value for name, (value, adds) in amounts.items() if not adds},
        {name: value for name, (value, adds) in amounts.items() if adds},
    )


def parse_named_file(text: str) -> tuple[str, Path]:
    """Name and path of ``NAME=FILE``; of a file alone, no name. Names are letters, digits and _."""
    name, equals, path = text.partition("=")
    if equals and _DRIVER_NAME.fullmatch(name) and path and not Path(text).exists():
        return name, Path(path)
    return "", Path(text)


def parse_mix(text: str) -> MixRule:
    """The rule of a text such as ``mouth=A*0.8+0.1`` or ``pose=B*0.5,shift=-3,mirror``.

    ::

        GROUP=NAME[*GAIN][+OFFSET][,WORD...]
        GROUP=            the face's own
        WORD:   relative, absolute, mirror, shift=FRAMES, low=NUMBER, high=NUMBER

    Raises
    ------
    SettingsError
        If it is not of that form.
    ProjectError
        For an unknown group, and numbers out of range.
    """
    found = _MIX.fullmatch(text.strip())
    if found is None:
        raise SettingsError(
            f"--mix {text!r} is not GROUP=NAME[*GAIN][+OFFSET][,WORD...], as in --mix "
            "mouth=A*0.8+0.1."
        )
    words: dict[str, Any] = {}
    for word in filter(None, (found["words"] or "").split(",")):
        key, _, value = word.partition("=")
        if key in words or (key in ("relative", "absolute") and "mode" in words):
            raise SettingsError(
                f"--mix {text!r} says {key!r} twice, or two things that exclude each other."
            )
        if key in ("relative", "absolute"):
            words["mode"] = key
        else:
            words[key] = True if key == "mirror" else int(value) if key == "shift" else float(value)
    gain, offset = float(found["gain"] or 1), float(found["offset"] or 0)
    return MixRule(
        group=found["group"], driver=found["name"] or "", gain=gain, offset=offset, **words
    )


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in pixels, from a text such as ``120,80,400,420``.

    Raises `SettingsError` for any other text.
    """
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"--box {text!r} is not LEFT,TOP,RIGHT,BOTTOM in pixels, as in 120,80,400,420."
        ) from None
    if not (-1e6 < left < right < 1e6 and -1e6 < top < bottom < 1e6):
        raise SettingsError(
            f"--box {text!r} has no area: RIGHT must exceed LEFT, and BOTTOM must exceed TOP."
        )
    return left, top, right, bottom


def read_edits(path: Path, *, delta: bool = False) -> dict[str, Settings]:
    """Named edits of a JSON file such as ``{"rest": {}, "wink": {"AU43L": 1}}``, in file order.

    Numbers are what the face is to show, and texts such as ``"+0.3"`` what is added, as in
    `parse_settings`.

    Parameters
    ----------
    path : Path
    delta : bool
        All numbers are added.

    Raises
    ------
    SettingsError
        If the file cannot be read, is no such mapping, holds more than is done at a time, or a name
        cannot be a file's name on every system.
    """
    content = _content(path)
    if not isinstance(content, dict) or not content:
        raise SettingsError(f"{path} must hold edits by name, such as {_EXAMPLE}.")
    if len(content) > MOST_EDITS:
        raise SettingsError(
            f"{path} holds {len(content)} edits; at most {MOST_EDITS} are made at a time. "
            "Split the list."
        )
    seen: dict[str, str] = {}
    edits: dict[str, Settings] = {}
    for name, settings in content.items():
        if not _EDIT_NAME.fullmatch(name) or name != name.strip() or name.endswith("."):
            raise SettingsError(
                f"{path}: {shown(name)} cannot be the name of a picture. "
                "Use 1 to 100 letters, digits, spaces, - and _."
            )
        if name.casefold() in seen:
            raise SettingsError(
                f"{path}: {seen[name.casefold()]!r} and {name!r} would be one file on many systems."
            )
        seen[name.casefold()] = name
        edits[name] = _edit_of(settings, f"{path}: {name!r}", delta=delta)
    return edits


def _content(path: Path) -> Any:
    """The JSON of a list of edits, no more than `MOST_BYTES` of it."""
    try:
        if path.exists() and not path.is_file():
            raise SettingsError(
                f"{path} is not an ordinary file. Write the edits into a file, such as {_EXAMPLE}."
            )
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {reason(error)}.") from None
    if len(data) > MOST_BYTES:
        raise SettingsError(
            f"{path} has more than {MOST_BYTES >> 20} MiB; a list of edits has at most that. "
            "Split the list."
        )
    try:
        return parsed(data, pairs=_once, constants=True)
    except JsonError as error:
        raise SettingsError(f"{path} is not JSON such as {_EXAMPLE}: {error}.") from None


def _edit_of(content: object, where: str, *, delta: bool) -> Settings:
    if not isinstance(content, dict):
        raise SettingsError(
            f'{where} must hold settings such as {{"AU12": 0.8}}, not {shown(content)}.'
        )
    if len(content) > MOST_SETTINGS:
        raise SettingsError(
            f"{where} has {len(content)} settings; at most {MOST_SETTINGS} are read, and there are "
            "fewer controls."
        )
    amounts: dict[str, tuple[float, bool]] = {}
    for control, value in content.items():
        if isinstance(value, str):
            amounts[control] = _amount(value, f"{where} sets {control}", delta=delta)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            amounts[control] = float(value), delta
        else:
            raise SettingsError(f"{where} sets {control} to {shown(value)}, which is not a number.")
    return _settings(amounts)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = named_twice(name for name, _ in pairs)
    if twice is not None:
        raise JsonError(f"{shown(twice)} is there twice")
    return dict(pairs)
