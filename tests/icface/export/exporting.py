"""Documents to export: a clip of the astronaut's drifting portrait, and small networks."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from icface.document import Face, Project, edits
from icface.face.geometry import Box
from icface.media.clip import probe
from icface.media.clip_reader import ClipReader
from icface.media.colour import Colours
from icface.media.frame_conversion import frame_of_pixels
from icface.media.write_back import byte_planes
from icface.motion.motion import Motion
from icface.rendering.clip_pictures import clip_of
from tests.faces import observation_in
from tests.icface.media.videos import Recipe, drifting, encode_video

LOSSLESS = Recipe("ffv1", options=(("g", "1"),))


def portrait_clip(
    path: Path,
    astronaut: NDArray[np.uint8],
    count: int,
    recipe: Recipe = LOSSLESS,
    times: list[int] | None = None,
) -> Path:
    """The portrait drifting to the left by two pixels a frame, 320 x 320."""
    colours = Colours(recipe.matrix, recipe.matrix, recipe.matrix, 1 + recipe.full)
    frames = [
        frame_of_pixels(picture, recipe.pixel_format, colours)
        for picture in drifting(astronaut, count)
    ]
    return encode_video(path, frames, recipe, times)


def box_at(frame: int) -> Box:
    """Where the face is."""
    return Box(100 - 2 * frame, 40, 220 - 2 * frame, 190)


def document(path: Path, missing: Collection[int] = ()) -> Project:
    """The clip as a document, its face read in all frames but the missing ones."""
    clip = clip_of(probe(path))
    with ClipReader(path) as reader:
        seconds = reader.seconds
    seen = [None if n in missing else observation_in(box_at(n)) for n in range(clip.n_frames)]
    return edits.open_source(
        Project(), clip, [Face.of_motion(Motion.of_observations(seen, seconds, rate=clip.rate))]
    )


def samples(path: Path) -> list[list[NDArray[np.uint8]]]:
    """All bytes of all planes of all frames."""
    with ClipReader(path) as reader:
        return [[plane.copy() for plane in byte_planes(frame.decoded)] for frame in reader.frames()]


def same(one: list[NDArray[np.uint8]], two: list[NDArray[np.uint8]]) -> bool:
    """Whether two frames are the same, bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def times(path: Path) -> list[Fraction]:
    """When the frames of a file are shown."""
    with ClipReader(path) as reader:
        return [reader.time(number) for number in range(len(reader))]


def tags(path: Path) -> dict[str, str]:
    """What a container says."""
    with av.open(str(path)) as container:
        return {name.lower(): text for name, text in container.metadata.items()}
