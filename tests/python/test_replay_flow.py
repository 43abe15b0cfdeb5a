"""The flow of a call: visits of lines with what they read and wrote, conditions, loops."""

import time

import pytest
from engine import Probe, record

READ, WRITTEN, CHANGED = 1, 2, 4

PROGRAM = """\
def g(xs):
    xs.append(1)
    return xs

def f(n, xs):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
        elif i == 2:
            g(xs)
        else:
            pass
    y = total
    return y

a = 1
f(4, [])
b = a + 1
"""


@pytest.fixture
def probe(replayed):
    return replayed(PROGRAM)


def pages(probe, call, room):
    """All visits of a call, a page at a time."""
    answer = probe.ask("flow", call, 0, room)
    visits = answer["visits"]
    while answer["more"]:
        answer = probe.ask("flow", call, visits[-1]["step"] + 1, room)
        visits += answer["visits"]
    return visits


def values(visit):
    return {v["name"]: (v["before"], v["after"], v["flags"]) for v in visit["values"]}


def test_visits_values_and_conditions(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    visits = probe.ask("flow", call, 0, 100)["visits"]
    turns = [7, 8, 10, 13, 7, 8, 9, 7, 8, 10, 11, 7, 8, 9]
    assert [v["line"] for v in visits] == [6, *turns, 7, 14, 15]
    assert values(visits[0]) == {"total": ("", "0", WRITTEN | CHANGED)}
    conditions = [(v["line"], v["condition"]) for v in visits if v["line"] in (8, 10)]
    assert conditions == [
        (8, "false"),
        (10, "false"),
        (8, "true"),
        (8, "false"),
        (10, "true"),
        (8, "true"),
    ]
    (added, _) = [values(v)["total"] for v in visits if v["line"] == 9]
    assert added == ("0", "1", READ | WRITTEN | CHANGED)
    (called,) = [values(v)["xs"] for v in visits if v["line"] == 11]
    assert called == ("[]", "[1]", READ | CHANGED)
    assert values(visits[-2])["y"] == ("", "4", WRITTEN | CHANGED)  # no later line names it
    assert values(visits[-1])["y"] == ("4", "", READ)


CONDITIONS = """\
def f(x, y):
    if x > 3: y = 1
    if x and y:
        y = 2
    if x or y:
        y = 3
    while x > 3: x -= 1
    if not x: y = 4
    else: y = 5
    if x is None or not y:
        y = 6
    while not y > 5:
        y += 1
    for i in range(2):
        if i is not None and not y:
            continue
        y = 0
    return y

f(5, 1)
f(0, 1)
f(0, 0)
"""


def test_conditions_are_told_and_not_guessed(replayed):
    """`y` is 4 or 5 in lines 10 and 12, and 0 in the second turn of the last loop."""
    probe = replayed(CONDITIONS)
    went = []
    for call in (1, 2, 3):
        visits = probe.ask("flow", call, 0, 100)["visits"]
        assert {v["condition"] for v in visits if v["line"] in (2, 7, 8)} == {"unknown"}
        went.append([v["condition"][0] for v in visits if v["line"] in (3, 5, 10, 12, 15)])
    assert ["".join(way) for way in went] == ["ttftfft", "ftfttfft", "fffttfft"]


def test_pages_are_the_whole(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    whole = probe.ask("flow", call, 0, 100)["visits"]
    for room in (1, 2, 5):
        assert pages(probe, call, room) == whole
    assert probe.ask("flow", 99, 0, 5)["status"] == "usage"


def test_the_flow_of_a_module(probe):
    visits = probe.ask("flow", 0, 0, 100)["visits"]
    last = values(visits[-1])
    assert last["b"] == ("", "2", WRITTEN | CHANGED)
    assert last["a"] == ("1", "", READ)


def test_loops_and_their_turns(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    ((first, last, visits),) = probe.ask("loops", call)["loops"]
    assert (first, visits) == (7, 5)
    assert last in (11, 13)
    assert probe.ask("visit", call, 7, 3)["end"] == "moved"
    assert probe.ask("evaluate", 0, 0, "i")["text"] == "2"


PARTS = """\
class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next

def f(node, xs, d, i):
    xs[i] += node.value
    node.next.value = xs[-1]
    d["k"] = xs[i] + d["j"]
    node = node.next
    i = 0; y = xs[i]
    xs[i], i = 5, 1
    node.value, node = 3, Node(4)
    z = node.missing if y < 0 else len(xs)
    del d["j"]
    node.deep = Node(Node(1))
    return node.deep.value.value + xs[
        i]

f(Node(1, Node(2)), [1, 2, 3], {"j": 10}, 1)
"""


def parts(visit):
    """The values that are parts of others."""
    return {name: value for name, value in values(visit).items() if "." in name or "[" in name}


def test_attributes_and_items_are_values_of_the_line(replayed):
    probe = replayed(PARTS)
    call = probe.ask("line", "program.py", 7)["call"]
    visits = {visit["line"]: parts(visit) for visit in probe.ask("flow", call, 0, 100)["visits"]}
    node = "<Node value=2, next=None>"
    assert visits[7] == {
        "xs[i]": ("2", "3", READ | WRITTEN | CHANGED),
        "node.value": ("1", "", READ),
    }
    assert visits[8] == {
        "node.next": (node, "<Node value=3, next=None>", READ | CHANGED),
        "node.next.value": ("2", "3", WRITTEN | CHANGED),
        "xs[-1]": ("3", "", READ),
    }
    assert visits[9] == {
        "xs[i]": ("3", "", READ),
        'd["j"]': ("10", "", READ),
        'd["k"]': ("", "13", WRITTEN | CHANGED),
    }
    assert visits[10] == {"node.next": ("<Node value=3, next=None>", "", READ)}
    assert visits[11] == {}  # another i than when the line began
    assert visits[12] == {}  # another i than when xs[i] was written
    assert visits[13] == {}
    assert visits[14] == {}  # it never was
    assert visits[15] == {'d["j"]': ("10", "", WRITTEN)}
    assert visits[16]["node.deep"][0::2] == ("", WRITTEN | CHANGED)
    assert visits[17]["node.deep.value.value"] == ("1", "", READ)
    assert "xs[\n        i]" not in visits[17]


HOLDERS = """\
class Stack:
    def __init__(self):
        self.items = []
        self.table = {"k": 1}
        self.same = [3]

def drop(stack):
    stack.items.pop()
    stack.items = ["other"]

def f(stack):
    stack.items.append(1)
    stack.items[0] += 5
    stack.table.update(k=stack.same)
    stack.items.extend([2, 3]); y = len(stack.items)
    x = len(stack.items)
    stack = drop(stack) or stack.items
    stack = Stack() if stack.append(1) is None else stack
    stack.items = stack.items + stack.same
    drop(stack)
    return stack.same.copy()

f(Stack())
"""


def test_a_part_that_holds_an_object_shows_what_that_became(replayed):
    """As a name does; not of another object, which stands in its place now."""
    probe = replayed(HOLDERS)
    call = probe.ask("line", "program.py", 12)["call"]
    visits = {visit["line"]: parts(visit) for visit in probe.ask("flow", call, 0, 100)["visits"]}
    assert visits[12] == {"stack.items": ("[]", "[1]", READ | CHANGED)}
    assert visits[13] == {
        "stack.items": ("[1]", "[6]", READ | CHANGED),
        "stack.items[0]": ("1", "6", READ | WRITTEN | CHANGED),
    }
    assert visits[14] == {
        "stack.table": ("{'k': 1}", "{'k': [3]}", READ | CHANGED),
        "stack.same": ("[3]", "", READ),
    }
    assert visits[15] == {"stack.items": ("[6]", "[6, 2, 3]", READ | CHANGED)}
    assert visits[16] == {"stack.items": ("[6, 2, 3]", "", READ)}
    assert visits[17] == {"stack.items": ("[6, 2, 3]", "", READ)}
    assert visits[19]["stack.items"] == ("[]", "[3]", READ | WRITTEN | CHANGED)
    assert visits[21] == {"stack.same": ("[3]", "", READ)}


MANY = """\
class Thing: pass

def f(thing, n):
    thing.count = 0
    for i in range(n):
        thing.count += thing.step
        thing.table[i % 7] = thing.table[-1]

thing = Thing()
thing.step = 2
thing.table = list(range(4000))
thing.names = {str(i): i for i in range(4000)}
f(thing, 3000)
"""


def test_parts_cost_a_page_a_bounded_time(replayed):
    probe = replayed(MANY)
    call = probe.ask("line", "program.py", 4)["call"]
    probe.ask("flow", call, 0, 10)
    begun = time.monotonic()
    visits = probe.ask("flow", call, 0, 300)["visits"]
    assert time.monotonic() - begun < 0.5
    assert parts(visits[2])["thing.count"] == ("0", "2", READ | WRITTEN | CHANGED)
    last = [visit for visit in visits if visit["line"] == 6][-1]
    assert parts(last)["thing.step"] == ("2", "", READ)


LONG = """\
def f(n):
    s = 0
    for i in range(n):
        s += i
    return s

f(1_000_000)
"""


def test_a_late_turn_of_a_long_loop_is_there_at_once(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LONG)
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        call = probe.ask("line", "program.py", 2)["call"]
        begun = time.monotonic()
        step = probe.ask("visit", call, 3, 900_000)["step"]
        visits = probe.ask("flow", call, step, 4)["visits"]
        assert [v["line"] for v in visits] == [3, 4, 3, 4]
        assert values(visits[0])["i"] == ("899999", "900000", WRITTEN | CHANGED)
        assert probe.ask("loops", call)["loops"][0][2] == 1_000_001
        assert time.monotonic() - begun < 0.3
