"""Two readers, one trace: `ct print` and the reader written from docs/reference/trace-format.md."""

import contextlib
import itertools
import json
import re
import shutil
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import golden
import oracle
import pytest
import test_secret_shapes
from tracefmt import Damaged, Recording, printed_events
from tracefmt.container import DEFS, EVENTS, checksum, walk
from tracefmt.facts import wrong_facts

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
            # The second reader does not look ahead, where it is said what was late.
            if (has_text or key != "repr") and key != "verified"
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
    """Both readers show the same, and the index says what is there. Returns the recording."""
    recording = Recording.open(folder)
    assert not recording.damage
    assert recording.end is None or wrong_facts(recording) == []
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
        "inputs": "input",
        "thread_switches": "thread",
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


KEYS = {
    "a removed equal object": "d = {P(1): 1, 2: 2}; del d[P(1)]",
    "a changed equal object": "d = {P(1): 1}; d[P(1)] = 2",
    "a removed equal number": "d = {1: 1, 2: 2}; del d[1.0]",
    "a changed equal number": "d = {1: 1}; d[True] = 2",
    "a removed equal text": "d = {S('key'): 1, 2: 2}; del d['key']",
    "a removed tuple": "d = {(1, P(1)): 1, 2: 2}; del d[1, P(1)]",
}
KEYS_PROGRAM = """\
from dataclasses import dataclass

@dataclass(frozen=True)
class P:
    x: int

class S(str):
    pass

def f():
    {change}
    return d

print(len(f()))
"""


@pytest.mark.parametrize("change", KEYS)
def test_a_dict_changes_by_any_key_that_is_equal(ct, tmp_path, out, change):
    program = tmp_path / "keys.py"
    program.write_text(KEYS_PROGRAM.format(change=KEYS[change].replace("; ", "\n    ")))
    record(ct, program, out)
    _, events = agree(ct, out)
    shown = next(e for e in events if e["event"] == "return" and e["function"] == "f")
    written = "".join(e["text"] for e in events if e["event"] == "output")
    assert len(shown["value"]["entries"]) == int(written)


CUT_PROGRAM = """\
def f():
    d = dict.fromkeys(range(9))
    del d[8]
    return d

f()
"""


def test_a_key_that_was_not_recorded_can_go(ct, tmp_path, out):
    program = tmp_path / "cut.py"
    program.write_text(CUT_PROGRAM)
    record(ct, program, out, "--max-items", "4")
    _, events = agree(ct, out)
    shown = next(e for e in events if e["event"] == "return" and e["function"] == "f")
    assert shown["value"]["length"] == 8


DERIVED_PROGRAM = """\
class S(str):
    __slots__ = ()

def f():
    s = S("abcdef")
    pair = (4, 5)
    again = (4, 5), s
    return again

f()
"""


def test_a_short_text_of_a_subclass_that_is_cut_shifts_no_value(ct, tmp_path, out):
    program = tmp_path / "derived.py"
    program.write_text(DERIVED_PROGRAM)
    record(ct, program, out, "--max-text", "3")
    _, events = agree(ct, out)
    shown = next(e for e in events if e["event"] == "return" and e["function"] == "f")
    assert [item["kind"] for item in shown["value"]["items"]] == ["tuple", "str"]


SUBCLASSES = {
    "frozenset": ("frozenset({5})", ["int"]),
    "bytearray": ("bytearray(b'xy')", "Derived(b'xy')"),
}
SUBCLASS_PROGRAM = """\
class Derived({base}):
    pass

def f():
    value = Derived({value})
    value.x = 1
    return value

f()
"""


@pytest.mark.parametrize("base", SUBCLASSES)
def test_a_subclass_with_attributes_reads_like_its_base(ct, tmp_path, out, base):
    value, expected = SUBCLASSES[base]
    program = tmp_path / "derived.py"
    program.write_text(SUBCLASS_PROGRAM.format(base=base, value=value))
    record(ct, program, out)
    _, events = agree(ct, out)
    shown = next(e for e in events if e["event"] == "return" and e["function"] == "f")["value"]
    assert shown["kind"] == base
    items = [item["kind"] for item in shown.get("items", [])]
    assert (items or shown["repr"]) == expected


FULL_PROGRAM = """\
def f(texts):
    kept = {container}
    also = {container}
    return len(kept), len(also)

f([["x" * 4000 + str(n) for n in range(i, i + 4000)] for i in range(0, 40000, 4000)])
"""


@pytest.mark.parametrize(
    "container",
    [
        "[list(each) for each in texts]",
        "tuple(map(tuple, texts))",
        "[set(each) for each in texts], [frozenset(each) for each in texts]",
        "{i: tuple(each) for i, each in enumerate(texts)}",
    ],
)
def test_what_does_not_fit_in_a_block_is_left_out(ct, tmp_path, out, container):
    """One event has more to say than a block holds; nothing is written beyond it."""
    program = tmp_path / "full.py"
    program.write_text(FULL_PROGRAM.format(container=container))
    record(ct, program, out, "--export-limit", "1")
    recording, _ = agree(ct, out, depth=1, with_globals=False)
    assert recording.counters["values_cut"] > 0
    assert all(len(raw) < 1 << 20 for raw in recording.events)


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
    assert next(e["text"] for e in events if e["event"] == "output") == "last words"
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
    assert ("kind", "code") in recording.definitions.run


def test_golden_traces_name_no_machine():
    assert len(GOLDEN) >= 2
    for trace in GOLDEN:
        recording = Recording.open(trace)
        run = dict(recording.definitions.run)
        assert run["cwd"] == "/"
        assert run["executable"].startswith("/tmp/golden-")
        for raw in recording.events:
            assert b"/home/" not in raw
            assert b"/root/" not in raw


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
        with contextlib.suppress(Damaged):
            assert Recording.open(out).damage, f"byte {at}"
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


# Definitions of the example: type 0 is a list, plan 0 is f(n) with a variable xs, thread 0.
UNUSUAL = [
    "c2 00 80 e9",  # f(n=41)
    "c0 84 04",  # a far line: 258
    "c1 01 10 00 07",  # SET_FAR xs = object 7
    "d1 01 00 03 05 05 02 e9 0a 01 78 02 02 81 61 00 81 62 ea",  # five items, two known; a, b
    "d9 01 81 63 01",  # ATTR_ADD c = None
    "d8 01 00 02",  # ATTR a = True: its position was kept
    "da 01 01",  # ATTR_DEL b
    "d8 01 01 03",  # ATTR c = False, at the position b had
    "dc 01 00",  # CHECKED
    "db 01 09",  # TOTAL: nine items
    "41",
    "80 17 00 02 79 7a",  # n = GROW of node 0, "x", by "yz"
    "80 14 64 0e 01",  # n = CUT, of 100 characters, to node 1
    "dd 03 0e 01",  # NOTE 3, node 1
    "cc 05 cd 02",  # TICK, THREAD 2
    "d0 64 ce 00 cd 00",  # FORK 100, THREAD_END 0, THREAD 0
    "ca 02 01 00 00 05 01 00 17 00 01 77 41",  # an adopted call 1 in line 5; a GROW; line 6
    "d4 01 00 01 01 1a",  # SPLICE, whose value is no value
]


def block(kind, raw):
    header = struct.pack("<4sBBxxIII4xQ", b"CTBK", kind, 0, 0, len(raw), len(raw), checksum(raw))
    return header + struct.pack("<Q", checksum(header)) + raw


def unusual(records):
    """The example's definitions with other records, unfinished."""
    data = example()
    blocks = {each.kind: each.raw for each in walk(data)}
    raw = blocks[EVENTS][:40] + bytes.fromhex("".join(records))
    return data[:64] + block(DEFS, blocks[DEFS]) + block(EVENTS, raw)


def salvaged(ct, folder):
    command = [str(ct), "print", str(folder), "--salvage", "--format", "json", "--depth", "4"]
    done = subprocess.run(command, capture_output=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_records_the_recorder_does_not_write_yet_read_alike(ct, out):
    out.mkdir()
    (out / "trace.ctr").write_bytes(unusual(UNUSUAL[:-1]))
    events, _ = salvaged(ct, out)
    assert compare(events, printed_events(Recording.open(out), DEPTH)) == len(events)
    kinds = [event["event"] for event in events]
    assert kinds == [
        "call",
        "line",
        "line",
        "note",
        "thread",
        "fork",
        "thread end",
        "thread",
        "line",
    ]
    xs = events[2]["locals"]["xs"]
    assert xs["length"] == 9
    assert {name: value["repr"] for name, value in xs["attrs"].items()} == {
        "a": "True",
        "c": "False",
    }
    assert events[3]["value"]["repr"] == "'xyz'"
    assert events[-1]["locals"]["n"]["repr"] == "'xw'"
    assert (events[-1]["call"], events[-1]["depth"], events[-1]["ms"]) == (1, 0, 5)


def test_a_record_that_cannot_be_is_damage_for_both(ct, out):
    out.mkdir()
    wrong = {
        "no record": "de",
        "no value": "80 1b",
        "a value of SET only": "d3 01 31",
        "a slot too many": "82 01",
        "an object not opened": "d3 00 09 01",
        "an item too many": "d2 01 09 01",
        "a node too many": "80 0e 63",
        "a node in itself": "80 0c 01 0e 02",
        "a plan too many": "c2 01",
        "a frame not suspended": "c5 00",
        "a number too long": "cc ff ff ff ff ff ff ff ff ff ff 01",
        "a line below 0": "c0 ff ff 7f",
        "a tuple too long": "80 0c 7f 01",
        "a text too long": "80 0a 7f 61",
        "a node 64 levels deep": "80" + " 0c 01" * 64 + " 01",
        "a block before the first": "80 0f 01 00",
        "flags that are none": "d1 01 00 08 01",
        "a key that is not there": "d6 01 01",
    }
    for what, record in wrong.items():
        (out / "trace.ctr").write_bytes(unusual([*UNUSUAL[:4], "41", record]))
        with pytest.raises(Damaged):
            list(printed_events(Recording.open(out), DEPTH))
        _, complaint = salvaged(ct, out)
        assert "damaged" in complaint or "bad" in complaint, f"{what}: {complaint}"


def test_what_is_kept_out_reads_alike(ct, tmp_path, out):
    """Redacted and dropped values, by name and by shape, wherever a value stands."""
    rules = """
        [meta]
        name = "t"
        version = 1
        [scope]
        default_exec = "trace"
        default_value_action = "allow"
        [[scope.rules]]
        selector = "pkg:*"
        value_patterns = [
            { selector = "local:texts", action = "drop" },
            { selector = "attr:b", action = "drop" },
            { selector = "arg:rest", action = "redact" },
            { selector = "global:glob", action = "drop" },
        ]
        """
    (tmp_path / "f.toml").write_text(textwrap.dedent(rules))
    program = tmp_path / "program.py"
    program.write_text(
        test_secret_shapes.spoken(
            test_secret_shapes.EVERYWHERE, test_secret_shapes.SECRETS["github"]
        )
    )
    record(ct, program, out, "--trace-filter", tmp_path / "f.toml")
    recording, events = agree(ct, out)
    check_totals(recording, events)
    kinds = json.dumps(events)
    assert '"redacted"' in kinds
    assert '"dropped"' in kinds
