"""Encode a face once, then ask for its flow under any controls: numpy pictures in, numpy flows out.

The division of labour is that of Segment Anything's predictor, but the encoding is returned as a value instead of being kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import CHANNELS, ControlVector
from icface.face.geometry import Similarity, face_crop
from icface.face.observation import FaceObservation, NoFaceError
from icface.jobs import run_to_end
from icface.model.anatomy import cavity_colour, lips_of, one_face, with_lids, with_one_mouth
from icface.model.device import CPU, Device, one_thread, pick_device
from icface.model.eyes.eyeballs import eyeballs_of
from icface.model.eyes.gaze import Eyeball, turned_eyes
from icface.model.eyes.lashes import Lashes, lashes_of
from icface.model.eyes.lid_skin import LidSkin, closed_lids, lid_skins
from icface.model.eyes.lids import blinks, lids_move, outline_eyes
from icface.model.mouth.mouth import Mouth, behind_lips, tones_of
from icface.model.mouth.paint_limits import Hues, as_taught, hues_of, in_own_hues, painter_controls, tone_of_drawn
from icface.model.mouth.patch import FINER, KEPT, SMOOTH_PX, Patch, PatchAnchor, drawn_out, needed, patch_of
from icface.model.networks.animator import Animator, AnimatorConfig
from icface.model.networks.layers import for_inference
from icface.model.networks.neutralizer import GRID, OFFSET, WINDOW, Neutralizer, NeutralizerConfig, Part, Surface
from icface.model.networks.painter import PATCH, PATCH_CHANNELS, Paint, Painter, PainterConfig
from icface.model.networks.weights import models_dir
from icface.model.surface.anchored import Followed
from icface.model.surface.crops import in_crop, sample_crop, turn_in_crop
from icface.model.surface.head import Skull, with_skull
from icface.model.surface.mesh import SurfaceMesh, build_mesh, flow_of, move

MOVES_THE_MOUTH = [i for i, name in enumerate(CHANNELS) if not name.startswith(("brow", "eye"))]
"""Positions in a control vector of what the mouth's patch may change with; a wink leaves it alone."""
FADES_IN = 0.15
"""Largest change of one of those (angles in units of 30 degrees) from which on the painter paints in full."""
MIN_FACE_SHARE = 0.02
"""Less of the window than this taken for face means that there is none to move."""
_FINER = Similarity((FINER, 0, (FINER - 1) / 2, 0, FINER, (FINER - 1) / 2))
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class SourceEncoding:
    """One face of one photo, ready to be driven.

    Attributes
    ----------
    crop_from_image : Similarity
        Where the `GRID` crop lies in the photo.
    controls : ControlVector
        What the photo itself shows: these controls return it.
    mesh : SurfaceMesh
        The face's surface.
    part : (WINDOW, WINDOW) int64
        `Part` of each pixel of the window.
    cavity_rgb : tuple of 3 float
        Colour of the inside of this mouth, 0..255.
    kept : (KEPT, KEPT, 3) uint8
        The crop's picture, for the painter.
    anchor : PatchAnchor
        The square about the mouth that is painted.
    hues : Hues
        Those of the photo in that square.
    lips : Followed
        The opening of the mouth.
    mouth : Mouth
        What lies behind it.
    lashes : tuple of Lashes
        Those of the eyes.
    lid_skins : tuple of LidSkin
        What the eyes' lids unfold.
    skull : Skull, or None
        The head around the surface; without one the surroundings follow the surface alone.
    eyeballs : tuple of Eyeball
        Those of the eyes that are open.
    """

    crop_from_image: Similarity
    controls: ControlVector
    mesh: SurfaceMesh
    part: NDArray[np.int64]
    cavity_rgb: tuple[float, float, float]
    kept: NDArray[np.uint8]
    anchor: PatchAnchor
    hues: Hues
    lips: Followed
    mouth: Mouth
    lashes: tuple[Lashes, ...] = ()
    lid_skins: tuple[LidSkin, ...] = ()
    skull: Skull | None = None
    eyeballs: tuple[Eyeball, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FacePrediction:
    """What an edit does to the crop.

    Attributes
    ----------
    flow : (GRID, GRID, 2) float32, or None when nothing changes
        Backward flow of skin and surroundings, grid pixels, zero along the border.
    known : (GRID, GRID) bool, or None
        Where the flow is the face's own surface and not its continuation.
    back_flow : (GRID, GRID, 2) float32, or None
        Backward flow of what shows through the openings of the skin: eyes and teeth.
    back : (GRID, GRID) float32, or None
        0..1, how much of the pixel shows those.
    cavity : (GRID, GRID) float32, or None
        0..1, how much of the pixel is mouth cavity that the photo hides.
    patches : tuple of Patch
        What is painted over that, in order.
    eyes : tuple of pairs of (GRID, GRID, 2) and (GRID, GRID) float32
        Backward flows of eyes that have turned, and how much of the pixel shows those, 0..1; in order, below what is painted.
    """

    flow: NDArray[np.float32] | None
    known: NDArray[np.bool_] | None = None
    back_flow: NDArray[np.float32] | None = None
    back: NDArray[np.float32] | None = None
    cavity: NDArray[np.float32] | None = None
    patches: tuple[Patch, ...] = ()
    eyes: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...] = ()


class FacePredictor:
    """The two stages on a device; used by one thread at a time."""

    def __init__(
        self, neutralizer: Neutralizer, animator: Animator, painter: Painter | None = None, device: Device = CPU
    ) -> None:
        self._full = for_inference(neutralizer), animator.eval(), None if painter is None else for_inference(painter)
        self._device = device
        self._notices: list[str] = []
        self._place()

    @classmethod
    def load(cls, device: str = "auto", folder: Path | None = None) -> FacePredictor:
        """With the shipped weights, on the best device present or the one named.

        Raises
        ------
        ModelFileError
            When weights are missing or damaged.
        ValueError
            When the device is not present.
        """
        where = folder or models_dir()
        chosen = pick_device(device)
        neutralizer = Neutralizer.from_file(where / "neutralizer.safetensors")
        animator, painter = Animator.from_file(where / "animator.safetensors"), Painter.from_file(where / "painter.safetensors")
        return cls(neutralizer, animator, painter, chosen)

    @classmethod
    def without_paint(cls, device: str = "auto", folder: Path | None = None) -> FacePredictor:
        """As `load`, but the pixels are only moved: what the painter learns from."""
        where = folder or models_dir()
        neutralizer = Neutralizer.from_file(where / "neutralizer.safetensors")
        return cls(neutralizer, Animator.from_file(where / "animator.safetensors"), None, pick_device(device))

    @classmethod
    def tiny(cls, seed: int = 0) -> FacePredictor:
        """Small networks with random weights: the real pipeline for tests, fast and meaningless.

        Every pixel is taken for skin, so that there is always a surface to move.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            neutralizer = Neutralizer(NeutralizerConfig(widths=(8, 8, 8, 8, 8)))
            animator = Animator(AnimatorConfig(planes=(4,), features=2, width=8, depth=1))
            painter = Painter(PainterConfig(widths=(8, 8), told=4))
        with torch.no_grad():
            neutralizer.head.get_parameter("weight").mul_(0.05)
            neutralizer.head.get_parameter("bias").zero_().view(20, 4)[15 + Part.SKIN] = 100.0
        return cls(neutralizer, animator, painter)

    @property
    def device_name(self) -> str:
        """Where it runs, for the status bar."""
        return self._device.name

    def drain_notices(self) -> list[str]:
        """What the user should know since the last call: falling back to another precision or device."""
        notices, self._notices = self._notices, []
        return notices

    def encode(self, image: NDArray[np.uint8], face: FaceObservation) -> SourceEncoding:
        """Everything that does not depend on the controls wanted.

        Parameters
        ----------
        image : (H, W, 3) uint8
            RGB photo.
        face : FaceObservation
            The face in it; its controls become the ones that change nothing.

        Raises
        ------
        NoFaceError
            When the network sees no face there.
        """
        return run_to_end(self.encoding(image, face))

    def encoding(self, image: NDArray[np.uint8], face: FaceObservation) -> Generator[None, None, SourceEncoding]:
        """As `encode`, in two steps, so that others may have a turn between them."""
        crop_from_image = face_crop(face.landmarks, GRID)
        window = sample_crop(image, Similarity((1, 0, -OFFSET, 0, 1, -OFFSET)) @ crop_from_image, WINDOW)
        points = crop_from_image.points(face.landmarks[:, :2])
        with one_thread():
            surface = self._guarded(lambda: self._see(window, points))
        yield
        kept = sample_crop(image, _FINER @ crop_from_image, KEPT)
        with one_thread():
            return self._guarded(lambda: self._encode(surface, (window, kept), points, crop_from_image, face.controls))

    def predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        """The flow that turns the photo's own controls into these; no flow at all when they are the same."""
        if controls == encoding.controls:
            return FacePrediction(None)
        with one_thread():
            return self._guarded(lambda: self._predict(encoding, controls))

    def _place(self) -> None:
        where, dtype = self._device.torch_device, self._device.dtype
        neutralizer, animator, painter = self._full
        self._neutralizer = neutralizer.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._animator = animator.to(where)
        self._painter = None if painter is None else painter.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            with torch.inference_mode():
                return work()
        except torch.OutOfMemoryError:
            self._notices.append(f"{self._device.name} ran out of memory; continuing on the CPU.")
            self._device = CPU
            self._place()
            with torch.inference_mode():
                return work()

    def _see(self, window: NDArray[np.uint8], points: NDArray[np.float64]) -> Surface:
        device = self._device
        landmarks = torch.from_numpy(((points - OFFSET + 0.5) * (2 / WINDOW) - 1).astype(np.float32))[None]
        picture = torch.from_numpy(window).to(device.torch_device).permute(2, 0, 1)[None].to(device.dtype) / 127.5 - 1
        surface: Surface = self._neutralizer(
            picture.contiguous(memory_format=torch.channels_last), landmarks.to(device.torch_device)
        )
        tensors = (surface.head, surface.place, surface.logits)
        if all(torch.isfinite(t).all() for t in tensors):
            return surface
        self._overflowed("The network")
        return self._see(window, points)

    def _overflowed(self, which: str) -> None:
        """Go on in full precision; where that is what overflowed, give up."""
        if self._device.dtype is torch.float32:
            raise FloatingPointError(f"{which}'s answer holds numbers that are not finite; the photo was left as it is.")
        self._notices.append(f"Half precision overflowed on {self._device.name}; continuing with float32.")
        self._device = self._device.in_full_precision()
        self._place()

    def _encode(
        self,
        surface: Surface,
        pictures: tuple[NDArray[np.uint8], NDArray[np.uint8]],
        points: NDArray[np.float64],
        crop_from_image: Similarity,
        controls: ControlVector,
    ) -> SourceEncoding:
        window, kept = pictures
        if surface.logits.device.type != self._device.torch_device.type:  # the device's memory was full meanwhile
            surface = self._see(window, points)
        part = outline_eyes(one_face(surface.logits[0].argmax(0).cpu().numpy()), points)
        if (part > Part.BACKGROUND).mean() < MIN_FACE_SHARE:
            raise NoFaceError("No face surface was recognised there; choose another face, or draw a box around it.")
        on_device = torch.from_numpy(part).to(self._device.torch_device)
        mesh, skull = with_skull(build_mesh(surface, on_device, self._animator.turned))
        mesh = with_one_mouth(mesh, points)
        mesh = with_lids(mesh, part, points, controls)
        anchor = PatchAnchor.of(points, mesh)
        at_rest = anchor.frame(mesh.pivot.double().cpu().numpy(), np.eye(3), 0.0)
        hues = hues_of(sample_crop(kept, at_rest @ _FINER.inverse(), PATCH))
        own = part[part > Part.BACKGROUND]
        skin = (own == Part.SKIN) | (own == Part.LOWER)
        source = mesh.source.double().cpu().numpy()
        lips = lips_of(part, source, points)
        lids = lashes_of(source, skin, points, kept), lid_skins(source, skin, points, kept, controls)
        flesh = window[(part == Part.SKIN) | (part == Part.LOWER)]
        tones = tones_of(kept, _FINER.points(points[:, :2]), flesh, window[part == Part.INSIDE])
        upright = in_crop(controls, crop_from_image)
        mouth = Mouth.of(mesh, lips, upright, tones, 1 / crop_from_image.scale).seen_in(kept, _FINER)
        cavity = cavity_colour(window, part)
        eyes = eyeballs_of(source, (skin, own == Part.EYE), points[:, :2], mesh.pixels_per_cm, kept)
        inside = anchor, hues, lips, mouth
        return SourceEncoding(crop_from_image, controls, mesh, part, cavity, kept, *inside, *lids, skull, eyes)

    def _predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        mesh, where = encoding.mesh, self._device.torch_device
        if mesh.source.device != where:
            mesh = mesh.to(where)
        before, after = encoding.controls, controls
        turn = turn_in_crop(encoding.crop_from_image, before, after)
        change = after.array()[3:] - before.array()[3:]
        moves = lids_move(before, change, {eye.side: eye.lid_follows for eye in encoding.eyeballs})
        moved = move(mesh, *(torch.tensor(a, dtype=torch.float32, device=where) for a in (turn, moves)))
        points, pivot = moved.double().cpu().numpy(), mesh.pivot.double().cpu().numpy()
        skull = None if before.angles_deg == after.angles_deg else encoding.skull
        around = None if skull is None else skull.flow(turn)
        lips = encoding.lips.at(points)
        flow = behind_lips(encoding.mouth, flow_of(mesh, moved, around), lips, turn, pivot)
        told = (painter_controls(after) - painter_controls(before)).abs()
        faded_in = min(float(told[MOVES_THE_MOUTH].max()) / FADES_IN, 1.0)
        inside = encoding.mouth.patch(lips, after, turn, pivot, faded_in)
        layers = (flow.field, flow.known, flow.back_field, flow.back, flow.cavity)
        prediction = FacePrediction(*layers, patches=inside, eyes=turned_eyes(encoding.eyeballs, points, change))
        painted = self._painted(encoding, prediction, controls, lips, faded_in)
        skin = flow.field, flow.back_field, flow.back
        lids = closed_lids(encoding.lid_skins, encoding.lashes, blinks(before, moves), points, skin, encoding.kept)
        return replace(prediction, patches=(*lids, *prediction.patches, *painted))

    def _painted(
        self,
        encoding: SourceEncoding,
        prediction: FacePrediction,
        controls: ControlVector,
        lips: NDArray[np.float64],
        share: float,
    ) -> tuple[Patch, ...]:
        """What the painter makes of the mouth, if anything: it fades in as the controls leave the photo's own."""
        if self._painter is None or share == 0:
            return ()
        turn = turn_in_crop(encoding.crop_from_image, encoding.controls, controls)
        frame, seen = patch_input(encoding, prediction, controls, turn)
        wanted = needed(seen, frame.points(lips)) * share
        if not wanted.any():
            return ()
        streaks = drawn_out(seen, wanted)
        seen[:3] += streaks * (np.stack([cv2.GaussianBlur(c, (0, 0), SMOOTH_PX) for c in seen[:3]]) - seen[:3])
        painted = self._paint(encoding, controls, frame, seen[:PATCH_CHANNELS], wanted)
        if any(patch.opaque for patch in prediction.patches):
            painted = tone_of_drawn(painted, seen[6])
        return (replace(painted, smooth=streaks if streaks.any() else None),)

    def _paint(
        self,
        encoding: SourceEncoding,
        controls: ControlVector,
        frame: Similarity,
        seen: NDArray[np.float32],
        wanted: NDArray[np.float32],
    ) -> Patch:
        assert self._painter is not None
        where, dtype = self._device.torch_device, self._device.dtype
        told = [c.to(where, dtype)[None] for c in as_taught(painter_controls(encoding.controls), painter_controls(controls))]
        patch = torch.from_numpy(seen).to(where, dtype)[None].contiguous(memory_format=torch.channels_last)
        paint: Paint = self._painter(patch, *told)
        colour = in_own_hues((paint.colour[0] * 0.5).float().permute(1, 2, 0).cpu().numpy(), seen[:3], encoding.hues)
        mask = paint.mask[0, 0].float().cpu().numpy() * wanted
        if not (np.isfinite(colour).all() and np.isfinite(mask).all()):
            self._overflowed("The painter")
            return self._paint(encoding, controls, frame, seen, wanted)
        return Patch(frame, np.ascontiguousarray(colour), np.ascontiguousarray(mask))


def patch_input(
    encoding: SourceEncoding,
    prediction: FacePrediction,
    controls: ControlVector,
    turn: NDArray[np.float64],
    *,
    size: int = PATCH,
    room: float = 1.0,
) -> tuple[Similarity, NDArray[np.float32]]:
    """Where the painter's square lies, and what it sees there (`icface.model.mouth.patch.patch_of`)."""
    assert prediction.flow is not None
    roll_deg = controls.angles_deg[2] - encoding.controls.angles_deg[2]
    frame = encoding.anchor.frame(encoding.mesh.pivot.double().cpu().numpy(), turn, roll_deg, size=size, room=room)
    layers = (prediction.flow, prediction.back_flow, prediction.back, prediction.cavity)
    drawn = next((patch for patch in prediction.patches if patch.opaque), None)
    return frame, patch_of(encoding.kept, frame, *layers, encoding.cavity_rgb, drawn=drawn, size=size)
