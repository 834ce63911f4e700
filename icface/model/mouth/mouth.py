"""The mouth of one photo: how its inside is lit, what the photo shows of it, and what is drawn where it opens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import F32, F64, U8
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, rotation_matrix
from icface.face.landmarks import INNER_LIP_MIDDLES, VERMILION
from icface.face.ramps import Ramp
from icface.model.mouth.interior import Jaw, Tones, View, drawn
from icface.model.mouth.paint_limits import HUE_TAIL
from icface.model.mouth.patch import Patch
from icface.model.networks.neutralizer import GRID
from icface.model.surface.anchored import Anchored
from icface.model.surface.mesh import SurfaceMesh
from icface.model.surface.rasterise import Flow

_TEETH_DEPTH_CM = 0.6
_INSIDE_SHOWS = Ramp(0.08, 0.35)
"""Centimetres by which a mouth opens more than in the photo: how much of its inside is drawn."""
_TEETH_COUNT = Ramp(0.025, 0.04)
"""Area of an opening over its squared width: how much teeth that are seen in it count."""
_INSIDE_IS_SEEN = Ramp(0.2, 0.3)
"""Area of an opening over its squared width: how much the photo shows the inside, whatever it
is."""
_BARE = Ramp(0.09, 0.14)
"""Area of an opening over its squared width: how much it would show upper teeth that reach below
its upper lip."""
_UNSEEN_CM = 0.12
"""So far below it they are drawn all the same."""
_LOOKS_LIKE_TEETH = Ramp(0.06, 0.14)
"""Share of an opening that is as bright and pale as teeth: how much it is taken for teeth."""
_SHOWS_JAW = Ramp(0.16, 0.3)
"""Area of a photo's opening over its squared width: how much what shows is tongue and jaw too, and
not upper teeth alone."""
FINEST, COARSEST = 24.0, 9.0
"""Pixels of the patch per centimetre, at most, on a photo that is as fine, and at least."""
_SKIN_HUE = np.array([1.3, 0.93, 0.78])
"""Of mean skin in mean light, over its grey."""
_CAST, _CAST_RANGE = 0.9, (0.3, 2.0)
"""How much of the tint of the light, told from the skin's, teeth take, and the tints that are
believed."""
_TOOTH, _IVORY = 1.0, np.array([0.09, 0.0, -0.09])
"""Of teeth in full light: brightness over `light`, and hue."""
_SHADE, _LIT_CM, _SMILE_LIGHTS = 0.32, 1.4, 1.9
"""Light that gets between lips that hardly part; mean height of an opening in full light; how much
a smile adds to that."""
_SMILE_BARES = 0.9
"""How much of the shade right behind the lips a full smile takes away."""
_WHITEST = 0.98
_LARGEST = 512
_ROOM = 5
"""Pixels of the patch beside the opening."""
_FINE = 4
_DEGREE = 5
_EDGE_CM = 0.09
"""So much of what the photo shows above its lower lip is that lip's own edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """What is known of the mouth of one photo.

    Attributes
    ----------
    middle : (3,)
        Of the line between the lips if they were closed, camera frame, grid pixels.
    rotation : (3, 3)
        Head to camera frame in the photo.
    pixels_per_cm : float
        Of the grid.
    fineness : float
        Pixels of a patch per centimetre.
    opening : (20, 2)
        The opening in the photo, grid pixels.
    hidden : float
        0..1, how much the photo hides of teeth.
    held : float
        0..1, how much what it shows is upper teeth alone.
    tones : Tones
    bare : float
        0..1, how much the photo shows a gap without teeth below its upper lip.
    """

    middle: F64
    rotation: F64
    pixels_per_cm: float
    fineness: float
    opening: F64
    hidden: float
    held: float
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
        """Of a mesh whose lips are followed; `image_pixels` is how many pixels of the photo lie along one of the grid."""
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
        """Of lips that would be here without expression.

        Parameters
        ----------
        rest : (20, 3)
            Their opening then, camera frame, pixels.
        opening : (20, 2)
            In the photo, pixels.
        controls : ControlVector
            What the photo shows.
        """
        wide = _height(opening) / max(float(np.ptp(opening[:, 0])), 1e-6)
        middle = rest[list(INNER_LIP_MIDDLES)].mean(0)
        return cls(
            middle=np.array([(rest[[0, 10], 0].mean() + middle[0]) / 2, middle[1], middle[2]]),
            rotation=rotation_matrix(*controls.angles_deg),
            pixels_per_cm=pixels_per_cm,
            fineness=float(np.clip(pixels_per_cm, COARSEST, FINEST)),
            opening=opening,
            hidden=1 - _INSIDE_IS_SEEN(wide),
            held=1 - _SHOWS_JAW(wide),
            tones=tones,
        )

    def seen_in(self, picture: U8, picture_from_here: Similarity) -> Mouth:
        """The same mouth, after a look at what its opening shows in a picture (H, W, 3)."""
        wide = _height(self.opening) / max(float(np.ptp(self.opening[:, 0])), 1e-6)
        teeth = _LOOKS_LIKE_TEETH(
            _teeth_in(picture, picture_from_here.points(_rounded(self.opening)))
        )
        hidden = min(self.hidden, 1 - teeth * _TEETH_COUNT(wide))
        return replace(self, hidden=hidden, bare=hidden * _BARE(wide))

    def parted(self, lips: F64) -> float:
        """0..1: how much the opening (20, 2) is higher than the photo's."""
        before, after = (_height(ring) for ring in (self.opening, lips))
        return _INSIDE_SHOWS.smooth((after - before) / self.pixels_per_cm)

    def held_at(self, here: F64, turn: F64, pivot: F64) -> F64:
        """(..., 2) where the photo shows what is seen here (..., 2) after the head has turned, if it is fixed in the skull."""
        flip = np.array([1.0, -1.0])
        camera = (here - pivot) * flip - turn[:2, 2] * self._teeth_depth
        there: F64 = camera @ np.linalg.inv(turn[:2, :2]).T * flip + pivot
        return there

    def own_share(self, lips: F64, size: int) -> F32:
        """(size, size) 0..1: how much each pixel shows teeth of the photo that stay in the skull, of lips (20, 2)."""
        return _filled(_rounded(lips), (size, size)) * np.float32(self.shows)

    @property
    def shows(self) -> float:
        """How much the photo shows upper teeth, 0..1, which are to stay where they are in the skull."""
        return self.held * (1 - self.hidden)

    @property
    def _teeth_depth(self) -> float:
        return float(self.middle[2]) - _TEETH_DEPTH_CM * self.pixels_per_cm

    def _own(self, turn: F64, pivot: F64) -> F64:
        """(20, 2) where the photo's opening is when it stays on the teeth and the head has turned, grid pixels."""
        camera = (
            np.column_stack(
                [(self.opening - pivot) * (1, -1), np.full(len(self.opening), self._teeth_depth)]
            )
            @ turn.T
        )
        here: F64 = camera[:, :2] * (1, -1) + pivot
        return here

    def _light(self, lips: F64, controls: ControlVector) -> float:
        """`_SHADE`..1: how much light the opening (20, 2) lets in; lips that draw back shade their teeth less."""
        opened = _height(lips) / self.pixels_per_cm / _LIT_CM + _SMILE_LIGHTS * _smile(controls)
        return _SHADE + (1 - _SHADE) * min(opened, 1.0)

    def patch(
        self, lips: F64, controls: ControlVector, turn: F64, pivot: F64, faded_in: float
    ) -> tuple[Patch, ...]:
        """The inside of the mouth after an edit, as one patch; none where it shows nothing that the photo does not.

        Parameters
        ----------
        lips : (20, 2)
            The opening after the edit, grid pixels.
        controls : ControlVector
            Those wanted.
        turn : (3, 3)
            Rotation from the source's pose to the wanted one, camera frame.
        pivot : (2,)
            The head's pivot, grid pixels.
        faded_in : float
            0..1, of an edit that begins.
        """
        share = faded_in * (1 - self.hidden + self.hidden * self.parted(lips))
        if share == 0:
            return ()
        grid_from_head = np.diag([1.0, -1.0]) @ (turn @ self.rotation)[:2] * self.pixels_per_cm
        up = np.degrees(np.arctan2(grid_from_head[0, 1], -grid_from_head[1, 1]))
        fine = Similarity.crop(
            centre=(float(pivot[0]), float(pivot[1])),
            side=self.pixels_per_cm / self.fineness,
            roll_deg=float(up),
            size=1,
        )
        ring = fine.points(_rounded(lips))
        low = np.floor(ring.min(0)) - _ROOM
        window = (
            int(np.ceil(ring[:, 0].max()) + _ROOM - low[0]),
            int(np.ceil(ring[:, 1].max()) + _ROOM - low[1]),
        )
        if max(window) > _LARGEST:
            return ()
        frame = Similarity((1, 0, -float(low[0]), 0, 1, -float(low[1]))) @ fine
        ring -= low
        mask = _filled(ring, window)
        own = frame.points(_rounded(self._own(turn, pivot)))
        lower = slice(_FINE, 10 * _FINE)
        edge = own[lower, 1] - _EDGE_CM * self.fineness
        gap = (
            own[::-1][_FINE - 1 : 10 * _FINE - 1, 1] + _UNSEEN_CM * self.fineness
        )  # the upper lip above each of those
        own[lower, 1] = edge + self.bare * (np.minimum(gap, edge) - edge)
        if self.shows > 0:
            mask *= 1 - self.shows * _filled(own, window)
        mask *= share
        if not mask.any():
            return ()
        origin = frame.points((pivot + (turn @ self.middle)[:2] * (1, -1))[None])[0]
        view = View(frame.matrix[:, :2] @ grid_from_head, origin, window)
        tones = self.tones.dimmed(self._light(lips, controls), 1 - _SMILE_BARES * _smile(controls))
        colour = drawn(view, jaw_of(controls), ring, tones, (own, max(1 - self.hidden, self.bare)))
        return (Patch(frame, colour, mask, opaque=True),)


def _smile(controls: ControlVector) -> float:
    return float(controls["mouthSmile_L"] + controls["mouthSmile_R"]) / 2


def jaw_of(controls: ControlVector) -> Jaw:
    """Where controls take the jaw."""
    return Jaw(
        controls["jawOpen"], controls["jawLeft"] - controls["jawRight"], controls["jawForward"]
    )


def tones_of(picture: U8, points: F64, skin: NDArray[np.uint8], inside: NDArray[np.uint8]) -> Tones:
    """The colours of the inside of a mouth.

    Parameters
    ----------
    picture : (H, W, 3) uint8
    points : (468 or 478, 2 or 3)
        Landmarks in its pixels.
    skin, inside : (N, 3) and (M, 3) uint8
        Colours of the face's skin and of what the photo shows of the mouth's inside.
    """
    if not len(skin):
        skin = np.full((1, 3), 128, np.uint8)
    red = points[list(VERMILION), :2]
    at = np.clip(np.rint(red), 0, (picture.shape[1] - 1, picture.shape[0] - 1)).astype(int)
    lips = np.median(picture[at[:, 1], at[:, 0]], axis=0) / 255
    flesh = np.median(skin, axis=0) / 255
    bright = float(np.percentile(skin.max(1), 90)) / 255
    coloured = min(float(np.ptp(flesh)) * 255 / 20, 1.0)  # none in a photograph in grey
    light = 0.06 + 0.88 * bright  # so bright are teeth that photographs show
    hue, lip_hue = (c / max(float(c.mean()), 1e-3) for c in (flesh, lips))
    cast = np.clip(hue / _SKIN_HUE, *_CAST_RANGE) ** _CAST
    tooth = _TOOTH * light * (1 + coloured * (_IVORY + cast / cast.mean() - 1))
    tooth *= min(_WHITEST / float(tooth.max()), 1.0)
    if len(inside) > 12:
        seen = np.percentile(inside, 80, axis=0) / 255
        if seen.mean() > 0.7 * light:
            tooth = 0.5 * tooth + 0.5 * seen
    pink = 1 + coloured * np.array([0.36, -0.19, -0.17])
    flesh_hue = 0.45 * pink + 0.3 * lip_hue + 0.25 * hue
    colours = {
        "tooth": tooth,
        "tongue": 0.74 * light * flesh_hue,
        "gum": 0.78 * light * flesh_hue,
        "dark": 0.085 * light * (1 + 1.2 * (flesh_hue - 1)),
    }
    low, high = _hues(picture, red)
    limited = {}
    for name, colour in colours.items():
        grey = colour.mean()
        limited[name] = np.clip(grey + np.clip(colour - grey, low, high), 0, 1).astype(np.float32)
    return Tones(**limited)


def _hues(picture: U8, lips: F64) -> tuple[F64, F64]:
    """A picture's least and greatest distances from grey about the lips' points (K, 2), (3,) each, 0..1."""
    x, y = np.clip(lips.mean(0), 0, (picture.shape[1] - 1, picture.shape[0] - 1)).astype(int)
    reach = max(int(np.ptp(lips[:, 0])), 8)
    near = (
        picture[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach].reshape(-1, 3) / 255
    )
    low, high = np.percentile(
        near - near.mean(1, keepdims=True), (HUE_TAIL, 100 - HUE_TAIL), axis=0
    )
    return np.minimum(low, 0), np.maximum(high, 0)


def _teeth_in(picture: U8, ring: F64) -> float:
    """The share of a ring (K, 2) that is as bright as the skin around it and less red."""
    low, high = ring.min(0), ring.max(0)
    room = np.array([0.0, 0.2 * float(high[0] - low[0])])
    left, top = np.clip(np.floor(low - room), 0, None).astype(int)
    right, bottom = np.ceil(high + room).astype(int) + 1
    near = picture[top:bottom, left:right].astype(np.float32)
    if near.size == 0:
        return 0.0
    inside = _filled(ring - (left, top), (near.shape[1], near.shape[0]))
    light = near.mean(2)
    red = (near[..., 0] - near[..., 1:].mean(2)) / np.maximum(light, 1)
    skin, skin_red = (float(np.median(v)) for v in (light, red))
    least = 0.6 + 0.25 * (
        1 - min(skin_red / 0.1, 1.0)
    )  # without hues, lips are told from teeth by their shade alone
    bright = np.clip((light / max(skin, 1) - least) / 0.4, 0, 1)
    pale = np.clip((0.75 * skin_red + 0.03 - red) / max(0.35 * skin_red, 0.03), 0, 1)
    return float((bright * pale * inside).sum() / max(float(inside.sum()), 1))


def _height(ring: F64) -> float:
    """Mean height of an opening."""
    return abs(float(cv2.contourArea(ring.astype(np.float32)))) / max(
        float(np.ptp(ring[:, 0])), 1e-6
    )


def _smoothed() -> F64:
    """(20, 20): each lip of a ring as a curve of the fourth degree through its corners, which evens out what a surface tore."""
    matrix = np.eye(20)
    t = np.linspace(-1, 1, 11)
    bumps = (1 - t**2)[:, None] * np.vander(t, _DEGREE - 1)
    chord = np.stack([(1 - t) / 2, (1 + t) / 2], 1)
    through = bumps @ np.linalg.pinv(bumps)
    for corners in ((0, 10), (10, 20)):
        number = np.arange(corners[0], corners[1] + 1) % 20
        ends = np.zeros((11, 20))
        ends[:, number[0]], ends[:, number[-1]] = chord.T
        matrix[number] = ends + through @ (np.eye(20)[number] - ends)
    return matrix


def _spline(count: int) -> F64:
    """(count * _FINE, count): Catmull-Rom between the points of a ring."""
    t = np.arange(_FINE) / _FINE
    weights = (
        np.stack(
            [
                -t + 2 * t**2 - t**3,
                2 - 5 * t**2 + 3 * t**3,
                t + 4 * t**2 - 3 * t**3,
                -(t**2) + t**3,
            ],
            1,
        )
        / 2
    )
    matrix = np.zeros((count * _FINE, count))
    for k in range(count):
        for j in range(4):
            matrix[k * _FINE : (k + 1) * _FINE, (k + j - 1) % count] += weights[:, j]
    return matrix


_EVEN = _smoothed()
_ROUND = _spline(20) @ _EVEN


def _rounded(ring: F64) -> F64:
    """The ring (20, 2) as a curve of more points."""
    curve: F64 = _ROUND @ ring
    return curve


def _filled(ring: F64, window: tuple[int, int]) -> F32:
    """(H, W) 0..1: the inside of a ring, with a soft edge."""
    ink = np.zeros((window[1], window[0]), np.uint8)
    cv2.fillPoly(ink, [np.round(ring * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    share: F32 = cv2.GaussianBlur(ink, (0, 0), 0.8).astype(np.float32) / np.float32(255)
    return share


def behind_lips(mouth: Mouth, flow: Flow, lips: F64, turn: F64, pivot: F64) -> Flow:
    """The flow with teeth that stay in the skull, and with no cavity where the lips are.

    Parameters
    ----------
    lips : (20, 2)
        The opening after an edit, grid pixels.
    turn, pivot
        As `Mouth.patch`.
    """
    ring = _rounded(lips)
    low = np.clip(np.floor(ring.min(0)) - _ROOM, 0, GRID - 2).astype(int)
    high = np.clip(np.ceil(ring.max(0)) + _ROOM, low + 2, GRID).astype(int)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    share = _filled(ring - low, (int(high[0] - low[0]), int(high[1] - low[1])))
    cavity = np.zeros_like(flow.cavity)
    cavity[window] = flow.cavity[window] * cv2.dilate(share, np.ones((3, 3), np.uint8))
    if mouth.shows == 0:
        return replace(flow, cavity=cavity)
    here = np.stack(
        np.meshgrid(*(np.arange(a, b, dtype=np.float64) for a, b in zip(low, high, strict=True))),
        -1,
    )
    back_field, back = flow.back_field.copy(), flow.back.copy()
    back_field[window] += (
        mouth.held_at(here, turn, pivot) - here - back_field[window]
    ) * mouth.shows
    np.maximum(back[window], share * np.float32(mouth.shows), out=back[window])
    return replace(flow, back_field=back_field, back=back, cavity=cavity)
