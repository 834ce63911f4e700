"""Plans of exports: values, made before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from icface import __version__
from icface.document import OutputSettings, Project
from icface.media.details import Keep
from icface.media.frame_format import Pictures
from icface.media.presets import Preset
from icface.media.provenance import MADE_HERE, Provenance
from icface.media.sequence import PLAIN, StillsLike
from icface.media.sound_track import SoundCut, TrackPlan
from icface.media.tone_mapping import is_hdr
from icface.system.stable_key import stable_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlan:
    """The sound of an export.

    Attributes
    ----------
    cut : SoundCut
        Which stretch of which clip.
    tracks : tuple of TrackPlan
        What becomes of each of its tracks.
    """

    cut: SoundCut
    tracks: tuple[TrackPlan, ...]

    @property
    def copied(self) -> bool:
        """Whether all tracks are copied as they are; otherwise they are encoded again."""
        return all(track.copied for track in self.tracks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """Everything that decides what an export writes.

    Attributes
    ----------
    project : Project
        The document as it was when the plan was made.
    path : Path
        The file, or the folder and beginning of the name of a sequence.
    preset : Preset
        Encoder and options.
    first, last : int
        Frames of the document, the last included.
    tick : Fraction
        Seconds of which all times are whole multiples.
    ticks : (N,) int64, read-only
        When each frame is shown, from the first on. Of a clip these are its own stamps, even or
        uneven.
    end : Fraction
        When the last frame ends, in seconds.
    made : Pictures
        What kind of frames are made.
    written : Pictures
        What kind of frames are written: side by side and at another size they differ from those.
    quality : int or None
        1 to 100; None for the preset's own.
    side_by_side : bool
        The unedited picture stands to the left.
    sound : SoundPlan or None
    provenance : Provenance or None
        What the file says of its making.
    keep : str
        How much of what the source's file says is kept: "all", "no-place" or "none".
    tags : tuple of (str, str)
        What a clip says beside that, by FFmpeg's names.
    like : StillsLike
        What stills say beside that.
    losses : tuple of str
        What is left out or changed, in plain words, see `icface.media.losses`.
    notes : tuple of str
        What else to know beforehand.
    """

    project: Project
    path: Path
    preset: Preset
    first: int
    last: int
    tick: Fraction
    ticks: NDArray[np.int64] = field(compare=False, repr=False)
    end: Fraction
    made: Pictures
    written: Pictures
    quality: int | None = None
    side_by_side: bool = False
    sound: SoundPlan | None = None
    provenance: Provenance | None = MADE_HERE
    keep: Keep = "all"
    tags: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    like: StillsLike = field(default=PLAIN, repr=False)
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tone_mapped(self) -> bool:
        """Whether high dynamic range is brought to the range of ordinary screens."""
        return is_hdr(self.made.colours) and not is_hdr(self.written.colours)

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.last - self.first + 1

    def time(self, number: int) -> Fraction:
        """Time of a frame, in seconds from the export's beginning; frames count from 0."""
        return int(self.ticks[number]) * self.tick

    @property
    def key(self) -> str:
        """A key of everything that decides what the frames show.

        An interrupted sequence of the same key goes on with the frames that exist.
        """
        how = (
            self.preset.name,
            self.first,
            self.last,
            self.written,
            self.side_by_side,
            self.provenance,
            self.keep,
        )
        shown = replace(self.project, output=OutputSettings(), markers=())
        return stable_key(__version__, *how, shown)
