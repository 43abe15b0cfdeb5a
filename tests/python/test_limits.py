"""The limits of a recording: what they leave whole, and how what they cut reads."""

import json
import textwrap

import pytest
from event_stream import read_json
from side_by_side import SideBySide
from test_second_reader import agree


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def rows(sides, source, *limits):
    """All events, after both readers have agreed on them."""
    sides.write(textwrap.dedent(source))
    done = sides.recorded("program.py", limits=limits)
    assert done.status == 0, done
    sides.verify()
    agree(sides.ct, sides.recording)
    printed = sides.printed("--format", "json", "--depth", "4", "--globals")
    return list(map(json.loads, printed.splitlines()))


# ---- texts ----

NAMES = """
    alphabet_one = 1
    alphabet_two = 2
    alphabet_one = 3
    class Attributes:
        def __init__(self):
            self.attribute_one = 1
            self.attribute_two = 2
            self.attribute_one = 3
    def locals_of(argument_one, argument_two, **keywords_of_f):
        argument_one = 5
        return vars(made)
    made = Attributes()
    held = locals_of(1, 2)
    data = {"longkey_number_one": 1}
    del alphabet_two
    made.attribute_three = 4
    alphabet_one = 4
    done = True
"""


def test_names_are_whole_whatever_the_limit_on_texts(sides):
    found = rows(sides, NAMES, "--max-text", "8")
    last = found[-1]["globals"]
    assert last["alphabet_one"]["repr"] == "4"
    assert "alphabet_two" not in last
    attributes = {"attribute_one": "3", "attribute_two": "2", "attribute_three": "4"}
    assert {key: held["repr"] for key, held in last["made"]["attrs"].items()} == attributes
    held = {key["repr"]: value["repr"] for key, value in last["held"]["entries"]}
    assert held == {repr(name): text for name, text in attributes.items()}
    inside = next(
        row for row in found if row["event"] == "return" and "argument_one" in row["locals"]
    )
    assert {"argument_one", "argument_two", "keywords_of_f"} == inside["locals"].keys()
    assert last["data"]["entries"][0][0]["repr"] == "'longkey_'… (10 more)"


def test_a_name_that_is_not_cut_changes_alone(sides):
    rows(sides, NAMES, "--max-text", "8")
    lines = [line.strip() for line in sides.printed().splitlines()]
    assert "self = <Attributes attribute_one=1, attribute_two=2>" in lines
    before = lines.index("alphabet_one = 3")
    assert lines.count("alphabet_two = 2") == 1
    assert lines.index("alphabet_two = 2") < before


def test_a_name_that_no_limit_bounds_is_bounded(sides):
    """Two that are alike up to the bound read alike; each is there."""
    source = """
        globals()["n" * 5000 + "1"] = 1
        globals()["n" * 1024] = 2
        done = True
    """
    last = rows(sides, source, "--max-text", "8")[-1]["globals"]
    assert last["n" * 1024]["repr"] == "2"
    assert max(map(len, last)) == 1024


def test_short_texts_are_whole(sides):
    last = rows(sides, "a = 'abcdefg'; b = 'abcdefgh'; c = b'abcd'", "--max-text", "3")[-1]
    shown = [last["locals"][name]["repr"] for name in "abc"]
    assert shown == ["'abcdefg'", "'abc'… (5 more)", "b'abc'… (1 more)"]


# ---- depth ----

DEEP = """
    def f():
        deep = [[[1]]]
        both = {"a": {"b": 1}}
        inner = deep[0]
        inner.append(2)
        return inner
    f()
"""


def test_what_lies_too_deep_is_not_recorded_and_no_damage(sides):
    found = rows(sides, DEEP, "--max-depth", "1")
    locals_of = {row["line"]: row["locals"] for row in found if "locals" in row}
    (item,) = locals_of[4]["deep"]["items"]
    assert item == {"kind": "dropped", "type": "", "repr": "<not recorded>"}
    assert locals_of[5]["both"]["repr"] == "{'a': <not recorded>}"
    assert "unreadable" not in sides.printed()


def test_what_a_line_reaches_is_described_then(sides):
    found = rows(sides, DEEP, "--max-depth", "1")
    locals_of = {row["line"]: row["locals"] for row in found if "locals" in row}
    assert locals_of[6]["inner"]["repr"] == "[<not recorded>]"
    assert locals_of[7]["deep"]["repr"] == "[[<not recorded>, 2]]"
    assert locals_of[7]["inner"]["repr"] == "[<not recorded>, 2]"


def test_an_export_shows_what_a_line_reaches_too(ct, sides, tmp_path):
    """Nothing of the list has changed but what is known of what it holds."""
    rows(sides, DEEP, "--max-depth", "1")
    path = tmp_path / "trace.json"
    assert sides.ask("export", "-o", str(path)).returncode == 0
    events = read_json(path)
    names = [event["VariableName"] for event in events if "VariableName" in event]
    shown = [
        event["Value"]["value"]["elements"]
        for event in events
        if "Value" in event and names[event["Value"]["variable_id"]] == "deep"
    ]
    assert [elements[0]["kind"] for elements in shown] == ["Error"] * 2 + ["Sequence"] * 2
    assert [elements[0].get("msg") for elements in shown] == ["<dropped>"] * 2 + [None] * 2
