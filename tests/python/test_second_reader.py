"""Two readers, one trace: `ct print` and the reader written from docs/reference/trace-format.md."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import golden
import oracle
import pytest
from tracefmt import Damaged, Recording, printed_events

TESTS = Path(__file__).resolve().parent.parent
PAGE = TESTS.parent / "docs" / "reference" / "trace-format.md"
PROGRAMS = sorted((TESTS / "programs").glob("*.py"))
GOLDEN = sorted((TESTS / "golden").glob("*.ctr"))
DEPTH = 4


def environment():
    return oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)


def record(ct, program, folder, *options):
    command = [str(ct), "record", "-o", str(folder), *options, str(program)]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment())


def printed(ct, folder, depth=DEPTH, with_globals=True):
    """All events `ct print` shows."""
    command = [str(ct), "print", str(folder), "--format", "json", "--depth", str(depth)]
    done = subprocess.run(command + ["--globals"] * with_globals, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return [json.loads(line) for line in done.stdout.decode("utf-8", "surrogatepass").splitlines()]


def without_texts(theirs, mine):
    """Their event, without the texts of values of which the second reader gives none."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        has_text = "repr" in mine or "kind" not in theirs
        return {
            key: without_texts(value, mine.get(key))
            for key, value in theirs.items()
            if has_text or key != "repr"
        }
    if isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        return [without_texts(one, other) for one, other in zip(theirs, mine, strict=True)]
    return theirs


def compare(theirs, mine):
    """Every event the same, and in it every member, in the same order."""
    count = 0
    for one, other in itertools.zip_longest(theirs, mine):
        assert one is not None, f"ct does not show {other}"
        assert other is not None, f"only ct shows {one}"
        one = without_texts(one, other)
        assert one == other
        assert json.dumps(one) == json.dumps(other), "the order differs"
        count += 1
    return count


def agree(ct, folder, depth=DEPTH, with_globals=True):
    """Both readers show the same. Returns the recording."""
    recording = Recording.open(folder)
    assert not recording.damage
    theirs = printed(ct, folder, depth, with_globals)
    assert compare(theirs, printed_events(recording, depth, with_globals)) > 0
    return recording, theirs


def check_totals(recording, events):
    """END says how many there are, and the counters count them."""
    counted = {
        "lines": "line",
        "calls": "call",
        "returns": "return",
        "yields": "yield",
        "resumes": "resume",
        "throws": "throw",
        "unwinds": "unwind",
        "raises": "raise",
        "handled": "handled",
        "outputs": "output",
        "forks": "fork",
    }
    kinds = [event["event"] for event in events]
    for counter, kind in counted.items():
        assert recording.counters[counter] == kinds.count(kind), counter
    if recording.end is not None:
        assert recording.end.steps == kinds.count("line")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_both_readers_show_the_same(ct, program, out):
    record(ct, program, out)
    recording, events = agree(ct, out)
    assert recording.end is not None
    check_totals(recording, events)


# Each turn writes thousands of bytes: what is live goes on over many blocks.
BLOCKS = '''\
"""Frames, generators, threads and objects that live longer than a block."""

import itertools
import threading

numbers = itertools.count()


class Node:
    def __init__(self, name):
        self.name = name
        self.values = list(range(60))
        self.table = {f"key {i}": i for i in range(20)}


def filler(i, node):
    text = f"{next(numbers):05}" + chr(97 + i % 26) * 3900
    node.values[i % 60] = i * 1.5
    node.table[f"key {i % 20}"] = text[:5]
    return text


def generate(count, node):
    kept = ["a text that is longer than a node near by needs to be", 2.5, node]
    for i in range(count):
        text = filler(i, node)
        kept.append(i)
        try:
            yield text[:2], kept[0]
        except KeyError:
            kept.pop()


def descend(depth, node):
    local = depth * 1000
    if depth:
        return descend(depth - 1, node) + local
    for text, _ in generate(70, node):
        local += len(text)
    return local


def work(node, barrier):
    for i in range(40):
        barrier.wait()
        text = filler(i, node)
    return text


def main():
    node, other = Node("main"), Node("other")
    slow = generate(9, other)
    next(slow)
    total = descend(12, node)
    slow.throw(KeyError("over blocks"))
    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(n, barrier)) for n in (node, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    next(slow)
    return total, node, other


main()
'''


def test_what_lives_longer_than_a_block_is_the_same(ct, tmp_path, out):
    program = tmp_path / "blocks.py"
    program.write_text(BLOCKS)
    record(ct, program, out)
    recording, events = agree(ct, out, depth=3, with_globals=False)
    assert len(recording.events) >= 3
    check_totals(recording, events)
    records = {raw[40:] for raw in recording.events}
    assert any(b"\xca" in raw for raw in records)
    assert {event["thread"] for event in events} >= {0, 1, 2}


@pytest.mark.parametrize(
    "options",
    [
        ("--max-text", "5"),
        ("--max-items", "2"),
        ("--max-depth", "1"),
        ("--max-attributes", "1"),
        ("--max-text", "0", "--max-items", "0", "--max-depth", "0", "--max-attributes", "0"),
    ],
    ids=" ".join,
)
def test_limits_cut_the_same_for_both(ct, out, options):
    record(ct, TESTS / "golden" / "tour.py", out, *options)
    agree(ct, out)


# ---- traces that were not finished

DYING = """\
import os, signal, sys
def f(n):
    items = []
    for i in range(n):
        items.append(i)
    return items
f(20)
print("last words", flush=True)
{end}
"""
ENDS = {
    "os._exit": "os._exit(3)",
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "in a call": "(lambda x: os._exit(x))(4)",
}


def start(program, folder, **options):
    """Record without `ct record`, which would finish what the program leaves."""
    command = [sys.executable, "-m", "codetracer_python_recorder", "-o", str(folder)]
    return subprocess.Popen(
        [*command, "--format", "ctr", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        **options,
    )


@pytest.mark.parametrize("end", ENDS)
def test_the_tail_of_a_dead_program_loses_no_event(ct, tmp_path, out, end):
    program = tmp_path / "dying.py"
    program.write_text(DYING.format(end=ENDS[end]))
    with start(program, out) as process:
        process.communicate()
    assert (out / "trace.ctr.tail").exists()
    recording, events = agree(ct, out)
    assert recording.end is None
    check_totals(recording, events)
    last = [event for event in events if event["event"] == "line"][-1]
    assert last["line"] == 9, "the line that ended the program is there"


@pytest.mark.parametrize("end", ENDS)
def test_what_ct_record_finishes_is_the_same(ct, tmp_path, out, end):
    program = tmp_path / "dying.py"
    program.write_text(DYING.format(end=ENDS[end]))
    record(ct, program, out)
    assert not (out / "trace.ctr.tail").exists()
    recording, events = agree(ct, out)
    assert recording.end is not None
    check_totals(recording, events)


def test_a_tail_continues_the_blocks_of_the_file(ct, tmp_path, out):
    program = tmp_path / "blocks.py"
    program.write_text(BLOCKS + "import os\nos._exit(0)\n")
    with start(program, out) as process:
        process.communicate()
    recording, events = agree(ct, out, depth=2, with_globals=False)
    assert recording.end is None
    assert len(recording.events) >= 3
    check_totals(recording, events)


def test_a_running_recording_can_be_read(ct, tmp_path, out):
    program = tmp_path / "waiting.py"
    program.write_text(DYING.format(end="sys.stdin.read()"))
    with start(program, out) as process:
        assert process.stdout.readline() == b"last words\n"
        time.sleep(0.2)  # up to the line that waits
        snapshot = tmp_path / "snapshot"
        shutil.copytree(out, snapshot)
        process.stdin.close()
        assert process.wait() == 0
    recording, events = agree(ct, snapshot)
    assert recording.end is None
    assert [event["text"] for event in events if event["event"] == "output"][0] == "last words"
    finished, later = agree(ct, out)
    assert finished.end is not None
    assert later[: len(events)] == events


# ---- traces that stay


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.stem)
def test_golden_traces_read_as_ever(trace):
    text = golden.printed(trace)
    assert text == trace.with_suffix(".jsonl").read_text("utf-8", "surrogatepass")
    events = [json.loads(line) for line in text.splitlines()]
    recording = Recording.open(trace)
    compare(events, printed_events(recording, int(golden.DEPTH)))
    check_totals(recording, events)
    source = recording.definitions.run
    assert ("kind", "code") in source


def test_golden_traces_name_no_machine():
    assert len(GOLDEN) >= 2
    for trace in GOLDEN:
        recording = Recording.open(trace)
        for raw in recording.events:
            assert b"/home/" not in raw
            assert b"/root/" not in raw
        assert not {"executable", "cwd"} & {key for key, _ in recording.definitions.run}


def example():
    """The bytes of the page's example."""
    lines = re.findall(r"^    ([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", PAGE.read_text("utf-8"), re.M)
    data = b""
    for offset, line in lines:
        assert int(offset, 16) == len(data), "the page's offsets follow one another"
        data += bytes.fromhex(line)
    return data


def test_the_example_of_the_page_is_a_trace(ct, out):
    out.mkdir()
    data = example()
    assert f"A trace of {len(data)} bytes" in PAGE.read_text("utf-8")
    (out / "trace.ctr").write_bytes(data)
    _, events = agree(ct, out)
    shown = [
        (event["event"], event["step"], event["line"], event.get("locals", event.get("args")))
        for event in events
    ]
    texts = [(*row[:3], {name: value["repr"] for name, value in row[3].items()}) for row in shown]
    assert texts == [
        ("call", 0, 0, {"n": "41"}),
        ("line", 0, 2, {"n": "41"}),
        ("line", 1, 3, {"n": "41", "xs": "[41]"}),
        ("line", 2, 4, {"n": "42", "xs": "[41]"}),
        ("return", 2, 4, {"n": "42", "xs": "[41]"}),
    ]
    verified = subprocess.run([str(ct), "verify", str(out)], capture_output=True)
    assert verified.returncode == 0, verified.stderr.decode()


def test_every_wrong_byte_of_the_example_is_noticed_by_both(ct, out):
    """Checksums cover all but the trailer's magic, whose loss makes a trace an unfinished one."""
    out.mkdir()
    data = example()
    for at in range(0, len(data) - 32, 7):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        (out / "trace.ctr").write_bytes(damaged)
        try:
            assert Recording.open(out).damage, f"byte {at}"
        except Damaged:
            pass
        done = subprocess.run([str(ct), "verify", str(out)], capture_output=True)
        assert done.returncode == 1, f"byte {at}: {done.stdout.decode()}"


def test_a_prefix_of_a_trace_is_complete_up_to_there(ct, tmp_path, out):
    whole = tmp_path / "whole"
    program = tmp_path / "blocks.py"
    program.write_text(BLOCKS)
    record(ct, program, whole)
    data = (whole / "trace.ctr").read_bytes()
    out.mkdir()
    everything = list(printed_events(Recording.open(whole), 1))
    for size in (len(data) * part // 5 for part in range(1, 5)):
        (out / "trace.ctr").write_bytes(data[:size])
        recording = Recording.open(out)
        assert recording.end is None
        events = list(printed_events(recording, 1))
        assert events == everything[: len(events)]
        command = [str(ct), "print", str(out), "--salvage", "--format", "json", "--depth", "1"]
        done = subprocess.run(command, capture_output=True)
        if events:
            theirs = done.stdout.decode("utf-8", "surrogatepass").splitlines()
            compare(map(json.loads, theirs), events)
