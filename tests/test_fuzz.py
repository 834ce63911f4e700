"""Broken and hostile files end in one clear error, or open.

No traceback, no hang, no words of other libraries, no full memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz.corpus import KINDS, make
from tests.fuzz.running import Result, run
from tests.fuzz.worker import outcome_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="limits of a process are set as Linux has them"
)


def told(results: list[Result]) -> list[str]:
    return [
        f"{result.number} ({result.kind}: {result.story}): {result.text}"
        for result in results
        if result.outcome == "wrong"
    ]


def test_a_tenth_of_the_corpus_opens_or_is_refused_in_words() -> None:
    results = run(0, range(100))
    assert told(results) == []
    assert len(results) == 100
    assert {result.outcome for result in results} == {"opened", "refused"}


@pytest.mark.fuzz
def test_the_whole_corpus_opens_or_is_refused_in_words() -> None:
    results = run(0, range(1000))
    assert told(results) == []
    assert len(results) == 1000


def test_a_number_is_always_the_same_file(tmp_path: Path) -> None:
    for number in range(len(KINDS)):
        first = make(tmp_path, 7, number)
        data = first.path.read_bytes()
        assert make(tmp_path, 7, number) == first
        assert first.path.read_bytes() == data
        other = make(tmp_path, 8, number)
        assert other.path.read_bytes() != data


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (TypeError("unhashable type: 'list'"), True),
        (ValueError("31 is not a valid Type"), True),
        (MemoryError(), True),
    ],
)
def test_what_is_no_error_of_ours_counts_as_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, wrong: bool
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setitem(outcome_of.__globals__["READERS"], "table", fails)
    assert (outcome_of(tmp_path / "a.csv", "table")[0] == "wrong") == wrong
