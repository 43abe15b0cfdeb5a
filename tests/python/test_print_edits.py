"""`ct print` shows what was done to a long container: done again in Python, it gives the same."""

import ast
import copy
import itertools
import json
import random
import re
import textwrap

import pytest
from side_by_side import SideBySide

STEP = re.compile(r" *(\d+)  program\.py:")
EDIT = re.compile(r" {8,}(?P<edit>.*[^ ])  \(\d+ (?:items|attributes)\)$")
WHOLE = re.compile(r" {8,}(?P<name>\w+) = ")
START = {
    "items": list(range(300)),
    "window": list(range(300)),
    "ages": {i: str(i) for i in range(200)},
    "seen": set(range(200)),
}
CHANGES = """
    items.append({n})
    items.insert({n}, 'in')
    items[{n}] = ['a', {n}]
    items[{n}:{n} + 5] = [1, 2]
    items += [1, 2, 3]
    items[1], items[{n}] = 'x', 'y'
    items.pop()
    items.reverse()
    del items[{n}]
    del items[{n}:{n} + 9]
    window.appendleft({n})
    window.rotate(1)
    window.popleft()
    ages[{n}] = 'new'
    ages['key {n}'] = {n}
    ages['key {n} that is long'] = {n}
    ages.pop({n}, None)
    ages.pop('key {n}', None)
    ages.pop('key {n} that is long', None)
    seen.add('{n}')
    seen.add('{n} is a long text')
    seen.discard({n})
    seen.discard('{n} is a long text')
    seen.clear() if {n} == 7 else None
    items = list(items)
"""


def program(seed):
    pick = random.Random(seed)
    lines = [line.strip() for line in CHANGES.strip().splitlines()]
    body = [pick.choice(lines).format(n=pick.randrange(40)) for _ in range(120)]
    return "\n".join(
        [
            "import collections",
            "def f():",
            f"    items = {START['items']!r}",
            f"    window = collections.deque({START['window']!r})",
            f"    ages = {START['ages']!r}",
            f"    seen = {START['seen']!r}",
            *(f"    {line}" for line in body),
            "    return 1",
            "f()",
        ]
    )


def rows_by_step(text):
    """The changes shown below each step."""
    rows, step = {}, None
    for line in text.splitlines():
        found = STEP.match(line)
        step = int(found[1]) if found else step
        if not found and step is not None:
            rows.setdefault(step, []).append(line)
    return rows


def state_of(row):
    """The containers of a step, as the JSON form has them whole."""
    texts = {name: row["locals"][name]["repr"] for name in START if name in row["locals"]}
    texts = {name: re.sub(r"^deque\((.*)\)$", r"\1", text) for name, text in texts.items()}
    return {
        name: set() if text == "set()" else ast.literal_eval(text) for name, text in texts.items()
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_edits_are_what_was_done(ct, python, tmp_path, seed):
    sides = SideBySide(ct, python, tmp_path)
    sides.write(program(seed))
    assert sides.recorded("program.py").status == 0
    shown = rows_by_step(sides.printed("--function", "f"))
    states = map(json.loads, sides.printed("--format", "json", "--function", "f").splitlines())
    states = {row["step"]: state_of(row) for row in states if row["event"] == "line"}
    here, edits = {}, 0
    steps = sorted(states)
    for step, after in itertools.pairwise(steps):
        for line in shown.get(step, []):
            edit, whole = EDIT.match(line), WHOLE.match(line)
            if edit is not None:
                exec(edit["edit"], {}, here)
                edits += 1
            elif whole is not None and whole["name"] in START:
                here[whole["name"]] = copy.deepcopy(states[after][whole["name"]])
        assert here == states[after], step
    assert edits > 50


def printed(ct, python, folder, source, *words):
    sides = SideBySide(ct, python, folder)
    sides.write(textwrap.dedent(source))
    assert sides.recorded("program.py").status == 0
    return sides.printed("--function", "f", *words)


GROWING = """
    class Big: pass
    def f():
        long = list(range(400))
        long.append('last')
        short = [1]
        short.append(2)
        big = Big()
        big.__dict__.update((f"attribute_{i}", i) for i in range(30))
        big.attribute_3 = 'new'
        return 1
    f()
"""


def test_what_fits_is_shown_whole(ct, python, tmp_path):
    text = printed(ct, python, tmp_path, GROWING)
    assert " short = [1, 2]\n" in text
    assert " long += ['last']  (401 items)\n" in text
    assert " big.attribute_3 = 'new'  (30 attributes)\n" in text


def test_the_whole_value_can_be_asked_for(ct, python, tmp_path):
    text = printed(ct, python, tmp_path, GROWING, "--length", "0")
    assert " items)" not in text
    assert text.count("397, 398, 399") == 2


def test_a_short_length_shows_changes_of_short_containers(ct, python, tmp_path):
    text = printed(ct, python, tmp_path, GROWING, "--length", "2")
    assert " short += [2]  (2 items)\n" in text
