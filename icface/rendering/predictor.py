"""Encode a face once, then ask for its flow under any controls: numpy pictures in, numpy flows out.

The division of labour is that of Segment Anything's predictor, but the encoding is returned as a
value instead of being kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from icface.face.controls import ControlVector
from icface.face.observation import FaceObservation
from icface.jobs import run_to_end
from icface.model.device import CPU, Device, one_thread, pick_device
from icface.model.face.encode import FaceCrop, SourceEncoding, encode_face
from icface.model.face.paint import MouthView, mouth_view
from icface.model.face.pose import FacePrediction, PosedFace, pose_face
from icface.model.mouth.patch import Patch
from icface.model.networks.animator import Animator
from icface.model.networks.layers import for_inference
from icface.model.networks.neutralizer import OFFSET, WINDOW, Neutralizer, Surface
from icface.model.networks.painter import Paint, Painter
from icface.model.networks.weights import models_dir

T = TypeVar("T")


class FacePredictor:
    """The two stages on a device; used by one thread at a time."""

    def __init__(
        self,
        neutralizer: Neutralizer,
        animator: Animator,
        painter: Painter | None = None,
        device: Device = CPU,
    ) -> None:
        self._full = (
            for_inference(neutralizer),
            animator.eval(),
            None if painter is None else for_inference(painter),
        )
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
        animator, painter = (
            Animator.from_file(where / "animator.safetensors"),
            Painter.from_file(where / "painter.safetensors"),
        )
        return cls(neutralizer, animator, painter, chosen)

    @classmethod
    def without_paint(cls, device: str = "auto", folder: Path | None = None) -> FacePredictor:
        """As `load`, but the pixels are only moved: what the painter learns from."""
        where = folder or models_dir()
        neutralizer = Neutralizer.from_file(where / "neutralizer.safetensors")
        return cls(
            neutralizer,
            Animator.from_file(where / "animator.safetensors"),
            None,
            pick_device(device),
        )

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

    def encoding(
        self, image: NDArray[np.uint8], face: FaceObservation
    ) -> Generator[None, None, SourceEncoding]:
        """As `encode`, in two steps, so that others may have a turn between them."""
        crop = FaceCrop.of(image, face)
        with one_thread():
            surface = self._guarded(lambda: self._see(crop))
        yield
        with one_thread():
            return self._guarded(lambda: self._encode(surface, crop))

    def predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        """The layers that turn the photo's own controls into these; none at all when they are the same."""
        if controls == encoding.controls:
            return FacePrediction()
        with one_thread():
            return self._guarded(lambda: self._predict(encoding, controls))

    def posed(self, encoding: SourceEncoding, controls: ControlVector) -> PosedFace | None:
        """The face under these controls before it is painted; None when nothing changes."""
        if controls == encoding.controls:
            return None
        with one_thread():
            return self._guarded(lambda: self._posed(encoding, controls))

    def _place(self) -> None:
        where, dtype = self._device.torch_device, self._device.dtype
        neutralizer, animator, painter = self._full
        self._neutralizer = neutralizer.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._animator = animator.to(where)
        if painter is not None:
            painter = painter.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._painter = painter

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

    def _see(self, crop: FaceCrop) -> Surface:
        """What the neutralizer sees; again in full precision where half of it overflows."""
        device = self._device
        landmarks = (crop.landmarks - OFFSET + 0.5) * (2 / WINDOW) - 1
        points = torch.from_numpy(landmarks.astype(np.float32))[None]
        picture = (
            torch.from_numpy(crop.window)
            .to(device.torch_device)
            .permute(2, 0, 1)[None]
            .to(device.dtype)
            / 127.5
            - 1
        )
        surface: Surface = self._neutralizer(
            picture.contiguous(memory_format=torch.channels_last), points.to(device.torch_device)
        )
        tensors = (surface.head, surface.place, surface.logits)
        if all(torch.isfinite(t).all() for t in tensors):
            return surface
        self._overflowed("The network")
        return self._see(crop)

    def _overflowed(self, which: str) -> None:
        """Go on in full precision; where that is what overflowed, give up."""
        if self._device.dtype is torch.float32:
            raise FloatingPointError(
                f"{which}'s answer holds numbers that are not finite; the photo was left as it is."
            )
        self._notices.append(
            f"Half precision overflowed on {self._device.name}; continuing with float32."
        )
        self._device = self._device.in_full_precision()
        self._place()

    def _encode(self, surface: Surface, crop: FaceCrop) -> SourceEncoding:
        if (
            surface.logits.device.type != self._device.torch_device.type
        ):  # the device's memory was full meanwhile
            surface = self._see(crop)
        return encode_face(surface, crop, self._animator.turned)

    def _posed(self, encoding: SourceEncoding, controls: ControlVector) -> PosedFace:
        return pose_face(encoding.to(self._device.torch_device), controls)

    def _predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        posed = self._posed(encoding, controls)
        view = None if self._painter is None else mouth_view(encoding, posed)
        return posed.painted() if view is None else posed.painted(self._paint(view))

    def _paint(self, view: MouthView) -> Patch:
        """What the painter makes of a mouth; again in full precision where half of it overflows."""
        assert self._painter is not None
        where, dtype = self._device.torch_device, self._device.dtype
        before, after = (controls.to(where, dtype)[None] for controls in view.controls)
        pixels = torch.from_numpy(view.pixels).to(where, dtype)[None]
        paint: Paint = self._painter(
            pixels.contiguous(memory_format=torch.channels_last), before, after
        )
        patch = view.patch(paint)
        if patch is not None:
            return patch
        self._overflowed("The painter")
        return self._paint(view)
