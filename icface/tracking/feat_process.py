"""The process in which py-feat runs.

It takes many seconds to import, brings a second OpenMP, sets ``OMP_NUM_THREADS`` for whoever
imports it, and may take more memory than there is. In a process of its own none of that reaches the
editor.
"""

from __future__ import annotations

import hashlib
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
from numpy.typing import NDArray

from icface.tracking.feat_readings import Detector, mesh_columns, wanted_columns

Failure = Literal["import", "weights", "other"]

_HUB = "https://huggingface.co"
_LOOK_UP_S = 3.0
_WEIGHTS: dict[Detector, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Detectorv2": (
        ("py-feat/retinaface_r34", ("model.safetensors", "retinaface_r34.safetensors")),
        ("py-feat/face_multitask_v2", ("face_multitask_v28.safetensors",)),
    ),
    "MPDetector": (
        ("py-feat/retinaface_r34", ("model.safetensors", "retinaface_r34.safetensors")),
        (
            "py-feat/mp_facemesh_v2",
            ("face_landmarks_detector.pt", "face_landmarks_detector_Nx3x256x256_onnx.pth"),
        ),
        ("py-feat/mp_blendshapes", ("face_blendshapes.pth",)),
        ("py-feat/bs_to_au", ("bs_to_au_pls_v2.npz",)),
    ),
}
"""Downloads of each detector: folders of the hub, and files of which one is enough. Only used to
name what is missing."""


def serve(connection: Connection, detector: Detector, device: str, threads: int) -> None:
    """Answer pictures (H, W, 3) with tables, until the connection closes.

    First comes ("ready", version) or ("failed", kind, reason); each picture is answered with
    ("read", table) or ("failed", "other", reason).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    _give_streams()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # or py-feat would set it to 1
    try:
        model, version = _load(detector, device)
    except _CannotLoadError as error:
        connection.send(("failed", error.kind, str(error)))
        return
    connection.send(("ready", version))
    while True:
        try:
            picture = connection.recv()
        except (EOFError, OSError):  # the asker has ended, in order or not
            return
        try:
            answer: tuple[Any, ...] = ("read", _read(model, detector, picture))
        except Exception as error:  # noqa: BLE001 (whatever a foreign library raises is the asker's to hear)
            answer = ("failed", "other", _reason(error))
        with suppress(OSError):
            connection.send(answer)


def _give_streams() -> None:
    """A place for progress bars to write to, for a program without a console on Windows."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (for as long as the process lives)
    sys.stderr = sys.stderr or sys.stdout


class _CannotLoadError(Exception):
    def __init__(self, kind: Failure, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def _load(detector: Detector, device: str) -> tuple[Any, str]:
    """py-feat's detector, and the digest of it and its weights."""
    if not _hub_answers():
        os.environ["HF_HUB_OFFLINE"] = (
            "1"  # or every missing file would be asked for five times over half a minute
        )
    try:
        import feat
        import torch  # noqa: PLC0415
        from feat.MPDetector import MPDetector

    except Exception as error:
        raise _CannotLoadError("import", _reason(error)) from error
    wish = os.environ["OMP_NUM_THREADS"]
    torch.set_num_threads(max(int(wish), 1) if wish.isdecimal() else 1)
    try:
        if detector == "Detectorv2":
            model = feat.Detectorv2(device=device, identity_model=None)
        else:
            model = MPDetector(
                device=device, identity_model=None, gaze_model=None, emotion_model=None
            )
    except Exception as error:
        if isinstance(error, OSError):  # as the hub's errors are
            raise _CannotLoadError("weights", _missing(detector) or _reason(error)) from error
        raise _CannotLoadError("other", _reason(error)) from error
    return model, f"{feat.__version__} {detector} {_digest(model)}"


def _missing(detector: Detector) -> str:
    """The weights that are not on this computer, by name."""
    from feat.utils.io import get_resource_path
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415

    def is_there(folder: str, name: str) -> bool:
        return isinstance(try_to_load_from_cache(folder, name, cache_dir=get_resource_path()), str)

    return ", ".join(
        f"{folder}/{names[0]}"
        for folder, names in _WEIGHTS[detector]
        if not any(is_there(folder, name) for name in names)
    )


def _hub_answers() -> bool:
    """Whether the hub's address can be resolved, or a proxy is set that may do so."""
    host = urlsplit(os.environ.get("HF_ENDPOINT", _HUB)).hostname or ""
    if "https" in getproxies() or "all" in getproxies():
        return True
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, 443)
        except OSError:
            answers.put(False)
        else:
            answers.put(True)

    threading.Thread(target=look_up, daemon=True).start()  # a look-up has no limit of its own
    try:
        return answers.get(timeout=_LOOK_UP_S)
    except queue.Empty:
        return False


def _digest(model: Any) -> str:
    """A digest of the weights."""
    digest = hashlib.blake2b(digest_size=8)
    multitask = getattr(getattr(model, "multitask", None), "model", None)
    for part in (model, multitask):
        for name, value in sorted(part.state_dict().items()) if part is not None else ():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(value.detach().float().cpu().numpy()).data)
    return digest.hexdigest()


def _read(
    model: Any, detector: Detector, picture: NDArray[np.uint8]
) -> dict[str, NDArray[np.float64]]:
    import torch  # noqa: PLC0415

    tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    fex = model.detect(tensor, data_type="tensor", progress_bar=False)
    axes = [fex[names].to_numpy(np.float64) for names in mesh_columns(detector)]
    table = {
        name: cast("NDArray[np.float64]", fex[name].to_numpy(np.float64))
        for name in wanted_columns(fex.columns)
    }
    return table | {"mesh": np.stack(axes, axis=2)}


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
