"""`ct print`: its text, JSON and CSV forms, its filters, and what it says about bad input."""

import csv
import io
import json
import os
import pathlib
import signal
import subprocess
from typing import Any

import pytest
from side_by_side import SideBySide
from trace_maker import UNBOUND, TraceMaker

Result = subprocess.CompletedProcess[str]

SOURCE = """\
def add(a, b):
    total = a + b
    return total
def numbers():
    yield 1
items = [1]
items.append(add(1, 2))
g = numbers()
next(g)
add(1, None)
"""

ARGUMENT, NAMESPACE = 1, 5
CALL, RETURN, YIELD, RESUME, UNWIND, RAISE, OUTPUT = 0xC2, 0xC3, 0xC4, 0xC5, 0xC7, 0xC8, 0xCF
THREAD, APPEND, PAIR = 0xCD, 0xD3, 0xD5


def make_demo(path: pathlib.Path) -> None:
    """Write the trace of a run of SOURCE: what a recorder would write for it."""
    maker = TraceMaker()
    names: dict[str, Any] = {"__name__": "__main__"}
    items = [1]
    error = TypeError("unsupported")
    maker.run("program", "demo.py")
    source = maker.path("/home/user/demo.py", SOURCE)
    module = maker.plan(source, "<module>", 1, (("", NAMESPACE),), global_object=names)
    variables = (("a", ARGUMENT), ("b", ARGUMENT), ("total", 0))
    add = maker.plan(source, "add", 1, variables, 2, names)
    numbers = maker.plan(source, "numbers", 4, (), 0, names)
    maker.thread(0, "MainThread")

    maker.event(THREAD, (0,))
    maker.call(module)
    maker.set(0, names)
    maker.line(6)  # step 0: line 6
    maker.object_event(PAIR, names, (), "items", items)
    maker.line(1)  # step 1: line 7
    maker.call(add)
    maker.set(0, 1)
    maker.set(1, 2)
    maker.line(2)  # step 2
    maker.set(2, 3)
    maker.line(1)  # step 3
    maker.ticks(12)
    maker.event(RETURN, (), 3)
    maker.object_event(APPEND, items, (), 3)
    maker.line(1)  # step 4: line 8
    maker.call(numbers)
    maker.event(YIELD, (), 1)
    maker.event(OUTPUT, (1,), "hello, \x1b[31mworld\n")
    maker.line(1)  # step 5: line 9
    maker.event(RESUME, (2,))
    maker.line(5)  # step 6
    maker.event(RETURN, (), None)
    maker.line(1)  # step 7: line 10
    maker.call(add)
    maker.set(0, 1)
    maker.set(1, None)
    maker.line(2)  # step 8
    maker.event(RAISE, (), error)
    maker.event(UNWIND, (), error)
    maker.event(RAISE, (), error)
    maker.event(UNWIND, (), error)
    maker.save(path)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("demo") / "trace.ctr"
    make_demo(path)
    return path


def run(ct: pathlib.Path, *arguments: Any, **options: Any) -> Result:
    command = [str(ct), "print", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def printed(ct: pathlib.Path, *arguments: Any) -> str:
    result = run(ct, "--salvage", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def events(ct: pathlib.Path, *arguments: Any) -> list[dict[str, Any]]:
    text = printed(ct, "--format", "json", *arguments)
    return [json.loads(line) for line in text.splitlines()]


def test_the_listing_shows_steps_source_changes_and_events(ct: pathlib.Path, demo: pathlib.Path):
    expected = """\
step  place       function  what
== thread 0 MainThread
      demo.py:1   <module>  -> <module>()
   0  demo.py:6   <module>  items = [1]
                                items = [1]
   1  demo.py:7   <module>  items.append(add(1, 2))
      demo.py:1   add         -> add(a=1, b=2)
   2  demo.py:2   add         total = a + b
                                  total = 3
   3  demo.py:3   add         return total
      demo.py:3   add         <- 3
                                items = [1, 3]
   4  demo.py:8   <module>  g = numbers()
      demo.py:4   numbers     -> numbers()
      demo.py:4   numbers     <- yield 1
      demo.py:8   <module>  >> stdout 'hello, \\x1b[31mworld\\n'
   5  demo.py:9   <module>  next(g)
      demo.py:4   numbers     -> resume
   6  demo.py:5   numbers     yield 1
      demo.py:5   numbers     <- None
   7  demo.py:10  <module>  add(1, None)
      demo.py:1   add         -> add(a=1, b=None)
   8  demo.py:2   add         total = a + b
      demo.py:2   add         !! raise TypeError('unsupported')
      demo.py:2   add         <- unwind TypeError('unsupported')
      demo.py:10  <module>  !! raise TypeError('unsupported')
      demo.py:10  <module>  <- unwind TypeError('unsupported')
"""
    assert printed(ct, demo) == expected


def test_the_call_tree_has_arguments_results_and_times(ct: pathlib.Path, demo: pathlib.Path):
    expected = """\
      ms  call
          == thread 0
          <module>() {
      12    add(a=1, b=2) = 3
            numbers() {
            numbers yields 1
            numbers resumes
       0    } = None
       0    add(a=1, b=None) ! TypeError('unsupported')
      12  } ! TypeError('unsupported')
"""
    assert printed(ct, "--calls", demo) == expected


def test_json_steps_have_the_whole_state(ct: pathlib.Path, demo: pathlib.Path):
    steps = [event for event in events(ct, demo) if event["event"] == "line"]
    assert [step["step"] for step in steps] == list(range(9))
    third = steps[3]
    assert third["file"] == "/home/user/demo.py"
    assert (third["function"], third["line"], third["call"]) == ("add", 3, 1)
    assert (third["thread"], third["depth"]) == (0, 1)
    assert {name: value["repr"] for name, value in third["locals"].items()} == {
        "a": "1", "b": "2", "total": "3"}  # fmt: skip
    assert list(steps[2]["locals"]) == ["a", "b"]
    assert steps[4]["locals"]["items"] == {
        "kind": "list", "type": "list", "object": 1, "repr": "[1, 3]",
        "items": [{"kind": "int", "type": "int", "repr": "1"},
                  {"kind": "int", "type": "int", "repr": "3"}],
    }  # fmt: skip
    assert steps[4]["locals"]["__name__"]["repr"] == "'__main__'"


def test_json_events_carry_their_values(ct: pathlib.Path, demo: pathlib.Path):
    found = {}
    for event in events(ct, demo):
        found.setdefault(event["event"], event)
    assert {name: value["repr"] for name, value in found["call"]["args"].items()} == {}
    assert found["return"]["value"]["repr"] == "3"
    assert found["return"]["locals"]["total"]["repr"] == "3"
    assert found["yield"]["value"]["repr"] == "1"
    assert found["output"]["stream"] == "stdout"
    assert found["output"]["text"] == "hello, \x1b[31mworld\n"
    raised = found["raise"]["value"]
    assert (raised["kind"], raised["type"]) == ("exception", "TypeError")
    assert raised["attrs"]["args"]["items"][0]["repr"] == "'unsupported'"
    assert "locals" in found["unwind"]


def test_globals_are_added_when_asked_for(ct: pathlib.Path, demo: pathlib.Path):
    (step,) = events(ct, "--from", 3, "--to", 3, "--steps", "--globals", demo)
    assert set(step["globals"]) == {"__name__", "items"}
    assert step["globals"]["items"]["repr"] == "[1]"
    (step,) = events(ct, "--from", 3, "--to", 3, "--steps", demo)
    assert "globals" not in step


def test_ranges_limits_and_filters_choose_events(ct: pathlib.Path, demo: pathlib.Path):
    assert [e["step"] for e in events(ct, "--steps", "--from", 3, "--to", 5, demo)] == [3, 4, 5]
    assert [e["event"] for e in events(ct, "--from", 3, "--to", 3, demo)] == ["line", "return"]
    assert len(events(ct, "-n", 4, demo)) == 4
    assert {e["function"] for e in events(ct, "--function", "ad*", demo)} == {"add"}
    assert {e["event"] for e in events(ct, "--output", demo)} == {"output"}
    kinds = {e["event"] for e in events(ct, "--calls", demo)}
    assert kinds == {"call", "return", "yield", "resume", "unwind"}
    rows = csv.DictReader(io.StringIO(printed(ct, "--calls", "--format", "csv", demo)))
    assert {row["event"] for row in rows} == kinds
    assert "== thread 0" in printed(ct, "--calls", "--steps", demo)


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("?", {"n", "ñ", "漢"}),
        ("??", {"ñn", "[x", "a]"}),
        ("[ñ]", {"ñ"}),
        ("[^n]", {"ñ", "漢"}),
        ("[!n]", {"ñ", "漢"}),
        ("[ñ-漢]?", {"ñn"}),
        ("[]a]*[]-]", {"a]"}),
        ("*n", {"n", "ñn"}),
        ("*ñ*n*", {"ñn"}),
        ("[x", {"[x"}),
        ("\\[x", {"[x"}),
        ("[\\[]x", {"[x"}),
        ("*", {"n", "ñ", "漢", "ñn", "[x", "a]"}),
        ("", set()),
    ],
)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_a_pattern_matches_characters(
    ct: pathlib.Path, tmp_path: pathlib.Path, glob: str, found: set[str], locale: str
):
    maker = TraceMaker()
    path = maker.path("/demo.py", "")
    for name in ("n", "ñ", "漢", "ñn", "[x", "a]"):
        maker.call(maker.plan(path, name, 1))
    maker.save(tmp_path / "trace.ctr")
    command = [str(ct), "print", "--salvage", "--format", "json", "--function", glob, str(tmp_path)]
    environment = {**os.environ, "LC_ALL": locale}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert {row["function"] for row in rows} == found


def test_output_is_what_the_program_wrote(ct: pathlib.Path, demo: pathlib.Path):
    assert printed(ct, "--output", demo) == "hello, \x1b[31mworld\n"


def test_csv_has_a_row_per_event(ct: pathlib.Path, demo: pathlib.Path):
    rows = list(csv.DictReader(io.StringIO(printed(ct, "--format", "csv", demo), newline="")))
    assert len(rows) == len(events(ct, demo))
    step = next(row for row in rows if row["event"] == "line" and row["step"] == "3")
    assert step["file"] == "/home/user/demo.py"
    assert step["changes"] == "total = 3"


def test_the_summary_has_every_fact(ct: pathlib.Path, demo: pathlib.Path):
    summary = json.loads(printed(ct, "--summary", "--format", "json", demo))
    assert (summary["steps"], summary["calls"], summary["files"]) == (9, 4, 1)
    assert summary["run"] == {"program": "demo.py"}
    assert summary["complete"].startswith("no: ")
    assert summary["exit_status"] == "unknown"
    assert {"values_cut", "values_redacted", "lagging"} <= set(summary["counters"])
    assert "bytes_per_event" in printed(ct, "--summary", demo)


def test_the_summary_counts_what_is_printed(ct, python, tmp_path):
    sides = SideBySide(ct, python, tmp_path)
    sides.write(
        "import os, threading\n"
        "thread = threading.Thread(target=lambda: print(1))\n"
        "thread.start()\nthread.join()\n"
        "for line in map(input, 'ab'):\n    print(line)\n"
        "if (child := os.fork()) == 0:\n    os._exit(0)\n"
        "os.waitpid(child, 0)\nprint(2)\n"
    )
    assert sides.recorded("program.py", stdin=None, input=b"a\nb\n").status == 0
    rows = [json.loads(row)["event"] for row in sides.printed("--format", "json").splitlines()]
    assert {"thread", "thread end", "input", "fork", "output"} <= set(rows)
    count = len(rows) - rows.count("thread end")  # which have no counter
    assert json.loads(sides.printed("--summary", "--format", "json"))["events"] == count
    assert f"events    {count}: " in sides.said


def test_names_and_values_of_the_summary_stand_apart(ct: pathlib.Path, tmp_path: pathlib.Path):
    maker = TraceMaker()
    maker.run("a key longer than those of counters", "value")
    maker.run("a \x1b[31m key", "other")
    maker.save(tmp_path / "trace.ctr")
    text = printed(ct, "--summary", tmp_path)
    facts = [line for line in text.splitlines() if line and line not in ("run", "counters")]
    assert all("  " in line for line in facts), text
    starts = {len(line) - len(line.split("  ", 1)[1].lstrip()) for line in facts}
    assert starts == {len("a key longer than those of counters") + 2}
    assert "\x1b" not in text


def test_cycles_in_json_end_in_seen(ct: pathlib.Path, tmp_path: pathlib.Path):
    loop: list[Any] = []
    loop.append(loop)
    maker = TraceMaker()
    maker.note({"deep": [[[[1]]]], "loop": loop, "none": UNBOUND})
    maker.save(tmp_path / "trace.ctr")
    (event,) = events(ct, tmp_path)
    entries = {key["repr"]: value for key, value in event["value"]["entries"]}
    inner = entries["'loop'"]["items"][0]
    assert inner == {
        "kind": "list", "type": "list", "object": entries["'loop'"]["object"], "seen": True,
    }  # fmt: skip
    deep = entries["'deep'"]["items"][0]["items"][0]
    assert deep["repr"] == "[[1]]"
    assert "items" not in deep
    (event,) = events(ct, "--depth", 9, tmp_path)
    assert '"repr": "1"' in json.dumps(event)


def test_a_long_value_is_shortened_for_people_only(ct: pathlib.Path, tmp_path: pathlib.Path):
    maker = TraceMaker()
    maker.note("x" * 1000)
    maker.save(tmp_path / "trace.ctr")
    assert "'… (840 more)" in printed(ct, tmp_path)
    assert "x" * 1000 in printed(ct, "--length", 0, tmp_path)
    assert events(ct, tmp_path)[0]["value"]["repr"] == repr("x" * 1000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not a trace at all" * 10, "not a trace"),
        (b"\x8bCTRACE\n\xff\0\0\0" + bytes(60), "newer"),
    ],
)
def test_bad_files_are_one_clear_line(
    ct: pathlib.Path, tmp_path: pathlib.Path, content: bytes, words: str
):
    path = tmp_path / "trace.ctr"
    path.write_bytes(content)
    result = run(ct, path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert str(path) in result.stderr
    assert words in result.stderr


def test_a_directory_without_a_recording_is_named(ct: pathlib.Path, tmp_path: pathlib.Path):
    result = run(ct, tmp_path)
    assert result.returncode == 1
    assert str(tmp_path) in result.stderr
    assert run(ct, tmp_path / "missing").returncode == 1


def test_a_damaged_trace_needs_salvage(ct: pathlib.Path, tmp_path: pathlib.Path):
    path = tmp_path / "trace.ctr"
    maker = TraceMaker()
    maker.note("in the first block")
    maker.end_block()
    maker.note("in the second block")
    maker.save(path)
    path.write_bytes(path.read_bytes()[:-5])
    result = run(ct, path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert str(path) in result.stderr
    assert "--salvage" in result.stderr
    result = run(ct, "--salvage", path)
    assert result.returncode == 0
    assert "in the first block" in result.stdout
    assert "in the second" not in result.stdout
    assert "not complete" in result.stderr


def test_usage_errors_are_status_2(ct: pathlib.Path, demo: pathlib.Path):
    assert run(ct, "--format", "xml", demo).returncode == 2
    assert run(ct, demo, demo).returncode == 2
    assert run(ct, "--summary", "--format", "csv", demo).returncode == 2
    for option in ("--from=1", "--to=1", "-n1", "--depth=1", "--length=9", "--calls", "--input"):
        for view in ("--summary", "--functions"):
            result = run(ct, view, option, demo)
            assert result.returncode == 2
            assert view in result.stderr
    assert run(ct, "--summary", "--function", "f", demo).returncode == 2
    assert run(ct, "--summary", "--functions", demo).returncode == 2
    assert run(ct, "--globals", demo).returncode == 2
    assert run(ct, "--globals", "--format", "csv", demo).returncode == 2
    result = run(ct, "--help=1")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--help takes no value" in result.stderr
    result = run(ct, "--salvage", "--from", 99, demo)
    assert result.returncode == 1
    assert "no step 99" in result.stderr


def test_no_colour_where_there_is_no_terminal(ct: pathlib.Path, demo: pathlib.Path):
    assert "\033" not in printed(ct, demo)


def test_a_closed_pipe_is_quiet(ct: pathlib.Path, tmp_path: pathlib.Path):
    maker = TraceMaker()
    for number in range(20_000):
        maker.note(f"a value long enough to fill a pipe: {number}")
    maker.save(tmp_path / "trace.ctr")
    reader, writer = os.pipe()
    os.close(reader)
    command = [str(ct), "print", "--salvage", str(tmp_path)]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert result.returncode == -signal.SIGPIPE
    assert len(result.stderr.splitlines()) == 1  # that it is not complete


def test_one_large_value_leaves_room_for_the_others(ct, python, tmp_path):
    """A row has so much text at most: what an object holds is not told twice at any length."""
    sides = SideBySide(ct, python, tmp_path)
    sides.write(
        "class Held:\n    pass\n"
        "def f(first, second):\n    return first\n"
        "held = Held()\n"
        "held.text = held.same = 'long text ' * 100_000\n"
        "f(held, [held, list(range(1000))])\n"
    )
    assert sides.recorded("program.py", limits=("--max-text", "0")).status == 0
    rows = map(json.loads, sides.printed("--function", "f", "--format", "json").splitlines())
    call = next(row for row in rows if row["event"] == "call")
    first, second = call["args"]["first"], call["args"]["second"]
    assert first["repr"].startswith("<Held text='long text long")
    assert len(first["repr"]) < 4100
    assert first["attrs"]["text"]["repr"] == repr("long text " * 100_000)
    assert len(second["items"][1]["items"]) == 1000
    assert len(second["repr"]) < 4100


def test_an_assigned_class_is_a_change(ct, python, tmp_path):
    sides = SideBySide(ct, python, tmp_path)
    sides.write(
        "class A:\n    x = 1\nclass B:\n    pass\n"
        "def f():\n    a = A()\n    a.__class__ = B\n    return 1\nf()\n"
    )
    assert sides.recorded("program.py").status == 0
    lines = [line.split() for line in sides.printed("--function", "f").splitlines()]
    assert [line for line in lines if line[:2] == ["a", "="]] == [
        ["a", "=", "<A>"],
        ["a", "=", "<B>"],
    ]
