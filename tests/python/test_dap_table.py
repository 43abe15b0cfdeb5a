"""Values that read as tables: which do, their cells by window, what changed in them."""

import pytest
from dap_client import Client, Failed, check_shape, interfaces
from engine import record

PROGRAM = """\
from collections import deque, namedtuple
from dataclasses import dataclass

@dataclass
class Item:
    name: str
    price: float

class Thing:
    def __init__(self, a):
        self.a = a
        self.b = [a]

Pair = namedtuple("Pair", "left right")

def f():
    grid = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    ragged = [[1], [1, 2]]
    late = [[1, 2], [3, 4], [5, 6], 7, [8], [9, None]]
    tuples = ((1, "a"), (2, "b"))
    dicts = [{"id": 1, "n": None}, {"n": 2.5, "id": 2}, {"id": 3, "n": 4}, {"id": 4}]
    items = [Item("nut", 1.5), Item("bolt", 20)]
    things = deque([Thing(1), Thing(2)], maxlen=5)
    pairs = [Pair(1, 2), Pair(3, 4)]
    named = {"one": [1, 2], "two": [3, 4]}
    mixed = [{"a": 1}, {"b": 1}]
    short = list(range(100))
    long = list(range(101))
    words = {"a": 1, "b": 2}
    texts = ["ab", "cd"]
    sets = [{1}, {2}]
    view = memoryview(bytearray(range(12))).cast("B", [2, 2, 3])
    line = memoryview(bytearray(200))
    empty = []
    grid[1][2] = 60
    grid.append([10, 11, 12])
    items[1].price = 21
    view[1, 0, 2] = 99
    late[3] = "seven"
    named["two"][0] = 30
    named["three"] = [5, 6]
    long[70] = -1
    return grid

f()
"""


def line_of(text):
    return PROGRAM.splitlines().index(f"    {text}") + 1


@pytest.fixture(scope="module")
def recording(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    program = folder / "program.py"
    program.write_text(PROGRAM)
    return record(ct, program, folder / "recording")


@pytest.fixture
def client(recording):
    with Client(recording) as made:
        made.ask("configurationDone")
        made.ask("ct/move", move="line", path="program.py", line=line_of("return grid"))
        yield made


def stand(client, line):
    client.ask("ct/move", move="line", path="program.py", line=line, backwards=True)
    return client.variables(client.scopes()["Locals"])


def load(client, name, **arguments):
    reference = client.variables(client.scopes()["Locals"])[name]["variablesReference"]
    return client.ask("ct/load-table", variablesReference=reference, **arguments)


def texts(answer):
    return [
        (row["name"], *[cell and cell["text"] for cell in row["cells"]]) for row in answer["window"]
    ]


def changed(answer):
    return [
        (row["name"], column)
        for row in answer["window"]
        for column, cell in enumerate(row["cells"])
        if cell and cell.get("isChanged")
    ]


def test_which_values_are_tables(client):
    variables = client.variables(client.scopes()["Locals"])
    sizes = {
        name: (table["rows"], table["allRows"], table["columns"])
        for name, variable in variables.items()
        if (table := variable["ct"].get("table"))
    }
    assert sizes == {
        "grid": (4, 4, 3),
        "late": (6, 6, 2),
        "tuples": (2, 2, 2),
        "dicts": (4, 4, 2),
        "items": (2, 2, 2),
        "things": (2, 2, 2),
        "pairs": (2, 2, 2),
        "named": (3, 3, 2),
        "long": (101, 101, 1),
        "view": (4, 4, 3),
        "line": (200, 200, 1),
    }
    view = variables["view"]["ct"]["table"]
    assert (view["shape"], view["dtype"]) == ([2, 2, 3], "B")


def test_cells_of_lists_and_tuples(client):
    assert texts(load(client, "grid", start=1, count=2)) == [
        ("1", "4", "5", "60"),
        ("2", "7", "8", "9"),
    ]
    assert texts(load(client, "grid", start=3, firstColumn=1, columnCount=1)) == [("3", "11")]
    assert texts(load(client, "tuples")) == [("0", "1", "'a'"), ("1", "2", "'b'")]
    assert texts(load(client, "named", start=1)) == [("'two'", "30", "4"), ("'three'", "5", "6")]
    assert load(client, "grid")["window"][0]["cells"][0]["kind"] == "int"


def test_a_row_of_another_shape_is_one_text(client):
    rows = load(client, "late")["window"]
    assert [row.get("whole", {}).get("text") for row in rows] == [
        *[None] * 3,
        "'seven'",
        "[8]",
        None,
    ]
    assert texts(load(client, "late", start=5)) == [("5", "9", "None")]
    (row,) = load(client, "dicts", start=3)["window"]
    assert (row["cells"], row["whole"]["text"]) == ([], "{'id': 4}")


def test_columns_have_names_whatever_their_order(client):
    answer = load(client, "dicts", count=3)
    assert answer["names"] == ["id", "n"]
    assert texts(answer) == [("0", "1", "None"), ("1", "2", "2.5"), ("2", "3", "4")]
    assert load(client, "items")["names"] == ["name", "price"]
    assert texts(load(client, "things"))[1] == ("1", "2", "[2]")
    answer = load(client, "pairs", firstColumn=1, columnCount=1)
    assert (answer["names"], texts(answer)) == (["right"], [("0", "2"), ("1", "4")])


def test_a_buffer_is_a_table_of_its_last_dimension(client):
    assert texts(load(client, "view")) == [
        ("0, 0", "0", "1", "2"),
        ("0, 1", "3", "4", "5"),
        ("1, 0", "6", "7", "99"),
        ("1, 1", "9", "10", "11"),
    ]
    assert texts(load(client, "line", start=199)) == [("199", "0")]


@pytest.mark.parametrize(
    ("line", "name", "cells"),
    [
        ("grid[1][2] = 60", "grid", [("1", 2)]),
        ("grid.append([10, 11, 12])", "grid", [("3", 0), ("3", 1), ("3", 2)]),
        ("items[1].price = 21", "items", [("1", 1)]),
        ("view[1, 0, 2] = 99", "view", [("1, 0", 2)]),
        ('named["two"][0] = 30', "named", [("'two'", 0)]),
        ('named["three"] = [5, 6]', "named", [("'three'", 0), ("'three'", 1)]),
        ("long[70] = -1", "long", [("70", 0)]),
        ("long[70] = -1", "grid", []),
    ],
)
def test_changed_cells_are_those_of_the_line_before(client, line, name, cells):
    stand(client, line_of(line) + 1)
    assert changed(load(client, name)) == cells


def test_a_changed_row_of_another_shape(client):
    stand(client, line_of('late[3] = "seven"') + 1)
    assert load(client, "late", start=3, count=1)["window"][0]["whole"]["isChanged"]


def test_what_is_no_table_is_refused(client):
    variables = client.variables(client.scopes()["Locals"])
    for name in ("ragged", "mixed", "short", "words", "texts", "sets"):
        reference = variables[name]["variablesReference"]
        with pytest.raises(Failed, match="no table"):
            client.ask("ct/load-table", variablesReference=reference)
    for reference in (0, 1, client.scopes()["Locals"], 10**9):
        with pytest.raises(Failed, match="variablesReference"):
            client.ask("ct/load-table", variablesReference=reference)


def test_answers_have_the_fields_of_the_protocol(client):
    known = interfaces()
    variables = client.variables(client.scopes()["Locals"])
    for name in ("view", "late", "dicts"):
        answer = load(client, name)
        check_shape(variables[name]["ct"]["table"], known["TableSize"])
        check_shape(answer, known["TableSize"] | known["Table"])
        for row in answer["window"]:
            check_shape(row, known["TableRow"])
            for cell in [*row["cells"], *([row["whole"]] if "whole" in row else [])]:
                check_shape(cell, known["TableCell"])


def test_windows_beyond_the_end_are_empty(client):
    assert load(client, "grid", start=4)["window"] == []
    assert texts(load(client, "grid", start=3, firstColumn=3)) == [("3",)]


LARGE = """\
def f():
    rows = list(zip(range(100_000), range(0, 200_000, 2)))
    rows[99_998] = (99_998, 7)
    return rows

f()
"""


def test_a_hundred_thousand_rows_are_read_by_window(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LARGE)
    options = ("--max-items", "200000")
    with Client(record(ct, program, tmp_path / "recording", *options)) as client:
        client.ask("configurationDone")
        client.ask("ct/move", move="line", path="program.py", line=4)
        answer = load(client, "rows", start=99_997, count=40)
        assert (answer["rows"], answer["allRows"], answer["columns"]) == (100_000, 100_000, 2)
        assert texts(answer)[1:] == [("99998", "99998", "7"), ("99999", "99999", "199998")]
        assert changed(answer) == [("99998", 1)]
        assert len(load(client, "rows")["window"]) == 5000


def test_rows_that_were_not_recorded_are_counted(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LARGE)
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        client.ask("ct/move", move="line", path="program.py", line=4)
        answer = load(client, "rows", start=4095)
        assert (answer["rows"], answer["allRows"]) == (4096, 100_000)
        assert len(answer["window"]) == 1
