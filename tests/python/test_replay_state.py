"""What the engine shows at a moment: threads, stacks, variables, trees of values."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from engine import PATIENCE, Probe, record

PROGRAMS = sorted(Path(__file__).resolve().parent.parent.joinpath("programs").glob("*.py"))
MOMENTS = 25


def variables(probe, frame=0, thread=0):
    answer = probe.ask("variables", thread, frame, 0, 1000)
    assert answer["total"] == len(answer["children"])
    return {child["name"]: child for child in answer["children"]}


def texts(answer):
    return [(child["name"], child["text"]) for child in answer["children"]]


NESTED = """\
class Point:
    def __init__(self, x):
        self.x = x

def leaf(n, *rest, key=None):
    total = n
    return total

def middle(p):
    q = p.x
    return leaf(q,
                q + 1,
                key="k")

middle(Point(4))
"""


def test_stack_has_call_sites_and_every_frame_its_variables(replayed):
    probe = replayed(NESTED)
    assert probe.ask("line", "program.py", 7)["end"] == "moved"
    stack = probe.ask("stack", 0, 0, 10)
    assert [(f["function"], f["line"], f["site"]) for f in stack["frames"]] == [
        ("leaf", 7, False),
        ("middle", 11, True),
        ("<module>", 15, True),
    ]
    assert not stack["more"]
    window = probe.ask("stack", 0, 1, 1)
    assert (window["frames"][0]["function"], window["more"]) == ("middle", True)
    top = variables(probe)
    assert {name: child["text"] for name, child in top.items()} == {
        "n": "4",
        "key": "'k'",
        "rest": "(5,)",
        "total": "4",
    }
    assert variables(probe, 1)["p"]["text"] == "<Point x=4>"
    assert variables(probe, 2)["Point"]["type"] == "type"
    assert probe.ask("variables", 0, 3, 0, 9)["status"] == "usage"
    names = probe.ask("children", probe.ask("globals", 0, 0)["reference"], "indexed", 0, 99)
    assert "'Point'" in [name for name, _ in texts(names)]


CHANGES = """\
def f(items, n):
    n += 1
    items.append(n)
    other = [1]
    g(items)
    return n

def g(items):
    items.append(0)
    items.pop()
    items.append(1)

f([], 1)
"""


def test_what_changed_since_the_steps_before(replayed):
    probe = replayed(CHANGES)

    def changes(line, frame=0):
        probe.ask("start")
        assert probe.ask("line", "program.py", line)["end"] == "moved"
        return {
            name: child.get("was", child.get("new"))
            for name, child in variables(probe, frame).items()
            if "was" in child or "new" in child
        }

    assert changes(2) == {}
    assert changes(3) == {"n": "1"}
    assert changes(4) == {"items": "[]"}
    assert list(changes(5)) == ["other"]
    assert changes(10) == {"items": "[2]"}
    assert changes(11, 1) == {}  # appended and popped again
    assert changes(6) == {"items": "[2]"}


VALUES = """\
import collections, dataclasses, enum
Pair = collections.namedtuple("Pair", "left right")
@dataclasses.dataclass
class Data:
    a: int
    b: list
class Colour(enum.Enum):
    RED = 1
class Named(int):
    pass
many = list(range(1000))
table = {(1, "x"): [1], "k": {2: 3}}
pair = Pair(1, (2, 3))
data = Data(1, [2])
colour = Colour.RED
part = slice(1, None, 2)
named = Named(5)
named.note = "five"
text = "a" * 5
done = True
"""


def test_values_are_trees_with_pages(replayed):
    probe = replayed(VALUES)
    probe.ask("end")
    found = variables(probe)

    def children(name, section, first=0, count=10):
        return probe.ask("children", found[name]["reference"], section, first, count)

    page = children("many", "indexed", 990, 20)
    assert page["total"] == 1000
    assert texts(page) == [(str(n), str(n)) for n in range(990, 1000)]
    assert texts(children("table", "indexed")) == [("(1, 'x')", "[1]"), ("'k'", "{2: 3}")]
    assert texts(children("pair", "named")) == [("left", "1"), ("right", "(2, 3)")]
    inner = children("pair", "named")["children"][1]
    assert texts(probe.ask("children", inner["reference"], "indexed", 1, 1)) == [("1", "3")]
    assert texts(children("data", "named")) == [("a", "1"), ("b", "[2]")]
    assert texts(children("part", "named")) == [("start", "1"), ("stop", "None"), ("step", "2")]
    assert texts(children("named", "named")) == [("note", "'five'")]
    assert (found["text"]["named"], found["text"]["indexed"]) == (0, 0)
    assert children("colour", "named")["total"] >= 2
    assert found["many"]["length"] == 1000


def test_a_reference_is_good_for_its_moment(replayed):
    probe = replayed("a = [1]\nb = 2\nc = 3\n")
    probe.ask("end")
    reference = variables(probe)["a"]["reference"]
    assert probe.ask("children", reference, "indexed", 0, 9)["total"] == 1
    probe.ask("step", "into", "back")
    for bad in (reference, 0, 10**18):
        assert probe.ask("children", bad, "indexed", 0, 9)["status"] == "usage"


THREADS = """\
import threading

def work(n):
    started.set()
    go.wait()
    return n

started, go = threading.Event(), threading.Event()
t = threading.Thread(target=work, args=(3,))
t.start()
started.wait()
x = 1
go.set()
t.join()
"""


def test_other_threads_have_their_stacks(replayed):
    probe = replayed(THREADS)
    probe.ask("line", "program.py", 12)
    threads = probe.ask("threads", 0, 10)
    assert threads["total"] == 2
    assert [(t["line"], t["runs"], t["has_frames"]) for t in threads["threads"]] == [
        (12, True, True),
        (5, False, True),
    ]
    other = threads["threads"][1]["number"]
    assert variables(probe, 0, other)["n"]["text"] == "3"
    assert probe.ask("threads", 1, 1)["threads"][0]["number"] == other


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_variables_are_those_that_print_shows(ct, program, out):
    record(ct, program, out)
    command = [str(ct), "print", str(out), "--format", "json", "--steps", "--depth", "0"]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    lines = printed.stdout.decode("utf-8", "replace").splitlines()
    chosen = random.Random(1).sample(lines, min(MOMENTS, len(lines)))
    with Probe(out) as probe:
        for line in chosen:
            event = json.loads(line)
            assert "error" not in probe.ask("go", event["step"])
            shown = variables(probe, 0, event["thread"])
            assert list(shown) == list(event["locals"])
            for name, value in event["locals"].items():
                assert shown[name]["kind"] == value["kind"]
                if "repr" in value and value["kind"] in ("int", "float", "str", "none", "bool"):
                    assert shown[name]["text"][:300] == value["repr"][:300]
