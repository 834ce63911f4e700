"""Files that a document names: photos, clips and tables of tracking data, by path and digest."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from icface.motion.motion import LEAST_RATE, LONGEST_S, MOST_FRAMES


class ProjectError(ValueError):
    """A document that contradicts itself; the message names the value, the limit and the remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """A photo that was opened.

    Attributes
    ----------
    path : str
        Where it was found.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    width, height : int
        Size in pixels, upright.
    """

    path: str
    digest: str
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ProjectError(
                f"{self.path} is {self.width} x {self.height} pixels; "
                "a photo has at least one of each."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A video.

    Attributes
    ----------
    path : str
        Where it was found.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    width, height : int
        Size in square pixels, upright.
    rate : Fraction
        Frames a second; of a variable rate, the mean.
    n_frames : int
        How many frames are shown.
    duration_s : float
        Seconds from the first frame to the end of the last.
    has_sound : bool
        Whether there is a sound track.
    """

    path: str
    digest: str
    width: int
    height: int
    rate: Fraction
    n_frames: int
    duration_s: float
    has_sound: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ProjectError(
                f"{self.path} is {self.width} x {self.height} pixels; "
                "a clip has at least one of each."
            )
        if (
            not 1 <= self.n_frames <= MOST_FRAMES
            or self.rate < LEAST_RATE
            or not 0 < self.duration_s <= LONGEST_S
        ):
            raise ProjectError(
                f"{self.path} has {self.n_frames} frames, {self.rate!s:.40} a second, in "
                f"{self.duration_s:g} s; a clip has "
                f"one of each or more, at most {MOST_FRAMES} frames and {LONGEST_S:g} s."
            )


@dataclass(frozen=True, slots=True)
class DataFile:
    """A table of tracking data, such as an OpenFace CSV.

    Attributes
    ----------
    path : str
        Where it was found.
    digest : str
        SHA-256 of the file's bytes, hexadecimal.
    format : str
        Which of `icface.formats` it is, for people.
    """

    path: str
    digest: str
    format: str = ""


Medium = Source | Clip | DataFile
"""A file that a face can be read from."""
