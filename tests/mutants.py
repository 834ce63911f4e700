"""Break the document's modules in small ways, one at a time, and tell which faults no test sees.

    python -m tests.mutants                                  # all modules: some minutes
    python -m tests.mutants icface/document/curves.py                 # one module
    python -m tests.mutants icface/document/curves.py --lines 170-200

Each mutant differs from the module by one operator, number or condition. It is compiled into a
process of its own, in which the document's tests run until the first one fails. What is left over
is either a hole in the tests or a change without effect; people judge which.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.machinery
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("*.py", "edits/*.py")
"""The document's modules, below ``icface/document``."""

TESTS = (
    "test_curves", "test_mixing", "test_mixing_drivers", "test_project", "test_project_time",
    "test_history",
    "edits/test_keys", "edits/test_edits", "edits/test_drivers", "edits/test_still_time",
)  # fmt: skip
"""The document's tests, below ``tests/icface/document``."""

CPU_SECONDS = 60
"""What a mutant may compute before it counts as one that hangs, and so was seen."""

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_NAMES = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "any": "all",
    "all": "any",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change.

    Attributes
    ----------
    module : str
        Dotted name.
    line : int
        Where the change is.
    text : str
        The changed expression, before and after.
    tree : ast.Module
        The whole changed module.
    """

    module: str
    line: int
    text: str
    tree: ast.Module


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a source file, from its first line to its last."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    places = list(_code(tree))
    for number, node in enumerate(places):
        for kind in range(len(_changes(node))):
            changed = copy.deepcopy(tree)
            twin = list(_code(changed))[number]
            _changes(twin)[kind]()
            ast.fix_missing_locations(changed)
            line = getattr(node, "lineno", 0)
            yield Mutant(name, line, f"{ast.unparse(node)}  ->  {ast.unparse(twin)}", changed)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that do something: no annotations, decorators, messages or settings of classes."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"} or isinstance(
            node, (ast.Raise, ast.JoinedStr)
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def _changes(node: ast.AST) -> list[_Change]:
    found: list[_Change] = []
    if isinstance(node, ast.Compare):
        found += [_Swap(node.ops, i) for i in range(len(node.ops))]
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in _SWAPS:
        found.append(_Other(node, "op", _SWAPS[type(node.op)]()))
    elif isinstance(node, ast.UnaryOp):
        found.append(
            _Other(node, "op", ast.UAdd())
            if isinstance(node.op, ast.USub)
            else _Other(node, "op", _twice(node))
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        found.append(
            _Other(
                node, "value", not node.value if isinstance(node.value, bool) else node.value + 1
            )
        )
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _NAMES:
        found.append(_Other(node, "id", _NAMES[node.id]))
    elif isinstance(node, ast.Attribute) and node.attr in _NAMES:
        found.append(_Other(node, "attr", _NAMES[node.attr]))
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        found.append(_Other(node, "test", ast.UnaryOp(ast.Not(), node.test)))
    return found


def _twice(node: ast.UnaryOp) -> ast.unaryop:
    """Replace ``not`` and ``~`` by ``+``, which leaves numbers as they are and makes True 1."""
    return ast.UAdd() if isinstance(node.op, (ast.Not, ast.Invert)) else ast.USub()


@dataclass(frozen=True, slots=True)
class _Swap:
    operators: list[ast.cmpop]
    place: int

    def __call__(self) -> None:
        self.operators[self.place] = _SWAPS[type(self.operators[self.place])]()  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class _Other:
    node: ast.AST
    field: str
    value: object

    def __call__(self) -> None:
        setattr(self.node, self.field, self.value)


_Change = _Swap | _Other


class _Mutating(importlib.machinery.PathFinder):
    """Finds one module in its changed form."""

    mutant: Mutant

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module of the mutant, compiled from its tree; None for all others."""
        if fullname != cls.mutant.module:
            return None
        spec = super().find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """The mutant's code."""
        code: CodeType = compile(
            _Mutating.mutant.tree, self.get_filename(fullname), "exec", dont_inherit=True
        )
        return code


class _Hasty:
    """End hypothesis at the first example that fails: shrinking it takes many seconds."""

    def pytest_collection(self) -> None:
        """Load the profile after the tests' own."""
        from hypothesis import Phase, settings

        settings.register_profile("mutants", settings(), phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutants")


def begun(mutant: Mutant | None) -> int:
    """The number of a process that runs the tests, on a mutant or on the modules as they are.

    It ends with 0 if all tests pass.
    """
    process = os.fork()
    if process:
        return process
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    code = 1
    try:
        if mutant is not None:
            _Mutating.mutant = mutant
            sys.meta_path.insert(0, _Mutating)
        code = int(
            pytest.main(["-x", "-q", "-p", "no:cacheprovider", *_files(mutant)], plugins=[_Hasty()])
        )
    finally:
        os._exit(code)


def _files(mutant: Mutant | None) -> list[str]:
    """The tests' files, those of the mutant's own module first."""
    own = f"test_{mutant.module.rpartition('.')[2]}" if mutant else ""
    return [
        f"{ROOT}/tests/icface/document/{name}.py"
        for name in sorted(TESTS, key=lambda name: not Path(name).name.startswith(own))
    ]


def check(found: Sequence[Mutant], jobs: int) -> list[Mutant]:
    """Run the tests against mutants, several at a time; return the living, named as found."""
    waiting, running, living = list(reversed(found)), dict[int, Mutant](), []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running[begun(mutant)] = mutant
        process, status = os.wait()
        mutant = running.pop(process)
        if status == 0:
            living.append(mutant)
            print(f"{mutant.module.replace('.', '/')}.py:{mutant.line}  {mutant.text}", flush=True)  # noqa: T201
    return living


def main() -> int:
    """Check modules and print what lives."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "modules", nargs="*", type=Path, help="source files; the document's modules otherwise"
    )
    parser.add_argument(
        "--lines", default="1-99999", metavar="A-B", help="only changes in these lines"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    arguments = parser.parse_args()
    first, last = (int(number) for number in arguments.lines.split("-"))
    paths = [path.resolve() for path in arguments.modules] or sorted(
        p for m in MODULES for p in (ROOT / "icface" / "document").glob(m)
    )
    found = [m for path in paths for m in mutants(path) if first <= m.line <= last]
    os.chdir(ROOT)
    for name in ("numpy", "scipy", "cattrs"):  # once, not in every process
        importlib.import_module(name)
    if os.waitpid(begun(None), 0)[1] != 0:
        print("The tests fail on the modules as they are: mend that first.")  # noqa: T201
        return 1
    living = check(found, arguments.jobs)
    print(f"{len(found) - len(living)} of {len(found)} mutants die.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
