"""Clips prepared for training: crops of one face with their readings, in plain files.

A folder holds one folder for each clip, named by the clip's digest, and ``index.json``, which
lists them::

    index.json
    3f0c.../clip.json            what the clip is, how it was prepared, its tracks
    3f0c.../0000.zip             up to 500 frames; the next ones are in 0001.zip
        000000.jpg, 000001.jpg   the crops
        seconds.npy ...          one array for each field of `Frames`

Parts are uncompressed ZIP files: ``np.load`` opens their arrays, any archive program their
pictures. Nothing is pickled. A clip's folder is made under another name and renamed when it is
whole.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from icface.arrays import U8
from icface.face.geometry import Similarity
from icface.system.atomic_write import UnfinishedFolder, write_whole
from icface.system.file_stamp import sha256_of

FORMAT = 1
PART_FRAMES = 500
INDEX = "index.json"
_CLIP = "clip.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # equal clips give equal files


class ShardError(ValueError):
    """A prepared folder or clip that is missing or damaged; the message says what helps."""


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Readings of N frames of a clip.

    Landmarks and controls refer to the crop: upright along the eye line, S pixels a side.

    Attributes
    ----------
    seconds : (N,) float64
        When each is shown, on the file's clock.
    track : (N,) int32
        Which person track of the clip it belongs to, from 0.
    confidence : (N,) float32
        0..1, of the tracker.
    crop_from_image : (N, 6) float64
        Rows of the similarity from the upright video frame to the crop.
    image_size : (N, 2) int32
        Width and height of the upright video frame, pixels; beyond it the crop repeats its border.
    landmarks : (N, 478, 3) float32
        Face-mesh points, crop pixels.
    controls : (N, 56) float32
        Degrees, then 0..1. Roll is the roll of the head in the crop.
    """

    seconds: NDArray[np.float64]
    track: NDArray[np.int32]
    confidence: NDArray[np.float32]
    crop_from_image: NDArray[np.float64]
    image_size: NDArray[np.int32]
    landmarks: NDArray[np.float32]
    controls: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.seconds)

    def known(self, index: int, size: int) -> NDArray[np.bool_]:
        """(size, size) mask of the pixels of one frame's crop that lie inside the video."""
        image_from_crop = (
            Similarity.from_matrix(self.crop_from_image[index].reshape(2, 3)).inverse().matrix
        )
        places = np.arange(size)
        x = (
            image_from_crop[0, 0] * places
            + image_from_crop[0, 1] * places[:, None]
            + image_from_crop[0, 2]
        )
        y = (
            image_from_crop[1, 0] * places
            + image_from_crop[1, 1] * places[:, None]
            + image_from_crop[1, 2]
        )
        width, height = self.image_size[index]
        inside: NDArray[np.bool_] = (
            (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
        )
        return inside


FIELDS: dict[str, np.dtype[Any]] = {
    "seconds": np.dtype(np.float64),
    "track": np.dtype(np.int32),
    "confidence": np.dtype(np.float32),
    "crop_from_image": np.dtype(np.float64),
    "image_size": np.dtype(np.int32),
    "landmarks": np.dtype(np.float32),
    "controls": np.dtype(np.float32),
}


def digest_of(path: Path) -> str:
    """First 32 hex digits of a file's SHA-256."""
    return sha256_of(path)[:32]


def is_prepared(folder: Path, digest: str, options: Mapping[str, Any]) -> bool:
    """True if a folder holds this clip, complete and prepared with these options."""
    try:
        about = json.loads((folder / digest / _CLIP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("options") == {**options, "format": FORMAT}


class ShardWriter:
    """One clip's folder in the making; never more than one part in memory.

    A context: left by an error, or without `finish`, it leaves nothing behind.
    """

    def __init__(self, folder: Path, digest: str, options: Mapping[str, Any]) -> None:
        self._target = folder / digest
        self._unfinished: UnfinishedFolder | None = None
        self._about: dict[str, Any] = {"digest": digest, "options": {**options, "format": FORMAT}}
        self._rows: dict[str, list[Any]] = {name: [] for name in FIELDS}
        self._part: zipfile.ZipFile | None = None
        self._parts = 0
        self._tracks: dict[int, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._unfinished = UnfinishedFolder(self._target)
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._part is not None:
                self._part.close()
        finally:  # a full disk is met when the archive is ended, too
            if self._unfinished is not None:
                self._unfinished.abandon()

    @property
    def _folder(self) -> Path:
        assert self._unfinished is not None  # within the context
        return self._unfinished.path

    def add(self, jpeg: bytes, row: Mapping[str, Any]) -> None:
        """One more frame: its crop, and a value for each of `FIELDS`."""
        if self._part is None:
            self._part = zipfile.ZipFile(
                self._folder / f"{self._parts:04d}.zip", "w", zipfile.ZIP_STORED
            )
        self._part.writestr(zipfile.ZipInfo(f"{len(self._rows['seconds']):06d}.jpg", _DATE), jpeg)
        for name, values in self._rows.items():
            values.append(row[name])
        number, seconds = int(row["track"]), float(row["seconds"])
        track = self._tracks.setdefault(number, {"frames": 0, "from_seconds": seconds})
        track["frames"] += 1
        track["to_seconds"] = seconds
        if len(self._rows["seconds"]) == PART_FRAMES:
            self._close_part()

    def finish(self, **about: Any) -> dict[str, Any]:
        """Put the clip in its place; returns what `index.json` will say of it."""
        if self._part is not None:
            self._close_part()
        tracks = [self._tracks[number] for number in sorted(self._tracks)]
        self._about |= about | {
            "frames": sum(t["frames"] for t in tracks),
            "parts": self._parts,
            "tracks": tracks,
        }
        _write_json(self._folder / _CLIP, self._about)
        assert self._unfinished is not None
        # replaces one prepared with other options, or a copy of the same clip
        self._unfinished.put_in_place()
        return self._about

    def _close_part(self) -> None:
        assert self._part is not None
        for name, values in self._rows.items():
            stream = io.BytesIO()
            np.save(stream, np.asarray(values, FIELDS[name]), allow_pickle=False)
            self._part.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), stream.getvalue())
            values.clear()
        self._part.close()
        self._part = None
        self._parts += 1


class Part:
    """Some frames of one clip in a ZIP file: readings in memory, pictures on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise _damaged(path, str(error)) from error
        try:
            arrays = {
                name: np.load(io.BytesIO(self._zip.read(f"{name}.npy")), allow_pickle=False)
                for name in FIELDS
            }
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            self._zip.close()
            raise _damaged(path, str(error)) from error
        self.frames = Frames(**arrays)

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def picture(self, index: int) -> U8:
        """(S, S, 3) uint8 RGB."""
        try:
            data = np.frombuffer(self._zip.read(f"{index:06d}.jpg"), np.uint8)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise _damaged(self._path, str(error)) from error
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if decoded is None:
            raise _damaged(self._path, f"picture {index} is no JPEG")
        return np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8, copy=False)


def _damaged(path: Path, why: str) -> ShardError:
    return ShardError(
        f"{path} is damaged ({why}). Delete {path.parent} and run icface train prepare again."
    )


def build_index(folder: Path) -> list[dict[str, Any]]:
    """Write ``index.json`` from the clips in a folder; returns its entries in order of digest."""
    clips = list(_abouts(folder))
    _write_json(folder / INDEX, {"format": FORMAT, "clips": clips})
    return clips


def _abouts(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(f"*/{_CLIP}")):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            if about["options"]["format"] == FORMAT and about["digest"] == path.parent.name:
                yield about
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(path, str(error)) from error


def read_index(folder: Path) -> list[dict[str, Any]]:
    """The entries of ``index.json``, one for each clip."""
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise ShardError(
                f"{path} is of format {index['format']}, and this version reads {FORMAT}: "
                "prepare the clips again."
            )
        clips: list[dict[str, Any]] = index["clips"]
    except OSError:
        raise ShardError(
            f"{folder} holds no prepared clips. "
            f"Make them: icface train prepare VIDEOS... -o {folder}"
        ) from None
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ShardError(
            f"{path} is damaged ({error}). "
            "Run icface train prepare again: it writes the index anew."
        ) from error
    return clips


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    write_whole(path, lambda file: file.write(json.dumps(value, indent=1).encode()))
