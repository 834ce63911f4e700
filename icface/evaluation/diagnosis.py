"""A diagnosis of an installation: versions, devices, codecs, weights, recent faults.

It names no file of the user and shows no picture unless asked to; folders below the home folder
begin with ~.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from icface import __version__
from icface.system.logs import last_faults, log_file
from icface.system.user_folders import cache_folder, state_folder

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "av",
    "miniaudio",
    "safetensors",
    "click",
    "cattrs",
    "platformdirs",
    "PySide6-Essentials",
    "pyqtgraph",
    "py-feat",
    "numba",
    "ray",
)


def diagnosis(*, names: bool = False) -> dict[str, Any]:
    """The diagnosis in plain values for JSON. It takes seconds: torch and the codecs are loaded.

    Parameters
    ----------
    names : bool
        Include the texts of faults, which may name files, and the end of the log.
    """
    parts: dict[str, Callable[[], Any]] = {
        "versions": _versions,
        "system": _system,
        "devices": _devices,
        "codecs": _codecs,
        "weights": _weights,
        "folders": _folders,
        "faults": lambda: _faults(names=names),
    }
    if names:
        parts["log"] = _end_of_log
    return {name: _or_why(part) for name, part in parts.items()}


def in_words(found: dict[str, Any]) -> str:
    """The diagnosis as lines of text for people."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for title, part in found.items():
        yield f"[{title}]"
        if isinstance(part, dict):
            yield from (f"{name}: {_short(value)}" for name, value in part.items())
        elif isinstance(part, list):
            yield from (f"{_short(value)}" for value in part or ["none"])
        else:
            yield str(part)
        yield ""


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {_short(item)}" for name, item in value.items() if item not in (None, "", [])
        )
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)


def _or_why(part: Callable[[], Any]) -> Any:
    """A part, or why it is unknown: a broken installation must still be diagnosed."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001  (a broken library may raise anything)
        return f"unknown: {type(error).__name__}"


def _versions() -> dict[str, str]:
    found = {
        "icface": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
    }
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _system() -> dict[str, Any]:
    threads = {
        name: os.environ[name]
        for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        if name in os.environ
    }
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "display": os.environ.get("QT_QPA_PLATFORM")
        or os.environ.get("XDG_SESSION_TYPE")
        or "the system's own",
        **threads,
    }


def _devices() -> dict[str, Any]:
    import torch  # noqa: PLC0415  (takes seconds; faults alone do not need it)

    from icface.model.device import pick_device  # noqa: PLC0415

    found: dict[str, Any] = {
        "chosen": str(pick_device("auto").torch_device),
        "cpu": f"{torch.backends.cpu.get_cpu_capability()}",
    }
    found["cuda"] = [
        torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())
    ] or "none"
    found["mps"] = "yes" if torch.backends.mps.is_available() else "none"
    return found


def _codecs() -> dict[str, Any]:
    import av  # noqa: PLC0415

    from icface.media.presets import PRESETS  # noqa: PLC0415

    found: dict[str, Any] = {
        name: ".".join(map(str, version)) for name, version in sorted(av.library_versions.items())
    }
    for name, preset in PRESETS.items():
        missing = preset.missing_encoders(sound=True)
        found[f"preset {name}"] = f"lacks {', '.join(missing)}" if missing else "works"
    return found


def _weights() -> dict[str, str]:
    from icface.model.networks.weights import models_dir  # noqa: PLC0415
    from icface.system.digests import listed  # noqa: PLC0415

    known = listed(models_dir())
    found: dict[str, str] = {}
    for path in sorted(models_dir().glob("*.safetensors")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        state = {digest: "as shipped", None: "not listed"}.get(
            known.get(path.name), "DAMAGED OR REPLACED"
        )
        found[path.name] = f"{digest[:16]} {state}"
    return found | dict.fromkeys(sorted(known.keys() - found.keys()), "MISSING")


def _folders() -> dict[str, str]:
    kinds = {"state": state_folder(), "cache": cache_folder(), "log": log_file()}
    return {
        name: f"{_from_home(path)} ({_size_of(path) / 1e6:.1f} MB)" for name, path in kinds.items()
    }


def _from_home(path: Path) -> str:
    try:
        return f"~{os.sep}{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)


def _size_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(
        inside.stat().st_size
        for inside in path.rglob("*")
        if inside.is_file() and not inside.is_symlink()
    )


def _faults(*, names: bool) -> list[dict[str, Any]]:
    return [
        {
            "when": one.when,
            "version": one.version,
            "kind": one.kind,
            "at": list(one.places),
            "said": one.text if names else None,
        }
        for one in reversed(last_faults())
    ]


def _end_of_log() -> list[str]:
    try:
        return log_file().read_text("utf-8", "replace").splitlines()[-100:]
    except OSError:
        return []


def as_text(*, names: bool = False) -> str:
    """The diagnosis of this installation as text; see `diagnosis`."""
    head = f"ICface Studio {__version__} on Python {sys.version.split()[0]}\n\n"
    return head + in_words(diagnosis(names=names))
