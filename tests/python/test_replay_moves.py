"""Moving through a recording: every move of the engine is what docs/reference/stepping.md says,
by example and on whole programs against a model that looks through all events."""

import os
import random
import tempfile
import time
from pathlib import Path

import pytest
from engine import Model, Probe, events_of, flags_of, record
from hypothesis import HealthCheck, given, settings
from program_strategy import programs

PROGRAMS = sorted(Path(__file__).resolve().parent.parent.joinpath("programs").glob("*.py"))
MOVES = ["into", "over", "out"]
WALK = 150
EXAMPLES = int(os.environ.get("CT_EXAMPLES", "30")) // 3


def place(answer):
    return answer["function"], answer["line"]


def walk(probe, *moves):
    """The places a series of moves leads to."""
    return [place(probe.ask("step", *move.split())) for move in moves]


def at(probe, line, index=0):
    """Stand on a visit of a line."""
    probe.ask("start")
    if place(probe.ask("go", 0))[1] == line and index == 0:
        return
    for _ in range(index + 1):
        assert probe.ask("line", "program.py", line)["end"] == "moved"


CALLS = """\
def inner(n):
    n += 1
    return n

def outer(n):
    m = inner(n); k = inner(m)
    return m + k

a = outer(1)
b = outer(2)
c = 3
"""


def test_over_stays_out_of_calls(replayed):
    probe = replayed(CALLS)
    at(probe, 9)
    assert walk(probe, "over", "over", "over back", "over back") == [
        ("<module>", 10),
        ("<module>", 11),
        ("<module>", 10),
        ("<module>", 9),
    ]


def test_over_never_lands_in_a_sibling(replayed):
    probe = replayed(CALLS)
    at(probe, 3)  # the end of the first inner(); the second one starts on the same line
    assert walk(probe, "over", "over") == [("outer", 6), ("outer", 7)]
    at(probe, 2, 1)  # the start of the second inner()
    assert walk(probe, "over back", "over back", "over back") == [
        ("outer", 6),
        ("outer", 6),
        ("<module>", 9),
    ]


def test_out_lands_at_the_call_site(replayed):
    probe = replayed(CALLS)
    at(probe, 2)
    answer = probe.ask("step", "out")
    assert (place(answer), answer["left_by"]) == (("outer", 6), "return")
    assert walk(probe, "out", "over") == [("<module>", 9), ("<module>", 10)]
    at(probe, 2)
    assert walk(probe, "out back", "out back") == [("outer", 6), ("<module>", 9)]


def test_into_takes_every_moment_both_ways(replayed):
    probe = replayed(CALLS)
    at(probe, 9)
    there = walk(probe, *["into"] * 6)
    assert there == [
        ("outer", 6),
        ("inner", 2),
        ("inner", 3),
        ("outer", 6),
        ("inner", 2),
        ("inner", 3),
    ]
    assert walk(probe, *["into back"] * 6) == [*there[-2::-1], ("<module>", 9)]


def test_at_an_end_it_stays_and_says_so(replayed):
    probe = replayed("a = 1\nb = 2\n")
    assert probe.ask("step", "into", "back")["end"] == "start"
    assert probe.ask("step", "over", "back")["end"] == "root"
    assert probe.ask("end")["line"] == 2
    for move, end in [("into", "end"), ("over", "root"), ("out", "root")]:
        answer = probe.ask("step", move)
        assert (answer["end"], answer["step"]) == (end, 1)
    assert probe.ask("line", "program.py", 1)["end"] == "not found"
    assert probe.ask("event", "output")["end"] == "not found"
    assert probe.ask("step", "into", "back")["end"] == "moved"


RECURSION = """\
def down(n):
    if n > 0:
        down(n - 1)
    return n

down(3)
"""


def test_recursion_keeps_to_its_own_call(replayed):
    probe = replayed(RECURSION)
    at(probe, 3)
    call = probe.ask("go", 3)["call"]
    answers = [probe.ask("step", "over"), probe.ask("step", "over", "back")]
    assert [(a["call"], a["line"]) for a in answers] == [(call, 4), (call, 3)]
    at(probe, 4)  # of the deepest call
    assert walk(probe, "over", "over", "over") == [("down", 3), ("down", 4), ("down", 3)]


GENERATOR = """\
def numbers(n):
    while n:
        yield n
        n -= 1

def total():
    s = 0
    for i in numbers(2):
        s += i
    return s

total()
"""


def test_over_follows_a_generator_and_out_leaves_its_visit(replayed):
    probe = replayed(GENERATOR)
    at(probe, 3)
    assert walk(probe, "over", "over back") == [("numbers", 4), ("numbers", 3)]
    assert walk(probe, "out", "over", "over") == [("total", 8), ("total", 9), ("total", 8)]
    assert walk(probe, "into", "out back") == [("numbers", 4), ("total", 8)]


COROUTINES = """\
import asyncio

async def child(n):
    await asyncio.sleep(0)
    return n

async def parent(n):
    a = await child(n)
    b = await child(a)
    return b

async def main():
    await asyncio.gather(parent(1), parent(2))

asyncio.run(main())
"""


def test_over_an_await_stays_in_the_coroutine(replayed):
    probe = replayed(COROUTINES)
    at(probe, 8)
    call = probe.ask("go", probe.ask("step", "into")["step"] - 1)["call"]
    for line in (9, 10):
        answer = probe.ask("step", "over")
        assert (answer["call"], answer["line"]) == (call, line)
    at(probe, 4)  # out of a coroutine is its end, whatever runs while it waits
    assert walk(probe, "out") == [("parent", 8)]
    assert walk(probe, "over") == [("parent", 9)]


THREADS = """\
import threading

def work(n):
    for i in range(n):
        ready.wait()
    return n

ready = threading.Event()
ts = [threading.Thread(target=work, args=(3,)) for _ in range(2)]
for t in ts:
    t.start()
ready.set()
for t in ts:
    t.join()
"""


def test_moves_stay_in_their_thread(replayed):
    probe = replayed(THREADS)
    at(probe, 5)
    thread = probe.ask("go", probe.ask("line", "program.py", 5)["step"])["thread"]
    assert thread != 0
    while True:
        answer = probe.ask("step", "over")
        assert answer["thread"] == thread
        if answer["end"] != "moved":
            break
    assert answer["end"] == "root"
    assert probe.ask("step", "over", "back", 0)["thread"] == 0


TURNS = """\
def f(n):
    return n

for i in range(3): f(i)
x = f(
    1,
    2 and 3 if 0 else
    4) if 0 else f(5)
y = 1
"""


def test_over_takes_each_turn_and_over_line_none(replayed):
    probe = replayed(TURNS)
    at(probe, 4)
    first = probe.ask("go", 1)
    turns = [probe.ask("step", "over") for _ in range(3)]
    assert {answer["line"] for answer in turns} == {4}
    assert probe.ask("step", "over")["line"] != 4
    probe.ask("go", first["step"])
    behind = probe.ask("step", "over-line")
    assert behind["line"] != 4
    assert probe.ask("step", "over-line", "back")["step"] == first["step"]


EXCEPTIONS = """\
def fail(n):
    if n == 0:
        raise ValueError(n)
    fail(n - 1)

def swallow():
    try:
        fail(2)
    except ValueError:
        return "handled"

print(swallow())
print(1)
int("x")
"""


def test_an_exception_leaves_frame_after_frame(replayed):
    probe = replayed(EXCEPTIONS)
    answer = probe.ask("event", "exception")
    assert place(answer) == ("fail", 3)
    lefts = [probe.ask("step", "over") for _ in range(3)]
    assert [place(a) for a in lefts] == [("fail", 4), ("fail", 4), ("swallow", 8)]
    assert {a["left_by"] for a in lefts} == {"unwind"}
    assert walk(probe, "over", "over", "over") == [
        ("swallow", 9),
        ("swallow", 10),
        ("<module>", 12),
    ]


def test_next_and_previous_exception_and_output(replayed):
    probe = replayed(EXCEPTIONS)
    there = [probe.ask("event", "exception") for _ in range(2)]
    assert [place(a) for a in there] == [("fail", 3), ("<module>", 14)]
    assert probe.ask("event", "exception")["end"] == "not found"
    assert place(probe.ask("event", "exception", "back")) == ("fail", 3)
    probe.ask("start")
    outputs = [probe.ask("event", "output") for _ in range(2)]
    assert [a["line"] for a in outputs] == [12, 13]
    assert probe.ask("event", "output", "back")["line"] == 12


def test_calls_lines_and_visits(replayed):
    probe = replayed(GENERATOR)
    call = probe.ask("line", "program.py", 3)["call"]
    assert [probe.ask(q, call)["line"] for q in ("call-start", "call-end")] == [2, 2]
    assert probe.ask("call-start", call)["step"] < probe.ask("call-end", call)["step"]
    answer = probe.ask("visit", call, 3, 1)
    assert (answer["end"], answer["line"]) == ("moved", 3)
    answer = probe.ask("visit", call, 3, 2)
    assert (answer["end"], answer["count"]) == ("not found", 2)
    assert probe.ask("call-start", 99)["status"] == "usage"
    assert probe.ask("line", "program.py", 3, "back", call)["line"] == 3
    assert probe.ask("counts", "program.py", 1, 12, 10**9)["visits"] == [
        *[1, 3, 2, 2, 0, 1, 1, 3, 2, 1, 0, 1]
    ]
    assert probe.ask("place", "program.py", 5)["line"] == 6
    assert probe.ask("place", "program.py", 99)["status"] == "state"


def test_there_is_no_such_moment(replayed):
    probe = replayed("a = 1\nb = 2\n")
    for moment in [(2, 0), (10**18, 0), (0, 1), (1, 1), (1, 2**32 - 1)]:
        assert probe.ask("go", *moment)["status"] == "usage", moment
    assert probe.ask("step", "into")["step"] == 1


LONG = """\
def work(n):
    t = 0
    for i in range(n):
        t += i
    return t

def between(n):
    return work(n)

a = between(1_500_000)
b = 2
"""


def test_a_long_call_is_stepped_over_by_the_index(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LONG)
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        at(probe, 8)
        begun = time.monotonic()
        answer = probe.ask("step", "over")
        assert place(answer) == ("<module>", 10)
        assert answer["step"] > 3_000_000
        assert walk(probe, "over", "over back", "into") == [
            ("<module>", 11),
            ("<module>", 10),
            ("between", 8),
        ]
        assert walk(probe, "into", "out", "out back") == [
            ("work", 2),
            ("between", 8),
            ("<module>", 10),
        ]
        needed = time.monotonic() - begun
        # Playing the call once takes longer than these eight moves together.
        assert needed < 0.3


# ---- whole programs, against the model ----


def check_move(probe, model, moment, name, backwards):
    probe.ask("go", moment.step, moment.left)
    answer = probe.ask("step", name, *["back"] * backwards)
    assert "error" not in answer, (moment, name, backwards, answer)
    end, to = model.move(name, moment, backwards)
    where = (moment, name, backwards)
    assert (answer["end"], answer["step"], answer["left"]) == (end, to.step, to.left), where
    assert (answer["call"], answer["line"], answer["thread"]) == (to.call, to.line, to.thread)
    return end, to


def check_program(ct, program, folder, seed):
    record(ct, program, folder)
    flags_of.cache_clear()
    model = Model(events_of(ct, folder))
    chooser = random.Random(seed)
    moments = list(model.moments.values())
    if not moments:
        return
    with Probe(folder) as probe:
        moment = chooser.choice(moments)
        for _ in range(WALK):
            name, backwards = chooser.choice(MOVES), chooser.random() < 0.5
            end, to = check_move(probe, model, moment, name, backwards)
            if end == "moved" and name == "into":
                check_move(probe, model, to, name, not backwards)
                assert model.into(to, not backwards) == ("moved", moment)
            if end == "moved" and name == "over" and to.call == moment.call:
                back = check_move(probe, model, to, name, not backwards)[1]
                assert back == moment or moment.left > 0
            moment = to if end == "moved" and chooser.random() < 0.7 else chooser.choice(moments)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_moves_are_those_of_the_model(ct, program, out):
    check_program(ct, program, out, 1)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(programs())
def test_moves_in_generated_programs(ct, source):
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(source, encoding="utf-8")
        check_program(ct, program, Path(folder) / "recording", len(source))
