"""The tasks at a moment: against what asyncio itself says, and by example."""

import json
import random

import pytest
from engine import Probe, events_of, record

SUSPENDED = 2**32 - 2  # the "thread" of frames of suspended tasks

# What asyncio knows of all its tasks but for those that have not begun: of each the chain of what
# it awaits from its coroutine inwards, as (name, line) of frames of this file; of a running one
# nothing.
CENSUS = """\
import asyncio
import gc
import inspect
import json

def chain(awaited):
    found = []
    while awaited is not None:
        if type(awaited).__name__ == "async_generator_asend":
            awaited = next(r for r in gc.get_referents(awaited) if hasattr(r, "ag_frame"))
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        frame = frame or getattr(awaited, "ag_frame", None)
        if frame is not None and frame.f_code.co_filename == __file__:
            found.append((frame.f_code.co_qualname, frame.f_lineno))
        inner = getattr(awaited, "cr_await", None)
        inner = inner or getattr(awaited, "gi_yieldfrom", None)
        awaited = inner or getattr(awaited, "ag_await", None)
    return found

def census():
    tasks = [task.get_coro() for task in asyncio.all_tasks()]
    begun = [c for c in tasks if inspect.getcoroutinestate(c) != inspect.CORO_CREATED]
    chains = [
        [] if c.cr_running else chain(c)
        for c in begun
    ]
    with open(__file__ + ".json", "a") as file:
        print(json.dumps(chains), file=file)
"""

SOCIETY = (
    CENSUS
    + """
class Ready:
    def __init__(self, future):
        self.future = future
    def __await__(self):
        done = yield from self.future
        return done

async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i

async def leaf(future):
    return await Ready(future)

async def branch(future):
    try:
        return await leaf(future)
    finally:
        await asyncio.sleep(0)

async def counting(n):
    total = 0
    async for i in ticks(n):
        total += i
        await asyncio.sleep(0); await asyncio.sleep(0)
    return total

async def watching(n):
    for _ in range(n):
        census()
        await asyncio.sleep(0)

async def main():
    loop = asyncio.get_running_loop()
    never = loop.create_future()
    tasks = [asyncio.create_task(branch(never)) for _ in range(5)]
    tasks += [asyncio.create_task(counting(n)) for n in range(4)]
    census()
    await watching(3)
    census()
    watcher = asyncio.create_task(watching(6))
    tasks[0].cancel()
    for _ in range(4):
        await asyncio.sleep(0)
        census()
    never.set_result(1)
    await asyncio.gather(*tasks, return_exceptions=True)
    census()
    await watcher

asyncio.run(main())
"""
)


def tasks_at(probe, first=0, count=100, name=""):
    answer = probe.ask("tasks", first, count, name)
    assert "error" not in answer, answer
    return answer


def chains_at(probe):
    """Of each task what CENSUS would print."""
    chains = []
    for task in tasks_at(probe)["tasks"]:
        frames = []
        if not task["running"]:
            answer = probe.ask("task-frames", task["call"], 0, 100)
            frames = [(f["function"], f["line"]) for f in answer["frames"]]
            assert (task["inner"], task["line"]) == frames[0]
            assert task["frames"] == len(frames)
        chains.append(list(reversed(frames)))
    return chains


def censuses(ct, folder):
    """The step of each look at all tasks, and what was seen."""
    line = CENSUS.splitlines().index("        print(json.dumps(chains), file=file)") + 1
    events = events_of(ct, folder)
    steps = [e["step"] for e in events if e["event"] == "line" and e["line"] == line]
    seen = folder.with_name("program.py.json").read_text("utf-8").splitlines()
    return list(zip(steps, map(json.loads, seen), strict=True))


def as_sets(chains):
    return sorted(tuple(map(tuple, chain)) for chain in chains)


@pytest.fixture
def society(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SOCIETY, "utf-8")
    return record(ct, program, tmp_path / "recording")


def test_tasks_are_those_of_asyncio_with_what_they_await(ct, society):
    seen = censuses(ct, society)
    assert len(seen) == 14
    with Probe(society) as probe:
        for step, chains in [*seen, *reversed(seen)]:
            probe.ask("go", step)
            assert as_sets(chains_at(probe)) == as_sets(chains), step


def test_list_is_the_same_from_wherever_one_comes(society):
    """What is kept on the way changes nothing."""
    with Probe(society) as forth, Probe(society) as alone:
        forth.ask("end")
        last = forth.ask("end")["step"]
        for step in range(0, last, 7):
            alone.ask("go", last - step)
            forth.ask("go", last - step)
            there = tasks_at(alone)
            assert tasks_at(forth) == there
            assert [t["call"] for t in there["tasks"]] == sorted(t["call"] for t in there["tasks"])
            assert all(t["step"] <= last - step for t in there["tasks"])
            page = tasks_at(alone, 1, 2)
            assert page["tasks"] == there["tasks"][1:3]
            named = tasks_at(alone, 0, 100, "branch")
            assert named["tasks"] == [t for t in there["tasks"] if "branch" in t["function"]]
            assert (named["total"], named["all"]) == (len(named["tasks"]), there["total"])


CROWD = """\
import asyncio

async def part(n, r):
    await asyncio.sleep(0)
    return n + r

async def worker(n):
    total = 0
    for r in range(n % 40):
        total += await part(n, r)
        for i in range(20):
            total += i
    return total

async def main():
    await asyncio.gather(*(worker(n) for n in range(300)))

asyncio.run(main())
"""


def test_list_is_the_same_over_many_blocks(ct, tmp_path):
    """What is kept between blocks is what one who follows all of them finds."""
    program = tmp_path / "program.py"
    program.write_text(CROWD, "utf-8")
    folder = record(ct, program, tmp_path / "recording")
    with Probe(folder) as jumping:
        last = jumping.ask("end")["step"]
        assert last > 100_000
        seen, most = {}, 0
        for step in random.Random(1).sample(range(last), 40):
            jumping.ask("go", step)
            seen[step] = tasks_at(jumping, 0, 400)
            most = max(most, seen[step]["total"])
        assert most > 250
    with Probe(folder) as walking:
        blocks = set()
        for step in sorted(seen):
            walking.ask("go", step)
            assert tasks_at(walking, 0, 400) == seen[step], step
            blocks.add(step // 20_000)
        assert len(blocks) > 4
        alive = {t["call"] for t in seen[max(seen)]["tasks"]}
        assert alive <= {t["call"] for t in seen[sorted(seen)[-2]]["tasks"]}


def test_suspended_frames_have_their_variables(replayed):
    probe = replayed(
        """\
import asyncio

async def inner(n, seen):
    doubled = n * 2
    await asyncio.sleep(0)
    seen.append(doubled)

async def outer(n, seen):
    label = f"task {n}"
    await inner(n, seen)

async def main():
    seen = []
    tasks = [asyncio.create_task(outer(n, seen)) for n in range(3)]
    await asyncio.sleep(0)
    seen.append("here")
    await asyncio.gather(*tasks)

asyncio.run(main())
"""
    )
    probe.ask("line", "program.py", 17)
    tasks = tasks_at(probe)["tasks"]
    assert [(t["function"], t["inner"], t["line"], t["running"]) for t in tasks] == [
        ("main", "main", 17, True),
        ("outer", "inner", 5, False),
        ("outer", "inner", 5, False),
        ("outer", "inner", 5, False),
    ]
    answer = probe.ask("task-frames", tasks[2]["call"], 0, 10)
    assert [f["function"] for f in answer["frames"]] == ["inner", "outer"]
    texts = []
    for number in answer["numbers"]:
        listed = probe.ask("variables", SUSPENDED, number, 0, 10)["children"]
        texts.append({child["name"]: child["text"] for child in listed})
    # Objects are what they are now, not what they were when the frame was suspended.
    assert texts[0] == {"n": "1", "seen": "['here']", "doubled": "2"}
    assert texts[1] == {"n": "1", "seen": "['here']", "label": "'task 1'"}
    assert probe.ask("task-frames", tasks[2]["call"], 1, 1)["frames"][0]["function"] == "outer"
    assert probe.ask("task-frames", tasks[0]["call"], 0, 9)["status"] == "usage"
    assert probe.ask("task-frames", 10**9, 0, 9)["status"] == "usage"
    moved = probe.ask("step", "into")
    assert moved["end"] == "moved"
    assert probe.ask("variables", SUSPENDED, 0, 0, 10)["status"] == "usage"


def test_coroutine_driven_by_hand_is_a_task_and_a_generator_is_none(replayed):
    probe = replayed(
        """\
import types

@types.coroutine
def pause():
    yield

def numbers():
    yield 1
    yield 2

async def worker(source):
    got = (next(source), await pause())
    return got

source = numbers()
by_hand = worker(source)
by_hand.send(None)
marker = 1
next(source)
try:
    by_hand.send(None)
except StopIteration:
    marker = 2
"""
    )
    probe.ask("line", "program.py", 18)
    (task,) = tasks_at(probe)["tasks"]
    assert (task["function"], task["inner"], task["frames"]) == ("worker", "pause", 2)
    probe.ask("line", "program.py", 23)
    assert tasks_at(probe)["total"] == 0


def test_program_without_coroutines_has_no_tasks(replayed):
    probe = replayed("def f():\n    yield 1\n\nfor x in f():\n    print(x)\n")
    probe.ask("end")
    assert tasks_at(probe) == {"total": 0, "all": 0, "tasks": []}
    assert probe.ask("task-frames", 0, 0, 9)["status"] == "usage"
