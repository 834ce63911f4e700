from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icface.formats import table
from icface.formats.errors import FormatError
from icface.formats.table import read_columns, read_header


def a_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_names_and_cells_are_stripped_and_columns_found_by_name(tmp_path: Path) -> None:
    header = read_header(a_file(tmp_path, "frame, a , b\n1, 2.5 , x\n\n2,-1e-3,y\n"))
    assert header.names == ("frame", "a", "b")
    columns = read_columns(header, ["a"], texts=["b"])
    assert columns.numbers["a"].tolist() == [2.5, -1e-3]
    assert columns.texts["b"] == ["x", "y"]
    assert columns.lines.tolist() == [2, 4]


def test_empty_cells_and_what_is_not_finite_are_missing(tmp_path: Path) -> None:
    columns = read_columns(
        read_header(a_file(tmp_path, "a,b\n,1\nnan,2\n-inf,3\n1e999,4\n5,5\n")), ["a"]
    )
    assert np.isnan(columns.numbers["a"]).tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(
    "text", ["a;b\r\n0,5;1\r\n", "a\tb\n0.5\t1\n", "\ufeffa,b\n0.5,1", 'a,b\n"0.5","1"\n']
)
def test_other_separators_and_marks_are_understood(tmp_path: Path, text: str) -> None:
    columns = read_columns(read_header(a_file(tmp_path, text)), ["a", "b"])
    assert (columns.numbers["a"][0], columns.numbers["b"][0]) == (0.5, 1)


def test_utf_16_is_read_when_it_is_marked(tmp_path: Path) -> None:
    columns = read_columns(read_header(a_file(tmp_path, "a,b\n0.5,1\n".encode("utf-16"))), ["a"])
    assert columns.numbers["a"].tolist() == [0.5]


def test_other_encodings_in_unused_cells_do_no_harm(
    tmp_path: Path,
) -> None:
    columns = read_columns(
        read_header(a_file(tmp_path, "a,input\n1,Bj\xf6rn.mp4\n".encode("latin-1"))), ["a"]
    )
    assert columns.numbers["a"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        (b"\n1,2\n", "line 1: no column has a name"),
        (b"\xef", "no column has a name"),
        (b"a,b\n", "a header and no rows"),
        (b"a,b\n1,2\n1\n3,4\n", "line 3: 1 cells, and the header names 2 columns"),
        (b"a,b\n1,2,3\n", "line 2: 3 cells"),
        (b"a,b\n1,2\n1,five\n", "line 3, column b: 'five' is not a number"),
        (b"a,b\n1,1_000\n", "line 2, column b: '1_000' is not a number"),
        (b"a,b\n1,\x002\n", "line 2 holds NUL bytes"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1 holds NUL bytes"),
        (b"a,b,a,b\n1,2,3,4\n", "column a stands there twice"),
        (b'a,b\n1,"' + b"x" * 200_000, "quotation mark that is never closed"),
        (b"a,b\n1," + b"9" * 70 + b"z\n", "column b: '9{24}...' is not a number"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_column(
    tmp_path: Path, text: bytes, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        read_columns(read_header(a_file(tmp_path, text)), ["a", "b"])


def test_a_last_line_that_breaks_off_is_left_out_and_said(tmp_path: Path) -> None:
    columns = read_columns(read_header(a_file(tmp_path, "a,b,c\n1,2,3\n4,5")), ["a"])
    assert columns.numbers["a"].tolist() == [1]
    assert columns.notes == ("The last line (3) breaks off and was left out.",)


def test_short_rows_are_filled_up_where_a_format_has_them(tmp_path: Path) -> None:
    columns = read_columns(read_header(a_file(tmp_path, "a,b\n1\n2,3\n")), ["a", "b"], ragged=True)
    assert np.isnan(columns.numbers["b"]).tolist() == [True, False]


def test_ten_million_columns_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 1 is longer than 2000000 characters"):
        read_header(a_file(tmp_path, b"c," * 10_000_000))
    with pytest.raises(FormatError, match="30001 columns, and tracking data has at most"):
        read_header(a_file(tmp_path, b"c," * 30_000))


def test_more_rows_than_a_day_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 3)
    with pytest.raises(FormatError, match="more than 3 rows"):
        read_columns(read_header(a_file(tmp_path, "a\n1\n2\n3\n4\n")), ["a"])


def test_folders_and_absent_files_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is not a file"):
        read_header(tmp_path)
    with pytest.raises(FormatError, match="there is no such file"):
        read_header(tmp_path / "absent.csv")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = a_file(tmp_path_factory.mktemp("bytes"), content)
    said = str(path)
    try:
        header = read_header(path)
        read_columns(header, [name for name in dict.fromkeys(header.names) if name][:3])
    except FormatError as error:
        said = str(error)
    assert str(path) in said
