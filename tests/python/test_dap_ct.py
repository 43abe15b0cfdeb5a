"""What the window asks beyond DAP, against what `ct print` shows of the same recordings."""

import base64
import json
import random
import re
import subprocess
from pathlib import Path

import pytest
from dap_client import Client, Failed, check_shape, interfaces
from engine import ENDS, ENTERS, LEAVES, PATIENCE, Model, record

HERE = Path(__file__).resolve().parent
PROGRAMS = [
    HERE.parent / "programs" / f"{name}.py"
    for name in (
        "recursion",
        "threads",
        "generators",
        "coroutines",
        "exceptions_chained",
        "nested_containers",
        "one_line_loops",
    )
]
SAMPLES = 8


@pytest.fixture(scope="module", params=PROGRAMS, ids=lambda path: path.stem)
def run(request, ct, tmp_path_factory):
    """A recording, and all events that `ct print` shows of it."""
    folder = record(ct, request.param, tmp_path_factory.mktemp("dap") / "recording")
    command = [str(ct), "print", str(folder), "--format", "json", "--depth", "3"]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    lines = printed.stdout.decode("utf-8", "replace").splitlines()
    return folder, [json.loads(line) for line in lines]


@pytest.fixture
def client(run):
    with Client(run[0]) as made:
        made.ask("configurationDone")
        yield made


def chosen(items, count=SAMPLES):
    return random.Random(1).sample(items, min(count, len(items)))


def lines_of(events):
    return [event for event in events if event["event"] == "line"]


def names_of_calls(events):
    return {event["call"]: event["function"] for event in events if event.get("call") is not None}


# ---- state ----


def test_stack_and_variables_are_those_that_print_shows(run, client):
    stacks, found = {}, {}
    names = names_of_calls(run[1])
    latest = {}
    for event in run[1]:
        stack = stacks.setdefault(event["thread"], [])
        if event["event"] in ENTERS:
            stack.append(event["call"])
        elif event["event"] in LEAVES:
            stack.pop()
        elif event["event"] == "line":
            latest[event["call"]] = event["line"]
            found[event["step"]] = [(names[call], latest.get(call, 0)) for call in stack[::-1]]
    for event in chosen(lines_of(run[1])):
        state = client.ask("ct/move", move="moment", moment={"step": event["step"]})
        assert state["threadId"] == event["thread"] + 1
        assert state["tick"] == event["ms"]
        frames = client.ask("stackTrace", threadId=state["threadId"])["stackFrames"]
        assert [(f["name"], f["line"]) for f in frames] == found[event["step"]]
        assert state["location"]["callstackDepth"] == len(frames) - 1
        scopes = client.ask("scopes", frameId=frames[0]["id"])["scopes"]
        shown = client.variables(scopes[0]["variablesReference"])
        assert scopes[0]["namedVariables"] == len(shown)
        assert list(shown) == list(event["locals"])
        for name, value in event["locals"].items():
            assert shown[name]["ct"]["kind"] == value["kind"]
            if value["kind"] in ("int", "float", "none", "bool"):
                assert shown[name]["value"] == value["repr"]


def test_at_tells_what_is_there_without_going(run, client):
    before = client.ask("ct/move", move="start")["moment"]["step"]
    for event in chosen(lines_of(run[1])):
        there = client.ask("ct/at", step=event["step"])
        assert there["threadId"] == event["thread"] + 1
        assert there["tick"] == event["ms"]
        assert (there["location"]["line"], there["location"]["functionName"]) == (
            event["line"],
            event["function"],
        )
    assert client.ask("ct/move", move="into")["moment"]["step"] == before + 1
    with pytest.raises(Failed, match="no step"):
        client.ask("ct/at", step=10**12)


# ---- moves ----


def test_moves_are_those_of_the_model(run, client):
    model = Model(run[1])
    moments = list(model.moments.values())
    commands = {
        ("over", False): "next",
        ("over", True): "stepBack",
        ("into", False): "stepIn",
        ("into", True): "ct/reverseStepIn",
        ("out", False): "stepOut",
        ("out", True): "ct/reverseStepOut",
    }
    for moment in chosen(moments):
        for (move, backwards), command in commands.items():
            client.ask("ct/move", move="moment", moment={"step": moment.step, "left": moment.left})
            end, to = model.move(move, moment, backwards)
            state = client.ask(command)
            assert (state["end"], state["moment"]) == (end, {"step": to.step, "left": to.left})


# ---- the recording and its files ----


def test_the_recording_counts_what_was_recorded(run, client):
    told = client.ask("ct/recording")
    events = run[1]
    assert told["steps"] == len(lines_of(events))
    assert told["calls"] == sum(event["event"] == "call" for event in events)
    assert told["outputs"] == sum(event["event"] == "output" for event in events)
    assert told["isComplete"] is True
    assert told["endReason"] == "The program ended."
    assert told["exitCode"] == 0
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["recordingId"])
    assert told["started"].endswith("Z")
    for missing in told["missing"]:
        assert missing["text"].startswith(str(missing["count"]))


@pytest.mark.parametrize(
    ("program", "options", "status", "is_whole", "reason"),
    [
        (
            "import os; os.kill(os.getpid(), 9)",
            [],
            137,
            True,
            "Signal 9 (Killed) ended the program.",
        ),
        (
            "import os; os._exit(3)",
            [],
            3,
            True,
            "The process ended at once, by os._exit, exec or the like.",
        ),
        (
            "for i in range(10**6): x = str(i)",
            ["--max-size", "64K"],
            0,
            False,
            "The recording reached its size limit.",
        ),
    ],
)
def test_a_recording_says_how_it_ended(ct, tmp_path, program, options, status, is_whole, reason):
    path = tmp_path / "program.py"
    path.write_text(program + "\n", encoding="utf-8")
    with Client(record(ct, path, tmp_path / "recording", *options)) as client:
        told = client.ask("ct/recording")
    assert (told["exitCode"], told["isComplete"], told["endReason"]) == (status, is_whole, reason)
    assert told["endSignal"] == (status - 128 if status > 128 else 0)
    ended = [missing["text"] for missing in told["missing"] if missing["kind"] == "ended"]
    assert ended == [] if is_whole else reason in ended[0]


def test_files_and_lines_count_visits(run, client):
    counts = {}
    for event in lines_of(run[1]):
        counts[event["file"], event["line"]] = counts.get((event["file"], event["line"]), 0) + 1
    answer = client.ask("ct/files", start=0, count=100)
    paths = [file["path"] for file in answer["files"]]
    assert paths == sorted(paths)
    assert answer["total"] == len(paths)
    for file in answer["files"]:
        ran = {line: count for (path, line), count in counts.items() if path == file["path"]}
        assert (file["linesRun"], file["steps"]) == (len(ran), sum(ran.values()))
        assert file["lines"] >= file["linesRun"]
        told = client.ask("ct/line-counts", path=file["path"], first=1, count=500)
        assert {i + 1: n for i, n in enumerate(told["total"]) if n} == ran
        assert set(told["soFar"]) <= {0}
        code = {i + 1 for i, has in enumerate(told["hasCode"]) if has}
        assert set(ran) <= code
        assert len(code) == file["lines"]
    assert client.ask("ct/files", start=1, count=1)["files"] == answer["files"][1:2]
    event = chosen(lines_of(run[1]), 1)[0]
    client.ask("ct/move", move="moment", moment={"step": event["step"]})
    told = client.ask("ct/line-counts", path=event["file"], first=event["line"], count=1)
    assert told["soFar"] == [
        sum(
            (e["file"], e["line"], e["step"] < event["step"]) == (event["file"], event["line"], 1)
            for e in lines_of(run[1])
        )
    ]


# ---- calls ----


def test_calls_make_the_tree_that_ran(run, client):
    events = run[1]
    children, parents, stacks = {}, {}, {}
    for event in events:
        stack = stacks.setdefault(event["thread"], [])
        if event["event"] == "call":
            parent = stack[-1] if stack else None
            parents[event["call"]] = parent
            children.setdefault(parent, []).append(event["call"])
        if event["event"] in ENTERS:
            stack.append(event["call"])
        elif event["event"] in LEAVES:
            stack.pop()
    names = names_of_calls(events)
    roots = []
    for thread in sorted({event["thread"] for event in events}):
        answer = client.ask("ct/load-calltrace-section", parent=None, threadId=thread + 1, count=99)
        roots += [call["key"] for call in answer["calls"]]
        assert {call["depth"] for call in answer["calls"]} <= {0}
    assert sorted(roots) == children[None]
    for parent in chosen([call for call in children if call is not None]):
        answer = client.ask("ct/load-calltrace-section", parent=parent, start=1, count=3)
        assert answer["total"] == len(children[parent])
        assert [call["key"] for call in answer["calls"]] == children[parent][1:4]
        assert answer["more"] == (len(children[parent]) > 4)
        for call in answer["calls"]:
            assert call["rawName"] == names[call["key"]]
            path = client.ask("ct/call-path", call=call["key"], count=500)["calls"]
            above = [c["key"] for c in path]
            assert above[1] == parent
            assert all(parents[a] == b for a, b in zip(above, [*above[1:], None], strict=True))
            assert call["depth"] == len(above) - 1
    for event in chosen(lines_of(events)):
        assert client.ask("ct/at", step=event["step"])["location"]["key"] == event["call"]


def test_search_finds_every_call_of_a_name_both_ways(run, client):
    name = chosen([event["function"] for event in lines_of(run[1])], 1)[0]
    expected = [e["call"] for e in run[1] if e["event"] == "call" and name in e["function"]]
    for backwards in (False, True):
        found, place = [], None
        for _ in range(len(expected) + 2):
            answer = client.ask(
                "ct/search-calltrace", value=name, count=2, backwards=backwards, **{"from": place}
            )
            found += [call["key"] for call in answer["calls"]]
            place = answer["next"]
            if not answer["more"]:
                break
        assert found == (expected[::-1] if backwards else expected)


# ---- flow ----


def test_flow_visits_and_loops_of_a_call(run, client):
    calls = {}
    for event in lines_of(run[1]):
        calls.setdefault(event["call"], []).append(event)
    for call, visits in chosen(sorted(calls.items())):
        answer = client.ask("ct/load-flow", call=call, count=2000, **{"from": 0})
        assert [s["rrTicks"] for s in answer["steps"]] == [v["step"] for v in visits]
        assert [s["line"] for s in answer["steps"]] == [v["line"] for v in visits]
        assert answer["linesRun"] == sorted({v["line"] for v in visits})
        assert not answer["more"]
        window = client.ask("ct/load-flow", call=call, count=1, **{"from": visits[-1]["step"]})
        assert [s["rrTicks"] for s in window["steps"]] == [visits[-1]["step"]]
        assert window["linesRun"] == answer["linesRun"]
        has = {"call": call, "steps": [], "more": True, "linesRun": []}
        for unwanted in ({"unless": call}, {"within": visits[-1]["step"] - visits[0]["step"]}):
            assert has.items() <= client.ask("ct/load-flow", call=call, count=9, **unwanted).items()
        same = client.ask("ct/load-flow", call=call, count=2000, unless=call + 1, within=2**40)
        assert same == answer
        here = chosen(visits, 1)[0]
        client.ask("ct/move", move="moment", moment={"step": here["step"]})
        of_line = [v["step"] for v in visits if v["line"] == here["line"]]
        answer = client.ask("ct/visit", call=call, line=here["line"])
        assert answer == {
            "index": of_line.index(here["step"]),
            "count": len(of_line),
            "step": here["step"],
        }
        for loop in client.ask("ct/load-loops", call=call, start=0, count=50)["loops"]:
            turns = [v["step"] for v in visits if v["line"] == loop["registeredLine"]]
            assert loop["iterations"] in (None, len(turns), len(turns) - 1)
            assert loop["iteration"] == sum(step <= here["step"] for step in turns) - 1
    answer = client.ask("ct/visit", call=0, line=10**6)
    assert answer == {"index": -1, "count": 0, "step": -1}


LOOPS = """\
def check(i):
    if i == 30:
        raise KeyError
    return i * i
class Count:
    left = 3
    def __iter__(self): return self
    def __next__(self):
        self.left -= 1
        if self.left < 0: raise StopIteration
        return self.left
def main():
    found = [check(i) for i in range(6)]
    found = [
        check(i)
        for i in range(3)
    ]
    for a, b in zip(found, found): pass
    for a in []: pass
    left = 3
    while left: left -= 1
    while left > 5: left = 3
    for i in range(3):
        for j in range(2): check(j)
    for a in found:
        check(a)
    for a in found:
        if a: break
    try:
        for x in [1, 2, 30, 4]: check(x)
    except KeyError:
        pass
    for a in Count(): pass
    return list(gives())
def gives():
    for a in range(4): yield a
main()
"""
# Turns by the first line of the loop; None: not known.
TURNS = {13: None, 15: None, 18: 3, 19: 0, 21: 3, 22: None, 23: 3, 24: None, 25: 3, 27: 2}
TURNS |= {30: None, 33: None}


def test_the_turns_of_loops(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LOOPS, encoding="utf-8")
    record(ct, program, tmp_path / "recording")
    with Client(tmp_path / "recording") as client:
        client.ask("attach")
        client.ask("configurationDone")
        found = {}
        for name in ("main", "gives"):
            (call,) = client.ask("ct/search-calltrace", value=name, count=9)["calls"]
            loops = client.ask("ct/load-loops", call=call["key"], start=0, count=50)["loops"]
            found[name] = {loop["first"]: loop["iterations"] for loop in loops}
    assert {13, 30, 33} <= found["main"].keys()
    # a comprehension over several lines begins on one or another
    assert {line: found["main"].get(line) for line in TURNS} == TURNS
    assert found["gives"] == {36: 4}


# ---- histories and events ----


def test_output_comes_as_written_in_pages_both_ways(run, client):
    expected = [e["text"] for e in run[1] if e["event"] == "output"]
    for backwards in (False, True):
        found, place = [], None
        for _ in range(len(expected) + 2):
            answer = client.ask(
                "ct/event-load", kind="output", count=3, backwards=backwards, **{"from": place}
            )
            found += answer["events"]
            place = answer["next"]
            if answer["finish"]:
                break
        texts = [event["content"] for event in found]
        assert texts == (expected[::-1] if backwards else expected)
    for event in chosen(found, 3):
        state = client.ask(
            "ct/move", move="place", place=event["place"], threadId=event["threadId"]
        )
        assert state["moment"]["step"] <= event["location"]["rrTicks"]
        jumped = client.ask("ct/event-jump", place=event["place"], threadId=event["threadId"])
        assert jumped["moment"] == state["moment"]


def test_timeline_is_what_the_events_make(run, client):
    events, steps, count = run[1], len(lines_of(run[1])), 7
    rows, stacks = {}, {}
    outputs, exceptions, ticks = [0] * count, [0] * count, [None] * count
    step, unwound = 0, {}
    for event in events:
        part = min(step * count // steps, count - 1)
        thread = event["thread"]
        if event["event"] == "line":
            step = event["step"]
            part = min(step * count // steps, count - 1)
            if ticks[part] is None:
                ticks[part] = event["ms"]
            rows.setdefault(thread + 1, [[] for _ in range(count)])[part].append(
                stacks.get(thread, 0) - 1
            )
        elif event["event"] == "output":
            outputs[part] += 1
        elif event["event"] == "raise":
            exceptions[part] += not unwound.get(thread)
        if event["event"] in ENTERS | LEAVES:
            change = 1 if event["event"] in ENTERS else -1
            stacks[thread] = stacks.get(thread, 0) + change
        if event["event"] in ENTERS | ENDS | {"line", "yield", "raise", "handled"}:
            unwound[thread] = event["event"] == "unwind"
    answer = client.ask("ct/load-timeline", to=steps, count=count, **{"from": 0})
    assert answer["isExact"]
    assert answer["outputs"] == outputs
    assert answer["exceptions"] == exceptions
    assert answer["tick"] == ticks
    shown = {t["threadId"]: (t["least"], t["most"]) for t in answer["threads"]}
    assert shown == {
        thread: ([min(d, default=-1) for d in row], [max(d, default=-1) for d in row])
        for thread, row in rows.items()
    }
    event = chosen(lines_of(events), 1)[0]
    client.ask(
        "setBreakpoints",
        source={"path": event["file"]},
        lines=[],
        breakpoints=[{"line": event["line"]}, {"line": event["line"]}],
    )
    answer = client.ask("ct/load-timeline", to=steps, count=count, **{"from": 0})
    ran = [e for e in lines_of(events) if (e["file"], e["line"]) == (event["file"], event["line"])]
    assert sum(answer["hits"]) == len(ran)
    for bad in ({"from": 5, "to": 5}, {"to": steps + 1}, {"count": 0}, {"count": 10**6}):
        with pytest.raises(Failed):
            client.ask("ct/load-timeline", **bad)


# ---- purpose-made ----


MADE = """\
import os

class Counter:
    def __init__(self):
        self.n = 0

def turn(counter, items):
    for i in range(5):
        counter.n += i
        items[i % 2] = counter.n
    return counter

total = 0.5
c = Counter()
for k in range(3):
    turn(c, [0, 0])
    total = total * 2
print("text")
os.write(1, b"\\xff\\xfe")
"""


@pytest.fixture
def made(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(MADE, encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        yield client


def test_histories_of_variables_and_of_parts(made):
    def values(**arguments):
        return [entry["value"] for entry in made.ask("ct/load-history", **arguments)["results"]]

    made.ask("ct/move", move="line", path="program.py", line=18)
    assert values(expression="total", count=10) == ["0.5", "1.0", "2.0", "4.0"]
    assert values(expression="total", count=2, backwards=True) == ["4.0", "2.0"]
    scope = made.scopes()["Locals"]
    assert values(expression="total", variablesReference=scope, count=1) == ["0.5"]
    reference = made.variables(scope)["c"]["variablesReference"]
    assert values(expression="n", variablesReference=reference, count=4) == ["0", "1", "3", "6"]
    drawing = made.ask("ct/draw-history", expression="total", count=1)
    assert drawing == {
        "changes": [4],
        "numbers": [4],
        "first": [0.5],
        "last": [4.0],
        "least": [0.5],
        "most": [4.0],
    }
    for wrong in ({"expression": "nope"}, {"expression": "x", "variablesReference": reference}):
        with pytest.raises(Failed):
            made.ask("ct/load-history", count=1, **wrong)
    made.ask("ct/move", move="line", path="program.py", line=10, backwards=True)
    assert values(expression="i", count=9, onlyThisCall=True) == ["0", "1", "2", "3", "4"]
    assert len(values(expression="i", count=99)) == 15


def test_output_that_is_no_text_is_in_base64(made):
    events = made.ask("ct/event-load", kind="output", count=9)["events"]
    assert events[-1]["base64Encoded"]
    assert base64.b64decode(events[-1]["content"]) == b"\xff\xfe"
    assert made.ask("ct/load-terminal")["events"] == events


def test_long_work_tells_its_progress_to_those_who_show_it(tmp_path, made):
    made.ask("ct/move", move="end")
    made.ask("ct/draw-history", expression="total", count=1)
    assert made.events == []
    with Client(tmp_path / "recording", supportsProgressReporting=True) as client:
        client.ask("ct/move", move="end")
        client.ask("ct/draw-history", expression="total", count=1)
        told = [e["event"] for e in client.events]
        assert (told[0], set(told[1:-1]), told[-1]) == (
            "progressStart",
            {"progressUpdate"},
            "progressEnd",
        )
        started = client.body_of("progressStart")
        assert (started["requestId"], started["progressId"]) == (client.seq, str(client.seq))


def test_codetracer_s_jumps(made):
    def jump(command, **arguments):
        state = made.ask(command, **arguments)
        return state["moment"]["step"], state["location"]["line"], state["end"]

    step, line, _ = jump("ct/source-line-jump", path="program.py", line=9)
    assert line == 9
    assert jump("ct/goto-ticks", threadId=1, ticks=3)[0] == 3
    assert jump("ct/timeline-seek", rrTicks=step)[:2] == (step, 9)
    call = made.ask("ct/at", step=step)["location"]["key"]
    assert jump("ct/run-to-entry")[0] == 0
    assert jump("ct/calltrace-jump", key=call)[1] == 8
    assert jump("ct/history-jump", rrTicks=step, key=call)[:2] == (step, 9)
    assert (
        jump("ct/local-step-jump", path="program.py", line=9, firstLoopLine=8, targetIteration=2)[1]
        == 8
    )
    assert jump("ct/trace-jump", directLocationRRTicks=7)[0] == 7
    assert jump("ct/source-call-jump", path="program.py", line=16, token="turn")[1] == 8
    assert jump("ct/source-call-jump", path="program.py", line=16, token="other")[1:] == (
        8,
        "not found",
    )
    assert jump("ct/source-line-jump", path="program.py", line=1)[1:] == (1, "moved")
    made.ask("ct/move", move="line", path="program.py", line=9)
    found = {v["expression"]: v["value"]["r"] for v in made.ask("ct/load-locals")["locals"]}
    assert found["i"] == "0"


# ---- the shapes that the window expects ----


def test_answers_have_the_fields_of_the_protocol(made):
    known = interfaces()
    state = made.ask("ct/move", move="line", path="program.py", line=9)
    call = state["location"]["key"]
    left = made.ask("stepOut")
    flow = made.ask("ct/load-flow", call=call, count=5, **{"from": 0})
    calls = made.ask("ct/load-calltrace-section", parent=0, start=0, count=5)
    events = made.ask("ct/event-load", kind="output", count=5)
    loops = made.ask("ct/load-loops", call=call, start=0, count=5)
    timeline = made.ask("ct/load-timeline", count=5)
    files = made.ask("ct/files", start=0, count=5)
    recording = made.ask("ct/recording")
    history = made.ask("ct/load-history", expression="k", count=5)
    made.ask("next")
    variables = made.variables(made.scopes()["Locals"])
    answers = {
        "MoveState": [state, left],
        "Moment": [state["moment"]],
        "Location": [state["location"], flow["location"]],
        "ValueText": [left["result"]],
        "Recording": [recording],
        "Missing": recording["missing"],
        "Files": [files],
        "RecordedFile": files["files"],
        "LineCounts": [made.ask("ct/line-counts", path="program.py", first=1, count=5)],
        "Flow": [flow],
        "FlowStep": flow["steps"],
        "FlowValue": flow["steps"][0]["values"],
        "Visit": [made.ask("ct/visit", call=call, line=9)],
        "Loops": [loops],
        "Loop": loops["loops"],
        "Calls": [calls, made.ask("ct/search-calltrace", value="turn", count=1)],
        "Call": calls["calls"],
        "History": [history],
        "HistoryEntry": history["results"],
        "Place": [history["next"]],
        "HistoryDrawing": [made.ask("ct/draw-history", expression="k", count=5)],
        "Events": [events],
        "ProgramEvent": events["events"],
        "Timeline": [timeline],
        "TimelineThread": timeline["threads"],
        "At": [made.ask("ct/at", step=3)],
        "VariableExtra": [v["ct"] for v in variables.values()],
    }
    for name, shapes in answers.items():
        assert shapes or name == "Missing", name
        for shape in shapes:
            check_shape(shape, known[name])


def test_a_batch_is_answered_in_order_as_if_its_requests_came_alone(made):
    """One that fails does not stop those behind it; what is seen is seen where the move led."""

    def request(seq, command, **arguments):
        return {"seq": seq, "type": "request", "command": command, "arguments": arguments}

    asked = [
        request(901, "ct/move", move="line", path="program.py", line=18),
        request(902, "no such request"),
        request(903, "scopes", count=5),
        request(904, "ct/visit"),
        request(905, "ct/batch", requests=[]),
        "no request",
    ]
    answers = made.ask("ct/batch", requests=asked)["responses"]
    assert [answer["request_seq"] for answer in answers] == [901, 902, 903, 904, 905, 0]
    assert [answer["success"] for answer in answers] == [True, False, True, True, False, False]
    assert [event["event"] for event in made.events] == ["stopped", "ct/complete-move"]
    assert answers[0]["body"]["location"]["line"] == 18
    scopes = {scope["name"]: scope for scope in answers[2]["body"]["scopes"]}
    shown = list(made.variables(scopes["Locals"]["variablesReference"]).items())[:5]
    first = scopes["Locals"]["variables"]
    assert [(v["name"], v["value"]) for v in first] == [(n, v["value"]) for n, v in shown]
    assert "variables" not in scopes["Globals"]
    assert answers[3]["body"] == made.ask("ct/visit", line=18)
    with pytest.raises(Failed):
        made.ask("ct/batch", requests=[request(at, "threads") for at in range(65)])


def test_a_request_in_a_batch_and_a_whole_batch_can_be_cancelled(made):
    def batch():
        requests = [{"seq": seq, "type": "request", "command": "threads"} for seq in (901, 902)]
        return made.ask("ct/batch", requests=requests)["responses"]

    made.ask("cancel", requestId=902)
    assert [answer.get("message") for answer in batch()] == [None, "cancelled"]
    assert all(answer["success"] for answer in batch())
    made.ask("cancel", requestId=made.seq + 2)
    with pytest.raises(Failed, match="cancelled"):
        batch()
