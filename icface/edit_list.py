"""What a person asks for in words: settings such as ``AU12=0.8``, lists of named edits, boxes.

Names and ranges of controls are not looked at here: see `icface.controls.deltas_from_settings`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from icface.project import MixRule

Settings = dict[str, float]
"""Selectors (``yaw``, ``AU12``, ``AU43L``, channel names) to degrees or intensities."""

_EDIT_NAME = re.compile(r'[^\x00-\x1f<>:"/\\|?*.][^\x00-\x1f<>:"/\\|?*]{0,99}')
_SOURCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_WORD = rf"(?:relative|absolute|mirror|shift=[+-]?\d+|(?:low|high)=[+-]?{_NUMBER})"
_MIX = re.compile(
    rf"(?P<group>[A-Za-z0-9]+)=(?:(?P<name>{_SOURCE_NAME.pattern})(?:\*(?P<gain>[+-]?{_NUMBER}))?(?P<offset>[+-]{_NUMBER})?"
    rf"(?P<words>(?:,{_WORD})*))?"
)
_EXAMPLE = '{"rest": {}, "wink": {"AU43L": 1}}'


class SettingsError(ValueError):
    """Settings, edits or a box that cannot be understood; the message names the text."""


def parse_settings(texts: tuple[str, ...]) -> Settings:
    """Settings of texts such as ``AU12=0.8``; of two for the same name, the later counts.

    Raises
    ------
    SettingsError
        Naming the text that is not NAME=NUMBER.
    """
    settings: Settings = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise SettingsError(f"--set {text!r} is not NAME=NUMBER, as in --set AU12=0.8 or --set yaw=15.")
        try:
            settings[name] = float(value)
        except ValueError:
            raise SettingsError(f"--set {text!r}: {value!r} is not a number.") from None
    return settings


def parse_changes(texts: tuple[str, ...], *, absolute: bool = False) -> tuple[Settings, Settings]:
    """What is added, and what is held, of texts such as ``AU12=+0.5`` and ``yaw=10``: a sign says that it is added.

    Parameters
    ----------
    texts : tuple of str
        NAME=NUMBER each; of two for one name, the later counts.
    absolute : bool
        Numbers with a sign are held too.

    Raises
    ------
    SettingsError
        Naming the text that is not NAME=NUMBER.
    """
    added: Settings = {}
    held: Settings = {}
    for text in texts:
        for name, value in parse_settings((text,)).items():
            signed = text.partition("=")[2].strip()[0] in "+-"
            (held if absolute or not signed else added)[name] = value
    return added, held


def parse_named_file(text: str) -> tuple[str, Path]:
    """Name and path of ``NAME=FILE``; of a file alone, no name. Names are letters, digits and _."""
    name, equals, path = text.partition("=")
    if equals and _SOURCE_NAME.fullmatch(name) and path and not Path(text).exists():
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
        raise SettingsError(f"--mix {text!r} is not GROUP=NAME[*GAIN][+OFFSET][,WORD...], as in --mix mouth=A*0.8+0.1.")
    words: dict[str, Any] = {}
    for word in filter(None, (found["words"] or "").split(",")):
        key, _, value = word.partition("=")
        if key in words or (key in ("relative", "absolute") and "mode" in words):
            raise SettingsError(f"--mix {text!r} says {key!r} twice, or two things that exclude each other.")
        if key in ("relative", "absolute"):
            words["mode"] = key
        else:
            words[key] = True if key == "mirror" else int(value) if key == "shift" else float(value)
    gain, offset = float(found["gain"] or 1), float(found["offset"] or 0)
    return MixRule(group=found["group"], driver=found["name"] or "", gain=gain, offset=offset, **words)


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in pixels of a text such as ``120,80,400,420``; `SettingsError` otherwise."""
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"--box {text!r} is not LEFT,TOP,RIGHT,BOTTOM in pixels, as in 120,80,400,420.") from None
    if not (-1e6 < left < right < 1e6 and -1e6 < top < bottom < 1e6):
        raise SettingsError(f"--box {text!r} has no area: RIGHT must exceed LEFT, and BOTTOM must exceed TOP.")
    return left, top, right, bottom


def read_edits(path: Path) -> dict[str, Settings]:
    """Named edits of a JSON file such as ``{"rest": {}, "wink": {"AU43L": 1}}``, in the file's order.

    Raises
    ------
    SettingsError
        If the file cannot be read, is no such mapping, or a name cannot be a file's name on every system.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once, parse_int=float)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8, and names given twice
        raise SettingsError(f"{path} is not JSON such as {_EXAMPLE}: {error}.") from None
    if not isinstance(content, dict) or not content:
        raise SettingsError(f"{path} must hold edits by name, such as {_EXAMPLE}.")
    seen: dict[str, str] = {}
    for name, settings in content.items():
        if not _EDIT_NAME.fullmatch(name) or name != name.strip() or name.endswith("."):
            raise SettingsError(
                f"{path}: {name!r} cannot be the name of a picture. Use 1 to 100 letters, digits, spaces, - and _."
            )
        if name.casefold() in seen:
            raise SettingsError(f"{path}: {seen[name.casefold()]!r} and {name!r} would be one file on many systems.")
        seen[name.casefold()] = name
        if not isinstance(settings, dict):
            raise SettingsError(f'{path}: {name!r} must hold settings such as {{"AU12": 0.8}}, not {settings!r}.')
        for control, value in settings.items():
            if not isinstance(value, float):
                raise SettingsError(f"{path}: {name!r} sets {control} to {value!r}, which is not a number.")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise SettingsError(f"{twice!r} is there twice")
    return dict(pairs)
