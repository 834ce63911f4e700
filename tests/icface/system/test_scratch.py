"""Large arrays in temporary files: neither changed files nor a full disk end the process."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest

from icface.system.scratch import Rows, Scratch, ScratchError, copied

ROOT = Path(__file__).resolve().parents[3]
needs_full_device = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="there is no device that is always full"
)


def in_a_process(
    code: str, *words: str, under: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*under, sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("in_memory_bytes", [0, 1_000_000])
def test_rows_are_put_down_in_runs_and_the_others_are_blank(in_memory_bytes: int) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(6, 5, 3))
    with Rows((4000, 5, 3), in_memory_bytes=in_memory_bytes) as rows:
        rows.put(np.array([3, 4, 5, 9, 3998, 3999]), values)
        rows.put(np.zeros(0, np.int64), values[:0])
        rows.put(np.array([10]), values[:1])
        found = rows.finish()
    assert (found.shape, found.dtype, found.flags.writeable) == ((4000, 5, 3), np.float32, False)
    assert isinstance(found, np.memmap) is (in_memory_bytes == 0)
    wanted = np.full((4000, 5, 3), np.nan, np.float32)
    wanted[[3, 4, 5, 9, 3998, 3999]] = values
    wanted[10] = values[0]
    assert np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize("in_memory_bytes", [0, 1_000_000])
def test_a_copy_of_a_file_is_whole_or_refused(in_memory_bytes: int) -> None:
    data = np.arange(24, dtype=np.float32).tobytes()
    found = copied(io.BytesIO(data), (4, 6), np.float32, in_memory_bytes=in_memory_bytes)
    assert np.array_equal(found, np.arange(24).reshape(4, 6))
    assert not found.flags.writeable
    with pytest.raises(EOFError):
        copied(io.BytesIO(data[:-1]), (4, 6), np.float32, in_memory_bytes=in_memory_bytes)


def test_what_was_written_comes_back_in_pieces() -> None:
    with Scratch() as scratch:
        scratch.write(b"abcdefg")
        scratch.write(b"XY", at=1)
        scratch.write(b"hi")
        assert list(scratch.pieces(4)) == [b"aXYd", b"efgh", b"i"]


@needs_full_device
def test_a_full_temporary_folder_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full.open("rb+", buffering=0))
    with pytest.raises(
        ScratchError,
        match=r"temporary files, cannot take .*: the disk is full\. Make room .* TMPDIR",
    ):
        Rows((10, 3), in_memory_bytes=0)
    with Scratch() as scratch, pytest.raises(ScratchError, match="the disk is full"):
        scratch.write(b"reading")


def test_a_disk_that_runs_full_while_a_long_clip_is_kept_is_an_error_and_does_not_end_the_process(
    tmp_path: Path,
) -> None:
    """A real disk of one megabyte in its own name space, where the system allows one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    shell = f'mount -t tmpfs -o size=1m none "{disk}" && exec env TMPDIR="{disk}" "$0" "$@"'
    under = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", shell)
    if (
        shutil.which("unshare") is None
        or subprocess.run([*under, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no disk can be made here")
    code = """
        import numpy as np
        from icface.system.scratch import Rows, ScratchError
        with Rows((40, 478, 3), in_memory_bytes=0) as rows:
            rows.put(np.arange(40), np.ones((40, 478, 3)))
            assert np.array_equal(rows.finish(), np.ones((40, 478, 3), np.float32))
        try:
            Rows((400, 478, 3), in_memory_bytes=0)
        except ScratchError as error:
            print(error)
    """
    done = in_a_process(code, under=under)
    assert done.returncode == 0, done.stderr
    assert f"{disk}, the folder for temporary files" in done.stdout
    assert "the disk is full" in done.stdout


@pytest.mark.parametrize("in_memory_bytes", [0, 16_000_000])
def test_a_source_keeps_what_was_read_when_its_file_is_shortened_or_written_over(
    tmp_path: Path, in_memory_bytes: int
) -> None:
    code = f"""
        import sys
        from dataclasses import replace
        from pathlib import Path
        import numpy as np
        from icface.document import edits
        from icface.face.controls import ControlVector
        from icface.formats import load, save
        from icface.motion import store
        from icface.project_file import load_project, save_project
        from tests.strategies import a_driver, a_motion, a_project
        store.IN_MEMORY_BYTES = {in_memory_bytes}
        folder = Path(sys.argv[1])
        path, project = folder / "driver.npz", a_project(ControlVector())
        motion = a_motion([ControlVector.of({{"yaw": float(n % 30)}}) for n in range(500)], seed=1)
        save(path, motion)
        (found,) = load(path).faces
        assert found == motion
        whole = path.read_bytes()
        for change in (
            lambda: path.write_bytes(bytes(len(whole))),
            lambda: path.open("r+b").truncate(100),
        ):
            change()
            held = edits.add_driver(project, replace(a_driver("A", found), motion=found))
            save_project(folder / "saved.icface", held)
            again = load_project(folder / "saved.icface").drivers[0].motion
            assert again == motion
            assert np.array_equal(again.landmarks, motion.landmarks)
            path.write_bytes(whole)
        print("the same")
    """
    done = in_a_process(code, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "the same\n"), done.stderr
