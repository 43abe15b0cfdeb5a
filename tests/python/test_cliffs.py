"""Shapes of data that would make recording quadratic, or worse, if it looked at all they reach."""

import subprocess
import textwrap

import oracle
import pytest
from sanitizer import SLOWER

# Seconds; each takes two at most, and minutes where the cliff is not handled.
PATIENCE = 60 * SLOWER

CHAIN = """
    def chain(length):
        error = TypeError(1)
        for _ in range(length):
            error = ExceptionGroup("group", [error])
        return error

    chain(6000)
"""

LONG_DEQUE = """
    from collections import deque

    def shorten(items):
        for _ in range(1500):
            items.popleft()
            items.appendleft(1)
            items.popleft()

    shorten(deque(range(100_000)))
"""


def record(ct, python, tmp_path, source):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(source), encoding="utf-8")
    return subprocess.run(
        [ct, "record", "-o", tmp_path / "recording", program],
        env=oracle.environment(CODETRACER_PYTHON_INTERPRETER=python),
        capture_output=True,
        timeout=PATIENCE,
    )


def test_a_line_looks_at_a_bounded_part_of_what_it_reaches(ct, python, tmp_path):
    assert record(ct, python, tmp_path, CHAIN).returncode == 0


def test_a_long_deque_that_loses_its_front_is_not_written_anew(ct, python, tmp_path):
    assert record(ct, python, tmp_path, LONG_DEQUE).returncode == 0
    assert (tmp_path / "recording" / "trace.ctr").stat().st_size < 1_000_000


# What changes one thing in something long: each time a part as long as the limit would be written.
LONG = {
    "a set that grows": "held = set(range(100_000))\nfor n in range(5000): held.add(-n)",
    "a set that grows by a bound method": (
        "held = set(range(100_000)); add = held.add\nfor n in range(5000): add(-n)"
    ),
    "a set that shrinks": "held = set(range(100_000))\nfor n in range(5000): held.discard(n)",
    "a set of what is to be done": (
        "held = set(range(100_000))\nfor n in range(5000): held.add(held.pop() + 7)"
    ),
    "a dict that shrinks": (
        "held = dict.fromkeys(range(100_000))\nfor n in range(5000): held.pop(n)"
    ),
    "an ordered dict that shrinks": (
        "from collections import OrderedDict\nheld = OrderedDict.fromkeys(range(100_000))\n"
        "for n in range(5000): held.popitem(last=False)"
    ),
    "a cache": (
        "from collections import OrderedDict\nheld = OrderedDict.fromkeys(range(100_000))\n"
        "for n in range(5000): held.move_to_end(n * 7)"
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_a_change_of_something_long_is_told_alone(ct, python, tmp_path, name):
    body = textwrap.indent(LONG[name].replace(": held.", ":\n    held."), "    ")
    assert record(ct, python, tmp_path, f"def change():\n{body}\nchange()\n").returncode == 0
    assert (tmp_path / "recording" / "trace.ctr").stat().st_size < 400_000


LONG_INSIDE = """
    import os

    class Holder:
        def __init__(self):
            self.rows = [(i, str(i), (i, None)) for i in range(10_000)]
            self.count = 0

    def step(holder, turn):
        holder.count += os.getpid() and turn

    def work(holder):
        for turn in range(400_000):
            step(holder, turn)

    work(Holder())
"""


def test_a_long_list_inside_an_object_is_looked_at_in_parts(ct, python, tmp_path):
    assert record(ct, python, tmp_path, LONG_INSIDE).returncode == 0


SHARED = """
    class Node:
        def __init__(self, n):
            self.n = n
            self.name = "node %d" % n

    class Root:
        def __init__(self):
            self.nodes = [Node(i) for i in range(200)]
            self.rows = [tuple(self.nodes[i : i + 50]) for i in range(150)]

    def work(root):
        total = 0
        for i in range(14_000):
            total += i

    work(Root())
"""


def test_objects_in_many_tuples_are_printed_once(ct, python, tmp_path):
    assert record(ct, python, tmp_path, SHARED).returncode == 0
    command = [ct, "print", tmp_path / "recording"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert printed.stdout.count("total += i") == 14_000


TUPLE = """
    def change():
        pair = ([1], {})
        pair[0].append(2)
        pair[1]["k"] = 3
        number = 4
        return pair

    change()
"""


def test_what_a_tuple_variable_holds_is_seen_to_change(ct, python, tmp_path):
    assert record(ct, python, tmp_path, TUPLE).returncode == 0
    printed = subprocess.run(
        [ct, "print", tmp_path / "recording"], capture_output=True, text=True, check=True
    ).stdout
    places = [
        printed.index(text) for text in ("pair[0].app", "[1, 2], {}", "'k': 3}", "number = 4")
    ]
    assert places == sorted(places)
