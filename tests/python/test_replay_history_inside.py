"""The history of a variable tells what the object it is bound to became, too."""

import random
import re

import pytest
from engine import Probe, record
from history_oracle import histories_of

SEEDS = range(12)
HEADER = """\
class Box:
    def __init__(self, x, items):
        self.x = x
        self.items = items

shared = []
table = {}
box = Box(0, shared)
"""
SIMPLE = [
    "xs.append({n})",
    "xs.append({n}); xs.append({n})",
    "xs[:1] = [{n}]",
    "xs += [{n}]",
    "del xs[:2]",
    "xs.reverse()",
    "xs.clear()",
    "xs = [{n}]",
    "xs = ys if isinstance(ys, list) else xs",
    "ys = xs",
    "ys = {n}",
    "ys = shared",
    "xs = list(xs); xs.append({n})",
    "d['k{n}'] = {n}",
    "d.pop('k{n}', None)",
    "d = {{'k': xs}}",
    "d = table",
    "table['x'] = {n}",
    "s.add({n})",
    "s.discard({n})",
    "s = {{{n}}}",
    "b.x = {n}",
    "b.x += 1",
    "b.items = xs",
    "b.items.append({n})",
    "b = Box({n}, xs)",
    "b = box",
    "box.x = {n}",
    "shared.append({n})",
    "del shared[:1]",
    "shared = [{n}]",
    "shared = xs",
    "pass",
]
CALLS = ["f{f}(xs, d, b)", "xs = f{f}(ys if isinstance(ys, list) else xs, d, b)", "inner()"]
NAMES = ["xs", "ys", "d", "s", "b", "shared", "table", "box"]


def body(rng, function, indent, count):
    lines = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.2 and (function > 0 or rng.random() < 0.5):
            call = rng.choice(CALLS if function > 0 else CALLS[2:])
            lines.append(indent + call.format(f=rng.randrange(max(function, 1))))
        elif kind < 0.3 and len(indent) < 12:
            lines.append(f"{indent}for i in range({rng.randrange(1, 4)}):")
            lines += body(rng, function, indent + "    ", rng.randrange(1, 4))
        else:
            lines.append(indent + rng.choice(SIMPLE).format(n=rng.randrange(6)))
    return lines


def program(seed):
    rng = random.Random(seed)
    lines = [HEADER]
    for function in range(3):
        lines += [
            f"def f{function}(xs, d, b, depth=0):",
            "    global shared",
            "    ys, s = xs, set()",
        ]
        lines += ["    def inner():", "        nonlocal xs, ys"]
        lines.append(f"        {rng.choice(['xs.append(7)', 'xs = [8]', 'ys = xs', 'ys = [xs]'])}")
        lines.append("        xs.append(9)")
        lines += body(rng, function, "    ", rng.randrange(4, 9))
        lines += ["    if depth < 2:", f"        f{function}([], d, b, depth + 1)"]
        lines += body(rng, function, "    ", rng.randrange(1, 4))
        lines += [f"    {rng.choice(['return xs', 'xs.append(5)', 'del ys'])}"]
        lines += ["    return [xs][0]", ""]
    lines += ["", "xs, ys, d, s, b = [], [], {}, set(), box", "inner = int"]
    lines += body(rng, 3, "", rng.randrange(8, 16))
    lines.append("done = 1")
    return "\n".join(lines) + "\n"


def normal(text):
    """Sets have no order."""
    return re.sub(
        r"\{(\d+(, \d+)*)\}", lambda m: "{" + ", ".join(sorted(m[1].split(", "))) + "}", text
    )


def all_pages(probe, name, scope, room, way):
    """All entries, so many at a time."""
    words = ("history", name, 0, scope, room, way)
    answer = probe.ask(*words)
    entries = answer["entries"]
    while not answer["done"]:
        assert len(answer["entries"]) == room
        answer = probe.ask(*words, answer["block"], answer["byte"])
        entries += answer["entries"]
    return entries


def is_text(text, whole):
    """Long ones are told by their beginning."""
    return whole.startswith(text.split(", …")[0]) if "…" in text else text == whole


def check(probe, oracle, function, name, scope="all", rooms=(3,)):
    of_call = oracle.first_call(function) if scope == "call" else None
    history = oracle.history(function, name, of_call)
    expected = sorted((step, normal(text)) for step, text in history)
    entries = all_pages(probe, name, scope, 1000, "forth")
    told = sorted((entry["step"], normal(entry["text"])) for entry in entries)
    assert [step for step, _ in told] == [step for step, _ in expected], (function, name)
    differing = [
        (step, text, whole)
        for (step, text), (_, whole) in zip(told, expected, strict=True)
        if not is_text(text, whole)
    ]
    assert differing == [], (function, name)
    for room in rooms:
        assert all_pages(probe, name, scope, room, "forth") == entries
    for room in (*rooms, 1000):
        assert all_pages(probe, name, scope, room, "back") == entries[::-1]
    buckets = probe.ask("draw", name, 0, scope, 50)["buckets"]
    assert sum(bucket[0] for bucket in buckets) == len(entries)
    return len(entries)


def compare(ct, folder, source, names, **options):
    """Compare the histories of the module's names and of those of each function, in all its calls
    and in its first. Return how many entries there were."""
    path = folder / "program.py"
    path.write_text(source, encoding="utf-8")
    oracle = histories_of(source, str(path), names)
    count = 0
    with Probe(record(ct, path, folder / "recording")) as probe:
        assert probe.ask("end")["step"] + 1 == oracle.steps
        for name in oracle.names_of("<module>"):
            count += check(probe, oracle, "<module>", name, **options)
        for function in re.findall(r"^def (\w+)", source, re.MULTILINE):
            if not oracle.names_of(function):
                continue
            probe.ask("start")
            while probe.ask("step", "into", "forth")["function"] != function:
                pass
            for name in oracle.names_of(function):
                count += check(probe, oracle, function, name, **options)
                count += check(probe, oracle, function, name, "call", **options)
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_histories_are_those_a_tracer_sees(ct, tmp_path, seed):
    assert compare(ct, tmp_path, program(seed), NAMES) > 50


LONG = """\
def add(ys, n):
    ys.append(n)
    return ys

def fill(xs, n):
    for i in range(n):
        xs.append(i)
        del xs[:-3]
        if i % 397 == 0:
            add([i], n)

def keep(xs):
    fill(xs, 8_000)
    xs.append(-1)
    fill([], 6_000)
    xs.append(-2)
    kept = xs
    fill(add([], 1), 2_000)

every = []
keep(every)
other = add(every, 3)
every = None
fill(other, 6_000)
done = 1
"""


def test_histories_go_on_over_many_blocks(ct, tmp_path):
    names = ["xs", "ys", "kept", "every", "other"]
    assert compare(ct, tmp_path, LONG, names, rooms=(777,)) > 100_000


SUSPENDED = """\
import asyncio

shared = []

def fill(xs, n):
    for i in range(n):
        xs.append(i)
        del xs[:-3]

def generate(xs):
    ys = xs
    yield 1
    xs.append(-1)
    ys = [0]
    yield 2
    ys.append(-2)

async def task(xs, zs):
    zs.append(len(xs))
    await asyncio.sleep(0)
    xs.append(7)
    await asyncio.sleep(0)

async def main():
    waiting = [asyncio.create_task(task(shared, [n])) for n in range(3)]
    await asyncio.sleep(0)
    fill(shared, 4_000)
    for one in waiting:
        await one

own = []
two = generate(own)
next(two)
fill(own, 8_000)
asyncio.run(main())
next(two)
fill(own, 4_000)
next(two, None)
done = 1
"""


@pytest.mark.parametrize(
    ("function", "name", "line", "all_calls", "one_call"),
    [
        ("generate", "xs", 13, 1, 23_999),
        ("generate", "ys", 12, 2, 16_001),
        ("task", "xs", 19, 8_003, 8_001),
    ],
)
def test_suspended_frames_hold_their_values(replayed, function, name, line, all_calls, one_call):
    """Objects change while all frames that hold them are suspended; of all calls of a generator
    the bindings are told."""
    probe = replayed(SUSPENDED)
    assert probe.ask("line", "program.py", line)["function"] == function
    for scope, count in (("all", all_calls), ("call", one_call)):
        whole = all_pages(probe, name, scope, 1000, "forth")
        assert len(whole) == count
        assert all_pages(probe, name, scope, 1000, "back") == whole[::-1]
        for at in (count // 3, count * 3 // 4):
            entry = whole[at]
            page = probe.ask("history", name, 0, scope, 9, "forth", entry["block"], entry["byte"])
            assert page["entries"] == whole[at : at + 9]
