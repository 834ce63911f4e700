"""Encode a face once, then predict it under any controls: numpy pictures in, numpy layers out.

The division of labour follows Segment Anything's predictor, but the encoding is returned as a value
and not stored. `icface.model.face` assembles a face; this module guards it: device, precision, and
fall-backs.
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
from icface.model.face.encode import FaceCrop, SourceEncoding, encode_face, matte_of, surface_of
from icface.model.face.paint import MouthView, mouth_view
from icface.model.face.pose import FacePrediction, PosedFace, pose_face
from icface.model.mouth.patch import Patch
from icface.model.networks.animator import Animator
from icface.model.networks.layers import for_inference
from icface.model.networks.lid_retoucher import LidRetoucher
from icface.model.networks.matting import MatteNet
from icface.model.networks.neutralizer import Neutralizer, Surface
from icface.model.networks.painter import Painter
from icface.model.networks.weights import models_dir
from icface.model.skin.shading_maps import ShadingMaps

T = TypeVar("T")


class FacePredictor:
    """The networks on one device; used by one thread at a time.

    Parameters
    ----------
    neutralizer : Neutralizer
    animator : Animator
    painter : Painter, optional
        Without one, pixels are moved and drawn but not painted.
    device : Device
    matting : MatteNet, optional
        Without one, the background moves with the head.
    shading : ShadingMaps, optional
        Without them, light does not follow the skin.
    retoucher : LidRetoucher, optional
        Without one, closed lids are drawn but not retouched.
    """

    def __init__(  # noqa: PLR0913  (one for each network)
        self,
        neutralizer: Neutralizer,
        animator: Animator,
        painter: Painter | None = None,
        device: Device = CPU,
        *,
        matting: MatteNet | None = None,
        shading: ShadingMaps | None = None,
        retoucher: LidRetoucher | None = None,
    ) -> None:
        self._shading = shading
        self._retoucher = None if retoucher is None else retoucher.eval()
        self._matting = None if matting is None else matting.eval()
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
        """The predictor with the shipped weights.

        Parameters
        ----------
        device : str
            auto, cpu, cuda or mps.
        folder : Path, optional
            Folder of other weights.

        Raises
        ------
        ModelFileError
            When weights are missing or damaged.
        ValueError
            When the device is not present.
        """
        where, chosen = folder or models_dir(), pick_device(device)
        return cls(
            Neutralizer.from_file(where / "neutralizer.safetensors"),
            Animator.from_file(where / "animator.safetensors"),
            Painter.from_file(where / "painter.safetensors"),
            chosen,
            matting=MatteNet.from_file(where / "matte.safetensors"),
            shading=ShadingMaps.from_file(where / "shading.safetensors"),
            retoucher=LidRetoucher.from_file(where / "lids.safetensors"),
        )

    @property
    def device_name(self) -> str:
        """Name of the device, for the status bar."""
        return self._device.name

    def drain_notices(self) -> list[str]:
        """Notices since the last call: fall-backs to another precision or device."""
        notices, self._notices = self._notices, []
        return notices

    def encode(
        self,
        image: NDArray[np.uint8],
        face: FaceObservation,
        *,
        turns: bool = True,
        lids: bool = True,
    ) -> SourceEncoding:
        """The encoding of a face in an RGB photo (H, W, 3): all that no controls change.

        Its own controls become those that change nothing.

        Parameters
        ----------
        image : (H, W, 3) uint8
        face : FaceObservation
        turns, lids : bool
            Whether the head will turn before its background, and whether lids or brows will move;
            without, the encoding is sooner made.

        Raises
        ------
        NoFaceError
            When the network sees no face there.
        """
        return run_to_end(self.encoding(image, face, turns=turns, lids=lids))

    def encoding(
        self,
        image: NDArray[np.uint8],
        face: FaceObservation,
        *,
        turns: bool = True,
        lids: bool = True,
    ) -> Generator[None, None, SourceEncoding]:
        """Job: `encode` in two steps, between which other work may run."""
        crop = FaceCrop.of(image, face, with_eyes=lids)
        with one_thread():
            surface = self._guarded(lambda: self._see(crop))
        yield
        with one_thread():
            return self._guarded(lambda: self._encode(surface, crop, turns=turns))

    def predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        """The layers and patches under these controls; none for the photo's own."""
        if controls == encoding.controls:
            return FacePrediction()
        with one_thread():
            return self._guarded(lambda: self._predict(encoding, controls))

    def posed(self, encoding: SourceEncoding, controls: ControlVector) -> PosedFace | None:
        """The face under these controls before it is painted; None for the photo's own."""
        if controls == encoding.controls:
            return None
        with one_thread():
            return self._guarded(lambda: self._posed(encoding, controls))

    def _place(self) -> None:
        """Put the networks on the device, in its precision."""
        where, dtype = self._device.torch_device, self._device.dtype
        neutralizer, animator, painter = self._full
        if self._matting is not None:
            self._matting = self._matting.to(where)
        self._neutralizer = neutralizer.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._animator = animator.to(where)
        if painter is not None:
            painter = painter.to(where, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._painter = painter

    def _guarded(self, work: Callable[[], T]) -> T:
        """The result of some work; on the CPU from now on if the device runs out of memory."""
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
        """The surface of a crop; again in full precision if half precision overflows."""
        surface = surface_of(self._neutralizer, crop, self._device)
        if surface.is_finite:
            return surface
        self._overflowed("The network")
        return self._see(crop)

    def _overflowed(self, which: str) -> None:
        """Continue in full precision; give up if full precision overflowed."""
        if self._device.dtype is torch.float32:
            raise FloatingPointError(
                f"{which}'s answer holds numbers that are not finite; the photo was left as it is."
            )
        self._notices.append(
            f"Half precision overflowed on {self._device.name}; continuing with float32."
        )
        self._device = self._device.in_full_precision()
        self._place()

    def _encode(self, surface: Surface, crop: FaceCrop, *, turns: bool) -> SourceEncoding:
        moved = surface.logits.device.type != self._device.torch_device.type
        if moved:  # the device ran out of memory between the steps
            surface = self._see(crop)
        matte = None
        if turns and self._matting is not None:
            matte = matte_of(self._matting, crop, self._device)
        return encode_face(
            surface, crop, self._animator.turned, matte, self._shading, self._retoucher
        )

    def _posed(self, encoding: SourceEncoding, controls: ControlVector) -> PosedFace:
        return pose_face(encoding.to(self._device.torch_device), controls)

    def _predict(self, encoding: SourceEncoding, controls: ControlVector) -> FacePrediction:
        posed = self._posed(encoding, controls)
        view = None if self._painter is None else mouth_view(encoding, posed)
        return posed.painted() if view is None else posed.painted(self._paint(view))

    def _paint(self, view: MouthView) -> Patch:
        """The painted patch of a mouth; again in full precision if half precision overflows."""
        assert self._painter is not None
        patch = view.painted(self._painter, self._device)
        if patch is not None:
            return patch
        self._overflowed("The painter")
        return self._paint(view)
