"""Tasks as the debug adapter tells them."""

import pytest
from dap_client import Client, Failed
from engine import record

PROGRAM = """\
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
    tasks = [asyncio.create_task(outer(n, seen)) for n in range(30)]
    await asyncio.sleep(0)
    seen.append("here")
    await asyncio.gather(*tasks)

asyncio.run(main())
"""


@pytest.fixture
def client(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with Client(record(ct, program, tmp_path / "recording")) as made:
        made.ask("configurationDone")
        made.ask("ct/move", move="line", path=str(program), line=17)
        yield made


def test_tasks_come_in_pages_with_where_they_wait(client):
    whole = client.ask("ct/tasks")
    assert (whole["total"], whole["all"], whole["isTruncated"]) == (31, 31, False)
    main, first, *_ = whole["tasks"]
    assert (main["name"], main["state"], main["location"]["line"]) == ("main", "running", 17)
    assert (first["name"], first["state"], first["frames"]) == ("outer", "suspended", 2)
    assert first["module"] == "__main__"
    where = first["location"]
    assert (where["functionName"], where["line"]) == ("inner", 5)
    page = client.ask("ct/tasks", start=7, count=3)
    assert page["tasks"] == whole["tasks"][7:10]
    named = client.ask("ct/tasks", name="ute", count=1)
    assert (named["total"], named["all"], len(named["tasks"])) == (30, 31, 1)
    assert client.ask("ct/tasks", name="nobody")["tasks"] == []
    assert client.ask("ct/recording")["hasTasks"]
    state = client.ask("ct/goto-ticks", ticks=where["rrTicks"])
    assert (state["location"]["functionName"], state["location"]["line"]) == ("inner", 5)


def test_frames_of_a_task_are_frames_like_others(client):
    task = client.ask("ct/tasks", start=4, count=1)["tasks"][0]
    answer = client.ask("ct/task-frames", key=task["key"])
    inner, outer = answer["stackFrames"]
    assert answer["totalFrames"] == 2
    assert [(f["name"], f["line"]) for f in (inner, outer)] == [("inner", 5), ("outer", 10)]
    assert inner["ct"] == {
        "key": task["location"]["key"],
        "isCallSite": True,
        "wasRunning": False,
    }
    scopes = client.ask("scopes", frameId=inner["id"])["scopes"]
    assert [scope["name"] for scope in scopes] == ["Locals", "Globals"]
    shown = client.variables(scopes[0]["variablesReference"])
    assert {name: value["value"] for name, value in shown.items()} == {
        "n": "3",
        "seen": "['here']",
        "doubled": "6",
    }
    evaluated = client.ask("evaluate", expression="label", frameId=outer["id"])
    assert evaluated["result"] == "'task 3'"
    assert client.ask("ct/task-frames", key=task["key"], start=1)["stackFrames"] == [outer]
    client.ask("stepIn", threadId=1)
    for command in ("scopes", "evaluate"):
        with pytest.raises(Failed, match="no frame number"):
            client.ask(command, frameId=inner["id"], expression="n")


def test_what_is_no_suspended_task_is_refused(client):
    running = client.ask("ct/tasks", count=1)["tasks"][0]
    with pytest.raises(Failed, match="not suspended"):
        client.ask("ct/task-frames", key=running["key"])
    with pytest.raises(Failed, match="not suspended"):
        client.ask("ct/task-frames", key=2**53 - 1)
    with pytest.raises(Failed, match="key is missing"):
        client.ask("ct/task-frames")
    with pytest.raises(Failed, match="name is not a text"):
        client.ask("ct/tasks", name=7)
    assert client.ask("ct/tasks", start=2**53 - 1)["tasks"] == []
