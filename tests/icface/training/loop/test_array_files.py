"""Files of arrays: what they hold comes back, and any other file is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icface.training.loop.array_files import read_arrays, save_array, save_arrays
from icface.training.portraits.table import PortraitTable
from icface.training.rig.rig import Rig


def test_arrays_come_back_by_name(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", one=np.arange(3), two=np.ones(2))
    assert set(read_arrays(tmp_path / "a.npz", kind="a file")) == {"one", "two"}
    (only,) = read_arrays(tmp_path / "a.npz", ["one"], kind="a file").values()
    assert only.tolist() == [0, 1, 2]


def test_a_file_that_is_no_rig_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rig.npz"
    with pytest.raises(FileNotFoundError, match=r"There is no file .*rig\.npz"):
        Rig(path)
    path.write_text("no arrays")
    with pytest.raises(ValueError, match=r"rig\.npz is not a rig file \(no \.npz file\)"):
        Rig(path)
    save_array(path, np.zeros(3))
    with pytest.raises(ValueError, match=r"rig\.npz is not a rig file"):
        Rig(path)
    save_arrays(path, base=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"rig\.npz is not a rig file .*expression.*README"):
        Rig(path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "portraits.npz", image=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="is not a table of portraits"):
        PortraitTable(tmp_path)
