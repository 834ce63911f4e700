"""Random states of a face to train the tracker: sets of movements, and matching angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icface.face.controls import EXPRESSIONS
from icface.training.rig.rig import State

_EVENTS: tuple[tuple[float, tuple[str, ...], float], ...] = (
    # chance, channels (paired names get a side), lowest strength
    (0.42, ("eyeBlink",), 0.15),
    (0.10, ("eyeWide",), 0.2),
    (0.12, ("eyeSquint",), 0.2),
    (0.34, ("browInnerUp",), 0.15),
    (0.20, ("browOuterUp",), 0.2),
    (0.20, ("browDown",), 0.2),
    (0.38, ("jawOpen",), 0.05),
    (0.36, ("mouthSmile",), 0.1),
    (0.14, ("mouthFrown",), 0.2),
    (0.10, ("mouthPucker",), 0.2),
    (0.08, ("mouthFunnel",), 0.2),
    (0.10, ("mouthUpperUp",), 0.2),
    (0.10, ("mouthLowerDown",), 0.2),
    (0.08, ("mouthPress",), 0.2),
    (0.10, ("mouthStretch",), 0.2),
    (0.06, ("mouthDimple",), 0.2),
    (0.06, ("mouthRollLower", "mouthRollUpper"), 0.2),
    (0.05, ("mouthRollLower",), 0.2),
    (0.05, ("mouthRollUpper",), 0.2),
    (0.05, ("mouthShrugLower",), 0.2),
    (0.05, ("mouthShrugLower", "mouthShrugUpper"), 0.2),
    (0.05, ("jawForward",), 0.2),
    (0.05, ("jawLeft",), 0.2),
    (0.05, ("jawRight",), 0.2),
    (0.05, ("mouthLeft",), 0.2),
    (0.05, ("mouthRight",), 0.2),
    (0.05, ("cheekPuff",), 0.2),
    (0.10, ("noseSneer",), 0.2),
    (0.12, ("cheekSquint",), 0.2),
)
_INDEX = {name: i for i, name in enumerate(EXPRESSIONS)}


def varied_expression(rng: np.random.Generator, own: NDArray[np.floating]) -> NDArray[np.float64]:
    """53 channels: the person's own, faded by a random share, with a few movements set on top."""
    fade = (0.0, 1.0, rng.random())[rng.integers(3)]
    e = np.clip(own.astype(np.float64) * fade, 0, 1)
    for chance, names, least in _EVENTS:
        if rng.random() >= chance:
            continue
        strength = rng.uniform(least, 1.0)
        for name in names:
            if name in _INDEX:
                e[_INDEX[name]] = strength * rng.uniform(0.8, 1.0)
                continue
            one_side = rng.random() < 0.3
            sides = ("LR"[rng.integers(2)],) if one_side else ("L", "R")
            for side in sides:
                e[_INDEX[f"{name}_{side}"]] = strength * rng.uniform(0.85, 1.0)
            if one_side and rng.random() < 0.5:
                e[_INDEX[f"{name}_{'R' if sides[0] == 'L' else 'L'}"]] = 0.0
    if rng.random() < 0.5:
        look_about(rng, e)
    for smile, squint in (("mouthSmile_L", "cheekSquint_L"), ("mouthSmile_R", "cheekSquint_R")):
        if rng.random() < 0.5:
            e[_INDEX[squint]] = max(e[_INDEX[squint]], 0.6 * e[_INDEX[smile]])
    return np.clip(e, 0, 1)


def look_about(rng: np.random.Generator, e: NDArray[np.float64]) -> None:
    """Turn both eyes of an expression, (53,), in place, to where chance has it."""
    across, up = rng.uniform(-0.9, 0.9, 2)
    for name, value in (
        ("Out_L", across),
        ("In_R", across),
        ("In_L", -across),
        ("Out_R", -across),
        ("Up_L", up),
        ("Up_R", up),
        ("Down_L", -up),
        ("Down_R", -up),
    ):
        e[_INDEX[f"eyeLook{name}"]] = max(value, 0.0)


JUDGED = ("jawOpen", "eyeBlink", "mouthSmile", "browInnerUp")
"""Channels whose reading is judged: see `swept_state`."""


def swept_state(rng: np.random.Generator, source: State) -> State:
    """The person turned a little, each channel of `JUDGED` at a uniform strength, sides alike."""
    expression = source.expression.copy()
    for name in JUDGED:
        strength = rng.random()
        for channel in (name,) if name in _INDEX else (f"{name}_L", f"{name}_R"):
            expression[_INDEX[channel]] = strength
    own = source.angles_deg
    yaw, pitch = own[0] + float(rng.uniform(-12, 12)), own[1] + float(rng.uniform(-8, 8))
    return source.turned(yaw, pitch, own[2]).expressed(np.clip(expression, 0, 1))


def spread_expression(rng: np.random.Generator, own: NDArray[np.floating]) -> NDArray[np.float64]:
    """(53,) the person's channels, `JUDGED` and brows at uniform strengths, sides mostly alike.

    A reading that seldom sees a movement learns that it is nought, and falls short of it. Brows are
    raised, lowered or both.
    """
    e = np.clip(own.astype(np.float64), 0, 1)
    up, down = (
        (((1, 0), (0, 1), (1, 1))[rng.choice(3, p=(0.4, 0.45, 0.15))])
        if rng.random() < 0.9
        else (0, 0)
    )
    strengths = {name: rng.random() for name in ("jawOpen", "eyeBlink", "mouthSmile")}
    strengths["browInnerUp"] = up * rng.random()
    strengths["browOuterUp"] = strengths["browInnerUp"] if rng.random() < 0.4 else up * rng.random()
    strengths["browDown"] = down * rng.random()
    if strengths["eyeBlink"] < 0.4:
        strengths["eyeWide"] = rng.random() * (rng.random() < 0.5)
        strengths["eyeBlink"] *= rng.random() < 0.6
    for name, strength in strengths.items():
        sides = (name,) if name in _INDEX else (f"{name}_L", f"{name}_R")
        for side in sides:
            e[_INDEX[side]] = strength
        if len(sides) == 2 and rng.random() < 0.15:
            e[_INDEX[sides[rng.integers(2)]]] *= rng.random()
    return np.clip(e, 0, 1)


def random_state(rng: np.random.Generator, source: State) -> State:
    """The person in a state the rig shows well, within 30 degrees of the photographed pose."""
    yaw, pitch = (
        (rng.uniform(-30, 30), rng.uniform(-20, 20))
        if rng.random() < 0.35
        else rng.normal(0, (11, 7))
    )
    own = source.angles_deg
    yaw, pitch = np.clip(yaw, -30, 30), np.clip(pitch, -20, 20)
    yaw, pitch = (
        now + (-delta if abs(now + delta) > limit else delta)
        for now, delta, limit in ((own[0], yaw, 45), (own[1], pitch, 30))
    )
    kind = rng.random()
    if kind < 0.5:
        spread = spread_expression(rng, source.expression)
        if rng.random() < 0.5:
            look_about(rng, spread)
        return source.turned(float(yaw), float(pitch), own[2]).expressed(spread)
    own_face = source.expression if kind < 0.57 else np.zeros(53)
    expression = own_face if kind < 0.62 else varied_expression(rng, source.expression)
    return source.turned(float(yaw), float(pitch), own[2]).expressed(
        np.asarray(expression, np.float64)
    )
