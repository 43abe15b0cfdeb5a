"""`ct replay`, `ct run` and `ct host`: which recording, which server, which browser."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import oracle
import pytest
from served import PATIENCE, ROOT, Server, golden_recording
from test_docs import commands


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return golden_recording(tmp_path / "recording")


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """Return a program that writes down what it is asked to open."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/opened\n')
    program.chmod(0o755)
    return program


def opened(tmp_path: Path) -> list[str]:
    """Wait for what the browser wrote down."""
    path = tmp_path / "opened"
    deadline = time.monotonic() + PATIENCE
    while not path.exists() or not path.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    lines = path.read_text().splitlines()
    path.unlink()
    return lines


def run(
    ct: Path, home: Path, *arguments: str | Path, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    environment = oracle.environment(
        HOME=str(home),
        XDG_DATA_HOME=str(home / "data"),
        XDG_RUNTIME_DIR=str(home / "run"),
        CODETRACER_PYTHON_INTERPRETER=sys.executable,
        **variables,
    )
    return subprocess.run(
        [str(ct), *map(str, arguments)],
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        cwd=home,
        timeout=60,
    )


def lines_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


# ---- Which recording


def test_the_most_recent_one_is_shown(ct: Path, tmp_path: Path) -> None:
    for name in ("older", "newer"):
        (tmp_path / f"{name}.py").write_text("x = 1\n")
        assert run(ct, tmp_path, "record", "-o", name, f"{name}.py").returncode == 0
    ways = {
        (): "newer",
        ("older.py",): "older",
        ("1",): "older",
        ("--id", "2"): "newer",
        ("-t", "older"): "older",
        ("older",): "older",
        ("older/trace.ctr",): "older",
        ("--no-browser", "newer.py"): "newer",
    }
    for words, expected in ways.items():
        with Server(ct, "replay", *words, home=tmp_path) as server:
            answer = server.api("GET", "/recordings").json
            directories = {entry["id"]: entry["directory"] for entry in answer["recordings"]}
            assert directories[answer["current"]] == str(tmp_path / expected), words
            assert len(directories) == 2
            other = next(key for key in directories if key != answer["current"])
            server.start(server.session(other))


def test_one_is_chosen_from_a_list(ct: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("x = 1\n")
    assert run(ct, tmp_path, "record", "-o", "one", "program.py").returncode == 0
    done = run(ct, tmp_path, "replay", "-i", "--idle-timeout", "1s", given="1\n")
    assert done.returncode == 0
    assert "   1  " in done.stderr
    assert done.stdout.startswith("http://127.0.0.1:")
    for answer in ("", "\n", "7\n", "x\n"):
        done = run(ct, tmp_path, "replay", "-i", given=answer)
        assert (done.returncode, done.stdout) == (1, "")
        assert "error: " in done.stderr


def test_a_recording_in_no_list_is_found_in_the_working_directory(ct: Path, tmp_path: Path) -> None:
    golden_recording(tmp_path)
    with Server(ct, "replay", home=tmp_path) as server:
        answer = server.api("GET", "/recordings").json
        assert answer["recordings"][0]["directory"] == str(tmp_path)


def test_without_a_recording_the_window_lists_them(ct: Path, tmp_path: Path) -> None:
    with Server(ct, "host", home=tmp_path) as server:
        assert server.api("GET", "/recordings").json == {"recordings": [], "current": None}
        assert server.api("POST", "/sessions", {"recording": ""}).status == 404
        (tmp_path / "program.py").write_text("x = 1\n")
        assert run(ct, tmp_path, "record", "-o", "one", "program.py").returncode == 0
        answer = server.api("GET", "/recordings").json
        (recording,) = answer["recordings"]
        server.start(server.session(recording["id"]))
        assert answer["current"] is None


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["replay"], 1, "there is no recording yet"),
        (["replay", "nothing.py"], 1, "nothing.py"),
        (["replay", "--id", "7"], 1, "7"),
        (["replay", "-t", "nowhere"], 1, "cannot open 'nowhere'"),
        (["replay", "-t", "."], 1, "trace.ctr"),
        (["replay", "a", "b"], 2, "one of PATTERN"),
        (["replay", "a", "-t", "b"], 2, "one of PATTERN"),
        (["replay", "-i", "--id", "1"], 2, "one of PATTERN"),
        (["replay", "--idle-timeout", "soon"], 2, "90s, 10m, 1h or never"),
        (["replay", "--port", "65536", "-t", "recording"], 2, "65536"),
        (["replay", "--bind", "192.0.2.1", "-t", "recording"], 1, "192.0.2.1"),
        (["replay", "--bind", "no name", "-t", "recording"], 1, "cannot listen at no name"),
        (["run"], 2, "no program"),
        (["run", "nothing.py"], 2, "nothing.py"),
        (["host", "a", "b"], 2, "one recording"),
        (["host", "a", "--trace-path", "b"], 2, "one recording"),
        (["dap", "a", "b"], 2, "one recording"),
        (["dap", "nowhere"], 1, "nowhere"),
        (["start_backend", "db"], 2, "--stdio"),
        (["start_backend", "rr", "--stdio"], 2, "db"),
    ],
)
def test_what_cannot_be_done_is_said(
    ct: Path, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    golden_recording(tmp_path / "recording")
    done = run(ct, tmp_path, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


@pytest.mark.parametrize("name", ["trace.json", "trace.bin"])
def test_a_trace_of_codetracer_s_leads_to_the_import(ct: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / name).write_text("[]", encoding="utf-8")
    for words in (["-t", "theirs"], ["theirs"]):
        done = run(ct, tmp_path, "replay", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "holds a trace of CodeTracer's" in done.stderr
        assert "help: `ct import 'theirs'` makes one of it" in done.stderr


# ---- The server that is there already


def test_a_recording_that_is_open_is_shown_by_the_same_server(
    ct: Path, tmp_path: Path, recording: Path
) -> None:
    with Server(ct, "replay", recording, home=tmp_path) as server:
        done = run(ct, tmp_path, "replay", "-t", recording)
        assert (done.returncode, done.stdout.strip()) == (0, server.url)
        assert "open already" in done.stderr
        files = list((tmp_path / "run").rglob("*"))
        told = [path for path in files if path.is_file()]
        assert [stat.S_IMODE(path.stat().st_mode) for path in told] == [0o600]
        assert server.end() == 0
        assert not any(path.exists() for path in told)


def test_one_that_was_killed_is_not_taken_for_it(ct: Path, tmp_path: Path, recording: Path) -> None:
    with Server(ct, "replay", recording, home=tmp_path) as killed:
        killed.end(signal.SIGKILL)
    with Server(ct, "replay", recording, home=tmp_path) as server:
        assert server.token != killed.token
        assert run(ct, tmp_path, "replay", recording).stdout.strip() == server.url


def test_another_recording_at_the_same_path_gets_its_own(
    ct: Path, tmp_path: Path, recording: Path
) -> None:
    (tmp_path / "program.py").write_text("x = 1\n")
    with Server(ct, "replay", recording, home=tmp_path) as first:
        (recording / "trace.ctr").unlink()
        assert run(ct, tmp_path, "record", "-o", recording, "program.py").returncode == 0
        with Server(ct, "replay", recording, home=tmp_path) as second:
            assert second.port != first.port


@pytest.mark.parametrize("content", ["", "{", '{"directory": "/elsewhere"}', "x" * 100_000])
def test_what_others_left_there_hinders_nobody(
    ct: Path, tmp_path: Path, recording: Path, content: str
) -> None:
    with Server(ct, "replay", recording, home=tmp_path) as server:
        (told,) = (path for path in (tmp_path / "run").rglob("*") if path.is_file())
        told.write_text(content)  # and it is locked
        with Server(ct, "replay", recording, home=tmp_path) as other:
            assert other.port != server.port
            assert other.end() == 0


def test_who_asks_for_a_port_gets_it(ct: Path, tmp_path: Path, recording: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        Server(ct, "replay", recording, home=tmp_path) as first,
        Server(ct, "replay", recording, "--port", str(port), home=tmp_path) as second,
    ):
        assert (second.port, second.token != first.token) == (port, True)
        done = run(ct, tmp_path, "replay", recording, "--port", str(port))
        assert done.returncode == 1
        assert f"port {port}" in done.stderr


# ---- The browser


def test_the_browser_is_started_with_a_url_that_works_once(
    ct: Path, tmp_path: Path, recording: Path, browser: Path
) -> None:
    variables = {"DISPLAY": ":0", "BROWSER": f"nonexistent:{browser} --new"}
    with Server(ct, "replay", recording, home=tmp_path, **variables) as server:
        option, url = opened(tmp_path)
        assert option == "--new"
        assert server.token not in url
        path = url.removeprefix(f"http://127.0.0.1:{server.port}")
        reply = server.request("GET", path)
        assert (reply.status, reply.headers["location"]) == (303, f"/#token={server.token}")
        assert server.request("GET", path).status == 410
        # The next `ct replay` opens a page of the same server.
        run(ct, tmp_path, "replay", recording, **variables)
        again = opened(tmp_path)[1]
        assert again != url
        assert server.request("GET", again.partition(str(server.port))[2]).status == 303


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--no-browser"], {"DISPLAY": ":0"}),
        ([], {}),
        ([], {"DISPLAY": ""}),
    ],
)
def test_the_browser_is_not_started(
    ct: Path,
    tmp_path: Path,
    recording: Path,
    browser: Path,
    words: list[str],
    variables: dict[str, str],
) -> None:
    given = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": str(browser), **variables}
    with Server(ct, "replay", recording, *words, home=tmp_path, **given) as server:
        assert server.end() == 0
        assert not (tmp_path / "opened").exists()


def test_the_browser_is_not_hit_by_the_terminals_interrupt(
    ct: Path, tmp_path: Path, recording: Path
) -> None:
    program = tmp_path / "browser"
    # ps hangs where a sanitizer is preloaded.
    program.write_text(f"#!/bin/sh\nunset LD_PRELOAD\nps -o pgid=,ppid= -p $$ >{tmp_path}/opened\n")
    program.chmod(0o755)
    variables = {"DISPLAY": ":0", "BROWSER": str(program)}
    with Server(ct, "replay", recording, home=tmp_path, **variables) as server:
        group = int(opened(tmp_path)[0].split()[0])
        assert group != os.getpgid(server.process.pid)


# ---- How it ends, and what it says


def test_nobody_is_there_for_too_long(ct: Path, tmp_path: Path, recording: Path) -> None:
    with Server(ct, "replay", recording, "--idle-timeout", "3s", home=tmp_path) as server:
        stream = server.stream(server.session())
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(4.5)  # somebody listens
        stream.close()
        assert server.process.wait(PATIENCE) == 0


def test_the_next_server_has_the_same_address(ct: Path, tmp_path: Path, recording: Path) -> None:
    """A browser remembers the window's sizes by it."""
    other = golden_recording(tmp_path / "other")
    kept = tmp_path / ".local/state/codetracer-python-recorder/port"
    with Server(ct, "replay", recording, home=tmp_path) as first:
        assert kept.read_text() == f"{first.port}\n"
        with Server(ct, "replay", other, home=tmp_path) as second:
            assert second.port != first.port
    for _twice in range(2):
        with Server(ct, "replay", recording, home=tmp_path) as again:
            assert again.port == first.port
    for text in ("", "80", "70000", "nonsense"):
        kept.write_text(text)
        with Server(ct, "replay", recording, home=tmp_path) as again:
            assert kept.read_text() == f"{again.port}\n"


def test_host_knows_codetracers_variable(ct: Path, tmp_path: Path, recording: Path) -> None:
    name = "CODETRACER_HOST_IDLE_TIMEOUT"
    words = ("host", "--trace-path", recording)
    assert run(ct, tmp_path, *words, **{name: "1s"}).returncode == 0
    done = run(ct, tmp_path, *words, **{name: "soon"})
    assert done.returncode == 2
    assert name in done.stderr


def test_other_machines_are_let_in_with_a_warning(
    ct: Path, tmp_path: Path, recording: Path
) -> None:
    with Server(ct, "host", recording, "--bind", "0.0.0.0", home=tmp_path) as server:
        assert server.request("GET", "/").status == 200
        refused = {"Host": f"evil.example:{server.port}"}
        assert server.request("GET", "/", refused).status == 403
        server.end()
        assert "warning: other machines" in lines_of(server.process)


def test_the_url_alone_is_on_standard_output(ct: Path, tmp_path: Path, recording: Path) -> None:
    with Server(ct, "replay", recording, home=tmp_path) as server:
        server.end()
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
        assert f"serving {recording}" in lines_of(server.process)


# ---- ct run


@pytest.mark.parametrize(("code", "status"), [("print(1)", 0), ("raise SystemExit(3)", 3)])
def test_run_records_shows_and_ends_as_the_program_did(
    ct: Path, tmp_path: Path, code: str, status: int
) -> None:
    program = f"import sys\nprint(sys.argv[1:], file=sys.stderr)\n{code}\n"
    (tmp_path / "program.py").write_text(program)
    words = ["--idle-timeout", "1s", "-o", "out", "program.py", "-x", "--port", "y"]
    done = run(ct, tmp_path, "run", *words)
    assert done.returncode == status
    assert "['-x', '--port', 'y']" in done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert (tmp_path / "out" / "trace.ctr").is_file()
    listed = json.loads(run(ct, tmp_path, "list", "--json").stdout)
    assert [entry["outputFolder"] for entry in listed] == [str(tmp_path / "out")]


def test_run_ends_by_the_signal_the_program_ended_by(ct: Path, tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = run(ct, tmp_path, "run", "--idle-timeout", "1s", "-c", code)
    assert done.returncode == -signal.SIGKILL
    assert "http://127.0.0.1:" in done.stdout


# ---- ct dap


@pytest.mark.parametrize("words", [["dap"], ["start_backend", "db", "--stdio"]])
def test_an_editor_debugs_over_standard_input_and_output(
    ct: Path, tmp_path: Path, recording: Path, words: list[str]
) -> None:
    requests = [
        ("initialize", {"adapterID": "test"}),
        ("launch", {"traceFolder": str(recording)}),
        ("configurationDone", {}),
        ("threads", {}),
        ("disconnect", {}),
    ]
    given = ""
    for seq, (command, arguments) in enumerate(requests, 1):
        text = json.dumps(
            {"seq": seq, "type": "request", "command": command, "arguments": arguments}
        )
        given += f"Content-Length: {len(text)}\r\nContent-Type: application/json\r\n\r\n{text}"
    done = run(ct, tmp_path, *words, given=given)
    assert (done.returncode, done.stderr) == (0, "")
    # Text mode has turned the ends of the header's lines.
    texts = re.findall(r"Content-Length: \d+\s+(.*?)(?=Content-Length: |\Z)", done.stdout)
    messages = [json.loads(text) for text in texts]
    responses = [m for m in messages if m["type"] == "response"]
    assert [m["command"] for m in responses] == [command for command, _ in requests]
    assert all(m["success"] for m in responses)
    assert {m["event"] for m in messages if m["type"] == "event"} >= {"initialized", "stopped"}


def test_what_is_no_message_ends_the_adapter(ct: Path, tmp_path: Path) -> None:
    done = run(ct, tmp_path, "dap", given="Content-Length: many\r\n\r\n{}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Content-Length" in done.stderr


# ---- docs/reference/server.md


def test_the_documented_commands_do_what_is_said(ct: Path, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert run(ct, tmp_path, "record", "-o", "bakery", "examples/bakery.py").returncode == 1
    shown = commands("docs/reference/server.md")
    assert [words[1] for words in shown] == ["replay", "replay", "replay", "run", "host"]
    for words in shown:
        interpreter = {"CODETRACER_PYTHON_INTERPRETER": sys.executable}
        with Server(ct, *words[1:], home=tmp_path, **interpreter) as server:
            answer = server.api("GET", "/recordings").json
            current = next(r for r in answer["recordings"] if r["id"] == answer["current"])
            assert current["program"].endswith("bakery.py")
            assert server.end() == (1 if words[1] == "run" else 0), words


def test_the_documented_limits_are_those_of_the_source() -> None:
    page = (ROOT / "docs/reference/server.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(SV_\w+)` \| (\d+)", page, re.MULTILINE))
    source = "".join(path.read_text() for path in (ROOT / "src/server").glob("*.h"))
    for name, value in told.items():
        match = re.search(rf"\b{name} = ([^,/]+),", source)
        assert match, name
        assert eval(match[1]) == int(value), name
    assert len(told) == 14
