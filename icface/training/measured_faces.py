"""Held-out stills and measured states of the portraits, for `icface.evaluation.looks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from icface.evaluation.material import Item, MeasuredFace
from icface.training.portraits.table import PortraitTable
from icface.training.tracker.data import FIT_ERROR_LIMIT

SPLITS = ("train", "val")


class MeasuredPortraits:
    """Photos to judge, and what real faces look like, of a portraits folder.

    Parameters
    ----------
    folder : Path
        With ``portraits.npz`` and ``images/``.

    Raises
    ------
    ValueError
        If there is no table, or it holds nobody held out.
    """

    def __init__(self, folder: Path) -> None:
        table = folder / "portraits.npz"
        if not table.is_file():
            raise ValueError(
                f"There is no {table}; --portraits takes a folder with portraits.npz and images/."
            )
        self._table = PortraitTable(folder)
        self._held_out = self._table.rows("val", worst_fit=FIT_ERROR_LIMIT, stills=True)
        if not self._held_out:
            raise ValueError(f"{table} holds no still whose split is 'val'; there is none to show.")

    def photos(self, most: int) -> Sequence[Item]:
        """Held-out stills, one for each person, evenly over the people."""
        return held_out_photos(self._table, most)

    def faces(self) -> Iterator[MeasuredFace]:
        """Every picture of all splits with its landmarks and fitted state, stills first."""
        for stills in (True, False):
            for split in SPLITS:
                for row in self._table.rows(split, worst_fit=FIT_ERROR_LIMIT, stills=stills):
                    found, name = self._table[row], self._table.name(row)
                    yield MeasuredFace(
                        item=Item(f"portraits/{name}", found.path),
                        landmarks=found.landmarks,
                        controls=found.state.controls,
                        person=found.person,
                        split=split,
                        source=name.rpartition("/")[0],
                    )


def held_out_photos(table: PortraitTable, most: int) -> Sequence[Item]:
    """Stills of people never trained on, one for each person, evenly over the people."""
    first: dict[int, tuple[str, Path]] = {}
    for row in table.rows("val", worst_fit=FIT_ERROR_LIMIT, stills=True):
        first.setdefault(table.person(row), (table.name(row), table[row].path))
    found = list(first.values())
    if len(found) > most:
        found = [found[i] for i in np.linspace(0, len(found) - 1, most).astype(int)]
    return [Item(f"portraits/{name}", path) for name, path in found]
