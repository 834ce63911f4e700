"""Frames of a clip whose own faces are edited, made one after the other.

A frame in which nothing changes is handed on as it was decoded. In all others only the surroundings
of the faces that change are turned into RGB, and only what has changed there is put back:
everything else keeps its bytes. The networks are asked on one thread, pixels are moved and put back
on another.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from av.video.frame import VideoFrame as Decoded

from icface.arrays import Pixels
from icface.document import Face, Project, Region
from icface.document.mixing import resolve
from icface.face.controls import CHANNELS, ControlVector
from icface.face.geometry import Box, face_crop
from icface.face.observation import FaceObservation, NoFaceError
from icface.media.clip_reader import ClipReader
from icface.media.colour import Converter, Layout, matrix_of
from icface.media.orientation import Orientation, PixelBox
from icface.media.photo import eight_bit
from icface.media.tone_mapping import changed_as_shown, is_hdr, to_sdr
from icface.media.video_frame import VideoFrame
from icface.media.write_back import crop_frame, in_planes, put_back
from icface.model.face.encode import SourceEncoding
from icface.model.face.pose import FacePrediction
from icface.model.networks.neutralizer import GRID
from icface.model.surface.head import PAD
from icface.rendering.compositor import composite
from icface.rendering.predictor import FacePredictor
from icface.rendering.protection import protect

_LIDS = [i for i, name in enumerate(CHANNELS) if name.startswith(("brow", "eye", "cheekSquint"))]
"""Positions in a control vector of the channels that move lids or brows."""
_REACH_PX = 8
"""Pixels around a face's crop that resampling may look at, in the crop's or the frame's size,
whichever is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class ChangedPart:
    """A part of a frame, and the new states of the faces in it.

    Attributes
    ----------
    pixels : (h, w, 3) uint8 or uint16
        As they are shown.
    corner : (int, int)
        Column and row of their first one, upright.
    layers : tuple of (SourceEncoding, FacePrediction)
        Faces, one after the other.
    regions : tuple of Region
        What stays as it is, in these pixels.
    own : (h, w, 3) uint16, optional
        The pixels in the clip's own colours, where those are of high dynamic range.
    """

    pixels: Pixels
    corner: tuple[int, int]
    layers: tuple[tuple[SourceEncoding, FacePrediction], ...]
    regions: tuple[Region, ...]
    own: Pixels | None = None

    def put_into(self, frame: VideoFrame) -> VideoFrame:
        """The frame with the faces changed; itself where that makes no difference."""
        edited = self.pixels
        for encoding, prediction in self.layers:
            edited = composite(edited, encoding, prediction)
        edited = protect(edited, self.pixels, self.regions)
        x, y, width, height = _differing(self.pixels, edited)
        if not width:
            return frame
        window = np.s_[y : y + height, x : x + width]
        inner = cast("Pixels", np.ascontiguousarray(edited[window]))
        if self.own is not None:
            inner = changed_as_shown(self.own[window], self.pixels[window], inner, frame.colours)
        return replace(
            frame, decoded=put_back(frame, inner, (self.corner[0] + x, self.corner[1] + y))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A frame and what the networks predict for it; the encoding thread moves the pixels.

    Attributes
    ----------
    frame : VideoFrame
        With a converter of that thread's own.
    parts : tuple of ChangedPart
        Parts that change; they do not touch each other.
    """

    frame: VideoFrame
    parts: tuple[ChangedPart, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the frame is edited."""
        return bool(self.parts)

    def before(self) -> Decoded:
        """The frame as it was decoded."""
        return self.frame.decoded

    def edited(self) -> Decoded:
        """The frame to write: the very one that was decoded if nothing is edited."""
        frame = self.frame
        for part in self.parts:
            frame = part.put_into(frame)
        return frame.decoded


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Faces that are changed together, because their surroundings touch."""

    box: PixelBox
    changes: tuple[tuple[Face, ControlVector], ...]


class ClipFrames:
    """Makes the frames of a document whose source is a clip. Belongs to one thread.

    Parameters
    ----------
    project : Project
        With steady readings, see `icface.rendering.stabilising`.
    reader : ClipReader
        Of its clip.
    predictor : callable
        Called when a face is first to be changed.

    Attributes
    ----------
    unseen : int
        Frames so far in which the network saw no face where the tracker did; they stay as they are.
    """

    def __init__(
        self, project: Project, reader: ClipReader, predictor: Callable[[], FacePredictor]
    ) -> None:
        self._project, self._reader, self._predictor = project, reader, predictor
        self._converter = Converter()
        self.unseen = 0

    def make(self, number: int) -> Generator[None, None, Made]:
        """Make one frame of the document; yields between the stages of the work."""
        changes = self._changes(number)
        frame = self._reader.frame(number)
        parts: list[ChangedPart] = []
        for place in _places(changes, frame) if not frame.damaged else ():
            yield
            part = yield from self._part(frame, place)
            parts += [part] if part.layers else []
        return Made(replace(frame, converter=self._converter), tuple(parts))

    def _changes(self, number: int) -> list[tuple[Face, ControlVector]]:
        """The faces that leave their own state in a frame, and the states they take."""
        project, found = self._project, []
        for index, edits in enumerate(project.edits):
            face = project.faces[index].at(number) if edits.changes_something else None
            wanted = None if face is None else resolve(project, index, frame=number)
            if face is not None and wanted is not None and wanted != face.controls:
                found.append((face, wanted))
        return found

    def _part(self, frame: VideoFrame, place: _Place) -> Generator[None, None, ChangedPart]:
        """The networks' prediction for a place; without layers where nothing moves."""
        part, (left, top) = part_of(frame, place.box)
        own = part.own_pixels(deep=True) if is_hdr(part.colours) else None
        pixels = part.own_pixels(deep=part.bits > 8) if own is None else to_sdr(own, part.colours)
        seen, layers = eight_bit(pixels), []
        for face, wanted in place.changes:
            yield
            try:
                encoding = yield from self._predictor().encoding(
                    seen,
                    _moved(face, left, top),
                    turns=_turns(face, wanted),
                    lids=_moves_lids(face, wanted),
                )
            except NoFaceError:
                self.unseen += 1
                continue
            yield
            prediction = self._predictor().predict(encoding, wanted)
            if prediction.layers:
                layers.append((encoding, prediction))
        regions = (
            replace(region, box=_shifted(region.box, left, top)) for region in self._project.regions
        )
        return ChangedPart(pixels, (left, top), tuple(layers), tuple(regions), own)


def part_of(frame: VideoFrame, box: PixelBox) -> tuple[VideoFrame, tuple[int, int]]:
    """A part of a frame, widened to whole chroma samples, and its first column and row.

    All are upright.

    Frames whose pixels are not square come whole.
    """
    if frame.square_width != frame.decoded.width:
        return frame, (0, 0)
    decoded = in_planes(frame.decoded)
    layout = Layout.of(decoded.format)
    across, down = (layout.across, layout.down) if layout else (2, 2)
    left, top, width, height = frame.orientation.stored_box(box, frame.size)
    right = min(-(-(left + width) // across) * across, decoded.width)
    below = min(-(-(top + height) // down) * down, decoded.height)
    stored = (
        left - left % across,
        top - top % down,
        right - left + left % across,
        below - top + top % down,
    )
    part = crop_frame(decoded, stored)
    part.colorspace = matrix_of(decoded)  # which custom may tell by the whole frame's lines
    corner = upright_box(frame.orientation, stored, frame.size)[:2]
    return replace(frame, decoded=part), corner


def upright_box(
    orientation: Orientation, stored: PixelBox, upright_size: tuple[int, int]
) -> PixelBox:
    """A box of the stored picture, in the upright picture of that (width, height)."""
    left, top, width, height = stored
    if orientation.transposed:
        left, top, width, height = top, left, height, width
    if orientation.mirrored:
        left = upright_size[0] - left - width
    if orientation.upside_down:
        top = upright_size[1] - top - height
    return left, top, width, height


def _places(changes: Sequence[tuple[Face, ControlVector]], frame: VideoFrame) -> list[_Place]:
    """The changes, merged where their surroundings touch, without faces outside the picture."""
    places: list[_Place] = []
    for face, wanted in changes:
        box = _surroundings(face, frame.size, turns=_turns(face, wanted))
        if box is None:
            continue
        place = _Place(box, ((face, wanted),))
        while (other := next((p for p in places if _touch(p.box, place.box)), None)) is not None:
            places.remove(other)
            place = _Place(_around(other.box, place.box), other.changes + place.changes)
        places.append(place)
    return places


def _turns(face: Face, wanted: ControlVector) -> bool:
    """Whether a head leaves its own angles or its place, and so its background."""
    own = face.controls
    return (wanted.angles_deg, wanted.place) != (own.angles_deg, own.place)


def _moves_lids(face: Face, wanted: ControlVector) -> bool:
    """Whether a face's lids or brows leave their own state."""
    return any(wanted.values[i] != face.controls.values[i] for i in _LIDS)


def _surroundings(face: Face, size: tuple[int, int], *, turns: bool) -> PixelBox | None:
    """The pixels that a face's edit may change and those that resampling looks at beyond them."""
    crop = face_crop(face.landmarks, GRID)
    low, high = (-PAD, GRID + PAD) if turns else (0, GRID)
    edge = np.array([[low, low], [high, low], [low, high], [high, high]], np.float64)
    corners = crop.inverse().points(edge)
    reach = _REACH_PX * max(1.0, 1 / crop.scale)
    first = np.maximum(np.floor(corners.min(0) - reach), 0).astype(int)
    last = np.minimum(np.ceil(corners.max(0) + reach), size).astype(int)
    if (last <= first).any():
        return None
    return int(first[0]), int(first[1]), int(last[0] - first[0]), int(last[1] - first[1])


def _touch(one: PixelBox, two: PixelBox) -> bool:
    return all(
        one[axis] <= two[axis] + two[axis + 2] and two[axis] <= one[axis] + one[axis + 2]
        for axis in (0, 1)
    )


def _around(one: PixelBox, two: PixelBox) -> PixelBox:
    left, top = min(one[0], two[0]), min(one[1], two[1])
    return (
        left,
        top,
        max(one[0] + one[2], two[0] + two[2]) - left,
        max(one[1] + one[3], two[1] + two[3]) - top,
    )


def _moved(face: Face, left: int, top: int) -> FaceObservation:
    """The face in the pixels of a part of the frame."""
    points = face.landmarks - np.array([left, top, 0], np.float32)
    return FaceObservation(_shifted(face.box, left, top), points, face.controls, face.confidence)


def _shifted(box: Box, left: int, top: int) -> Box:
    return Box(box.left - left, box.top - top, box.right - left, box.bottom - top)


def _differing(before: Pixels, after: Pixels) -> PixelBox:
    """The smallest box outside of which both pictures are equal.

    It has no width where they are equal everywhere.
    """
    if after is before:
        return 0, 0, 0, 0
    differ = before != after
    either = (
        differ[..., 0] | differ[..., 1] | differ[..., 2]
    )  # many times quicker than any() over the channels
    x, y, width, height = cv2.boundingRect(either.view(np.uint8))
    return x, y, width, height
