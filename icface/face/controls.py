"""Controls of a face: head angles, expression channels, and FACS Action Units over them.

Convention
----------
A face state is 56 numbers: yaw, pitch, roll in degrees and 53 expression channels in 0..1. Left and
right are the subject's. Positive yaw turns the face to the subject's left (the viewer's right),
positive pitch looks down, positive roll tilts the head to the subject's right (the viewer sees the
top of the head move left). The angles turn a frame with x to the subject's left, y up and z towards
the camera: yaw first, then pitch, then roll about fixed axes.

The channels carry the names of the ARKit blend shapes with ``_L`` and ``_R`` for the sides. Action
Units (AU) are fixed non-negative combinations of channels (Ekman and Friesen, *Facial Action Coding
System*, 1978); they are what people see, set and key. At 1 a unit is what FACS calls intensity E,
the most an adult does, and at 0.5 half of it. A channel may reach further than that: a smile of 1
is 0.6 of mouthSmile, and more than 0.6 is read as 1. Other units (OpenFace 0..5, radians) exist
only at the boundaries.

Beside these numbers a state has a place in the picture (`icface.face.place`): x, y and zoom of the
head, which are 0 in every reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from icface.arrays import F64
from icface.face.place import AT_HOME, PLACE_RANGE, PLACES, Place

Side = Literal["L", "R", ""]

ANGLES: tuple[str, ...] = ("yaw", "pitch", "roll")
_PAIRED_HEAD = (
    "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "eyeBlink", "eyeLookDown",
    "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide",
)  # fmt: skip


def _pairs(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in names for side in "LR")


EXPRESSIONS: tuple[str, ...] = (
    *_pairs(_PAIRED_HEAD),
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    *_pairs(("mouthDimple", "mouthFrown")),
    "mouthFunnel", "mouthLeft",
    *_pairs(("mouthLowerDown", "mouthPress")),
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper",
    *_pairs(("mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer")),
)  # fmt: skip
CHANNELS: tuple[str, ...] = ANGLES + EXPRESSIONS
CHANNEL_INDEX: dict[str, int] = {name: i for i, name in enumerate(CHANNELS)}
ANGLE_UNIT_DEG = 30.0
"""A turn of the head that counts as much as one expression channel from 0 to 1, wherever both are
compared."""
ANGLE_LIMIT_DEG: dict[str, float] = {"yaw": 45.0, "pitch": 30.0, "roll": 45.0}
ANGLE_SEEN_DEG: dict[str, float] = {"yaw": 30.0, "pitch": 20.0, "roll": 30.0}
"""Beyond these the networks extrapolate: a slider tints, it does not stop."""


class UnknownControlError(ValueError):
    """A name that is neither an angle, an Action Unit nor a channel."""


@dataclass(frozen=True, slots=True)
class ControlVector:
    """One face state: 56 numbers in the order of `CHANNELS`, degrees then 0..1.

    Attributes
    ----------
    values : tuple of float
        Always 56 finite numbers. Channels are not clipped here: see `clipped`.
    place : Place
        Where the head is moved to in the picture.
    """

    values: tuple[float, ...] = (0.0,) * len(CHANNELS)
    place: Place = AT_HOME

    def __post_init__(self) -> None:
        if len(self.values) != len(CHANNELS):
            raise ValueError(
                f"A control vector has {len(CHANNELS)} numbers, not {len(self.values)}."
            )
        if not all(np.isfinite(self.values)):
            raise ValueError("A control vector holds finite numbers only.")

    @classmethod
    def from_array(cls, array: Iterable[float]) -> ControlVector:
        """The vector of 56 numbers in the order of `CHANNELS`."""
        return cls(tuple(float(v) for v in array))

    @classmethod
    def of(cls, values: Mapping[str, float]) -> ControlVector:
        """Zero but for the named channels and angles."""
        return cls().with_channels(values)

    def __getitem__(self, channel: str) -> float:
        return self.values[channel_index(channel)]

    def array(self) -> F64:
        """A fresh float64 array of shape (56,)."""
        return np.array(self.values, np.float64)

    @property
    def angles_deg(self) -> tuple[float, float, float]:
        """Yaw, pitch, roll in degrees."""
        return self.values[0], self.values[1], self.values[2]

    def with_channels(self, values: Mapping[str, float]) -> ControlVector:
        """A copy with these channels or angles replaced."""
        changed = list(self.values)
        for name, value in values.items():
            changed[channel_index(name)] = float(value)
        return replace(self, values=tuple(changed))

    def clipped(self) -> ControlVector:
        """A copy with every channel, every angle and the place within its limits."""
        array = self.array()
        limits = np.array([ANGLE_LIMIT_DEG[a] for a in ANGLES])
        array[:3] = np.clip(array[:3], -limits, limits)
        array[3:] = np.clip(array[3:], 0.0, 1.0)
        return replace(ControlVector.from_array(array), place=self.place.clipped())


def channel_index(channel: str) -> int:
    """The index of a channel or angle in a control vector; `UnknownControlError` if unknown."""
    try:
        return CHANNEL_INDEX[channel]
    except KeyError:
        raise UnknownControlError(
            f"Unknown channel {channel!r}; the channels are those of icface.face.controls.CHANNELS."
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionUnit:
    """One row of the Action Unit table.

    Attributes
    ----------
    number : int
        FACS number.
    name : str
        FACS name.
    region : str
        brows, eyes, gaze, nose, cheeks, mouth or jaw.
    weights : dict
        Channel weights at intensity 1 for each side; the only key is "" for a unit without sides.
    minimum : float
        0, or -1 for the one signed unit (AU30, jaw sideways).
    help : str
        What the muscle does, in plain words.
    """

    number: int
    name: str
    region: str
    weights: dict[Side, dict[str, float]]
    help: str
    minimum: float = 0.0
    maximum: float = 1.0

    @property
    def id(self) -> str:
        """The unit's id, such as AU12."""
        return f"AU{self.number}"

    @property
    def sides(self) -> tuple[Side, ...]:
        """("L", "R"), or ("",) for a unit without sides."""
        return tuple(self.weights)

    @property
    def control_ids(self) -> tuple[str, ...]:
        """AU12L and AU12R, or AU26 alone."""
        return tuple(self.id + side for side in self.weights)


def _sided(
    paired: Mapping[str, float], central: Mapping[str, float] | None = None
) -> dict[Side, dict[str, float]]:
    shared = {name: weight / 2 for name, weight in (central or {}).items()}
    sides: tuple[Side, Side] = ("L", "R")
    return {
        s: {**{f"{name}_{s}": weight for name, weight in paired.items()}, **shared} for s in sides
    }


def _unit(
    number: int,
    name: str,
    region: str,
    paired: Mapping[str, float],
    text: str,
    *,
    central: Mapping[str, float] | None = None,
) -> ActionUnit:
    weights: dict[Side, dict[str, float]] = (
        _sided(paired, central) if paired else {"": dict(central or {})}
    )
    return ActionUnit(number=number, name=name, region=region, weights=weights, help=text)


ACTION_UNITS: tuple[ActionUnit, ...] = (
    _unit(1, "Inner brow raiser", "brows", {"browInnerUp": 1},
          "lifts the inner ends of the eyebrows: worry, sadness"),
    _unit(2, "Outer brow raiser", "brows", {"browOuterUp": 1},
          "lifts the outer ends of the eyebrows: surprise"),
    _unit(4, "Brow lowerer", "brows", {"browDown": 1},
          "draws the eyebrows down and together: the frown"),
    _unit(5, "Upper lid raiser", "eyes", {"eyeWide": 0.55},
          "lifts the upper eyelids: wide, staring eyes"),
    _unit(7, "Lid tightener", "eyes", {"eyeSquint": 1},
          "tightens the eyelids: a hard or short-sighted look"),
    _unit(43, "Eyes closed", "eyes", {"eyeBlink": 1},
          "lets the upper eyelids fall: a blink, on one side a wink"),
    ActionUnit(number=61, name="Eyes left", region="gaze",
               weights={"L": {"eyeLookOut_L": 1}, "R": {"eyeLookIn_R": 1}},
               help="turns the eyes to the person's own left"),
    ActionUnit(number=62, name="Eyes right", region="gaze",
               weights={"L": {"eyeLookIn_L": 1}, "R": {"eyeLookOut_R": 1}},
               help="turns the eyes to the person's own right"),
    _unit(63, "Eyes up", "gaze", {"eyeLookUp": 1}, "turns the eyes up"),
    _unit(64, "Eyes down", "gaze", {"eyeLookDown": 1}, "turns the eyes down"),
    _unit(9, "Nose wrinkler", "nose", {"noseSneer": 0.6},
          "wrinkles the nose and lifts its wings: disgust"),
    _unit(6, "Cheek raiser", "cheeks", {"cheekSquint": 1},
          "lifts the cheeks towards the eyes: a felt smile, with AU12"),
    _unit(34, "Cheek puff", "cheeks", {"cheekPuff": 0.75}, "fills the cheeks with air"),
    _unit(10, "Upper lip raiser", "mouth", {"mouthUpperUp": 0.5},
          "lifts the upper lip: disgust, a snarl"),
    _unit(11, "Nasolabial deepener", "mouth",
          {"noseSneer": 0.25, "cheekSquint": 0.3, "mouthDimple": 0.1},
          "deepens the fold from nose to mouth corner"),
    _unit(12, "Lip corner puller", "mouth", {"mouthSmile": 0.6},
          "pulls the lip corners up and back: the smile"),
    _unit(14, "Dimpler", "mouth", {"mouthDimple": 1},
          "tightens the lip corners inwards: contempt, on one side"),
    _unit(15, "Lip corner depressor", "mouth", {"mouthFrown": 1},
          "pulls the lip corners down: sadness"),
    _unit(16, "Lower lip depressor", "mouth", {"mouthLowerDown": 1},
          "pulls the lower lip down and shows the lower teeth"),
    _unit(17, "Chin raiser", "mouth", {}, "pushes chin and lower lip up: a pout of doubt",
          central={"mouthShrugLower": 1, "mouthShrugUpper": 0.5}),
    _unit(18, "Lip pucker", "mouth", {},
          "draws the lips together and forwards: a kiss", central={"mouthPucker": 1}),
    _unit(20, "Lip stretcher", "mouth", {"mouthStretch": 1},
          "pulls the lip corners straight sideways: fear"),
    _unit(22, "Lip funneler", "mouth", {},
          "funnels the lips outwards: the sound 'oo'", central={"mouthFunnel": 0.6}),
    _unit(23, "Lip tightener", "mouth", {"mouthPress": 0.5},
          "narrows and tightens the red of the lips: anger",
          central={"mouthRollUpper": 0.4, "mouthRollLower": 0.4}),
    _unit(24, "Lip pressor", "mouth", {"mouthPress": 1}, "presses the lips together"),
    _unit(25, "Lips part", "mouth", {"mouthLowerDown": 0.35, "mouthUpperUp": 0.2},
          "parts the lips a little",
          central={"jawOpen": 0.1}),
    _unit(28, "Lip suck", "mouth", {},
          "rolls both lips in over the teeth", central={"mouthRollLower": 1, "mouthRollUpper": 1}),
    _unit(26, "Jaw drop", "jaw", {}, "lets the jaw fall, relaxed", central={"jawOpen": 0.45}),
    _unit(27, "Mouth stretch", "jaw", {},
          "opens the mouth wide: a shout, a yawn", central={"jawOpen": 1}),
    _unit(29, "Jaw thrust", "jaw", {}, "pushes the jaw forwards", central={"jawForward": 1}),
    ActionUnit(number=30, name="Jaw sideways", region="jaw",
               weights={"": {"jawRight": 1}}, minimum=-1.0,
               help="moves the jaw to the person's own left (below 0) or right"),
)  # fmt: skip
AU_BY_NUMBER: dict[int, ActionUnit] = {unit.number: unit for unit in ACTION_UNITS}
UNIT_IDS: tuple[str, ...] = tuple(i for unit in ACTION_UNITS for i in unit.control_ids)
"""Ids of every side of every Action Unit."""
CONTROL_IDS: tuple[str, ...] = ANGLES + PLACES + UNIT_IDS
"""Ids of the controls that sliders set: three angles, the head's place, every side of every AU."""

UNIT_SELECTOR = re.compile(r"AU0*(\d+)(?:\+0*(\d+))?([LR]?)", re.IGNORECASE)
"""Action Units as people write them: AU12, AU12L, AU1+2."""


def control_range(control: str) -> tuple[float, float]:
    """Lowest and highest value of a control id: degrees, percent of a place, or intensity."""
    if control in ANGLE_LIMIT_DEG:
        return -ANGLE_LIMIT_DEG[control], ANGLE_LIMIT_DEG[control]
    if control in PLACE_RANGE:
        return PLACE_RANGE[control]
    if control in CHANNEL_INDEX:
        return 0.0, 1.0
    match = UNIT_SELECTOR.fullmatch(control)
    if match is None or int(match[1]) not in AU_BY_NUMBER:
        raise UnknownControlError(f"Unknown control {control!r}.")
    unit = AU_BY_NUMBER[int(match[1])]
    return unit.minimum, unit.maximum


@cache
def _directions() -> dict[str, F64]:
    """The amounts that one unit of each control adds to the 56 channels; AU30 is signed."""
    table = {name: np.eye(len(CHANNELS))[i] for name, i in CHANNEL_INDEX.items()}
    for unit in ACTION_UNITS:
        for side, weights in unit.weights.items():
            direction = np.zeros(len(CHANNELS))
            for channel, weight in weights.items():
                direction[CHANNEL_INDEX[channel]] = weight
            table[unit.id + side] = direction
    table["AU30"][CHANNEL_INDEX["jawLeft"]] = -1.0
    table |= {name: np.zeros(len(CHANNELS)) for name in PLACES}
    return table


def direction(control: str) -> F64:
    """The amounts (56,) that one unit of a control id adds to the channels; none for a place."""
    try:
        return _directions()[control].copy()
    except KeyError:
        raise UnknownControlError(f"Unknown control {control!r}.") from None


COST = {"": 1.0, "AU11L": 0.7, "AU11R": 0.7, "AU23L": 0.6, "AU23R": 0.6,
        "AU25L": 0.6, "AU25R": 0.6, "AU27": 3.0, "AU28": 0.9}  # fmt: skip
"""Cost of each unit in the inverse, which chooses where units overlap: the cheapest explanation.
Under "" the others'. A unit costs less than units that together move the same channels; AU27 costs
more than AU26, which it continues."""
COST_WEIGHT = 5e-4
"""What a cost of 1 weighs against squared errors of channels: a reading loses at most 0.004."""
RIDGE = 5e-3
"""Ridge of the inverse, which makes it unique where costs do not."""


@cache
def most_read() -> dict[str, float]:
    """The largest amount of each unit that a face can have: above 1 where its channel reaches on.

    A unit of one channel that moves it by less than 1 is read further than its slider goes, unless
    another unit continues it (AU27 follows AU26). So at AU12 = 0 any smile is gone.
    """
    most = {}
    for control in UNIT_IDS:
        moved = direction(control)
        (places,) = np.nonzero(moved)
        strongest = max(float(direction(i)[places[0]]) for i in UNIT_IDS)
        alone = len(places) == 1 and moved[places[0]] >= strongest
        most[control] = float(1 / moved[places[0]]) if alone else 1.0
    return most


@cache
def _inverse_system() -> tuple[tuple[str, ...], F64, F64, F64]:
    ids = tuple(i for i in UNIT_IDS if i != "AU30")
    columns = np.stack([direction(i)[3:] for i in ids], axis=1)  # (53, n)
    cost = np.array([COST.get(i, COST[""]) for i in ids]) * COST_WEIGHT
    most = np.array([most_read()[i] for i in ids])
    return ids, np.concatenate([columns, RIDGE * np.eye(len(ids))]), -cost / RIDGE, most


def action_units(controls: ControlVector, *, beyond: bool = False) -> dict[str, float]:
    """The values of control ids that best explain a face state: bounded least squares.

    Small costs make the answer unique where units overlap: a unit set alone is read as itself.

    Parameters
    ----------
    controls : ControlVector
    beyond : bool
        Whether units are read further than 1, up to `most_read`.

    Returns
    -------
    dict
        Every id of `CONTROL_IDS`: angles and place as they are, units in 0..1 (AU30 in -1..1).
    """
    from scipy.optimize import lsq_linear  # noqa: PLC0415  (a third of a second that a document does not need)

    ids, system, aims, most = _inverse_system()
    target = np.concatenate([np.clip(controls.array()[3:], 0, None), aims])
    solution = np.clip(lsq_linear(system, target, bounds=(0, most), method="bvls").x, 0, most)
    if not beyond:
        solution = np.minimum(solution, 1)
    found = dict(
        zip(ids, (round(float(v), 6) + 0.0 for v in solution), strict=True)
    )  # no negative zero
    found |= dict(zip(ANGLES, controls.angles_deg, strict=True))
    found |= dict(zip(PLACES, controls.place.values, strict=True))
    found["AU30"] = float(np.clip(controls["jawRight"] - controls["jawLeft"], -1, 1))
    return {i: found[i] for i in CONTROL_IDS}
