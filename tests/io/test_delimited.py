"""Tables of the user's own."""

from __future__ import annotations

import pytest

from otoscope.core import BadFormat
from otoscope.io.delimited import read_delimited, write_delimited

ROWS = [{"item": 'a "quoted", thing', "rt": 0.51234567891, "ok": True}, {"item": "b", "note": None, "n": 3}]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_what_is_written_is_read(tmp_path, name):
    write_delimited(tmp_path / name, ROWS)
    table = read_delimited(tmp_path / name)
    assert table.header == ("item", "rt", "ok", "note", "n")
    assert table.rows == (('a "quoted", thing', "0.5123457", "1", "", ""), ("b", "", "", "", "3"))
    assert table.separator == ("," if name == "t.csv" else "\t")
    assert table.place(1).endswith(f"{name}, line 3")


def test_columns_by_any_case(tmp_path):
    write_delimited(tmp_path / "t", [{"Item": "a", "RT": 1}], separator=";")
    table = read_delimited(tmp_path / "t")
    assert (table.find("file", "rt"), table.find("file"), table.need("ITEM")) == ("RT", None, "Item")
    assert table.column("RT") == ("1",)
    with pytest.raises(BadFormat, match="no column file or path; it has Item, RT"):
        table.need("file", "path")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no header"),
        ("a,b\n", "no rows"),
        ("a,b,a\n1,2,3\n", "names the column 'a' twice"),
        ("a,b\n\n1,2\n1\n", "line 4: 1 fields, where the header has 2"),
    ],
)
def test_what_is_no_table(tmp_path, text, match):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BadFormat, match=match):
        read_delimited(tmp_path / "t.csv")
