"""Generators of the original ICface, for those who have its weights.

The networks (Tripathy, Kannala and Rahtu, WACV 2020) are written anew from their published layout;
no code of the authors is used, and their weights, which come under a non-commercial licence, are
not part of this project. Two networks of one shape run one after the other on a square picture of
128 pixels: the neutralizer makes the face neutral and frontal, and the animator gives it the
requested state. Both take the picture with 20 constant planes, one for each number of the driving
vector.

Convention
----------
Network pictures are RGB float32 of shape (N, 3, 128, 128) in -1..1. A driving vector is 20 numbers
of about 0..1: pitch, yaw, roll as OpenFace measures them, ``(radians + 0.70) / 1.4``, then the
intensities of AU 1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45 as fifths of
OpenFace's scale, which is this project's 0..1. Nothing is clamped.

OpenFace's camera frame has x to the viewer's right, y down and z away from the camera, and its
rotation is ``Rx Ry Rz``. Against this project, pitch keeps its sign (positive looks down), yaw and
roll change theirs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from icface.face.controls import AU_BY_NUMBER, ControlVector, action_units
from icface.face.geometry import Similarity, eye_line_deg, rotation_matrix
from icface.face.landmarks import MESH_POINTS
from icface.face.lying import lying_deg
from icface.model.device import CPU, Device
from icface.model.networks.legacy_checkpoint import Checkpoint, listed, read_checkpoint
from icface.model.networks.weights import ModelFileError

SIZE = 128
"""Side of the pictures in pixels: the networks were trained on this and nothing else."""
UNITS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
"""FACS numbers of positions 3 to 19 of a driving vector."""
DRIVER_NAMES: tuple[str, ...] = (
    *("pose_Rx", "pose_Ry", "pose_Rz"),
    *(f"AU{number:02d}" for number in UNITS),
)
"""Names of the 20 positions of a driving vector, as OpenFace's columns have them."""
N_DRIVERS = len(DRIVER_NAMES)
NEUTRAL: tuple[float, ...] = (0.5,) * 3 + (0.0,) * len(UNITS)
"""The driving vector of a frontal, neutral face."""
ANIMATOR_FILE = "latest_net_G.pth"
NEUTRALIZER_FILE = "latest_net_GN.pth"
PRE_ENCODER_FILE = "latest_net_I_E.pth"
"""The third network of the release of April 2019, without which its generators are of no use."""

CROP_WIDTHS = 1.6
"""Side of a face crop, in widths of the face: the framing of the training pictures."""
_ANGLE_SPAN_RAD = 1.4
"""Range of an angle that a driving vector maps to 0..1."""
_OPENFACE_FROM_HEAD = np.diag([1.0, -1.0, -1.0])
"""Rotation from the head frame to OpenFace's camera frame."""
_COUNTER = "num_batches_tracked"
"""End of the names of batch counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyConfig:
    """Shape of a generator, by default the shape of the published weights.

    Attributes
    ----------
    filters : int
        Channels of the first layer.
    blocks : int
        Residual blocks in the middle.
    """

    filters: int = 128
    blocks: int = 6


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to what went in.

    The dropout in the middle does nothing once trained, but the names of the tensors count it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        changed: Tensor = self.conv_block(features)
        return features + changed


class ResnetGenerator(nn.Module):
    """Picture and driving planes in, picture out; both stages of ICface are one of these.

    Its tensors bear the names of the published weights: ``model.1.weight``,
    ``model.10.conv_block.1.weight``, ...
    """

    def __init__(self, config: LegacyConfig = LegacyConfig()) -> None:
        super().__init__()
        width = config.filters
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            *_convolution(nn.Conv2d(3 + N_DRIVERS, width, 7, bias=False)),  # (N, C, 128, 128)
            *_convolution(
                nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
            ),  # (N, 2C, 64, 64)
            *_convolution(
                nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False)
            ),  # (N, 4C, 32, 32)
        ]
        layers += [ResidualBlock(4 * width) for _ in range(config.blocks)]
        for channels in (4 * width, 2 * width):  # back to (N, C, 128, 128)
            layers += _convolution(
                nn.ConvTranspose2d(
                    channels, channels // 2, 3, stride=2, padding=1, output_padding=1, bias=False
                )
            )
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, picture: Tensor, drivers: Tensor) -> Tensor:
        """(N, 3, 128, 128) in -1..1 and (N, 20) to (N, 3, 128, 128) in -1..1."""
        planes = drivers[:, :, None, None].expand(-1, -1, *picture.shape[2:])  # (N, 20, 128, 128)
        drawn: Tensor = self.model(torch.cat([picture, planes], dim=1))
        return drawn


def _convolution(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True)]


class LegacyIcface:
    """Both stages of the original ICface, ready to use on the CPU or a GPU in float32."""

    def __init__(
        self, neutralizer: ResnetGenerator, animator: ResnetGenerator, *, device: Device = CPU
    ) -> None:
        self._device = device.torch_device
        self._neutralizer = neutralizer.to(self._device).eval()
        self._animator = animator.to(self._device).eval()

    @classmethod
    def load(
        cls, folder: Path, *, config: LegacyConfig = LegacyConfig(), device: Device = CPU
    ) -> LegacyIcface:
        """Read ``latest_net_GN.pth`` and ``latest_net_G.pth`` in a folder.

        Raises
        ------
        ModelFileError
            Naming the file and what is wrong with it, also for the release of April 2019, which
            needs a third network.
        """
        paths = [folder / NEUTRALIZER_FILE, folder / ANIMATOR_FILE]
        states = [read_checkpoint(path) for path in paths]
        if (folder / PRE_ENCODER_FILE).exists() and not any(
            state.has_container for state in states
        ):
            raise ModelFileError(
                f"{folder} holds the ICface release of April 2019, which draws through a third "
                f"network ({PRE_ENCODER_FILE}) that is not supported. "
                "Use the weights of the release of January 2020."
            )
        generators = [
            _build(state, path, config) for state, path in zip(states, paths, strict=True)
        ]
        return cls(generators[0], generators[1], device=device)

    @torch.inference_mode()
    def neutralize(self, image: NDArray[np.uint8]) -> Tensor:
        """The same person looking straight ahead without expression.

        The authors repeat this for every frame and let a hundred-thousandth of the driving
        intensities through; once for each source is enough.

        Parameters
        ----------
        image : (H, W, 3) uint8
            RGB, cropped like the training pictures: square, about 1.6 times as wide as the detected
            face, upright or not. It is resized to 128 x 128 whatever its shape.

        Returns
        -------
        (1, 3, 128, 128) float32
            What `animate` takes.
        """
        small = np.asarray(
            Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float32
        )
        picture = torch.from_numpy(small / 127.5 - 1).permute(2, 0, 1)[None]  # (1, 3, 128, 128)
        neutral: Tensor = self._neutralizer(picture.to(self._device), self._drivers(NEUTRAL))
        return neutral

    @torch.inference_mode()
    def animate(self, neutral: Tensor, drivers: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The neutral face in the state of a driving vector.

        Parameters
        ----------
        neutral : (1, 3, 128, 128) float32
            From `neutralize`.
        drivers : (20,) float32
            See `driving_vector`.

        Returns
        -------
        (128, 128, 3) uint8
            RGB.
        """
        drawn: Tensor = self._animator(neutral, self._drivers(drivers))
        pixels: NDArray[np.uint8] = (
            drawn[0].permute(1, 2, 0).add(1).mul(127.5).round().byte().cpu().numpy()
        )
        return pixels

    def _drivers(self, drivers: NDArray[np.float32] | tuple[float, ...]) -> Tensor:
        row = torch.as_tensor(drivers, dtype=torch.float32)
        if row.shape != (N_DRIVERS,) or not row.isfinite().all():
            raise ValueError(
                f"A driving vector is {N_DRIVERS} finite numbers, got {tuple(row.shape)}."
            )
        return row[None].to(self._device)


def release_folder(path: Path) -> Path:
    """The folder of a checkpoint, which may be named by itself or by either of its two files.

    Raises
    ------
    ModelFileError
        If there is nothing of that name, or the file has another name than the authors gave it.
    """
    if path.is_dir():
        return path
    if not path.exists():
        raise ModelFileError(
            f"There is no file {path}. Give the authors' {ANIMATOR_FILE} or its folder."
        )
    if path.name not in (ANIMATOR_FILE, NEUTRALIZER_FILE):
        raise ModelFileError(
            f"{path} does not have the name of an ICface checkpoint. Give the authors' "
            f"{ANIMATOR_FILE}, with {NEUTRALIZER_FILE} beside it."
        )
    return path.parent


def crop_from_image(landmarks: NDArray[np.floating]) -> Similarity:
    """The square crop of a face as the training pictures show it.

    It is `CROP_WIDTHS` times as wide as the face and keeps the tilt of the head, which is one of
    the driven angles. A head that lies on its side or stands on its head is turned upright by
    quarter turns, from which its roll counts.

    Parameters
    ----------
    landmarks : (478, 2 or 3) array
        Face-mesh points, image pixels.

    Returns
    -------
    Similarity
        From image pixels to the 128 x 128 pixels of the crop.
    """
    turn_deg = -lying_deg(-eye_line_deg(landmarks))
    upright = Similarity.crop(centre=(0.0, 0.0), side=SIZE, roll_deg=turn_deg, size=SIZE)
    points = upright.points(np.asarray(landmarks[:MESH_POINTS, :2], np.float64))
    low, high = points.min(0), points.max(0)
    x, y = upright.inverse().points((low + high)[None] / 2)[0]
    return Similarity.crop(
        centre=(float(x), float(y)),
        side=CROP_WIDTHS * float(high[0] - low[0]),
        roll_deg=turn_deg,
        size=SIZE,
    )


def openface_angles_rad(controls: ControlVector) -> tuple[float, float, float]:
    """pose_Rx, pose_Ry, pose_Rz in radians, as OpenFace would write them for these head angles.

    Rx is positive looking down, Ry turned to the subject's right, Rz tilted to the subject's left.
    """
    yaw, pitch, roll = controls.angles_deg
    turned = _OPENFACE_FROM_HEAD @ rotation_matrix(yaw, pitch, roll) @ _OPENFACE_FROM_HEAD
    about_x = np.arctan2(-turned[1, 2], turned[2, 2])
    about_y = np.arcsin(np.clip(turned[0, 2], -1, 1))
    about_z = np.arctan2(-turned[0, 1], turned[0, 0])
    return float(about_x), float(about_y), float(about_z)


def driving_vector(controls: ControlVector) -> NDArray[np.float32]:
    """The 20 numbers that drive ICface to a face state, float32 of shape (20,).

    ICface knows no sides: a unit gets the mean of its two. Its AU26 stands for every opening of the
    jaw (AU26 and AU27 here), which also parts the lips (AU25), and its AU45 for closed eyes (AU43
    here).
    """
    reading = action_units(controls)
    units = {
        number: float(np.mean([reading[i] for i in unit.control_ids]))
        for number, unit in AU_BY_NUMBER.items()
    }
    units[26] = max(units[26], units[27])
    units[25] = max(units[25], units[26])
    units[45] = units[43]
    angles = [radians / _ANGLE_SPAN_RAD + 0.5 for radians in openface_angles_rad(controls)]
    return np.array(angles + [units[number] for number in UNITS], np.float32)


def load_generator(path: Path, *, config: LegacyConfig = LegacyConfig()) -> ResnetGenerator:
    """One generator, loaded strictly: a file with exactly the tensors of the network.

    Both containers are read (a bare state dict, or one under ``state_dict`` beside the
    optimizer's), with or without the ``module.`` that `torch.nn.DataParallel` puts before every
    name, with or without batch counters.

    Raises
    ------
    ModelFileError
        Naming the file and what is wrong with it.
    """
    return _build(read_checkpoint(path), path, config)


def _build(checkpoint: Checkpoint, path: Path, config: LegacyConfig) -> ResnetGenerator:
    """The generator of a checkpoint, in evaluation mode; `ModelFileError` if it does not fit."""
    with torch.device("meta"):  # no numbers of its own, so none can be left in by mistake
        generator = ResnetGenerator(config)
    expected = generator.state_dict()
    _check_names(checkpoint.tensors, expected, path)
    state = OrderedDict(
        (name, checkpoint.tensors.get(name, torch.zeros((), dtype=torch.int64)))
        for name in expected
    )
    misshapen = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if state[name].shape != tensor.shape
    ]
    if misshapen:
        raise ModelFileError(f"{path} is not an ICface generator: {listed(misshapen)}.")
    broken = [name for name, tensor in state.items() if not tensor.isfinite().all()]
    if broken:
        raise ModelFileError(f"{path} is damaged: {listed(broken)} should hold finite numbers.")
    for name, tensor in expected.items():
        state[name] = state[name].to(tensor.dtype)
    generator.load_state_dict(state, strict=True, assign=True)
    return generator.requires_grad_(requires_grad=False).eval()


def _check_names(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Names must be the same but for batch counters, which torch 0.4 did not always write."""
    missing = [name for name in expected if name not in found and not name.endswith(_COUNTER)]
    unexpected = [name for name in found if name not in expected]
    wrong = [f"{listed(missing)} missing"] if missing else []
    wrong += [f"{listed(unexpected)} unexpected"] if unexpected else []
    if wrong:
        raise ModelFileError(f"{path} is not an ICface generator: {'; '.join(wrong)}.")
