"""A request for a picture, complete in itself, and the picture that answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from icface.arrays import Pixels
from icface.document import Face, Project, ProjectError, Region
from icface.document.mixing import resolve
from icface.face.controls import ControlVector
from icface.media import Photo
from icface.rendering.clip_pictures import ClipFrame

Quality = Literal["draft", "full"]
"""Draft for the screen while sliders move, full at the photo's own size."""


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """All that decides how a picture looks.

    Attributes
    ----------
    photo : Photo or ClipFrame
        Compared by its digest, and a clip's frame by its number.
    faces : tuple of Face
        Faces as the photo shows them, in its pixels.
    controls : tuple of (ControlVector or None)
        The requested state of each face; None leaves it as it is.
    quality : "draft" or "full"
        Draft for the screen while sliders move, full at the photo's own size.
    max_side : int or None
        Longest side of a draft in pixels: larger photos are reduced to it, smaller ones never
        enlarged. None: as it is.
    regions : tuple of Region
        Protected parts of the picture, in pixels of the photo.
    frame : int
        Frame of the document; the other attributes decide what the picture shows.
    beside : ClipFrame or None
        The driver's frame, for a small picture beside the result.
    playing : bool
        The document is being played, perhaps in a loop: the draft is cached.
    """

    photo: Photo | ClipFrame = field(compare=False)
    faces: tuple[Face, ...]
    controls: tuple[ControlVector | None, ...]
    quality: Quality = "full"
    max_side: int | None = None
    regions: tuple[Region, ...] = ()
    frame: int = field(default=0, compare=False)
    beside: ClipFrame | None = field(default=None, compare=False)
    playing: bool = field(default=False, compare=False)
    photo_digest: str = field(init=False, repr=False)
    clip_frame: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.controls) != len(self.faces):
            raise ValueError(
                f"{len(self.controls)} states for {len(self.faces)} faces; "
                "give one for each, or None."
            )
        if self.max_side is not None and self.max_side < 1:
            raise ValueError(f"A draft has at least 1 pixel a side, not {self.max_side}.")
        object.__setattr__(self, "photo_digest", self.photo.digest)
        object.__setattr__(
            self, "clip_frame", self.photo.index if isinstance(self.photo, ClipFrame) else None
        )

    @classmethod
    def of(
        cls,
        project: Project,
        photo: Photo,
        quality: Quality = "full",
        max_side: int | None = None,
        *,
        frame: int = 0,
    ) -> FrameRequest:
        """The request for a frame of a document.

        Parameters
        ----------
        project : Project
        photo : Photo
            The source; for a clip any of its frames, with the digest of the clip.
        quality, max_side
            See the attributes.
        frame : int
            Frame of the document.

        Raises
        ------
        ProjectError
            If the photo is not the document's source.
        """
        if project.source is None or project.source.digest != photo.digest:
            raise ProjectError(f"{photo.path} is not the photo of this document; open it first.")
        clip = project.clip
        picture = photo if clip is None else ClipFrame(clip, min(max(frame, 0), clip.n_frames - 1))
        faces: list[Face] = []
        controls: list[ControlVector | None] = []
        for index, edits in enumerate(project.edits):
            face = project.faces[index].at(frame)
            if face is not None:
                faces.append(face)
                controls.append(
                    resolve(project, index, frame=frame) if edits.changes_something else None
                )
        return cls(
            picture, tuple(faces), tuple(controls), quality, max_side, project.regions, frame
        )

    @property
    def changes(self) -> tuple[tuple[Face, ControlVector], ...]:
        """The faces whose requested state is not the photo's own, and those states."""
        pairs = zip(self.faces, self.controls, strict=True)
        return tuple(
            (face, requested)
            for face, requested in pairs
            if requested is not None and requested != face.controls
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A finished picture.

    Attributes
    ----------
    pixels : (H, W, 3 or 4) uint8 or uint16
        Channels and depth of the photo; the photo's own array if nothing changes. Not to be
        written to.
    milliseconds : float
        Rendering time on the engine's thread.
    request : FrameRequest
        The request that this answers.
    before : Photo
        The unedited picture, at its own size.
    beside : (h, w, 3) uint8 or None
        The small picture beside the result; None if none was requested, or its clip cannot be
        read.
    """

    pixels: Pixels
    milliseconds: float
    request: FrameRequest
    before: Photo
    beside: Pixels | None = None
