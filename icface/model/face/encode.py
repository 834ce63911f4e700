"""A face of one photo encoded: all that does not depend on the requested controls.

The steps are named after their results: parts, mesh, eyes, mouth. Each uses the results before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icface.arrays import F32
from icface.face.controls import ControlVector
from icface.face.geometry import Similarity, face_crop
from icface.face.observation import FaceObservation, NoFaceError
from icface.model.device import Device
from icface.model.eyes.eye_photo import EyePhoto, eye_photos
from icface.model.eyes.eyeballs import eyeballs_of
from icface.model.eyes.gaze import Eyeball
from icface.model.eyes.lid_fill import FilledEye, fill_eye
from icface.model.eyes.lid_retouch import retouched
from icface.model.eyes.lid_skin import LidSkin, lid_skins
from icface.model.eyes.lids import outline_eyes, with_lids
from icface.model.mouth.finish import Finish, finish_of
from icface.model.mouth.lip_limits import LipLimits
from icface.model.mouth.lips import cavity_colour, lips_of, with_one_mouth
from icface.model.mouth.mouth import Mouth
from icface.model.mouth.paint_limits import Hues, hues_of
from icface.model.mouth.patch import PatchAnchor
from icface.model.mouth.tones import tones_of
from icface.model.networks import matting
from icface.model.networks.lid_retoucher import LidRetoucher
from icface.model.networks.matting import MatteNet
from icface.model.networks.neutralizer import GRID, OFFSET, WINDOW, Neutralizer, Part, Surface
from icface.model.networks.painter import PATCH
from icface.model.skin.light import SkinLight, skin_light
from icface.model.skin.shading_maps import ShadingMaps
from icface.model.surface.anchored import Anchored
from icface.model.surface.backdrop import Backdrop, backdrop_of
from icface.model.surface.crops import in_crop, sample_crop
from icface.model.surface.fine_crop import FINE_CROP_FROM_GRID, FINE_CROP_SIZE
from icface.model.surface.head import PAD, WIDE, Head, with_head
from icface.model.surface.mesh import SurfaceMesh, build_mesh

MIN_FACE_SHARE = 0.02
"""Least share of the window that must be face."""
_WINDOW_FROM_GRID = Similarity((1, 0, -OFFSET, 0, 1, -OFFSET))
"""Map from grid pixels to pixels of the window."""

Displaced = Callable[[Tensor, Tensor], Tensor]
"""The animator's displacements at places of the neutral face (`Animator.turned`)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FaceCrop:
    """The pixels of a photo around one face.

    Attributes
    ----------
    crop_from_image : Similarity
        Place of the `GRID` crop in the photo.
    controls : ControlVector
        The photo's own.
    landmarks : (478, 2) float64
        Grid pixels.
    window : (WINDOW, WINDOW, 3) uint8
        Input of the neutralizer, the middle of the crop.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The whole crop, `FINE_CROP_SCALE` times as fine as the grid.
    eyes : tuple of EyePhoto
        Its eyes at the photo's own resolution.
    finish : Finish
        The photo's softness and grain around the face.
    surroundings : (WIDE, WIDE, 3) uint8
        The crop and `icface.model.surface.head.PAD` grid pixels beyond it.
    """

    crop_from_image: Similarity
    controls: ControlVector
    landmarks: NDArray[np.float64]
    window: NDArray[np.uint8]
    fine_crop: NDArray[np.uint8]
    eyes: tuple[EyePhoto, ...]
    finish: Finish
    surroundings: NDArray[np.uint8]

    @classmethod
    def of(
        cls, image: NDArray[np.uint8], face: FaceObservation, *, with_eyes: bool = True
    ) -> FaceCrop:
        """The crop of a face in an RGB photo (H, W, 3), with or without its eyes."""
        crop = face_crop(face.landmarks, GRID)
        landmarks = crop.points(face.landmarks[:, :2])
        return cls(
            crop_from_image=crop,
            controls=face.controls,
            landmarks=landmarks,
            window=sample_crop(image, _WINDOW_FROM_GRID @ crop, WINDOW),
            fine_crop=sample_crop(image, FINE_CROP_FROM_GRID @ crop, FINE_CROP_SIZE),
            eyes=eye_photos(image, crop, landmarks) if with_eyes else (),
            finish=finish_of(image, face.landmarks.astype(np.float64)),
            surroundings=sample_crop(image, Similarity((1, 0, PAD, 0, 1, PAD)) @ crop, WIDE),
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceEyes:
    """The eyes of one photo.

    Attributes
    ----------
    lid_skins : tuple of LidSkin
        Upper lids, ready to close.
    eyeballs : tuple of Eyeball
        Eyeballs of open eyes.
    """

    lid_skins: tuple[LidSkin, ...] = ()
    eyeballs: tuple[Eyeball, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceMouth:
    """The mouth of one photo.

    Attributes
    ----------
    lips : Anchored
        The opening of the mouth.
    interior : Mouth
        The inside behind the opening.
    limits : LipLimits
        What the lips may do.
    cavity_rgb : tuple of 3 float
        Colour of the inside of this mouth, 0..255.
    anchor : PatchAnchor
        The square about the mouth that is painted.
    hues : Hues
        The photo's hues in that square.
    """

    lips: Anchored
    interior: Mouth
    limits: LipLimits
    cavity_rgb: tuple[float, float, float]
    anchor: PatchAnchor
    hues: Hues


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SourceEncoding:
    """One face of one photo, ready to be driven.

    Attributes
    ----------
    crop_from_image : Similarity
        Place of the `GRID` crop in the photo.
    controls : ControlVector
        The photo's own: these controls return the photo.
    fine_crop : (FINE_CROP_SIZE, FINE_CROP_SIZE, 3) uint8
        The crop's picture, for drawing and painting.
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel of the window.
    mesh : SurfaceMesh
        The face's surface.
    head : Head, or None
        The head around the surface; without one the surroundings follow the surface alone.
    eyes : SourceEyes
    mouth : SourceMouth
    backdrop : Backdrop, or None
        The background behind the person; without one it moves along.
    skin_light : SkinLight, or None
        How light follows folds of the skin; without it light stays as it is.
    """

    crop_from_image: Similarity
    controls: ControlVector
    fine_crop: NDArray[np.uint8]
    part: NDArray[np.int64]
    mesh: SurfaceMesh
    head: Head | None
    eyes: SourceEyes
    mouth: SourceMouth
    backdrop: Backdrop | None = None
    skin_light: SkinLight | None = None

    def to(self, device: torch.device) -> SourceEncoding:
        """The same face with its mesh on this device."""
        if self.mesh.source.device == device:
            return self
        return replace(self, mesh=self.mesh.to(device))


def surface_of(neutralizer: Neutralizer, crop: FaceCrop, device: Device) -> Surface:
    """The neutralizer's answer for a crop; the network is on the device, in its precision."""
    where = device.torch_device
    landmarks = (crop.landmarks - OFFSET + 0.5) * (2 / WINDOW) - 1
    points = torch.from_numpy(landmarks.astype(np.float32))[None]
    window = torch.from_numpy(crop.window).to(where).permute(2, 0, 1)[None]
    picture = window.to(device.dtype) / 127.5 - 1
    surface: Surface = neutralizer(
        picture.contiguous(memory_format=torch.channels_last), points.to(where)
    )
    return surface


def matte_of(network: MatteNet, crop: FaceCrop, device: Device) -> F32:
    """(SIDE, SIDE) matte of the people around a face, 0..1; the network is on the device."""
    side = (matting.SIDE, matting.SIDE)
    small = cv2.resize(crop.surroundings, side, interpolation=cv2.INTER_AREA)
    picture = torch.from_numpy(small).to(device.torch_device).permute(2, 0, 1)[None]
    found: F32 = network(picture.to(torch.float32) / 255)[0, 0].float().cpu().numpy()
    return found


def encode_face(
    surface: Surface,
    crop: FaceCrop,
    displaced: Displaced,
    matte: F32 | None = None,
    shading: ShadingMaps | None = None,
    retoucher: LidRetoucher | None = None,
) -> SourceEncoding:
    """The encoding of a face, from its surface and its crop.

    Parameters
    ----------
    surface : Surface
        The neutralizer's answer for the crop's window (B = 1).
    displaced : callable
        `icface.model.networks.animator.Animator.turned`.
    matte : (M, M) float32, optional
        0..1, the people of the crop.
    shading : ShadingMaps, optional
        Without them light stays as it is.
    retoucher : LidRetoucher, optional
        Without one closed lids are drawn only.

    Raises
    ------
    NoFaceError
        When there is too little face to move.
    """
    part = outline_eyes(one_face(surface.logits[0].argmax(0).cpu().numpy()), crop.landmarks)
    if (part > Part.BACKGROUND).mean() < MIN_FACE_SHARE:
        raise NoFaceError(
            "No face surface was recognised there; choose another face, or draw a box around it."
        )
    backdrop = None if matte is None else backdrop_of(crop.surroundings, matte)
    filled = tuple(fill_eye(photo) for photo in crop.eyes)
    mesh, head = _mesh(surface, part, crop, displaced, filled, cut_out=backdrop is not None)
    return SourceEncoding(
        crop_from_image=crop.crop_from_image,
        controls=crop.controls,
        fine_crop=crop.fine_crop,
        part=part,
        mesh=mesh,
        head=head,
        backdrop=backdrop,
        eyes=_eyes(mesh, part, crop, filled, retoucher),
        mouth=_mouth(mesh, part, crop),
        skin_light=None
        if shading is None
        else skin_light(
            shading,
            landmarks=crop.landmarks,
            angles_deg=crop.controls.angles_deg,
            part=part,
            fine_crop=crop.fine_crop,
            pixels_per_cm=mesh.pixels_per_cm,
        ),
    )


def one_face(part: NDArray[np.int64]) -> NDArray[np.int64]:
    """The parts (H, W) of the largest connected face, with its small holes closed."""
    inside = (part > Part.BACKGROUND).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    if count <= 1:
        return np.zeros_like(part)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    whole = (labels == largest).astype(np.uint8)
    closed = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    filled = np.where(part > Part.BACKGROUND, part, Part.SKIN)
    return np.where(closed > 0, filled, Part.BACKGROUND).astype(np.int64)


def _mesh(
    surface: Surface,
    part: NDArray[np.int64],
    crop: FaceCrop,
    displaced: Displaced,
    filled: tuple[FilledEye, ...],
    *,
    cut_out: bool,
) -> tuple[SurfaceMesh, Head | None]:
    """The movable surface, with lids that close and one mouth, and the head around it."""
    on_device = torch.from_numpy(part).to(surface.logits.device)
    mesh, head = with_head(build_mesh(surface, on_device, displaced), cut_out=cut_out)
    mesh = with_one_mouth(mesh, crop.landmarks)
    return with_lids(mesh, part, crop.landmarks, crop.controls, filled), head


def _eyes(
    mesh: SurfaceMesh,
    part: NDArray[np.int64],
    crop: FaceCrop,
    filled: tuple[FilledEye, ...],
    retoucher: LidRetoucher | None,
) -> SourceEyes:
    """Lids and eyeballs."""
    own = part[part > Part.BACKGROUND]
    skin = (own == Part.SKIN) | (own == Part.LOWER)
    source = mesh.source.double().cpu().numpy()
    points, picture = crop.landmarks, crop.fine_crop
    skins = lid_skins(source, skin, filled, crop.controls)
    if retoucher is not None and skins:
        skins = retouched(skins, crop.eyes, source, retoucher)
    return SourceEyes(
        lid_skins=skins,
        eyeballs=eyeballs_of(
            source, (skin, own == Part.EYE), points[:, :2], mesh.pixels_per_cm, picture
        ),
    )


def _mouth(mesh: SurfaceMesh, part: NDArray[np.int64], crop: FaceCrop) -> SourceMouth:
    """The lips, the inside behind them, and the painter's square."""
    points, picture = crop.landmarks, crop.fine_crop
    anchor = PatchAnchor.of(points, mesh)
    at_rest = anchor.frame(mesh.pivot.double().cpu().numpy(), np.eye(3), 0.0)
    source = mesh.source.double().cpu().numpy()
    lips = lips_of(part, source, points)
    flesh = crop.window[(part == Part.SKIN) | (part == Part.LOWER)]
    inside = crop.window[part == Part.INSIDE]
    tones = replace(
        tones_of(picture, FINE_CROP_FROM_GRID.points(points[:, :2]), flesh, inside),
        finish=crop.finish,
    )
    upright = in_crop(crop.controls, crop.crop_from_image)
    interior = Mouth.of(mesh, lips, upright, tones, 1 / crop.crop_from_image.scale)
    return SourceMouth(
        lips=lips,
        interior=interior.inspected(picture, FINE_CROP_FROM_GRID),
        limits=LipLimits.of(
            interior.opening,
            source,
            part[part > Part.BACKGROUND],
            mesh.pixels_per_cm,
            mesh.basis[:, 1, lips.rows].double().cpu().numpy(),
        ),
        cavity_rgb=cavity_colour(crop.window, part),
        anchor=anchor,
        hues=hues_of(sample_crop(picture, at_rest @ FINE_CROP_FROM_GRID.inverse(), PATCH)),
    )
