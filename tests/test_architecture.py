"""The rules of the house that a machine can check; README.md says them in words."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "app",
    "icface",
    "resources",
    "tests",
    "main.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Makefile",
}
MAX_LINES = 400
MAX_MODEL_BYTES = 30_000_000
UNIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
PICKLES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib"}


def light_modules() -> list[str]:
    """The packages that the contract of the light document names."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["id"] == "light-document")
    return list(contract["source_modules"])


def tracked_files() -> list[Path]:
    """What belongs to the project; without git, everything that is not hidden or generated."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode == 0:
        return [
            path for name in listing.stdout.split("\0") if name and (path := ROOT / name).exists()
        ]
    folders = [ROOT / name for name in sorted(TOP_LEVEL) if (ROOT / name).is_dir()]
    found = [
        path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts
    ]
    return [path for path in found if path.is_file()]


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_contracts_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(
        "importlinter.cli.logging_config.dictConfig", lambda _: None
    )  # it would silence all other loggers
    monkeypatch.syspath_prepend(str(ROOT))
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in sources("app", "icface")
    }
    assert {path: n for path, n in lengths.items() if n > MAX_LINES} == {}


def test_the_document_needs_neither_qt_nor_torch_nor_codecs() -> None:
    heavy = {"PySide6", "torch", "cv2", "av", "PIL", "feat", "scipy", "skimage"}
    code = f"""
import importlib, pkgutil, sys
names = []
for name in {light_modules()!r}:
    package = importlib.import_module(name)
    inside = pkgutil.walk_packages(getattr(package, "__path__", []), name + ".")
    names += [name, *(module.name for module in inside)]
for name in names:
    importlib.import_module(name)
    for brought in sorted({heavy!r} & set(sys.modules)):
        print(f"{{name}} brings {{brought}}")
"""
    assert run_python(code) == ""


def test_importing_any_module_of_icface_only_defines_names() -> None:
    code = """
import importlib, logging, os, pkgutil, sys, warnings
import numpy, PIL.Image, cv2, torch  # what these do to the process is theirs
before = dict(os.environ), torch.get_num_threads(), cv2.getNumThreads(), numpy.geterr()
drawn = torch.initial_seed()
import icface
for module in pkgutil.walk_packages(icface.__path__, "icface."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
after = dict(os.environ), torch.get_num_threads(), cv2.getNumThreads(), numpy.geterr()
for was, now in zip(before, after):
    if was != now:
        print("changed:", was, now)
heavy = {"feat", "PySide6", "skimage.data"}
print(*("brings " + name for name in sorted(heavy & set(sys.modules))), sep="\\n", end="")
print(*logging.getLogger().handlers, sep="\\n", end="")
print("" if drawn == torch.initial_seed() else "a new seed", end="")
"""
    assert run_python(code) == ""


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = """
import sys, icface.cli
print(*sorted({"PySide6", "torch", "cv2", "scipy", "feat", "numba", "skimage"} & set(sys.modules)))
"""
    assert run_python(code).split() == []


def imported_at_once(path: Path) -> set[str]:
    """Modules that are imported whatever the system is."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    return names


def test_no_module_needs_what_one_system_alone_has() -> None:
    needed = {
        path: found
        for path in sources("app", "icface")
        if (found := imported_at_once(path) & UNIX_ONLY)
    }
    assert not needed


def test_no_text_is_read_or_written_in_the_encoding_of_the_system() -> None:
    for path in sources("app", "icface"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = {"read_text": 1, "write_text": 2}.get(node.func.attr, 0)
                told = len(node.args) >= words or any(
                    keyword.arg == "encoding" for keyword in node.keywords
                )
                assert told, f"{path}:{node.lineno}"


def test_tests_wait_for_conditions_and_not_for_time() -> None:
    waits = ("qtbot" + ".wait(", "QTest" + ".qWait(", "time" + ".sleep(")
    found = [
        f"{path.relative_to(ROOT)}: {wait}"
        for path in sources("tests")
        for wait in waits
        if wait in path.read_text()
    ]
    assert found == []


def test_the_weights_that_ship_are_small() -> None:
    sizes = {
        path.name: path.stat().st_size
        for path in (ROOT / "resources" / "models").glob("*")
        if path.is_file()
    }
    assert sum(sizes.values()) <= MAX_MODEL_BYTES, sizes


def test_nothing_that_ships_is_a_pickle() -> None:
    assert [path for path in tracked_files() if path.suffix in PICKLES] == []


def test_the_top_level_stays_as_it_is() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    folders = ("work", "tmp", "root", "home", "Users")
    marks = [f"/{folder}/" for folder in folders] + [
        "../" + "shared",
        "py" + "pi.org",
        "python" + "hosted",
    ]
    texts = [
        path
        for path in tracked_files()
        if path.suffix in {".py", ".md", ".toml", ".json", ".qss", ".svg", ""}
    ]
    found = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in texts
        for mark in marks
        if mark in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_commands_print_through_the_one_module_that_spells_out_what_terminals_obey() -> None:
    allowed = {
        "icface/system/telling.py": 99,
        "icface/cli.py": 1,
        "icface/commands/meter.py": 1,
    }  # help; lines that are spelt out
    for path in (ROOT / "icface").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("icface/training/"):
            continue  # figures, and names of a trainer's own
        assert path.read_text(encoding="utf-8").count("click.echo(") <= allowed.get(name, 0), name
