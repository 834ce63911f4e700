"""The mouth of one photo: what the photo shows of its inside, and what is drawn where it opens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from icface.arrays import F32, F64, U8
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.landmarks import INNER_LIP_MIDDLES
from icface.face.ramps import Ramp
from icface.model.mouth.anatomy import Jaw
from icface.model.mouth.interior import PhotoTeeth, View, draw_interior
from icface.model.mouth.opening import (
    LOWER_LIP,
    filled,
    height_over_width,
    mean_height,
    rounded,
    upper_lip,
)
from icface.model.mouth.patch import Patch
from icface.model.mouth.teeth_in_photo import share_of_teeth
from icface.model.mouth.tones import Tones
from icface.model.networks.neutralizer import GRID
from icface.model.surface.anchored import Anchored
from icface.model.surface.mesh import SurfaceMesh
from icface.model.surface.rasterise import Flow

_TEETH_DEPTH_CM = 0.6
"""Depth of the upper teeth behind the closed lips."""
_INSIDE_SHOWS = Ramp(0.08, 0.35)
"""Centimetres by which a mouth opens more than in the photo: how much of its inside is drawn."""
_TEETH_COUNT = Ramp(0.025, 0.04)
"""`height_over_width` of an opening: how much the teeth that it shows count."""
_INSIDE_IS_SEEN = Ramp(0.2, 0.3)
"""`height_over_width` of an opening: how much the photo shows the inside, whatever it is."""
_BARE = Ramp(0.09, 0.14)
"""`height_over_width` of an opening: how much it would show upper teeth that reach below its upper
lip."""
_UNSEEN_CM = 0.12
"""Upper teeth are drawn up to this far below the upper lip of an opening that shows none."""
_LOOKS_LIKE_TEETH = Ramp(0.06, 0.14)
"""Share of an opening that is as bright and pale as teeth: how much it is taken for teeth."""
_SHOWS_JAW = Ramp(0.16, 0.3)
"""`height_over_width` of a photo's opening: how much it shows tongue and jaw too, and not upper
teeth alone."""
FINEST = 24.0
"""Most pixels of the patch per centimetre, on a photo that is as fine."""
COARSEST = 9.0
"""Fewest pixels of the patch per centimetre."""
_LARGEST_PX = 512
"""Longest side of the patch: a larger mouth is left to the painter."""
_ROOM_PX = 5
"""Pixels of the patch beside the opening."""
_EDGE_CM = 0.09
"""Height above the lower lip up to which the photo shows that lip's own edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighting:
    """The light that gets between the lips.

    Attributes
    ----------
    least : float
        Share of the light that lips let in which hardly part.
    full_cm : float
        Mean height of an opening in full light.
    smile_gain : float
        Share of the way to full light that a full smile adds.
    smile_bares : float
        Share of the shade right behind the lips that a full smile takes away.
    """

    least: float = 0.32
    full_cm: float = 1.4
    smile_gain: float = 1.9
    smile_bares: float = 0.9


_LIGHTING = Lighting()


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """The mouth of one photo, ready to be opened.

    Attributes
    ----------
    middle : (3,)
        Middle of the line between the lips if they were closed, camera frame, grid pixels.
    rotation : (3, 3)
        Head to camera frame in the photo.
    pixels_per_cm : float
        Grid pixels per centimetre.
    fineness : float
        Pixels of a patch per centimetre.
    opening : (20, 2)
        The opening in the photo, grid pixels.
    hidden : float
        0..1, how much of the teeth the photo hides.
    upper_only : float
        0..1, how much what it shows is upper teeth alone.
    tones : Tones
        Colours of the inside.
    bare : float
        0..1, how much the photo shows a gap without teeth below its upper lip.
    """

    middle: F64
    rotation: F64
    pixels_per_cm: float
    fineness: float
    opening: F64
    hidden: float
    upper_only: float
    tones: Tones
    bare: float = 0.0

    @classmethod
    def of(
        cls,
        mesh: SurfaceMesh,
        lips: Anchored,
        controls: ControlVector,
        tones: Tones,
        image_pixels: float,
    ) -> Mouth:
        """The mouth of a mesh to which its lips are anchored.

        Parameters
        ----------
        image_pixels : float
            Pixels of the photo along one of the grid.
        """
        basis = mesh.basis[:, :, lips.rows].double().cpu().numpy()  # (53, 3, 20)
        camera = (
            mesh.camera[lips.rows].double().cpu().numpy()
            - np.tensordot(controls.array()[3:], basis, 1).T
        )
        camera[:, :2] += lips.beside * (1, -1)
        opening, scale = lips.at(mesh.source.double().cpu().numpy()), mesh.pixels_per_cm
        mouth = cls.between(camera, opening, controls, tones=tones, pixels_per_cm=scale)
        return replace(mouth, fineness=float(np.clip(scale * image_pixels, COARSEST, FINEST)))

    @classmethod
    def between(
        cls, rest: F64, opening: F64, controls: ControlVector, *, tones: Tones, pixels_per_cm: float
    ) -> Mouth:
        """The mouth between lips whose place without expression is known.

        Parameters
        ----------
        rest : (20, 3)
            The opening without expression, camera frame, pixels.
        opening : (20, 2)
            The opening in the photo, pixels.
        controls : ControlVector
            The photo's own.
        """
        gape = height_over_width(opening)
        middle = rest[list(INNER_LIP_MIDDLES)].mean(0)
        return cls(
            middle=np.array([(rest[[0, 10], 0].mean() + middle[0]) / 2, middle[1], middle[2]]),
            rotation=rotation_matrix(*controls.angles_deg),
            pixels_per_cm=pixels_per_cm,
            fineness=float(np.clip(pixels_per_cm, COARSEST, FINEST)),
            opening=opening,
            hidden=1 - _INSIDE_IS_SEEN(gape),
            upper_only=1 - _SHOWS_JAW(gape),
            tones=tones,
        )

    def inspected(self, picture: U8, picture_from_grid: Similarity) -> Mouth:
        """The same mouth, after a look at what its opening shows in a picture (H, W, 3)."""
        gape = height_over_width(self.opening)
        outline = picture_from_grid.points(rounded(self.opening))
        teeth = _LOOKS_LIKE_TEETH(share_of_teeth(picture, outline))
        hidden = min(self.hidden, 1 - teeth * _TEETH_COUNT(gape))
        return replace(self, hidden=hidden, bare=hidden * _BARE(gape))

    @property
    def teeth_shown(self) -> float:
        """0..1, how much the photo shows upper teeth, which stay where they are in the skull."""
        return self.upper_only * (1 - self.hidden)

    def parted(self, lips: F64) -> float:
        """0..1, how much higher the opening (20, 2) is than the photo's."""
        before, after = (mean_height(ring) for ring in (self.opening, lips))
        return _INSIDE_SHOWS.smooth((after - before) / self.pixels_per_cm)

    def before_turn(self, points: F64, turn: F64, pivot: F64) -> F64:
        """(..., 2) places in the photo of upper teeth that are at these points after a turn."""
        flip = np.array([1.0, -1.0])
        camera = (points - pivot) * flip - turn[:2, 2] * self._teeth_depth
        there: F64 = camera @ np.linalg.inv(turn[:2, :2]).T * flip + pivot
        return there

    def teeth_share(self, lips: F64, size: int) -> F32:
        """(size, size) 0..1: coverage by the photo's own teeth between lips (20, 2)."""
        return filled(rounded(lips), (size, size)) * np.float32(self.teeth_shown)

    def patch(
        self, lips: F64, controls: ControlVector, turn: F64, pivot: F64, faded_in: float
    ) -> tuple[Patch, ...]:
        """The inside of the mouth after an edit, as one patch; none where the photo shows it all.

        Parameters
        ----------
        lips : (20, 2)
            The opening after the edit, grid pixels.
        controls : ControlVector
            The requested ones.
        turn : (3, 3)
            Rotation from the source's pose to the requested one, camera frame.
        pivot : (2,)
            The head's pivot, grid pixels.
        faded_in : float
            0..1, how far an edit has begun.
        """
        share = faded_in * (1 - self.hidden + self.hidden * self.parted(lips))
        if share == 0:
            return ()
        grid_from_head = np.diag([1.0, -1.0]) @ (turn @ self.rotation)[:2] * self.pixels_per_cm
        placed = self._placed(rounded(lips), grid_from_head, pivot)
        if placed is None:
            return ()
        frame, ring, window = placed
        mask = filled(ring, window)
        own = frame.points(rounded(self._turned_opening(turn, pivot)))
        edge = own[LOWER_LIP, 1] - _EDGE_CM * self.fineness
        gap = upper_lip(own)[:, 1] + _UNSEEN_CM * self.fineness
        own[LOWER_LIP, 1] = edge + self.bare * (np.minimum(gap, edge) - edge)
        if self.teeth_shown > 0:
            mask *= 1 - self.teeth_shown * filled(own, window)
        mask *= share
        if not mask.any():
            return ()
        origin = frame.points((pivot + (turn @ self.middle)[:2] * (1, -1))[None])[0]
        view = View(pixels=frame.matrix[:, :2] @ grid_from_head, origin=origin, size=window)
        shade = 1 - _LIGHTING.smile_bares * _smile(controls)
        tones = self.tones.dimmed(self._light(lips, controls), shade)
        teeth = PhotoTeeth(outline=own, share=max(1 - self.hidden, self.bare))
        colour = draw_interior(view, jaw_of(controls), ring, tones, teeth)
        return (Patch(frame, colour, mask, opaque=True),)

    def _placed(
        self, outline: F64, grid_from_head: F64, pivot: F64
    ) -> tuple[Similarity, F64, tuple[int, int]] | None:
        """The patch around an outline (K, 2) of the grid.

        Returns
        -------
        patch_from_grid : Similarity
            Upright in the head.
        outline : (K, 2)
            In pixels of the patch.
        window : (int, int)
            Width and height; None for the whole where they are too large.
        """
        up = np.degrees(np.arctan2(grid_from_head[0, 1], -grid_from_head[1, 1]))
        fine = Similarity.crop(
            centre=(float(pivot[0]), float(pivot[1])),
            side=self.pixels_per_cm / self.fineness,
            roll_deg=float(up),
            size=1,
        )
        ring = fine.points(outline)
        low = np.floor(ring.min(0)) - _ROOM_PX
        window = (
            int(np.ceil(ring[:, 0].max()) + _ROOM_PX - low[0]),
            int(np.ceil(ring[:, 1].max()) + _ROOM_PX - low[1]),
        )
        if max(window) > _LARGEST_PX:
            return None
        frame = Similarity((1, 0, -float(low[0]), 0, 1, -float(low[1]))) @ fine
        ring -= low
        return frame, ring, window

    @property
    def _teeth_depth(self) -> float:
        """Depth of the upper teeth in the camera frame, grid pixels."""
        return float(self.middle[2]) - _TEETH_DEPTH_CM * self.pixels_per_cm

    def _turned_opening(self, turn: F64, pivot: F64) -> F64:
        """(20, 2) the photo's opening if it stays on the teeth as the head turns, grid pixels."""
        camera = (
            np.column_stack(
                [(self.opening - pivot) * (1, -1), np.full(len(self.opening), self._teeth_depth)]
            )
            @ turn.T
        )
        turned: F64 = camera[:, :2] * (1, -1) + pivot
        return turned

    def _light(self, lips: F64, controls: ControlVector) -> float:
        """`Lighting.least`..1: the light that the opening (20, 2) lets in."""
        opened = mean_height(
            lips
        ) / self.pixels_per_cm / _LIGHTING.full_cm + _LIGHTING.smile_gain * _smile(controls)
        return _LIGHTING.least + (1 - _LIGHTING.least) * min(opened, 1.0)


def _smile(controls: ControlVector) -> float:
    """0..1, the mean of the smiles of both sides."""
    return float(controls["mouthSmile_L"] + controls["mouthSmile_R"]) / 2


def jaw_of(controls: ControlVector) -> Jaw:
    """The position of the jaw under these controls."""
    return Jaw(
        opened=controls["jawOpen"],
        to_left=controls["jawLeft"] - controls["jawRight"],
        forward=controls["jawForward"],
    )


def behind_lips(mouth: Mouth, flow: Flow, lips: F64, turn: F64, pivot: F64) -> Flow:
    """The flow with teeth that stay in the skull, and with no cavity where the lips are.

    Parameters
    ----------
    lips : (20, 2)
        The opening after an edit, grid pixels.
    turn, pivot
        See `Mouth.patch`.
    """
    ring = rounded(lips)
    low = np.clip(np.floor(ring.min(0)) - _ROOM_PX, 0, GRID - 2).astype(int)
    high = np.clip(np.ceil(ring.max(0)) + _ROOM_PX, low + 2, GRID).astype(int)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    share = filled(ring - low, (int(high[0] - low[0]), int(high[1] - low[1])))
    cavity = np.zeros_like(flow.cavity)
    cavity[window] = flow.cavity[window] * cv2.dilate(share, np.ones((3, 3), np.uint8))
    if mouth.teeth_shown == 0:
        return replace(flow, cavity=cavity)
    here = np.stack(
        np.meshgrid(*(np.arange(a, b, dtype=np.float64) for a, b in zip(low, high, strict=True))),
        -1,
    )
    back_field, back = flow.back_field.copy(), flow.back.copy()
    back_field[window] += (
        mouth.before_turn(here, turn, pivot) - here - back_field[window]
    ) * mouth.teeth_shown
    np.maximum(back[window], share * np.float32(mouth.teeth_shown), out=back[window])
    return replace(flow, back_field=back_field, back=back, cavity=cavity)
