"""Which lines are steps: long code, loops on one line, and other tools beside the recorder."""

import json
import subprocess
import sys

import oracle
import pytest
from sanitizer import SANITIZED


def record(ct, program, out):
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    command = [str(ct), "record", "--format", "ctr", "-o", str(out), str(program)]
    done = subprocess.run(command, capture_output=True, env=environ)
    command = [str(ct), "print", str(out), "--steps", "--format", "json", "--depth", "0"]
    printed = subprocess.run(command, capture_output=True, check=True)
    return done, [json.loads(line) for line in printed.stdout.splitlines()]


def check_lines(ct, program, out):
    """The steps of a recording are the lines of sys.settrace, and the program's run its own."""
    witness = oracle.record(program, witness="settrace")
    done, steps = record(ct, program, out)
    assert done.stdout == oracle.run(program).stdout
    seen = [(event["function"], event["line"]) for event in witness.events]
    assert [(step["function"], step["line"]) for step in steps] == seen
    return steps


def long_function(lines):
    """Branches, loops, handlers and far jumps, all over a function of so many lines."""
    body = ["total = 0", "for turn in range(2):"]
    while len(body) < lines:
        i = len(body)
        body += [
            f"    a{i % 40} = turn + {i}",
            f"    if a{i % 40} % 3:",
            f"        total += a{i % 40}",
            "    else:",
            f"        total -= {i}",
            "    while total > 10 ** 5:",
            "        total //= 2",
            "    try:",
            f"        total += 1 // (turn * {i % 2})",
            "    except ZeroDivisionError:",
            "        total += 3",
            "        continue" if i > lines - 20 else "        total += 1",
            "    finally:",
            "        total += 1",
            "    with nothing():",
            "        total = (total if total",
            "                 else 1)",
        ]
    return "def long():\n" + "".join(f"    {line}\n" for line in [*body, "return total"])


LONG = """\
import contextlib

nothing = contextlib.nullcontext

{function}

print(long())
"""


@pytest.mark.parametrize("lines", [100, 260, 700, 2000])
def test_a_long_function_has_the_steps_of_settrace(ct, tmp_path, out, lines):
    program = tmp_path / "long.py"
    program.write_text(LONG.format(function=long_function(lines)))
    steps = check_lines(ct, program, out)
    assert len(steps) > lines


def test_a_module_of_many_functions_has_the_steps_of_settrace(ct, tmp_path, out):
    functions = "".join(f"def f{i}():\n    x = {i}\n    return x\n\n\n" for i in range(500))
    program = tmp_path / "many.py"
    program.write_text(functions + "for i in range(30):\n    x = f1()\n    x += f499()\nprint(x)\n")
    assert len(check_lines(ct, program, out)) > 600


ROWS = {
    "dict": ("{", lambda i: f"'k{i}': 'v{i}',", "}"),
    "dict of values": ("{", lambda i: f"'k{i}': x + {i},", "}"),
    "list of calls": ("[", lambda i: f"str({i}),", "]"),
    "dicts in a dict": ("{", lambda i: f"'k{i}': {{\n'a': x,\n'b': x + {i},\n'c': str(x)}},", "}"),
    "a table in a call": ("dict([", lambda i: f"(x,\n{i}),", "])"),
}


def table(kind, rows):
    first, row, last = ROWS[kind]
    return f"t = {first}\n" + "".join(row(i) + "\n" for i in range(rows)) + last + "\n"


@pytest.mark.parametrize("kind", ROWS)
def test_a_long_table_has_the_steps_of_settrace(ct, tmp_path, out, kind):
    program = tmp_path / "table.py"
    program.write_text("x = 1\n" + table(kind, 700) + "print(t)\n")
    assert len(check_lines(ct, program, out)) > 700


COST = """\
import time

{function}

def short():
{short}    return total


def cost(function, lines):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) / lines


long_lines, short_lines = {lines}, 100
slow = min(cost(long, long_lines) for _ in range(5))
print(slow / min(cost(short, short_lines) for _ in range(50)))
"""


# A row of a table is two steps, and the whole is a value that is recorded.
@pytest.mark.parametrize(("kind", "most"), [("lines", 10), ("table", 40)])
def test_a_line_of_a_long_function_costs_what_others_cost(ct, tmp_path, out, kind, most):
    lines = 2000
    row = "    total = 1\n"
    rows = {"lines": row * (lines - 1), "table": f"    total = {table('dict', lines)[4:]}"}
    function = f"def long():\n{rows[kind]}    return total\n"
    source = COST.format(function=function, short="    total = 1\n" * 99, lines=lines)
    program = tmp_path / "cost.py"
    program.write_text(source)
    done, _ = record(ct, program, out)
    # Unrepaired it is more than 100, and more than 400.
    assert float(done.stdout) < most * (3 if SANITIZED else 1)


# Another tool that follows lines must be told the real ones, whenever it comes.
BESIDE = """\
import sys

seen = []
{tool}

{function}

nothing = __import__("contextlib").nullcontext
long()
start()
long()
stop()
import hashlib
print(len(seen), hashlib.md5(repr(seen).encode()).hexdigest())
"""

SETTRACE = """
def trace(frame, event, argument):
    if event == "line":
        seen.append(frame.f_lineno)
    return trace

def start(): sys.settrace(trace)
def stop(): sys.settrace(None)
"""

MONITORING = """
def line(code, number):
    seen.append(number)

def start():
    sys.monitoring.use_tool_id({number}, "other")
    event = sys.monitoring.events.LINE
    sys.monitoring.register_callback({number}, event, line)
    sys.monitoring.set_local_events({number}, long.__code__, event)

def stop():
    sys.monitoring.set_local_events({number}, long.__code__, 0)
"""


@pytest.mark.parametrize(
    "tool",
    [SETTRACE, MONITORING.format(number=1), MONITORING.format(number=5)],
    ids=["settrace", "tool 1", "tool 5 or the next"],
)
def test_another_tool_sees_the_real_lines_of_a_long_function(ct, tmp_path, out, tool):
    program = tmp_path / "beside.py"
    tool = tool.replace("use_tool_id(5", "use_tool_id(4").replace("(5,", "(4,")
    program.write_text(BESIDE.format(tool=tool, function=long_function(700)))
    alone = oracle.run(program)
    done, steps = record(ct, program, out)
    assert alone.status == done.returncode == 0, done.stderr
    assert done.stdout == alone.stdout
    lines = [step["line"] for step in steps if step["function"] == "long"]
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


ONE_LINE = """\
def f(items):
    out = []
    for x in items: out.append(x)
    n = 3
    while n: n -= 1
    for x in items: out.append(x); n += x
    for x in items:
        out.append(x)
    for x in items: break
    for x in items:
        for y in items: n += y
    else: n = 0
    while True: break
    return out, n


print(f([1, 2, 3]))
for i in range(3): total = i
"""


def test_each_turn_of_a_loop_on_one_line_is_a_step(ct, tmp_path, out):
    program = tmp_path / "turns.py"
    program.write_text(ONE_LINE)
    steps = check_lines(ct, program, out)
    assert {step["line"] for step in steps if step.get("turn")} == {3, 5, 6, 11, 18}


COMPREHENSION = """\
def f(items):
    a = [x * 2 for x in items if x]
    b = sum(x for x in items)
    c = {x: y for x in items for y in items}
    return a, b, c


f([1, 2, 3])
"""


def test_a_comprehension_is_one_step(ct, tmp_path, out):
    program = tmp_path / "comprehension.py"
    program.write_text(COMPREHENSION)
    _, steps = record(ct, program, out)
    assert not any(step.get("turn") for step in steps)
    lines = [step["line"] for step in steps if step["function"] == "f"]
    assert [line for line in lines if line != 3] == [2, 4, 5]


def test_turns_are_no_steps_of_an_export(ct, tmp_path, out):
    program = tmp_path / "turns.py"
    program.write_text(ONE_LINE)
    record(ct, program, out)
    subprocess.run([str(ct), "export", str(out), "--format", "json"], check=True)
    stream = json.loads((out / "trace.json").read_text())
    lines = [record["Step"]["line"] for record in stream if "Step" in record]
    assert lines.count(5) == 1
