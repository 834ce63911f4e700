"""Columns of a CSV file, read line by line; only the requested columns are kept.

Convention
----------
Lines count from 1, the header among them. Names are stripped of spaces; the first of ``,`` ``;``
and tab that is most frequent in the header parts cells, or what a first line ``sep=;`` names, as
Excel writes it. Where cells are not parted by commas, a decimal comma is understood. An empty cell,
``nan``, ``inf``, and what programs write in their place (``-nan(ind)``, ``-1.#IND``, ``NA``,
``#NUM!``) are NaN. A line that names the columns once more is left out.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from icface.arrays import F64
from icface.formats.errors import FormatError
from icface.formats.files import readable_text

T = TypeVar("T")

MOST_ROWS = 1_000_000
"""Nine hours at 30 frames a second."""
MOST_COLUMNS = 20_000
LONGEST_LINE = 2_000_000
"""Characters; the longest header known has some 30,000."""
_SHOWN = 24
_SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_NO_NUMBER = re.compile(
    r"[+-]?(nan(\([\w.]*\))?|1[.,][#$]\w*|n/?a|null|none|#(n/a|num!|value!|div/0!|ref!))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The names of the columns of a CSV file.

    Attributes
    ----------
    path : Path
        The file.
    names : tuple of str
        Columns in their order, stripped.
    delimiter : str
        What parts cells.
    line : int
        Where the names stand: 1, or 2 after a line such as ``sep=;``.
    """

    path: Path
    names: tuple[str, ...]
    delimiter: str
    line: int = 1

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def first(self, *names: str) -> str | None:
        """The first of these names that is a column, whatever its case; None if none is."""
        lower = {name.lower(): name for name in reversed(self.names)}
        return next((lower[name.lower()] for name in names if name.lower() in lower), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Some columns of a CSV file.

    Attributes
    ----------
    numbers : dict
        Name to (N,) float64.
    texts : dict
        Name to N texts, stripped.
    lines : (N,) int64
        Where each row stands in the file.
    notes : tuple of str
        What was left out.
    """

    numbers: dict[str, F64]
    texts: dict[str, list[str]]
    lines: NDArray[np.int64] = field(repr=False)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def filled(self, names: Mapping[str, T], notes: list[str]) -> dict[str, T]:
        """The names whose column has any number; the others are listed in the notes."""
        empty = [name for name in names if np.isnan(self.numbers[name]).all()]
        if empty:
            more = f" and {len(empty) - 4} more" if len(empty) > 4 else ""
            notes.append(f"Columns without any number were left out: {', '.join(empty[:4])}{more}.")
        return {name: value for name, value in names.items() if name not in empty}

    def part(self, rows: NDArray[np.int64]) -> Columns:
        """These rows alone, in this order."""
        return Columns(
            numbers={name: column[rows] for name, column in self.numbers.items()},
            texts={name: [column[row] for row in rows] for name, column in self.texts.items()},
            lines=self.lines[rows],
        )


def read_header(path: Path) -> Header:
    """The column names; `FormatError` if the file is empty, not text, or its line is too long."""
    with readable_text(path) as stream:
        lines = _lines(path, stream)
        text, line = next(lines, ""), 1
        said = _SEPARATOR.fullmatch(text)
        if said is not None:
            text, line = next(lines, ""), 2
        delimiter = said[1] if said is not None else max(",;\t", key=text.count)
        if delimiter in '"\r\n':
            raise FormatError(
                f"{path}, line 1: {delimiter!r} cannot part cells. Write sep=; or sep=, there."
            )
        names = tuple(name.strip() for name in next(_cells(path, iter([text]), delimiter, line))[1])
    if not any(names):
        raise FormatError(
            f"{path}, line {line}: no column has a name. Put the names on the first line."
        )
    if len(names) > MOST_COLUMNS:
        raise FormatError(
            f"{path}, line {line}: {len(names)} columns, and tracking data has at most "
            f"{MOST_COLUMNS}. Export it again."
        )
    return Header(path=path, names=names, delimiter=delimiter, line=line)


def read_columns(
    header: Header, numbers: Sequence[str], *, texts: Sequence[str] = (), ragged: bool = False
) -> Columns:
    """The rows of some columns.

    Parameters
    ----------
    header : Header
        Of the file, from `read_header`.
    numbers, texts : sequence of str
        Names that are in the header.
    ragged : bool
        Rows may be shorter than the header; what is missing is empty.

    Raises
    ------
    FormatError
        Naming line and column: a word where a number should be, a row of another length than the
        header, a column that stands twice, no row at all, more rows than `MOST_ROWS`.
    """
    wanted = [*numbers, *texts]
    twice = next((name for name in wanted if header.names.count(name) > 1), None)
    if twice is not None:
        raise FormatError(
            f"{header.path}, line {header.line}: column {twice} stands there twice. "
            "Rename or remove one of them."
        )
    reader = _Reader(header=header, numbers=tuple(numbers), texts=tuple(texts), ragged=ragged)
    with readable_text(header.path) as text:
        lines = _lines(header.path, text)
        for _ in range(header.line - 1):
            next(lines)
        rows = _cells(header.path, lines, header.delimiter, header.line)
        next(rows)
        for line, cells in rows:
            reader.take(line, cells)
    return reader.finish()


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Rows as they are gathered."""

    header: Header
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    ragged: bool
    values: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    words: list[list[str]] = field(default_factory=list)
    short: tuple[int, int] | None = None
    named_again: list[int] = field(default_factory=list)
    _at: list[int] = field(default_factory=list)
    _word_at: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._at = [self.header.names.index(name) for name in self.numbers]
        self._word_at = [self.header.names.index(name) for name in self.texts]
        self.words = [[] for _ in self.texts]

    def take(self, line: int, cells: list[str]) -> None:
        """Keep a row's wanted cells."""
        width = len(self.header.names)
        if self.short is not None:
            raise self._odd(*self.short)
        if (
            cells[0].strip() == self.header.names[0]
            and tuple(cell.strip() for cell in cells) == self.header.names
        ):
            self.named_again.append(line)
            return
        if len(cells) < width:
            if not self.ragged:
                self.short = (
                    line,
                    len(cells),
                )  # forgiven if it is the last: a recorder that was stopped
                return
            cells = cells + [""] * (width - len(cells))
        elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise self._odd(line, len(cells))
        if len(self.lines) >= MOST_ROWS:
            raise FormatError(
                f"{self.header.path} has more than {MOST_ROWS} rows. Split it, and open the parts "
                "one by one."
            )
        self.lines.append(line)
        try:
            self.values.extend(_number(cells[at], self.header.delimiter) for at in self._at)
        except ValueError:
            del self.values[(len(self.lines) - 1) * len(self._at) :]
            raise self._no_number(line, cells) from None
        for column, at in zip(self.words, self._word_at, strict=True):
            column.append(cells[at].strip())

    def finish(self) -> Columns:
        """All rows."""
        count = len(self.lines)
        if not count:
            raise FormatError(
                f"{self.header.path} has a header and no rows. Record or export it again."
            )
        table = (
            np.frombuffer(self.values, np.float64).reshape(count, len(self.numbers))
            if self.numbers
            else np.zeros((count, 0))
        )
        table = np.where(np.isfinite(table), table, np.nan)
        notes = (
            []
            if self.short is None
            else [f"The last line ({self.short[0]}) breaks off and was left out."]
        )
        if self.named_again:
            more = f" and {len(self.named_again) - 1} more" if len(self.named_again) > 1 else ""
            notes.append(
                f"The names of the columns stand again on line {self.named_again[0]}{more}: left "
                "out."
            )
        return Columns(
            numbers={name: table[:, i].copy() for i, name in enumerate(self.numbers)},
            texts=dict(zip(self.texts, self.words, strict=True)),
            lines=np.array(self.lines, np.int64),
            notes=tuple(notes),
        )

    def _odd(self, line: int, count: int) -> FormatError:
        width = len(self.header.names)
        return FormatError(
            f"{self.header.path}, line {line}: {count} cells, and the header names {width} "
            "columns. "
            "Mend the line, or export the file again."
        )

    def _no_number(self, line: int, cells: list[str]) -> FormatError:
        for name, at in zip(self.numbers, self._at, strict=True):
            try:
                _number(cells[at], self.header.delimiter)
            except ValueError:
                shown = cells[at].strip()
                shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
                return FormatError(
                    f"{self.header.path}, line {line}, column {name}: {shown!r} is not a number. "
                    "Write numbers with a decimal point, and leave the cell empty where there is "
                    "none."
                )
        raise AssertionError("every cell is a number")


def _number(cell: str, delimiter: str) -> float:
    cell = cell.strip()
    if not cell or _NO_NUMBER.fullmatch(cell):
        return math.nan
    if delimiter != ",":
        cell = cell.replace(",", ".")
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def _lines(path: Path, text: TextIOWrapper) -> Iterator[str]:
    """Lines of the file, blank ones too; each is bounded in length and free of NUL bytes."""
    number = 0
    try:
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise FormatError(
                    f"{path}, line {number} is longer than {LONGEST_LINE} characters. "
                    "This is not tracking data."
                )
            if "\0" in line:
                raise FormatError(
                    f"{path}, line {number} holds NUL bytes, so it is not text. "
                    "Save it as CSV in UTF-8."
                )
            yield line
    except UnicodeError as error:  # half of a UTF-16 character
        raise FormatError(
            f"{path}, line {number + 1} is not text. Save it as CSV in UTF-8."
        ) from error


def _cells(
    path: Path, lines: Iterator[str], delimiter: str, first: int
) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank.

    The first line has the number `first`.
    """
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells) or rows.line_num == 1:
                yield rows.line_num + first - 1, cells
    except csv.Error as error:
        line = rows.line_num + first - 1
        raise FormatError(
            f"{path}, line {line}: {error}. Look for a quotation mark that is never closed."
        ) from error
