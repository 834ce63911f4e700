"""The start of any export of moving pictures, whatever the preset."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from av.video.frame import VideoFrame as Decoded

from icface.arrays import Pixels
from icface.media.animation import AnimationWriter
from icface.media.encoding import NO_TAGS, ClipWriter
from icface.media.frame_format import Pictures, Written
from icface.media.presets import Preset
from icface.media.provenance import MADE_HERE, Provenance
from icface.media.sequence import PLAIN, SequenceWriter, StillsLike
from icface.media.sound_track import SoundCut


class MovingWriter(Protocol):
    """A writer of moving pictures; see `OneFileWriter`."""

    path: Path

    def __enter__(self) -> Self:
        """To leave it is to abandon what was not finished."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def wanted(self, _number: int, /) -> bool:
        """Whether frame n is still to be written; an interrupted sequence has some already."""
        ...

    def pass_over(self, time: Fraction, /) -> None:
        """Count the next frame, which is not wanted."""
        ...

    def write(self, picture: Decoded | Pixels, time: Fraction, /) -> None:
        """Add the next frame."""
        ...

    def finish(self, end: Fraction | None = None, /) -> Written:
        """Complete, verify and put in place."""
        ...


def begin(  # noqa: PLR0913  (what differs between the kinds of writers)
    path: str | Path,
    preset: Preset,
    pictures: Pictures,
    *,
    sound: SoundCut | None = None,
    key: str = "",
    provenance: Provenance | None = MADE_HERE,
    tags: Mapping[str, str] = NO_TAGS,
    like: StillsLike = PLAIN,
) -> MovingWriter:
    """The writer of a preset's kind, opened.

    Sound and tags are for clips only; the key and the photo that stills are like (see
    `SequenceWriter`) for sequences.

    Raises
    ------
    EncodeError
        If an encoder is missing or the file cannot be made.
    SoundError
        If the sound cannot be read.
    """
    if preset.kind == "animation":
        return AnimationWriter(path, preset, pictures, provenance=provenance)
    if preset.kind == "sequence":
        return SequenceWriter(path, preset, pictures, key=key, provenance=provenance, like=like)
    return ClipWriter(path, preset, pictures, sound=sound, provenance=provenance, tags=tags)
