"""The document as a whole: the source with its faces, its drivers, and its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from icface.document.curves import MOST_FRAME
from icface.document.drivers import Driver
from icface.document.faces import Face, FaceEdits
from icface.document.sources import Clip, ProjectError, Source
from icface.face.geometry import Box
from icface.motion.motion import LEAST_RATE

DEFAULT_RATE = Fraction(25)
MOST_RATE = 1000
MOST_FACES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A marker: a note on a frame."""

    frame: int
    text: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.frame <= MOST_FRAME:
            raise ProjectError(
                f"A marker stands on a frame from 0 to {MOST_FRAME}, not on {self.frame}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A protected part of the picture, such as a hand before the face.

    Attributes
    ----------
    box : Box
        In pixels of the source; the ellipse in it is protected, or all of it.
    shape : str
        "ellipse" or "box".
    feather : float
        Width of the soft edge, in pixels of the source.
    """

    box: Box
    shape: str = "ellipse"
    feather: float = 8.0

    def __post_init__(self) -> None:
        if self.shape not in ("ellipse", "box"):
            raise ProjectError(f"A region is an ellipse or a box, not {self.shape!r}.")
        if not 0 <= self.feather <= 10_000:
            raise ProjectError(
                f"The soft edge of a region is 0 to 10000 pixels wide, not {self.feather:g}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """Export settings of the document.

    Attributes
    ----------
    preset : str
        A name of `icface.export.EXPORT_PRESETS`.
    sound : str
        "" for the source's own, the name of a driver for that clip's, "none" for silence.
    side_by_side : bool
        The unedited picture stands to the left.
    labelled : bool
        The file says that it was edited by a trained model (IPTC digital source type).
    """

    preset: str = "mp4"
    sound: str = ""
    side_by_side: bool = False
    labelled: bool = True


@dataclass(frozen=True, slots=True)
class Project:
    """One document.

    Attributes
    ----------
    source : Source, Clip or None
        The photo, or the clip whose own face is edited; None in an empty window.
    faces : tuple of Face
        Found or drawn faces, in the order of finding.
    face_index : int or None
        The chosen face, which the sliders show.
    edits : tuple of FaceEdits
        One per face.
    drivers : tuple of Driver
        Clips, tables and photos that can drive a face.
    rate : Fraction
        Frames a second of keys, markers and playback; a clip's own where the source is one.
    first, last : int or None
        In and out points, the last frame included; None for the ends.
    markers : tuple of Marker
        By rising frame, one for a frame.
    regions : tuple of Region
        Parts of the picture that are protected.
    output : OutputSettings
    length : int or None
        Frames for which a photo lasts at least; None as long as nobody has given it time, and for a
        clip.
    """

    source: Source | Clip | None = None
    faces: tuple[Face, ...] = ()
    face_index: int | None = None
    edits: tuple[FaceEdits, ...] = ()
    drivers: tuple[Driver, ...] = ()
    rate: Fraction = DEFAULT_RATE
    first: int | None = None
    last: int | None = None
    markers: tuple[Marker, ...] = ()
    regions: tuple[Region, ...] = ()
    output: OutputSettings = field(default_factory=OutputSettings)
    length: int | None = None

    def __post_init__(self) -> None:
        self._check_faces()
        self._check_length()
        self._check_drivers()
        if not LEAST_RATE <= self.rate <= MOST_RATE:
            raise ProjectError(
                f"A project has more than 0 frames a second, {float(LEAST_RATE):g} to {MOST_RATE}, "
                f"not {self.rate!s:.40}."
            )
        if isinstance(self.source, Clip) and self.rate != self.source.rate:
            raise ProjectError(
                f"A clip of {self.source.rate} frames a second is edited at that rate, not at "
                f"{self.rate}."
            )
        points = [point for point in (self.first, self.last) if point is not None]
        if points != sorted(points) or not all(0 <= point <= MOST_FRAME for point in points):
            raise ProjectError(
                f"The in point {self.first} stands on a frame, and not after the out point "
                f"{self.last}."
            )
        frames = [marker.frame for marker in self.markers]
        if frames != sorted(set(frames)):
            raise ProjectError(
                f"Markers are in order, one for a frame, not as {frames[:6]}; use edits.set_marker."
            )

    def _check_faces(self) -> None:
        if self.faces and self.source is None:
            raise ProjectError(f"{len(self.faces)} faces without a photo; open the photo first.")
        if len(self.faces) > MOST_FACES:
            raise ProjectError(
                f"{len(self.faces)} faces are too many; a document has at most {MOST_FACES}."
            )
        if len(self.edits) != len(self.faces):
            raise ProjectError(
                f"{len(self.edits)} sets of edits for {len(self.faces)} faces; "
                "give each face its own."
            )
        if self.face_index is not None and not 0 <= self.face_index < len(self.faces):
            raise ProjectError(
                f"Face {self.face_index} is not one of the {len(self.faces)} counted from 0."
            )
        frames = self.source.n_frames if isinstance(self.source, Clip) else None
        for number, face in enumerate(self.faces):
            held = None if face.motion is None else len(face.motion)
            if held != frames:
                raise ProjectError(
                    f"Face {number} was read in {held} frames, the source has {frames}; "
                    "track it again."
                )

    def _check_length(self) -> None:
        if self.length is None:
            return
        if isinstance(self.source, Clip):
            raise ProjectError(
                f"A clip has its own {self.source.n_frames} frames; "
                f"a length of {self.length} is for photos."
            )
        if not 1 <= self.length <= MOST_FRAME + 1:
            raise ProjectError(f"A photo lasts 1 to {MOST_FRAME + 1} frames, not {self.length}.")

    def _check_drivers(self) -> None:
        names = [driver.name for driver in self.drivers]
        if len(set(names)) != len(names):
            raise ProjectError(f"Two drivers have the same name among {names}; rename one.")
        for edits in self.edits:
            for rule in edits.mix:
                if rule.driver and rule.driver not in names:
                    raise ProjectError(
                        f"{rule.group} is driven by {rule.driver!r}, which is not among the "
                        f"drivers {names}."
                    )

    @property
    def face(self) -> Face | None:
        """The chosen face."""
        return None if self.face_index is None else self.faces[self.face_index]

    @property
    def face_edits(self) -> FaceEdits | None:
        """The edits of the chosen face."""
        return None if self.face_index is None else self.edits[self.face_index]

    @property
    def clip(self) -> Clip | None:
        """The source, if it is a clip."""
        return self.source if isinstance(self.source, Clip) else None

    def driver(self, name: str) -> Driver:
        """The driver of a name; `ProjectError` if there is none."""
        for driver in self.drivers:
            if driver.name == name:
                return driver
        raise ProjectError(
            f"There is no driver {name!r}; there are {[driver.name for driver in self.drivers]}."
        )

    @property
    def n_frames(self) -> int:
        """The length in frames: a clip's own, or a photo's `length` or `least_frames`."""
        return self.least_frames if self.length is None else max(self.length, self.least_frames)

    @property
    def least_frames(self) -> int:
        """The least length in frames: a clip's own, else to the end of drivers, keys and markers.

        Drivers that no rule speaks of count only while there is no rule at all.
        """
        if isinstance(self.source, Clip):
            return self.source.n_frames
        ends = [1]
        named = {rule.driver for edits in self.edits for rule in edits.mix if rule.driver}
        ends += [
            _frames_of(driver, self.rate)
            for driver in self.drivers
            if not named or driver.name in named
        ]
        ends += [track.keys[-1].frame + 1 for edits in self.edits for track in edits.tracks]
        ends += [marker.frame + 1 for marker in self.markers]
        ends += [] if self.last is None else [self.last + 1]
        return max(ends)

    @property
    def is_moving(self) -> bool:
        """Whether there is more than one frame to show."""
        return self.n_frames > 1

    @property
    def range(self) -> tuple[int, int]:
        """First and last frame between the in and out points."""
        last = self.n_frames - 1
        first = min(self.first or 0, last)
        return first, last if self.last is None else max(min(self.last, last), first)

    def seconds(self, frames: NDArray[np.integer] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Times (F,) in seconds at which frames are shown; of a clip, by its own stamps."""
        motion = self.faces[0].motion if self.faces else None
        at = np.asarray(frames, np.float64)
        if motion is None:
            steady: NDArray[np.float64] = at / float(self.rate)
            return steady
        last = len(motion) - 1
        beyond = np.clip(at - last, 0, None) / float(self.rate) + np.clip(at, None, 0) / float(
            self.rate
        )
        return np.interp(at, np.arange(last + 1), motion.seconds) + beyond


def _frames_of(driver: Driver, rate: Fraction) -> int:
    if driver.is_still:
        return 1
    seconds = driver.medium.duration_s if isinstance(driver.medium, Clip) else 0.0
    if driver.motion is not None:
        seconds = driver.motion.duration_s
    return min(max(round(seconds * float(rate)), 1), MOST_FRAME + 1)
