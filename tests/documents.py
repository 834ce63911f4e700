"""Hypothesis strategies for whole documents: every source, driver, rule, curve and setting."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from icface.document import (
    GROUPS,
    Clip,
    DataFile,
    Driver,
    Face,
    FaceEdits,
    Marker,
    MixRule,
    OutputSettings,
    Project,
    Region,
    Source,
)
from icface.document.curves import Blend, Key, Track
from icface.document.drivers import group_rank
from icface.face.controls import ACTION_UNITS, CHANNELS, CONTROL_IDS, ControlVector
from icface.face.geometry import Box
from icface.motion.conditioning import BEYOND, MISSING_POLICIES
from icface.motion.motion import Motion
from tests.strategies import control_vectors

ROOT = Path(os.sep).absolute()
NUMBERS = st.floats(-1e6, 1e6)
FRAMES = st.integers(0, 10_000)
RATES = st.one_of(
    st.integers(1, 120).map(Fraction), st.just(Fraction(30000, 1001)), st.fractions(1, 100)
)
TEXTS = st.text(max_size=12)
_PARTS = st.text(
    st.characters(blacklist_characters="/\\\0:", blacklist_categories=["Cs"]),
    min_size=1,
    max_size=8,
)
PATHS = st.lists(_PARTS.filter(lambda p: p not in (".", "..")), min_size=1, max_size=4).map(
    lambda p: str(ROOT.joinpath(*p))
)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
SIDES = st.integers(1, 20_000)


def photos() -> st.SearchStrategy[Source]:
    return st.builds(Source, PATHS, DIGESTS, SIDES, SIDES)


def clips(n_frames: int, rate: Fraction) -> st.SearchStrategy[Clip]:
    return st.builds(
        Clip,
        path=PATHS,
        digest=DIGESTS,
        width=SIDES,
        height=SIDES,
        rate=st.just(rate),
        n_frames=st.just(n_frames),
        duration_s=st.floats(0.01, 1e5),
        has_sound=st.booleans(),
    )


@st.composite
def motions(draw: st.DrawFn, *, length: int, rate: Fraction, landmarks: bool) -> Motion:
    """A motion with missing frames, cuts and missing channels; its first frame shows a face."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    present = np.array([True, *(draw(st.booleans()) for _ in range(length - 1))])
    controls = rng.uniform(0, 1, (length, len(CHANNELS))).astype(np.float32)
    points = rng.uniform(0, 500, (length, 478, 3)).astype(np.float32)
    controls[~present], points[~present] = np.nan, np.nan
    return Motion(
        seconds=np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 0.1, length - 1))]),
        controls=controls,
        confidence=np.where(present, rng.uniform(0, 1, length), 0).astype(np.float32),
        landmarks=points if landmarks else None,
        rate=rate,
        carried=draw(st.frozensets(st.sampled_from(CHANNELS), min_size=1)),
        cuts=tuple(sorted(draw(st.sets(st.integers(1, length - 1), max_size=2))))
        if length > 1
        else (),
        origin=draw(TEXTS),
    )


@st.composite
def drivers(draw: st.DrawFn, name: str) -> Driver:
    length, rate = draw(st.integers(1, 4)), draw(RATES)
    motion = draw(motions(length=length, rate=rate, landmarks=draw(st.booleans())))
    medium: Any = draw(
        st.one_of(photos(), clips(length, rate), st.builds(DataFile, PATHS, DIGESTS, TEXTS))
    )
    waits = isinstance(medium, Clip) and draw(st.booleans())
    return Driver(
        name=name,
        medium=medium,
        motion=None if waits else motion,
        neutral_frame=None if waits else draw(st.sampled_from([None, 0])),
        missing=draw(st.sampled_from(MISSING_POLICIES)),
        smoothing=draw(st.floats(0, 1)),
        beyond=draw(st.sampled_from(BEYOND)),
    )


def keys() -> st.SearchStrategy[Key]:
    before, after = st.floats(-1e4, 0), st.floats(0, 1e4)
    sides = ("linear", "ease", "bezier")
    return st.builds(
        Key, frame=FRAMES, value=NUMBERS, interpolation_in=st.sampled_from(sides),
        interpolation_out=st.sampled_from(("hold", *sides)),
        left_handle=st.tuples(before, NUMBERS), right_handle=st.tuples(after, NUMBERS),
    )  # fmt: skip


def tracks(target: str) -> st.SearchStrategy[Track]:
    flags = st.booleans()
    ordered = st.lists(keys(), min_size=1, max_size=4, unique_by=lambda key: key.frame).map(
        lambda found: tuple(sorted(found, key=lambda key: key.frame))
    )
    mode, extrapolation = st.sampled_from(("delta", "absolute")), st.sampled_from(("hold", "rest"))
    return st.builds(Track, st.just(target), ordered, mode, extrapolation, flags, flags, flags)


def rules(group: str, names: list[str]) -> st.SearchStrategy[MixRule]:
    limits = st.one_of(
        st.just((None, None)),
        st.tuples(st.floats(-180, 0), st.one_of(st.none(), st.floats(0, 180))),
    )
    return st.builds(
        lambda limit, **rest: MixRule(group=group, low=limit[0], high=limit[1], **rest),
        limits,
        driver=st.sampled_from(["", *names]),
        mode=st.sampled_from(("relative", "absolute")),
        gain=st.floats(-10, 10),
        offset=st.floats(-180, 180),
        shift=st.integers(-1000, 1000),
        mirror=st.booleans(),
    )


@st.composite
def edits(draw: st.DrawFn, names: list[str]) -> FaceEdits:
    amounts = st.floats(-30, 30).filter(bool)
    sided = [unit.number for unit in ACTION_UNITS if len(unit.sides) > 1]
    groups = draw(st.lists(st.sampled_from([*GROUPS, "AU12", "AU4L"]), unique=True, max_size=3))
    groups.sort(key=lambda group: (group_rank(group), group))
    targets = draw(
        st.lists(
            st.sampled_from([*CONTROL_IDS, "mix:mouth:gain", "mix:AU12:offset"]),
            unique=True,
            max_size=3,
        )
    )
    first = draw(FRAMES)
    return FaceEdits(
        deltas=tuple(
            sorted(draw(st.dictionaries(st.sampled_from(CONTROL_IDS), amounts, max_size=4)).items())
        ),
        unlinked=draw(st.frozensets(st.sampled_from(sided), max_size=3)),
        mix=tuple(draw(rules(group, names)) for group in groups),
        tracks=tuple(draw(tracks(target)) for target in sorted(targets)),
        blend=draw(
            st.one_of(
                st.none(), st.just(Blend(first=first, last=first + 20, fade_in=3, fade_out=9))
            )
        ),
    )


@st.composite
def faces(draw: st.DrawFn, motion: Motion | None) -> Face:
    if motion is not None:
        return Face.of_motion(motion)
    landmarks = (
        np.random.default_rng(draw(st.integers(0, 1000)))
        .uniform(0, 800, (478, 3))
        .astype(np.float32)
    )
    controls: ControlVector = draw(control_vectors())
    return Face(Box.around(landmarks), landmarks, controls, draw(st.floats(0, 1)))


@st.composite
def documents(draw: st.DrawFn) -> Project:
    """Any document that can be made."""
    rate, length = draw(RATES), draw(st.integers(1, 4))
    source: Any = draw(st.one_of(st.none(), photos(), clips(length, rate)))
    count = 0 if source is None else draw(st.integers(0, 2))
    moving = isinstance(source, Clip)
    found = [
        draw(faces(draw(motions(length=length, rate=rate, landmarks=True)) if moving else None))
        for _ in range(count)
    ]
    names = draw(
        st.lists(st.sampled_from(["A", "B", "Stirn, zweiter Versuch é"]), unique=True, max_size=3)
    )
    points = sorted(draw(st.lists(FRAMES, min_size=2, max_size=2)))
    return Project(
        source=source,
        faces=tuple(found),
        face_index=draw(st.integers(0, count - 1)) if count and draw(st.booleans()) else None,
        edits=tuple(draw(edits(names)) for _ in found),
        drivers=tuple(draw(drivers(name)) for name in names),
        rate=rate,
        first=draw(st.sampled_from([None, points[0]])),
        last=draw(st.sampled_from([None, points[1]])),
        markers=tuple(
            Marker(frame=frame, text=draw(TEXTS))
            for frame in sorted(draw(st.sets(FRAMES, max_size=3)))
        ),
        regions=tuple(draw(st.lists(regions(), max_size=2))),
        output=draw(
            st.builds(
                OutputSettings,
                preset=TEXTS,
                sound=TEXTS,
                side_by_side=st.booleans(),
                labelled=st.booleans(),
            )
        ),
        length=None
        if moving
        else draw(st.one_of(st.none(), FRAMES.map(lambda frames: frames + 1))),
    )


def regions() -> st.SearchStrategy[Region]:
    sides = st.floats(0, 100)
    boxes = st.builds(
        lambda x, y, w, h: Box(x, y, x + w + 1, y + h + 1), sides, sides, sides, sides
    )
    return st.builds(
        Region, box=boxes, shape=st.sampled_from(("ellipse", "box")), feather=st.floats(0, 10_000)
    )
