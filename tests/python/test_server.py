"""Sessions, requests and events over HTTP, as the window uses them."""

import signal
import threading
from pathlib import Path

import pytest
from home import Home
from served import Server, golden_recording

IGNORABLE = (signal.SIGHUP, signal.SIGINT)


def test_the_list_has_the_recording_that_is_served(server: Server) -> None:
    answer = server.api("GET", "/recordings").json
    (recording,) = answer["recordings"]
    assert recording["id"] == answer["current"]
    assert recording["directory"].endswith("/recording")
    assert recording["state"] == "ok"
    keys = {"id", "number", "program", "args", "recordedAt", "duration", "exitCode", "bytes"}
    assert keys <= recording.keys()


def test_a_session_answers_and_tells(server: Server) -> None:
    session = server.session()
    stream = server.stream(session)
    server.start(session)
    moved = server.ask(session, "next", threadId=1)
    assert moved["success"]
    assert moved["body"]["moment"]["step"] > 0
    events = stream.events(5)
    assert [number for number, _ in events] == [1, 2, 3, 4, 5]
    names = [event["event"] for _, event in events]
    assert names[0] == "initialized"
    assert names[-1] == "ct/complete-move"
    assert events[-1][1]["body"] == moved["body"]
    assert server.api("DELETE", f"/sessions/{session}").status == 200
    assert stream.events() == []  # it has ended
    stream.close()
    assert server.api("DELETE", f"/sessions/{session}").status == 404


def test_a_session_can_be_opened_by_the_recordings_id(server: Server) -> None:
    current = server.api("GET", "/recordings").json["current"]
    first, second = server.session(current), server.session(current.upper())
    assert first != second
    server.start(first)
    server.start(second)
    server.ask(first, "next", threadId=1)
    where = [server.ask(s, "ct/move", move="into")["body"]["moment"] for s in (first, second)]
    assert where[0] != where[1]  # each stands where it went


def test_a_session_can_be_opened_with_its_first_request(server: Server) -> None:
    first = {"seq": 7, "type": "request", "command": "initialize", "arguments": {"adapterID": "t"}}
    reply = server.api("POST", "/sessions", {"recording": "", "first": first})
    assert reply.status == 200
    response = reply.json["response"]
    assert response["command"] == "initialize"
    assert response["request_seq"] == 7
    assert response["success"]
    session = reply.json["session"]
    assert server.ask(session, "attach")["success"]
    assert server.ask(session, "configurationDone")["success"]
    assert server.api("DELETE", f"/sessions/{session}").status == 200


def test_a_first_request_that_ends_the_session_is_answered(server: Server) -> None:
    first = {"seq": 1, "type": "request", "command": "disconnect"}
    reply = server.api("POST", "/sessions", {"recording": "", "first": first})
    assert reply.json["response"]["success"]
    assert server.api("DELETE", f"/sessions/{reply.json['session']}").status == 404


@pytest.mark.parametrize(
    ("first", "status"),
    [(1, 400), ("text", 400), (None, 400), ([], 400), ({}, 200), ({"type": "response"}, 500)],
)
def test_a_first_request_that_is_none_harms_nobody(
    server: Server, first: object, status: int
) -> None:
    reply = server.api("POST", "/sessions", {"recording": "", "first": first})
    assert reply.status == status
    if status == 200:
        assert not reply.json["response"]["success"]
    server.start(server.session())


def test_requests_of_one_session_are_answered_in_order(server: Server) -> None:
    session = server.session()
    server.start(session)
    moments: dict[int, tuple[int, int]] = {}

    def step(number: int) -> None:
        response = server.api(
            "POST",
            f"/sessions/{session}/dap",
            {"seq": 100 + number, "type": "request", "command": "ct/move",
             "arguments": {"move": "into"}},
        ).json  # fmt: skip
        moments[number] = tuple(response["body"]["moment"].values())

    threads = [threading.Thread(target=step, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(moments.values())) == 8


def test_a_second_stream_takes_over(server: Server) -> None:
    session = server.session()
    first = server.stream(session)
    second = server.stream(session)
    assert first.events() == []
    server.ask(session, "initialize", adapterID="test")
    ((number, event),) = second.events(1)
    assert (number, event["event"]) == (1, "initialized")
    first.close()
    second.close()


def test_events_nobody_heard_wait(server: Server) -> None:
    session = server.session()
    server.start(session)
    stream = server.stream(session)
    assert [number for number, _ in stream.events(3)] == [1, 2, 3]
    stream.close()
    from_the_future = server.stream(session, **{"Last-Event-ID": "1000000"})
    server.ask(session, "next", threadId=1)
    assert from_the_future.events(1)[0][0] == 4
    from_the_future.close()


def test_a_cancel_of_what_can_be_no_request_cancels_nothing(server: Server) -> None:
    session = server.session()
    server.start(session)
    for number in (-1, 0, -(2**63), 2**63 - 1):
        server.ask(session, "cancel", requestId=number)
        assert server.ask(session, "threads")["success"], number


def test_disconnect_ends_the_session(server: Server) -> None:
    session = server.session()
    stream = server.stream(session)
    server.start(session)
    assert server.ask(session, "disconnect")["success"]
    assert stream.events()[0][1]["event"] == "initialized"  # and the stream has an end
    stream.close()
    assert server.api("POST", f"/sessions/{session}/dap", {"seq": 2}).status == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_everyone_is_told(
    ct: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with Server(ct, "host", golden_recording(tmp_path / "recording"), home=tmp_path) as server:
        streams = [server.stream(server.session()) for _ in range(3)]
        assert server.end(number) == 0
        for stream in streams:
            assert [event["event"] for _, event in stream.events()] == ["ct/server-ending"]
            stream.close()


def test_a_signal_that_is_ignored_stays_so(ct: Path, tmp_path: Path) -> None:
    """As under nohup, or in the background of a script."""
    recording = golden_recording(tmp_path / "recording")
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORABLE}
    try:
        server = Server(ct, "host", recording, home=tmp_path)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    with server:
        for number in IGNORABLE:
            server.process.send_signal(number)
            assert server.api("GET", "/recordings").status == 200


def test_a_recording_without_end_is_served_as_far_as_it_goes(ct: Path, tmp_path: Path) -> None:
    recording = golden_recording(tmp_path / "recording")
    trace = recording / "trace.ctr"
    trace.write_bytes(trace.read_bytes()[:-200])
    with Server(ct, "host", recording, home=tmp_path) as server:
        (listed,) = server.api("GET", "/recordings").json["recordings"]
        assert listed["state"] == "unfinished"
        session = server.session()
        server.start(session)
        body = server.ask(session, "ct/recording")["body"]
        assert body["isComplete"] is False


def test_an_unfinished_recording_is_seen_as_it_is_by_who_comes_later(
    ct: Path, tmp_path: Path
) -> None:
    recording = golden_recording(tmp_path / "recording")
    trace = recording / "trace.ctr"
    whole = trace.read_bytes()
    trace.write_bytes(whole[:-200])
    with Server(ct, "host", recording, home=tmp_path) as server:
        early = server.session()
        server.start(early)
        replacement = recording / "new"
        replacement.write_bytes(whole)
        replacement.rename(trace)
        deadline = 50
        while deadline:  # it looks anew when a second has passed
            late = server.session()
            server.start(late)
            if server.ask(late, "ct/recording")["body"]["isComplete"]:
                break
            deadline -= 1
            threading.Event().wait(0.1)
        assert deadline
        assert server.ask(early, "ct/recording")["body"]["isComplete"] is False


def test_a_recording_made_over_the_served_one_is_another(ct: Path, tmp_path: Path) -> None:
    home = Home(ct, tmp_path)
    home.record(home.write("first.py"))
    with Server(ct, "host", tmp_path / "out", home=tmp_path) as server:
        home.record(home.write("second.py"))
        listed = {entry["program"]: entry["id"] for entry in server.list()}
        assert listed.keys() == {"first.py", "second.py"}
        for program, identifier in listed.items():
            session = server.session(identifier)
            server.start(session)
            sources = server.ask(session, "loadedSources")["body"]["sources"]
            assert [source["name"] for source in sources] == [program]


def test_read_only_recordings_are_served_in_place(ct: Path, tmp_path: Path) -> None:
    recording = golden_recording(tmp_path / "recording")
    (recording / "trace.ctr").chmod(0o400)
    recording.chmod(0o500)
    before = sorted(path.name for path in recording.iterdir())
    with Server(ct, "host", recording, home=tmp_path) as server:
        session = server.session()
        server.start(session)
        assert sorted(path.name for path in recording.iterdir()) == before
    recording.chmod(0o700)


def test_a_served_recording_may_be_deleted(ct: Path, tmp_path: Path) -> None:
    recording = golden_recording(tmp_path / "recording")
    with Server(ct, "host", recording, home=tmp_path) as server:
        session = server.session()
        (recording / "trace.ctr").unlink()
        server.start(session)
        assert server.ask(session, "next", threadId=1)["success"]
        again = server.session()  # it is open already
        server.start(again)
