"""Events told with the one before them: a frame's first line with its start, a return or yield
with the line that does nothing else."""

import json
import subprocess
import sys

import oracle
import pytest

SIMPLE = """\
import dis


def give(a):
    return a


def nothing(): return


def constant():
    unused = 1
    return 3.5


def generate(items):
    for item in items:
        yield item


def work(a):
    b = a + 1
    return b * 2


def loop(a):
    while a:
        a -= 1
    return a


def left(function):
    names = {i.opname for i in dis.get_instructions(function, adaptive=True)}
    return sorted(name for name in names if "INSTRUMENTED" in name and "RESUME" not in name)
"""

CALLS = """
for turn in range(4):
    give(turn)
    nothing()
    constant()
    list(generate("ab"))
    work(turn)
    loop(turn)
    (lambda: turn)()
"""


def record(ct, program, out, *options):
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    command = [str(ct), "record", "--format", "ctr", "-o", str(out), *options, str(program)]
    done = subprocess.run(command, capture_output=True, env=environ, text=True)
    assert done.returncode == 0, done.stderr
    command = [str(ct), "print", str(out), "--format", "json"]
    printed = subprocess.run(command, capture_output=True, check=True)
    return done.stdout, [json.loads(line) for line in printed.stdout.splitlines()]


def stories(events, function):
    """What was told of each call of a function, in order."""
    calls = {}
    for event in events:
        if event.get("function") == function and "thread" not in event["event"]:
            value = event.get("value", {}).get("repr")
            calls.setdefault(event["call"], []).append((event["event"], event["line"], value))
    return list(calls.values())


def test_the_second_event_is_off_and_told(ct, tmp_path, out):
    program = tmp_path / "simple.py"
    names = "give nothing constant generate work loop"
    program.write_text(SIMPLE + CALLS + f"for f in [{names.replace(' ', ', ')}]: print(left(f))\n")
    printed, events = record(ct, program, out)
    left = dict(zip(names.split(), printed.splitlines(), strict=True))
    assert left["give"] == left["nothing"] == "[]"
    assert left["constant"] == "['INSTRUMENTED_LINE']"  # its second line
    assert "INSTRUMENTED_YIELD_VALUE" not in left["generate"]
    assert left["work"] == "['INSTRUMENTED_LINE', 'INSTRUMENTED_RETURN_VALUE']"
    assert left["loop"] == "['INSTRUMENTED_LINE']"  # it comes back to its first line
    for name in names.split():
        told = stories(events, name)
        assert len(told) == 4
        shapes = {tuple(step[:2] for step in story[:2]) for story in told}
        assert len(shapes) == 1, name
    assert stories(events, "give")[3] == [("call", 0, None), ("line", 5, None), ("return", 5, "3")]
    assert stories(events, "nothing")[2][1:] == [("line", 8, None), ("return", 8, "None")]
    assert stories(events, "constant")[1][2:] == [("line", 13, None), ("return", 13, "3.5")]
    first, *others = stories(events, "generate")
    assert others == [first] * 3
    assert [step for step in first if step[0] == "yield"] == [
        ("yield", 18, "'a'"),
        ("yield", 18, "'b'"),
    ]
    assert [story[-1][2] for story in stories(events, "<lambda>")] == list("0123")


BESIDE = """
import sys

seen = []


def told(code, *rest):
    if code.co_filename == __file__:
        seen.append((code.co_name, rest[0]))


def start_tool(number):
    events = sys.monitoring.events
    sys.monitoring.use_tool_id(number, "other")
    for event in (events.LINE, events.PY_RETURN, events.PY_YIELD):
        sys.monitoring.register_callback(number, event, told)
    sys.monitoring.set_events(number, events.LINE | events.PY_RETURN | events.PY_YIELD)


def calls():
    give(1)
    constant()
    list(generate("ab"))
    work(2)


for turn in range(6):
    if turn == 2:
        {disturbance}
    calls()
print(len(seen) > 0)
"""

DISTURBANCES = {
    "a tool before ours": "start_tool(1)",
    "a tool behind ours": "start_tool(4)",
    "events turned on again": "sys.monitoring.restart_events()",
    "both": "start_tool(4); sys.monitoring.restart_events()",
    "settrace": "sys.settrace(lambda *a: None)",
    "settrace of lines": "sys.settrace(lambda *a: (seen.append(a), sys.gettrace())[1])",
}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_another_tool_turns_on_is_told_once(ct, tmp_path, out, name):
    program = tmp_path / "beside.py"
    program.write_text(SIMPLE + BESIDE.format(disturbance=DISTURBANCES[name]))
    printed, events = record(ct, program, out)
    assert (printed == "True\n") == ("tool" in name or name in ("both", "settrace of lines"))
    for function in ("give", "constant", "generate", "work", "calls"):
        first, *others = stories(events, function)
        assert others == [first] * 5, function


SHARED = """
import types

def other_globals(function):
    return types.FunctionType(function.__code__, {"__name__": "other", "range": range})

for turn in range(3):
    for function in (give, other_globals(give), work, other_globals(work)):
        function(turn)
"""


def test_code_under_other_globals_is_told_the_same(ct, tmp_path, out):
    program = tmp_path / "shared.py"
    program.write_text(SIMPLE + SHARED)
    _, events = record(ct, program, out)
    for function in ("give", "work"):
        told = stories(events, function)
        assert len(told) == 6
        assert [[step[:2] for step in story] for story in told] == [
            [step[:2] for step in told[0]]
        ] * 6


# While a frame is between its start and its first line, another thread turns that line's event off.
BETWEEN = """
import sys
import threading

inside = []


def meanwhile(code, offset):
    if code is work.__code__ and not inside:
        inside.append(code)
        thread = threading.Thread(target=work, args=(10,))
        thread.start()
        thread.join()


events = sys.monitoring.events
sys.monitoring.use_tool_id(1, "other")
sys.monitoring.register_callback(1, events.PY_START, meanwhile)
sys.monitoring.set_events(1, events.PY_START)
print(work(1))
"""


def test_a_line_turned_off_too_early_is_told(ct, tmp_path, out):
    program = tmp_path / "between.py"
    program.write_text(SIMPLE + BETWEEN)
    printed, events = record(ct, program, out)
    assert printed == "4\n"
    expected = [("call", 0), ("line", 22), ("line", 23), ("return", 23)]
    assert [[step[:2] for step in story] for story in stories(events, "work")] == [expected] * 2


AGAIN = """
import codetracer_python_recorder as recorder
for turn in range(3):
    recorder.start(f"{folder}/{{turn}}", format="ctr")
    for again in range(3):
        give(again)
        list(generate("ab"))
    recorder.stop()
"""


def test_another_recording_of_the_process_tells_the_same(ct, tmp_path):
    program = tmp_path / "again.py"
    program.write_text(SIMPLE + AGAIN.format(folder=tmp_path))
    environ = oracle.environment()
    subprocess.run([sys.executable, str(program)], check=True, env=environ)
    for turn in range(3):
        command = [str(ct), "print", str(tmp_path / str(turn)), "--format", "json"]
        printed = subprocess.run(command, capture_output=True, check=True)
        events = [json.loads(line) for line in printed.stdout.splitlines()]
        first, *others = stories(events, "generate")
        assert others == [first] * 2
        assert [story[1:] for story in stories(events, "give")] == [
            [("line", 5, None), ("return", 5, str(again))] for again in range(3)
        ]
