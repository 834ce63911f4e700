"""What moving a slider will change, said before it happens; free of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.actions import key_names
from app.control_rows import RowSpec

Moves = Literal["", "key", "curve"]
"""What a slider changes: a value without keys, a key on this frame, or a whole curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What moving a slider would change, and what is left of its value in the picture.

    Attributes
    ----------
    moves : "", "key" or "curve"
    text : str
        The same as a sentence; "" where nothing needs saying.
    shifted : bool
        Whether the slider is keyed and has moved its whole curve.
    in_picture : float or None
        The value in the picture, where a blend takes some of the edits back.
    """

    moves: Moves = ""
    text: str = ""
    shifted: bool = False
    in_picture: float | None = None


PLAIN = Outlook()
"""A slider without keys."""


def foretell(spec: RowSpec, *, keyed: bool, here: bool, auto_key: bool) -> tuple[Moves, str]:
    """What a slider would change, and the same as a sentence.

    Parameters
    ----------
    spec : RowSpec
    keyed, here : bool
        Whether it has keys at all, and one on this frame.
    auto_key : bool
        Whether moving a slider sets a key.
    """
    name = spec.number or spec.name
    if here:
        return "key", f"{name}: moving the slider changes the key on this frame."
    if auto_key:
        return "key", f"{name}: moving the slider sets a key on this frame."
    if keyed:
        return "curve", key_names(
            f"{name} is keyed, so its whole curve moves. "
            "Turn on Auto-key, or press Ctrl+K, to set a key on this frame instead."
        )
    return "", ""
