"""Digests of weights, so that a damaged file is refused instead of changing pictures silently.

Files that ship stand in `SUMS` beside them, as ``sha256sum`` writes it. Files that are written here
hold a digest of themselves, so that weights of one's own are looked at as well.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from icface.system.atomic_write import write_whole

SUMS = "SHA256SUMS"
SELF = "sha256"
"""The name, among a file's metadata, of the digest of all the rest."""
REMEDY = (
    "Reinstall ICface Studio, or copy the file once more from where you have it; "
    "weights of your own belong into a folder "
    f"without {SUMS}, or into that list."
)
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MOST_BYTES = 1 << 20


class DigestError(ValueError):
    """A file that is not the one that was listed; the message names it, and what helps."""


def listed(folder: Path) -> dict[str, str]:
    """Name to SHA-256 of the files whose digests are known in a folder; empty without a list."""
    try:
        with (folder / SUMS).open("rb") as stream:
            lines = stream.read(_MOST_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return {}
    return {found[2]: found[1] for found in map(_LINE.fullmatch, lines) if found}


def read_listed(path: Path) -> tuple[bytes, str]:
    """The bytes of a file and their SHA-256, compared with the list beside it, if it stands there.

    Raises
    ------
    DigestError
        If the file is another one than the list says.
    OSError
        If it cannot be read.
    """
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if listed(path.parent).get(path.name, digest) != digest:
        raise DigestError(
            f"{path} is damaged or was replaced: its digest is not the one in {SUMS} beside it. "
            f"{REMEDY}"
        )
    return data, digest


def note_written(path: Path) -> None:
    """Write the new digest of a file where the old one is listed. `OSError` if that fails."""
    known = listed(path.parent)
    if path.name in known:
        known[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        text = "".join(f"{digest}  {name}\n" for name, digest in sorted(known.items()))
        write_whole(path.parent / SUMS, lambda stream: stream.write(text.encode()))


def digest_of_parts(metadata: Mapping[str, str], tensors: memoryview) -> str:
    """The digest of a file's metadata, the digest itself left out, and of its tensors as stored."""
    digest = hashlib.sha256()
    for name, value in sorted(metadata.items()):
        if name != SELF:
            digest.update(f"{name}\0{value}\0".encode())
    digest.update(tensors)
    return digest.hexdigest()
