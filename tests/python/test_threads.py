"""Threads in a trace: who they are, every switch, and when they end."""

import json
import subprocess
import sys

import oracle
import pytest
from sanitizer import SANITIZED
from tracefmt import Recording
from tracefmt.facts import wrong_facts

WHO = """\
import _thread
import threading
import time


class Named(threading.Thread):
    __slots__ = ("extra",)

    @property
    def name(self):
        raise AssertionError("the recorder asked for a name")

    def run(self):
        work("Named")


def work(name):
    print(repr((name, threading.get_ident(), threading.get_native_id())), flush=True)


def run(thread):
    thread.start()
    thread.join()


work("")
run(threading.Thread(target=work, args=("worker",), name="worker"))
odd = "\\ud800 \\N{SNOWMAN}"
run(threading.Thread(target=work, args=(odd,), name=odd))
run(threading.Thread(target=work, args=("x" * 256,), name="x" * 70000))
thread = threading.Thread(target=work, args=("late",))
thread.name = "late"
run(thread)
thread = Named()
thread._name = "Named"
run(thread)
_thread.start_new_thread(work, ("",))
time.sleep(0.2)
"""

NEVER = """\
import threading
import time

for _ in range(3):
    threading.Thread(target=time.sleep, args=(0.01,)).start()
time.sleep(0.05)
thread = threading.Thread(target=lambda: print("met"))
thread.start()
thread.join()
time.sleep(0.05)
print("end")
"""

ENDS = """\
import threading
import time


def work(seconds):
    time.sleep(seconds)


def turn(n):
    return n + 1


def busy(thread):
    while thread.is_alive():
        time.sleep(0.001)
        turn(1)
    for _ in range(100):
        time.sleep(0.001)
        turn(2)


def failing():
    raise SystemExit


def stays():
    while True:
        time.sleep(0.01)


short = threading.Thread(target=work, args=(0.05,), name="short")
short.start()
busy(short)
exits = threading.Thread(target=failing, name="exits")
exits.start()
exits.join()
threading.Thread(target=stays, name="stays", daemon=True).start()
turn(3)
time.sleep(0.05)
print("main goes on", flush=True)
time.sleep(0.05)
last = threading.Thread(target=work, args=(0,), name="last")
last.start()
last.join()
time.sleep(0.05)
"""

# What a turn writes fills an eighth of a block; the threads take turns.
SWITCHES = """\
import itertools
import threading

numbers = itertools.count()


def text():
    return f"{next(numbers):06}" + "x" * 3900


def work(barrier):
    kept = []
    for i in range(60):
        barrier.wait()
        kept = [text(), text(), text(), text()]
    return kept


barrier = threading.Barrier(3)
threads = [threading.Thread(target=work, args=(barrier,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

MANY = """\
import resource
import threading
import time


def work(n):
    return [n, n + 1]


def some(count):
    for n in range(count):
        thread = threading.Thread(target=work, args=(n,))
        thread.start()
        thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


print(some(200), some(1800))
time.sleep(0.05)  # 3.12 joins a thread that is still about to end
"""


@pytest.fixture
def recorded(ct, tmp_path, out):
    def record(text):
        program = tmp_path / "program.py"
        program.write_text(text)
        command = [str(ct), "record", "--export-limit", "1", "-o", str(out), str(program)]
        environment = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
        environment["PYTHONIOENCODING"] = "utf-8"
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=environment
        )
        assert done.returncode == 0, done.stderr.decode()
        assert subprocess.run([str(ct), "verify", str(out)], capture_output=True).returncode == 0
        shown = subprocess.run(
            [str(ct), "print", str(out), "--format", "json", "--depth", "1"],
            capture_output=True,
            check=True,
        )
        lines = shown.stdout.decode("utf-8", "surrogatepass").splitlines()
        return Recording.open(out), [json.loads(line) for line in lines], done.stdout.decode()

    return record


def ends(recording, events):
    """Names of the threads that ended, in order."""
    threads = recording.definitions.threads
    return [threads[event["number"]].name for event in events if event["event"] == "thread end"]


def test_a_thread_is_told_with_its_name_and_identifiers(recorded):
    recording, events, out = recorded(WHO)
    told = [eval(line) for line in out.splitlines() if line.startswith("(")]
    threads = recording.definitions.threads
    assert list(threads) == list(range(len(told)))
    assert [(each.name, each.identifier, each.native_id) for each in threads.values()] == told
    # 3.12 joins a thread that is still about to end: two may do so in either order.
    assert sorted(ends(recording, events)) == sorted(name for name, _, _ in told[1:])


def test_a_thread_that_runs_no_recorded_code_is_not_there(recorded):
    recording, events, _ = recorded(NEVER)
    assert list(recording.definitions.threads) == [0, 1]
    assert [event["number"] for event in events if event["event"] == "thread end"] == [1]


def test_a_thread_ends_while_others_run(recorded):
    recording, events, _ = recorded(ENDS)
    assert ends(recording, events) == ["short", "exits", "last"]
    names = [each.name for each in recording.definitions.threads.values()]
    assert names == ["", "short", "exits", "stays", "last"]
    short = next(i for i, event in enumerate(events) if event["event"] == "thread end")
    assert events[short]["thread"] == 0
    before, after = events[:short], events[short:]
    assert not [event for event in after if event["thread"] == 1]
    assert [event for event in before if event.get("function") == "turn"]
    assert [event for event in after if event.get("function") == "turn"]
    last = max(event["ms"] for event in before if event["thread"] == 1)
    assert last <= events[short]["ms"]


def test_a_thread_end_and_a_name_are_shown(ct, recorded, out):
    recorded(ENDS)
    done = subprocess.run([str(ct), "print", str(out)], capture_output=True, text=True)
    shown = [line for line in done.stdout.splitlines() if line.startswith("== thread")]
    assert "== thread 1 short" in shown
    assert "== thread 1 short ends" in shown


def test_every_switch_is_recorded_at_the_border_of_blocks_too(recorded):
    recording, events, _ = recorded(SWITCHES)
    assert len(recording.events) > 10
    assert wrong_facts(recording) == []
    running, switches = 0, 0
    for event in events:
        if event["thread"] != running:
            assert event["event"] == "thread"
            running, switches = event["thread"], switches + 1
        else:
            assert event["event"] != "thread"
    assert switches == recording.counters["thread_switches"] > 20


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps the memory that was freed")
def test_threads_that_ended_take_no_memory(recorded):
    recording, events, out = recorded(MANY)
    few, many = map(int, out.split())
    assert many - few < 8 * 1024
    assert len(ends(recording, events)) == len(recording.definitions.threads) - 1 == 2000
