"""The mouth of one photo: what the photo shows of its inside, and what is drawn where it opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from icface.arrays import F64, U8
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.landmarks import INNER_LIP_MIDDLES
from icface.face.ramps import Ramp
from icface.model.mouth.anatomy import LOWER, Jaw
from icface.model.mouth.interior import PhotoTeeth, draw_interior
from icface.model.mouth.light import light_inside
from icface.model.mouth.lip_limits import limits_of_contact, limits_of_lift
from icface.model.mouth.opening import (
    LOWER_LIP,
    by_column,
    filled,
    gaps,
    height_over_width,
    mean_height,
    rounded,
    uncrossed,
    upper_lip,
)
from icface.model.mouth.own_inside import OwnInside
from icface.model.mouth.patch import Patch
from icface.model.mouth.teeth_in_photo import teeth_seen
from icface.model.mouth.tones import Tones
from icface.model.mouth.view import View
from icface.model.surface.anchored import Anchored
from icface.model.surface.mesh import SurfaceMesh

_TEETH_DEPTH_CM = 0.6
"""Depth of the upper teeth behind the closed lips."""
_INSIDE_SHOWS = Ramp(0.05, 0.22)
"""Centimetres by which a mouth opens more than in the photo: how much of its inside is drawn."""
OPENS = Ramp(0.0, 0.06)
"""Centimetres between the lips: how much there is an opening at all."""
_TEETH_COUNT = Ramp(0.025, 0.04)
"""`height_over_width` of an opening: how much the teeth that it shows count."""
_INSIDE_IS_SEEN = Ramp(0.2, 0.3)
"""`height_over_width` of an opening: how much the photo shows the inside, whatever it is."""
_BARE = Ramp(0.09, 0.14)
"""`height_over_width` of an opening: how much it would show upper teeth that reach below its upper
lip."""
_UNSEEN_CM = 0.12
"""Upper teeth are drawn up to this far below the upper lip of an opening that shows none."""
_LOOKS_LIKE_TEETH = Ramp(0.05, 0.09)
"""Share of an opening that is as bright and pale as teeth: how much it is taken for teeth."""
_TEETH_FILL = Ramp(0.55, 0.85)
"""Reach of the teeth that a photo shows, in heights of its opening: from the second value on they
fill it, up to the first one the rest hangs on the jaw."""
_WITHOUT_TEETH = 0.3
"""Share of an opening without teeth that is taken to be fixed in the skull."""
_FUNNEL_OPENS = 0.25
"""Part of the way of the jaw by which lips that funnel part the teeth."""
FINEST = 24.0
"""Most pixels of the patch per centimetre, on a photo that is as fine."""
COARSEST = 9.0
"""Fewest pixels of the patch per centimetre."""
_LARGEST_PX = 512
"""Longest side of the patch: a larger mouth is left to the painter."""
ROOM_PX = 5
"""Pixels of the patch beside the opening."""
_EDGE_CM = 0.09
"""Height above the lower lip up to which the photo shows that lip's own edge."""


class Edit(NamedTuple):
    """The controls of a photo and the requested ones."""

    before: ControlVector
    after: ControlVector


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PosedLips:
    """The lips after an edit.

    Attributes
    ----------
    lips : (20, 2)
        The opening, grid pixels.
    before : (20, 2)
        The photo's opening, turned likewise.
    turn : (3, 3)
        Rotation from the source's pose to the requested one, camera frame.
    pivot : (2,)
        The head's pivot, grid pixels.
    """

    lips: F64
    before: F64
    turn: F64
    pivot: F64


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
    skull_share : float
        0..1, share of the height of the photo's opening that is fixed in the skull: 1 where teeth
        fill it.
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
    skull_share: float
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
            skull_share=1.0,
            tones=tones,
        )

    def inspected(self, picture: U8, picture_from_grid: Similarity) -> Mouth:
        """The same mouth, after a look at what its opening shows in a picture (H, W, 3)."""
        gape = height_over_width(self.opening)
        outline = picture_from_grid.points(rounded(self.opening))
        seen = teeth_seen(picture, outline)
        teeth = _LOOKS_LIKE_TEETH(seen.share)
        hidden = min(self.hidden, 1 - teeth * _TEETH_COUNT(gape))
        fill = _TEETH_FILL(seen.reach)
        skull = teeth * (seen.reach + fill * (1 - seen.reach)) + (1 - teeth) * _WITHOUT_TEETH
        return replace(self, hidden=hidden, bare=hidden * _BARE(gape), skull_share=skull)

    @property
    def own(self) -> OwnInside:
        """What the photo shows between the lips."""
        return OwnInside(
            opening=self.opening, skull_share=self.skull_share, pixels_per_cm=self.pixels_per_cm
        )

    def fall(self, before: ControlVector, after: ControlVector) -> F64:
        """(2,) the way of the lower front teeth from one edit to another, in the photo's pose."""
        front = np.array([[0.0, LOWER.edge_cm, -LOWER.set_back_cm]])
        way = jaw_of(after).moves(front) - jaw_of(before).moves(front)
        fall: F64 = (way @ self.rotation.T)[0, :2] * (1, -1) * self.pixels_per_cm
        return fall

    def parted(self, before: F64, lips: F64) -> F64:
        """(K,) 0..1, how much higher an opening (20, 2) is than one before, between its corners."""
        grown = gaps(rounded(lips))
        shown = OPENS(grown / self.pixels_per_cm)
        grown = np.maximum(grown, 0) - np.maximum(gaps(rounded(before)), 0)
        return shown * _INSIDE_SHOWS.smooth(grown / self.pixels_per_cm)

    def shown(self, posed: PosedLips) -> float:
        """0..1: how much of an edit's opening is filled by what the photo shows."""
        if self.hidden == 1:
            return 0.0
        return (1 - self.hidden) * self.own.holds(
            self.before_turn(posed.lips, posed.turn, posed.pivot)
        )

    def source_of(self, points: F64, posed: PosedLips, edit: Edit) -> F64:
        """(..., 2) places in the photo of what it shows at these points of an edit's opening."""
        at, lips = (self.before_turn(p, posed.turn, posed.pivot) for p in (points, posed.lips))
        return self.own.source_of(at, lips, self.fall(*edit))

    def before_turn(self, points: F64, turn: F64, pivot: F64) -> F64:
        """(..., 2) places in the photo of upper teeth that are at these points after a turn."""
        flip = np.array([1.0, -1.0])
        camera = (points - pivot) * flip - turn[:2, 2] * self._teeth_depth
        there: F64 = camera @ np.linalg.inv(turn[:2, :2]).T * flip + pivot
        return there

    def patch(self, posed: PosedLips, edit: Edit, faded_in: float) -> tuple[Patch, ...]:
        """What an edit uncovers of the inside of the mouth, as one patch.

        There is none where the mouth is closed, is open no wider than in the photo, or shows
        nothing but what the photo shows.

        Parameters
        ----------
        posed : PosedLips
        edit : Edit
        faded_in : float
            0..1, how far an edit has begun.
        """
        turn, pivot = posed.turn, posed.pivot
        parted = self.parted(posed.before, posed.lips) * faded_in
        if not parted.any():
            return ()
        grid_from_head = self._grid_from_head(turn)
        placed = self._placed(uncrossed(rounded(posed.lips)), grid_from_head, pivot)
        if placed is None:
            return ()
        frame, ring, window = placed
        mask = filled(ring, window) * by_column(ring, parted, window[0])
        own = frame.points(self._turned(rounded(self.opening), turn, pivot))
        edge = own[LOWER_LIP, 1] - _EDGE_CM * self.fineness
        gap = upper_lip(own)[:, 1] + _UNSEEN_CM * self.fineness
        own[LOWER_LIP, 1] = edge + self.bare * (np.minimum(gap, edge) - edge)
        if (shown := self.shown(posed)) > 0:
            kept = self._turned(self.own.outline(self.fall(*edit)), turn, pivot)
            mask *= 1 - np.float32(shown) * filled(frame.points(kept), window)
        if not mask.any():
            return ()
        controls = edit.after
        origin = frame.points(self._origin(turn, pivot)[None])[0]
        view = View(pixels=frame.matrix[:, :2] @ grid_from_head, origin=origin, size=window)
        tones = self.tones.lit(light_inside(controls, mean_height(posed.lips) / self.pixels_per_cm))
        teeth = PhotoTeeth(outline=own, share=max(1 - self.hidden, self.bare))
        colour = draw_interior(view, jaw_of(controls), ring, tones, teeth)
        return (Patch(frame, colour, mask, opaque=True),)

    def held_lips(self, posed: PosedLips, raised: F64, parted: F64) -> tuple[tuple[F64, F64], F64]:
        """How far lips are moved back (`LipLimits.held`): both ways in grid pixels, and down.

        Parameters
        ----------
        raised, parted : (K,)
            See `limits_of_lift` and `limits_of_contact`.
        """
        axes = self._grid_from_head(posed.turn)
        origin = self._origin(posed.turn, posed.pivot)
        after, before = (rounded(ring) for ring in (posed.lips, posed.before))
        back = np.linalg.inv(axes[:, :2]).T
        lowered = limits_of_lift(
            (upper_lip(after) - origin) @ back, (upper_lip(before) - origin) @ back, raised
        )
        per_cm = float(np.hypot(*axes[:, 1]))
        down = -axes[:, 1] / per_cm
        lowered *= per_cm
        capped = after.copy()
        upper_lip(capped)[:] += lowered[:, None] * down
        up, apart = limits_of_contact(capped, before, parted)
        return (lowered - up, apart), down

    def _grid_from_head(self, turn: F64) -> F64:
        """(2, 3) grid pixels from centimetres after a turn."""
        axes: F64 = np.diag([1.0, -1.0]) @ (turn @ self.rotation)[:2] * self.pixels_per_cm
        return axes

    def _origin(self, turn: F64, pivot: F64) -> F64:
        """(2,) the middle of the closed lips after a turn, grid pixels."""
        origin: F64 = pivot + (turn @ self.middle)[:2] * (1, -1)
        return origin

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
        low = np.floor(ring.min(0)) - ROOM_PX
        window = (
            int(np.ceil(ring[:, 0].max()) + ROOM_PX - low[0]),
            int(np.ceil(ring[:, 1].max()) + ROOM_PX - low[1]),
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

    def _turned(self, points: F64, turn: F64, pivot: F64) -> F64:
        """(K, 2) places of the photo on the teeth when the head has turned, grid pixels."""
        camera = (
            np.column_stack([(points - pivot) * (1, -1), np.full(len(points), self._teeth_depth)])
            @ turn.T
        )
        turned: F64 = camera[:, :2] * (1, -1) + pivot
        return turned


def jaw_of(controls: ControlVector) -> Jaw:
    """The position of the jaw under these controls; lips that funnel part the teeth a little."""
    opened = controls["jawOpen"]
    return Jaw(
        opened=opened + _FUNNEL_OPENS * controls["mouthFunnel"] * max(1 - opened, 0.0),
        to_left=controls["jawLeft"] - controls["jawRight"],
        forward=controls["jawForward"],
    )
