"""The debug adapter: how a session goes, what each request answers, what hostile clients get."""

import json
from pathlib import Path

import pytest
from dap_client import Client, Failed, requests
from engine import record

PROGRAM = """\
class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def leaf(n, *rest, key=None):
    total = n
    for i in range(3):
        total += i
    return total


def fail(v):
    raise ValueError(f"bad {v}")


def main():
    p = Point(1, [2, 3])
    table = {"a": 1, (2, 3): [4], "c": None}
    out = []
    for k in range(4):
        out.append(leaf(k,
                        k + 1, key="k"))
    try:
        fail(p.x)
    except ValueError as e:
        print("caught", e)
    return out


print(main())
"""


@pytest.fixture(scope="module")
def recorded(ct, tmp_path_factory):
    """One recording of PROGRAM: its folder and the program's path."""
    folder = tmp_path_factory.mktemp("dap")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return record(ct, program, folder / "recording"), program


@pytest.fixture
def client(recorded):
    with Client(recorded[0]) as made:
        made.ask("attach")
        made.ask("configurationDone")
        yield made


def at_line(client, line, **arguments):
    state = client.ask("ct/move", move="line", path="program.py", line=line, **arguments)
    assert state["end"] == "moved"
    return state


# ---- how a session goes ----


def test_a_session_starts_in_dap_s_order(recorded):
    with Client() as client:
        client.ask("initialize", adapterID="codetracer-python")
        assert client.events == []
        client.ask("launch", traceFolder=str(recorded[0]), somethingElse=[1])
        assert [e["event"] for e in client.events] == ["initialized"]
        client.ask("configurationDone")
        assert [e["event"] for e in client.events] == ["stopped", "ct/complete-move"]
        assert client.body_of("stopped")["reason"] == "entry"
        assert client.body_of("ct/complete-move")["moment"] == {"step": 0, "left": 0}
        for again in ("launch", "attach"):
            with pytest.raises(Failed, match="a recording is open"):
                client.ask(again, traceFolder=str(recorded[0].parent))


def test_a_recording_given_beforehand_needs_no_name(recorded):
    with Client(recorded[0]) as client:
        assert [e["event"] for e in client.events] == ["initialized"]
        client.ask("configurationDone")
        assert client.body_of("stopped")["reason"] == "entry"
        assert client.ask("attach") is None
        assert client.events == []


@pytest.mark.parametrize("key", ["traceFolder", "program"])
def test_a_relative_path_starts_at_cwd(recorded, key):
    folder = recorded[0]
    with Client() as client:
        client.ask("initialize")
        client.ask("attach", cwd=str(folder.parent), **{key: folder.name})


def test_a_recording_that_is_not_there_is_an_error(tmp_path):
    with Client() as client:
        client.ask("initialize")
        with pytest.raises(Failed, match="nowhere"):
            client.ask("launch", traceFolder=str(tmp_path / "nowhere"))
        with pytest.raises(Failed, match="traceFolder is missing"):
            client.ask("launch")
        with pytest.raises(Failed, match="no recording is open"):
            client.ask("loadedSources")


def test_of_a_recording_without_steps_one_can_ask_what_it_is(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys; sys.exit()\n", encoding="utf-8")
    folder = record(ct, program, tmp_path / "recording", "--skip", "file:glob:**/program.py")
    with Client() as client:
        client.ask("initialize")
        for _ in range(2):
            with pytest.raises(Failed, match="no step"):
                client.ask("launch", traceFolder=str(folder))
        assert client.ask("ct/recording")["steps"] == 0
        with pytest.raises(Failed, match="no step"):
            client.ask("threads")
    with Client(folder) as client:
        client.ask("attach")
        client.ask("configurationDone")
        assert client.events == []


def test_without_a_stop_on_entry_it_goes_on_to_the_first_breakpoint(recorded):
    with Client(recorded[0]) as client:
        client.ask("launch", stopOnEntry=False)
        client.ask("setBreakpoints", source={"path": "program.py"}, breakpoints=[{"line": 10}])
        client.ask("configurationDone")
        assert client.body_of("stopped")["reason"] == "breakpoint"
        assert client.body_of("ct/complete-move")["location"]["line"] == 10


def test_the_first_breakpoint_may_be_on_the_first_step(recorded):
    with Client(recorded[0]) as client:
        client.ask("launch")
        client.ask("configurationDone")
        entry = client.body_of("ct/complete-move")["location"]["line"]
    with Client(recorded[0]) as client:
        client.ask("launch", stopOnEntry=False)
        marks = [{"line": entry}, {"line": entry, "logMessage": "begun"}]
        client.ask("setBreakpoints", source={"path": "program.py"}, breakpoints=marks)
        client.ask("configurationDone")
        assert client.body_of("stopped")["reason"] == "breakpoint"
        assert client.body_of("ct/complete-move")["moment"]["step"] == 0
        assert client.body_of("output")["output"] == "begun\n"


def test_terminate_tells_once_how_the_program_ended_and_disconnect_ends(client):
    client.ask("terminate")
    assert [e["event"] for e in client.events] == ["exited", "terminated"]
    assert client.body_of("exited") == {"exitCode": 0}
    client.ask("terminate")
    assert client.events == []
    client.ask("restart")
    client.ask("terminate")
    assert [e["event"] for e in client.events] == ["exited", "terminated"]
    client.ask("disconnect")
    with pytest.raises(Failed, match="ended"):
        client.ask("threads")


# ---- capabilities and the table ----


def test_capabilities_are_those_of_the_table(client):
    said = {name for name, value in client.capabilities.items() if value is True}
    assert {capability for capability in requests().values() if capability} <= said
    assert not any(name.startswith("supportsData") for name in said)


def test_every_request_is_answered_once_at_any_time(recorded):
    for prepare in ([], ["initialize"], ["initialize", "disconnect"]):
        for command in requests():
            with Client() as client:
                for before in prepare:
                    client.ask(before)
                client.try_ask(command)
    with Client(recorded[0]) as client:
        for command in requests():
            if command != "disconnect":
                client.try_ask(command)


WRONG = [None, True, -1, 0, 1.5, 2**53, 2**63 - 1, "", "x", "a\0b", [], [1], {}, {"a": 1}]
NAMES = [
    "threadId",
    "frameId",
    "variablesReference",
    "start",
    "count",
    "filter",
    "expression",
    "context",
    "text",
    "column",
    "line",
    "path",
    "source",
    "sourceReference",
    "breakpoints",
    "filters",
    "targetId",
    "move",
    "moment",
    "call",
    "index",
    "place",
    "backwards",
    "granularity",
    "startFrame",
    "levels",
    "requestId",
    "step",
    "value",
    "from",
    "parent",
    "kind",
    "to",
    "pathFormat",
    "cwd",
    "program",
    "traceFolder",
    "condition",
]


def test_wrong_types_are_refused_or_taken_never_fatal(client):
    for command in requests():
        if command in ("disconnect", "launch", "attach"):
            continue
        for wrong in WRONG:
            client.try_ask(command, **dict.fromkeys(NAMES, wrong))
        for name in NAMES:
            client.try_ask(command, **{name: WRONG[len(name) % len(WRONG)]})
    assert client.ask("threads")["threads"]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "null",
        "{}",
        '{"type":"request"}',
        '{"seq":1,"type":"request","command":5}',
        '{"seq":"1","type":"request","command":"threads"}',
        '{"seq":-1,"type":"request","command":"threads"}',
        '{"seq":1,"type":"query","command":"threads"}',
        '{"seq":1,"type":"request","command":"threads","arguments":[]}',
        '{"seq":1,"type":"request","command":"ct/nothing"}',
        '{"seq":1e400,"type":"request","command":"threads"}',
        '{"seq":1,"type":"request","command":"\\u0000"}',
        '{"seq":1,"type":"request","command":"a\\ud800"}',
        "[" * 100000,
        '{"a":' * 3000,
        '{"seq":1,"type":"request","command":"' + "x" * 100000 + '"}',
        '{"seq":1,"type":"request","command":"evaluate","arguments":{"expression":"'
        + "(" * 10000
        + '"}}',
        '{"seq":1,"type":"request","command":"threads","arguments":{"x":"' + "y" * 5000000 + '"}}',
    ],
)
def test_what_is_no_request_gets_an_error(client, line):
    assert not client.respond(line)["success"]
    assert client.ask("threads")["threads"]


def test_responses_and_events_of_the_client_s_need_no_answer(client):
    assert client.send('{"seq":9,"type":"response","request_seq":1,"success":true}') == []
    assert client.send('{"seq":9,"type":"event","event":"x"}') == []


def test_numbers_of_another_stop_are_refused(client):
    at_line(client, 10)
    frame = client.ask("stackTrace", threadId=1)["stackFrames"][0]["id"]
    reference = client.ask("scopes", frameId=frame)["scopes"][0]["variablesReference"]
    assert client.variables(reference)["n"]["value"] == "0"
    client.ask("next", threadId=1)
    for command, arguments in (
        ("scopes", {"frameId": frame}),
        ("variables", {"variablesReference": reference}),
        ("evaluate", {"frameId": frame, "expression": "n"}),
    ):
        with pytest.raises(Failed, match="at this moment"):
            client.ask(command, **arguments)


# ---- cancelling ----


def test_a_cancelled_request_says_so(client):
    seq = client.seq + 3
    client.ask("cancel", requestId=seq)
    client.ask("threads")
    response = client.try_ask("threads")
    assert (response["success"], response["message"]) == (False, "cancelled")
    client.seq = seq - 1
    assert client.ask("threads")  # once


def test_transports_know_a_cancel(client):
    def is_cancel(message):
        return client.send("!" + json.dumps(message)) == [{"probe": "cancel"}]

    assert is_cancel({"command": "cancel", "arguments": {"requestId": 900}})
    assert is_cancel({"command": "cancel", "arguments": {"progressId": "901"}})
    assert not is_cancel({"command": "cancel", "arguments": {"progressId": "x"}})
    assert not is_cancel({"command": "cancel"})
    assert not is_cancel({"command": "threads", "arguments": {"requestId": 1}})
    assert client.send("!nonsense") == [{"probe": "other"}]
    client.seq = 899
    assert client.try_ask("threads")["message"] == "cancelled"


# ---- stack and variables ----


def test_frames_below_are_at_their_call_sites(client, recorded):
    at_line(client, 10)
    answer = client.ask("stackTrace", threadId=1)
    frames = [(f["name"], f["line"], f["ct"]["isCallSite"]) for f in answer["stackFrames"]]
    assert frames == [("leaf", 10, False), ("main", 23, True), ("<module>", 32, True)]
    assert answer["totalFrames"] == 3
    assert answer["stackFrames"][0]["source"] == {
        "name": "program.py",
        "path": str(recorded[1]),
    }
    window = client.ask("stackTrace", threadId=1, startFrame=1, levels=1)
    assert [f["name"] for f in window["stackFrames"]] == ["main"]
    assert "totalFrames" not in window
    assert window["stackFrames"][0]["id"] == answer["stackFrames"][1]["id"]
    assert client.ask("stackTrace", threadId=1, startFrame=9)["stackFrames"] == []


def test_scopes_and_variables_with_their_extras(client):
    at_line(client, 10)
    client.ask("next")
    scopes = client.scopes()
    assert list(scopes) == ["Locals", "Globals"]
    found = client.variables(scopes["Locals"])
    assert {n: v["value"] for n, v in found.items()} == {
        "n": "0",
        "key": "'k'",
        "rest": "(1,)",
        "total": "0",
        "i": "0",
    }
    assert found["n"]["ct"] == {"kind": "int", "variableKind": "argument"}
    assert found["rest"]["ct"] == {"kind": "tuple", "length": 1, "variableKind": "argument"}
    assert client.variables(found["rest"]["variablesReference"])["0"]["evaluateName"] == "rest[0]"
    client.ask("next")
    client.ask("next")
    found = client.variables(client.scopes()["Locals"])
    assert found["total"]["ct"] | {"kind": ""} == {
        "kind": "",
        "variableKind": "local",
        "isChanged": True,
        "before": "0",
    }
    names = client.variables(client.scopes()["Globals"])
    assert names["leaf"]["ct"]["variableKind"] == "global"
    assert "'leaf'" not in names


def test_names_of_a_class_body_are_its_own(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("a = 1\nclass C:\n    b = 2\n    c = b\n")
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        at_line(client, 4)
        scopes = client.scopes()
        kinds = {n: v["ct"]["variableKind"] for n, v in client.variables(scopes["Locals"]).items()}
        assert (kinds["b"], kinds["__module__"]) == ("local", "local")
        assert client.variables(scopes["Globals"])["a"]["ct"]["variableKind"] == "global"
        assert client.variables(client.scopes(1)["Locals"])["a"]["ct"]["variableKind"] == "global"


def test_what_left_is_a_scope_of_its_own(client):
    at_line(client, 11)
    state = client.ask("stepOut")
    assert (state["leftBy"], state["result"]) == ("return", {"text": "3", "type": "int"})
    scopes = client.scopes()
    assert list(scopes) == ["Return value", "Locals", "Globals"]
    assert client.variables(scopes["Return value"])["(return value)"]["value"] == "3"
    assert list(client.scopes(1)) == ["Locals", "Globals"]
    client.ask("ct/move", move="exception")
    client.ask("stepOut")
    scopes = client.scopes()
    assert next(iter(scopes)) == "Exception"
    exception = client.variables(scopes["Exception"])["(exception)"]
    assert exception["value"] == "ValueError('bad 1')"
    assert client.variables(exception["variablesReference"])["args"]["value"] == "('bad 1',)"


def all_children(client, reference, depth=3):
    for variable in client.variables(reference).values():
        yield variable
        if variable["variablesReference"] and depth:
            yield from all_children(client, variable["variablesReference"], depth - 1)


def test_what_one_types_for_a_value_has_that_value(client):
    at_line(client, 22)
    count = 0
    for variable in all_children(client, client.scopes()["Locals"]):
        if "evaluateName" in variable:
            answer = client.ask("evaluate", expression=variable["evaluateName"], context="watch")
            assert answer["result"] == variable["value"]
            assert answer["type"] == variable["type"]
            count += 1
    assert count > 8


def test_children_come_in_windows_and_by_section(client):
    at_line(client, 22)
    found = client.variables(client.scopes()["Locals"])["table"]
    assert (found["namedVariables"], found["indexedVariables"]) == (0, 3)
    reference = found["variablesReference"]
    assert list(client.variables(reference)) == ["'a'", "(2, 3)", "'c'"]
    assert list(client.variables(reference, start=1, count=1)) == ["(2, 3)"]
    assert list(client.variables(reference, filter="indexed", start=2)) == ["'c'"]
    assert client.variables(reference, filter="named") == {}
    with pytest.raises(Failed, match="filter"):
        client.ask("variables", variablesReference=reference, filter="all")


def test_evaluate_answers_and_says_where_it_fails(client):
    at_line(client, 22)
    assert client.ask("evaluate", expression="p.x + 1")["result"] == "2"
    answer = client.ask("evaluate", expression="p.y", context="hover")
    assert (answer["result"], answer["indexedVariables"]) == ("[2, 3]", 2)
    assert client.variables(answer["variablesReference"])["1"]["evaluateName"] == "p.y[1]"
    with pytest.raises(Failed, match=r"NameError: .*nope.* \(column 5\)"):
        client.ask("evaluate", expression="1 + nope")
    with pytest.raises(Failed, match=r"\(column 5\)"):
        client.ask("evaluate", expression="1 ===")
    with pytest.raises(Failed, match=r"\(column 7\)"):
        client.ask("evaluate", expression="'é' + nope")
    frame = client.ask("stackTrace", threadId=1)["stackFrames"][1]["id"]
    with pytest.raises(Failed, match="NameError"):
        client.ask("evaluate", expression="p", frameId=frame)


def test_completions_offer_names_and_attributes(client):
    at_line(client, 22)

    def offered(text, column):
        targets = client.ask("completions", text=text, column=column)["targets"]
        return {target["label"]: (target["start"], target["length"]) for target in targets}

    assert offered("1 + ta", 7) == {"table": (4, 2)}
    assert offered("p.", 3) == {"x": (2, 0), "y": (2, 0)}
    assert set(offered("le", 3)) == {"leaf", "len"}
    assert offered("nope.", 6) == {}
    client.ask("ct/move", move="end")
    targets = client.ask("completions", text="ta", column=3)["targets"]
    assert [target["label"] for target in targets] == ["table"]  # a variable and a global
    client.ask("restart")
    at_line(client, 22)
    assert offered("'é😀' + p.x", 12) == {"x": (10, 1)}


# ---- moves ----


def test_moves_answer_with_the_state_and_tell_it_by_events(client):
    state = at_line(client, 10)
    assert state["reason"] == "goto"
    state = client.ask("next", threadId=1)
    assert state["location"] | {"path": ""} == {
        "path": "",
        "line": 9,
        "functionName": "leaf",
        "functionFirst": 7,
        "rrTicks": state["moment"]["step"],
        "key": state["location"]["key"],
        "callstackDepth": 2,
    }
    assert client.body_of("ct/complete-move") == state
    assert client.body_of("stopped") == {
        "reason": "step",
        "description": "Step",
        "threadId": 1,
        "allThreadsStopped": True,
    }
    back = client.ask("stepBack", threadId=1)
    assert back["location"]["line"] == 10
    assert client.ask("ct/reverseStepOut")["location"]["line"] == 23
    assert client.ask("ct/reverseStepIn")["location"]["line"] == 24


def test_at_an_end_it_stays_and_says_so(client):
    state = client.ask("stepBack")
    assert (state["end"], state["reason"], state["atStart"]) == ("root", "step", True)
    assert client.body_of("stopped")["description"] == "No recorded code is below this call"
    state = client.ask("ct/move", move="end")
    assert state["atEnd"]
    state = client.ask("continue", threadId=1)
    assert (state["end"], state["reason"]) == ("not found", "pause")
    assert client.ask("ct/move", move="exception")["reason"] == "pause"


def test_granularity_of_next_is_a_step_or_a_line(ct, tmp_path):
    program = tmp_path / "turns.py"
    program.write_text("for i in range(3): x = i\ny = 1\n", encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording")) as client:
        lines = [client.ask("next", granularity="statement")["isTurn"] for _ in range(2)]
        assert lines == [True, True]
        client.ask("restart")
        assert client.ask("next", granularity="line")["location"]["line"] == 2
        with pytest.raises(Failed, match="granularity"):
            client.ask("next", granularity="word")


def test_ct_move_has_every_move(client):
    def line_after(move, **arguments):
        return client.ask("ct/move", move=move, **arguments)["location"]["line"]

    assert line_after("line", path="program.py", line=10) == 10
    call = client.ask("ct/move", move="moment", moment={"step": 20})["location"]["key"]
    assert (
        line_after("callStart")
        == client.ask("ct/move", move="callStart", call=call)["location"]["line"]
    )
    assert line_after("callEnd", call=call)
    assert line_after("visit", call=call, line=9, index=2) in (9, 23)
    assert line_after("output") == 28
    assert line_after("exception", backwards=True) == 15
    assert line_after("start") == 1
    assert [line_after(move) for move in ("into", "over", "overLine")] == [1, 2, 1]
    with pytest.raises(Failed, match="no move"):
        line_after("sideways")
    with pytest.raises(Failed, match="no step"):
        line_after("moment", moment={"step": 10**9})
    with pytest.raises(Failed, match="not recorded"):
        line_after("line", path="other.py", line=1)


def test_goto_goes_to_the_next_or_previous_visit(client):
    at_line(client, 23)
    at_line(client, 23)
    here = at_line(client, 23)["moment"]["step"]
    targets = client.ask("gotoTargets", source={"path": "program.py"}, line=23)["targets"]
    assert [t["label"] for t in targets] == ["Next visit of line 23", "Previous visit of line 23"]
    state = client.ask("goto", threadId=1, targetId=targets[1]["id"])
    assert state["reason"] == "goto"
    assert state["moment"]["step"] < here
    client.ask("gotoTargets", source={"path": "program.py"}, line=23)
    with pytest.raises(Failed, match="target"):
        client.ask("goto", threadId=1, targetId=targets[1]["id"])


def test_restart_goes_to_the_start(client):
    at_line(client, 10)
    assert client.ask("restart")["atStart"]
    assert client.body_of("stopped")["reason"] == "entry"


# ---- breakpoints ----


def set_lines(client, *breakpoints):
    answer = client.ask("setBreakpoints", source={"path": "program.py"}, breakpoints=breakpoints)
    return answer["breakpoints"]


def test_breakpoints_are_verified_only_where_steps_are(client):
    made = set_lines(client, {"line": 10}, {"line": 5}, {"line": 500})
    assert [(b["verified"], b["line"]) for b in made] == [(True, 10), (True, 7), (False, 500)]
    assert made[1]["message"] == "Line 5 never ran: moved to line 7"
    assert made[2]["message"] == "The file ends before this line"
    answer = client.ask("setBreakpoints", source={"path": "other.py"}, breakpoints=[{"line": 1}])
    assert [b["verified"] for b in answer["breakpoints"]] == [False]


NEAR = (
    """\
def ran(n):
    # about it
    if n > 5:
        big = n

        return "big"
    total = n
    return total
    # no more

# of the module
def never(
    a=1,
):
    first = a

    # inside
    def inner():
        return 1
    return """
    + '"""text\nof it"""'
    + """

class Kind:
    limit = 3

    def unused(self):
        pass

    def used(self):
        if self.limit > 5:
            raise ValueError
        # not so large
        return 4

def caller():
    values = [
        1,
        ran(2),
    ]
    return Kind().used()
# the end
caller()
"""
)
# The line of a breakpoint, and where it is then; None: nowhere.
MOVED = {
    1: 1, 2: 3, 4: 7, 5: 7, 6: 7, 8: 8, 9: 8, 10: 12, 11: 12, 13: 13, 14: None, 15: None, 16: None,
    17: None, 18: None, 19: None, 20: None, 22: 23, 23: 23, 24: 24, 25: 26, 27: None, 28: 29,
    31: 33, 32: 33, 34: 35, 37: 37, 39: 40, 41: 42, 43: 42, 999: None,
}  # fmt: skip


def test_a_breakpoint_moves_within_its_function(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(NEAR, encoding="utf-8")
    record(ct, program, tmp_path / "recording")
    with Client(tmp_path / "recording") as client:
        client.ask("attach")
        made = set_lines(client, *[{"line": line} for line in MOVED])
    found = [b["line"] if b["verified"] else None for b in made]
    assert dict(zip(MOVED, found, strict=True)) == MOVED


def test_stops_name_the_breakpoints_hit(client):
    first, second = (b["id"] for b in set_lines(client, {"line": 8}, {"line": 8}))
    (function,) = client.ask("setFunctionBreakpoints", breakpoints=[{"name": "leaf"}])[
        "breakpoints"
    ]
    state = client.ask("continue")
    assert state["breakpoints"] == [first, second, function["id"]]
    assert client.body_of("stopped")["hitBreakpointIds"] == [first, second, function["id"]]
    assert client.body_of("stopped")["reason"] == "breakpoint"
    set_lines(client)
    assert client.ask("continue")["reason"] == "function breakpoint"


def test_conditions_hit_counts_and_their_errors(client):
    (made,) = set_lines(client, {"line": 8, "condition": "n == 2"})
    assert client.ask("continue")["breakpoints"] == [made["id"]]
    assert client.ask("evaluate", expression="n")["result"] == "2"
    set_lines(client, {"line": 8, "hitCondition": ">= 3"})
    assert client.ask("reverseContinue")["end"] == "not found"
    (bad,) = set_lines(client, {"line": 8, "condition": "n =="})
    assert not bad["verified"]
    assert "(column 5)" in bad["message"]
    for never in ("0", "== 0", "% 0", "<= 0", "< 1", "<1"):
        (bad,) = set_lines(client, {"line": 8, "hitCondition": never})
        assert not bad["verified"]
        assert "never holds" in bad["message"]
    (bad,) = set_lines(client, {"line": 8, "condition": "n == 2", "hitCondition": "bad"})
    assert "a hit condition is" in bad["message"]
    assert "column" not in bad["message"]
    (made,) = set_lines(client, {"line": 8, "condition": "nope == 1"})
    client.ask("restart")
    client.ask("continue")
    told = client.body_of("breakpoint")["breakpoint"]
    assert told["id"] == made["id"]
    assert told["message"].startswith("The condition had no value; at first: NameError")
    client.ask("restart")
    client.ask("continue")
    assert "breakpoint" not in [event["event"] for event in client.events]  # told once


def test_log_points_tell_both_ways_and_do_not_stop(client):
    set_lines(
        client,
        {"line": 10, "logMessage": "i={i} {key} {{}} {nope}", "condition": "n == 1"},
        {"line": 26},
    )
    client.ask("continue")
    texts = [e["body"]["output"] for e in client.events if e["event"] == "output"]
    expected = [f"i={i} k {{}} <NameError: 'nope' has no value here>\n" for i in range(3)]
    assert texts == expected
    assert client.body_of("ct/complete-move")["location"]["line"] == 26
    client.ask("reverseContinue")
    texts = [e["body"]["output"] for e in client.events if e["event"] == "output"]
    assert texts == expected[::-1]
    (bad,) = set_lines(client, {"line": 10, "logMessage": "ok {i +}"})
    assert not bad["verified"]
    assert bad["message"].endswith("(column 8)")


def test_exception_filters(client):
    answer = client.ask("setExceptionBreakpoints", filters=["raised", "odd"])
    assert [b["verified"] for b in answer["breakpoints"]] == [True, False]
    assert client.ask("continue")["reason"] == "exception"
    info = client.ask("exceptionInfo", threadId=1)
    assert (info["exceptionId"], info["description"]) == ("ValueError", "ValueError('bad 1')")
    client.ask("setExceptionBreakpoints", filters=[])
    client.ask("restart")
    assert client.ask("continue")["end"] == "not found"
    with pytest.raises(Failed, match="no exception"):
        client.ask("exceptionInfo", threadId=1)


CANCELLED = """\
import asyncio
async def sleeper():
    await asyncio.sleep(9)
async def main():
    task = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    await asyncio.create_task(asyncio.sleep(0, "done"))
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
def gives():
    return 0
def resumed():
    try:
        yield
    except KeyError:
        pass
asyncio.run(main())
made = resumed()
next(made)
try:
    made.throw(KeyError("thrown"))
except StopIteration:
    pass
try:
    1 / gives()
except ZeroDivisionError:
    pass
"""


def test_every_stop_at_an_exception_has_one(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(CANCELLED, encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        client.ask("setExceptionBreakpoints", filters=["raised"])
        told = []
        while client.ask("continue")["end"] == "moved":
            told.append(client.ask("exceptionInfo", threadId=1)["exceptionId"])
    assert "CancelledError" in told
    assert "StopIteration" not in told[:-3]  # how each `await` ends
    assert told[-3:] == ["KeyError", "StopIteration", "ZeroDivisionError"]


def test_log_points_are_told_up_to_a_limit(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("for i in range(10_050):\n    i += 1\n", encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        set_lines(client, {"line": 2, "logMessage": "{i}"})
        client.ask("continue")
        told = [e["body"] for e in client.events if e["event"] == "output"]
    assert [body["output"] for body in told[:3]] == ["0\n", "1\n", "2\n"]
    assert len(told) == 10_001
    limit = "Further log points are left out: there are more than 10000\n"
    assert (told[-1]["category"], told[-1]["output"]) == ("important", limit)


def set_exceptions(client, **options):
    """What became of each, as (verified, message), and the moments at which continue stops."""
    answer = client.ask("setExceptionBreakpoints", **({"filters": []} | options))
    client.ask("restart")
    stops = []
    while client.ask("continue")["end"] == "moved":
        stops.append(client.body_of("ct/complete-move")["location"]["line"])
    return [(b["verified"], b.get("message")) for b in answer["breakpoints"]], stops


def test_exception_filters_have_types(client):
    known = [f["filter"] for f in client.capabilities["exceptionBreakpointFilters"]]
    assert known == ["raised", "leavesFunction", "userUnhandled", "uncaught"]
    assert client.capabilities["supportsExceptionFilterOptions"]
    assert client.capabilities["supportsExceptionOptions"]

    def filtered(filter_id, condition=None):
        option = {"filterId": filter_id} | ({"condition": condition} if condition else {})
        (told,), stops = set_exceptions(client, filterOptions=[option])
        return (*told, stops)

    assert filtered("raised") == (True, None, [15])
    assert filtered("leavesFunction", "ValueError") == (True, None, [15])
    assert filtered("userUnhandled") == (True, None, [])
    assert filtered("raised", "!ValueError")[::2] == (False, [])
    nobody = "No exception of such a type was recorded"
    assert filtered("raised", "KeyError") == (False, nobody, [])
    is_verified, message, stops = filtered("raised", "ValueError, Key Error")
    assert (is_verified, stops) == (False, [])
    assert message.endswith("(column 17)")
    assert filtered("odd")[0] is False
    # Each gets an answer, whichever comes first; the others work.
    told, stops = set_exceptions(
        client,
        filters=["uncaught"],
        filterOptions=[{"filterId": "raised", "condition": "("}, {"filterId": "raised"}],
        exceptionOptions=[{"breakMode": "often"}],
    )
    assert [verified for verified, _ in told] == [True, False, True, False]
    assert stops == [15]


def test_exception_options_are_paths_of_names(client):
    def option(mode, *names, **more):
        python = {"names": ["Python Exceptions"]}
        path = [python, {"names": list(names), **more}] if names else [python]
        return {"breakMode": mode, "path": path}

    def stops(*options):
        return set_exceptions(client, exceptionOptions=list(options))[1]

    assert stops(option("always", "KeyError", "ValueError")) == [15]
    assert stops(option("always")) == stops({"breakMode": "always"}) == [15]
    assert stops(option("always", "ValueError", negate=True)) == []
    assert stops(option("unhandled")) == stops(option("userUnhandled")) == []
    assert stops(option("always"), option("never", "ValueError")) == []
    for wrong in ([1], [{"names": [1]}], {}, [{"names": "x"}], [{"negate": 1}]):
        with pytest.raises(Failed):
            client.ask(
                "setExceptionBreakpoints",
                filters=[],
                exceptionOptions=[{"breakMode": "always", "path": wrong}],
            )
    with pytest.raises(Failed, match="more than 100"):
        client.ask("setExceptionBreakpoints", filters=["raised"] * 101)
    with pytest.raises(Failed, match="condition is not a text"):
        client.ask(
            "setExceptionBreakpoints", filterOptions=[{"filterId": "raised", "condition": 1}]
        )


def test_breakpoint_locations_are_the_lines_with_steps(client):
    answer = client.ask("breakpointLocations", source={"path": "program.py"}, line=7, endLine=14)
    assert [b["line"] for b in answer["breakpoints"]] == [7, 8, 9, 10, 11, 14]


# ---- sources ----


def test_sources_are_those_recorded(ct, tmp_path):
    program = tmp_path / "a program é.py"
    program.write_text("x = 1\ny = 2\n", encoding="utf-8")
    folder = record(ct, program, tmp_path / "recording")
    with Client(folder, pathFormat="uri", linesStartAt1=False) as client:
        (source,) = client.ask("loadedSources")["sources"]
        assert source == {"name": program.name, "path": program.as_uri()}
        text = client.ask("source", source=source, sourceReference=0)["content"]
        assert text == "x = 1\ny = 2\n"
        made = client.ask("setBreakpoints", source=source, breakpoints=[{"line": 1}])
        assert made["breakpoints"][0]["line"] == 1
        assert client.ask("continue")["location"]["line"] == 1
        assert client.ask("evaluate", expression="x")["result"] == "1"
    program.write_text("changed\n", encoding="utf-8")
    with Client(folder) as client:
        (source,) = client.ask("loadedSources")["sources"]
        assert source["sourceReference"] == 1
        answer = client.ask("source", sourceReference=1)
        assert answer == {"content": "x = 1\ny = 2\n", "mimeType": "text/x-python"}
        assert client.ask("source") == answer  # of the code that runs
        with pytest.raises(Failed, match="no such file"):
            client.ask("source", sourceReference=0, source={"path": str(Path(__file__))})


def test_without_recorded_sources_the_files_on_the_disk_are_shown(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("x = 1\ny = 2\n\nz = 3\n", encoding="utf-8")
    folder = record(ct, program, tmp_path / "recording", "--no-sources")
    with Client(folder) as client:
        on_disk = {"name": program.name, "path": str(program)}
        assert client.ask("loadedSources")["sources"] == [on_disk]
        with pytest.raises(Failed, match="was not recorded"):
            client.ask("source", source=on_disk)
        (file,) = client.ask("ct/files")["files"]
        assert (file["hasSource"], file["lines"], file["linesRun"]) == (False, 3, 3)
        client.ask("setBreakpoints", source=on_disk, breakpoints=[{"line": 3}])
        assert client.ask("continue")["location"]["line"] == 4
    program.unlink()
    with Client(folder) as client:
        (source,) = client.ask("loadedSources")["sources"]
        assert "sourceReference" not in source
