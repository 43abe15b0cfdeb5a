"""A running server of recordings, and a client that says exactly the bytes it is told to."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import oracle
from sanitizer import SLOWER

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 20 * SLOWER


def golden_recording(directory: Path) -> Path:
    """Make the directory of a small finished recording."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "trace.ctr").write_bytes((ROOT / "tests/golden/tour.ctr").read_bytes())
    return directory


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def parse_reply(data: bytes) -> Reply:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Reply(int(first.split()[1]), headers, body)


class Stream:
    """The events of a session, as they come."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.file = connection.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.file.readline()
        self.reply = parse_reply(self.head)

    def chunk(self) -> bytes:
        """Return what comes next; b"" at the end."""
        line = self.file.readline()
        if not line:
            return b""
        data = self.file.read(int(line, 16))
        self.file.readline()
        return data

    def events(self, count: int | None = None) -> list[tuple[int, dict[str, Any]]]:
        """Return the next events with their numbers; without a count, those until the end."""
        text = b""
        found: list[tuple[int, dict[str, Any]]] = []
        while count is None or len(found) < count:
            data = self.chunk()
            if not data:
                break
            text += data
            *whole, text = text.split(b"\n\n")
            for event in whole:
                match = re.fullmatch(rb"id: (\d+)\ndata: (.*)", event)
                if match:
                    found.append((int(match[1]), json.loads(match[2])))
        return found

    def close(self) -> None:
        self.file.close()
        self.connection.close()


class Server:
    """`ct host` (or another command) with a recording."""

    def __init__(self, ct: Path, *arguments: str | Path, home: Path, **variables: str):
        environment = oracle.environment(
            HOME=str(home),
            XDG_DATA_HOME=str(home / "data"),
            XDG_RUNTIME_DIR=str(home / "run"),
            **variables,
        )
        (home / "run").mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [str(ct), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=environment,
            text=True,
            cwd=home,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        while self.url and not self.url.startswith("http://"):  # a program's output comes first
            self.url = self.process.stdout.readline().strip()
        match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#token=([0-9a-f]{32,})", self.url)
        if not match:
            self.process.kill()
            raise AssertionError((self.url, self.process.communicate()[1]))
        self.port, self.token = int(match[1]), match[2]
        self.seq = 0

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    # ---- bytes ----

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def exchange(self, data: bytes, *, is_last: bool = False) -> bytes:
        """Send bytes; return everything that comes until the server closes the connection."""
        with self.connect() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
                if is_last:
                    connection.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(1 << 16):
                    received += piece
            return received

    def head(
        self, method: str, path: str, headers: dict[str, str] | None = None, size: int = 0
    ) -> bytes:
        given = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", **(headers or {})}
        if size or method in ("POST", "PUT", "PATCH"):
            given.setdefault("Content-Length", str(size))
        lines = [f"{name}: {value}\r\n" for name, value in given.items() if value is not None]
        return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")

    def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        return parse_reply(self.exchange(self.head(method, path, headers, len(body)) + body))

    # ---- the protocol ----

    def api(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        data = b"" if body is None else json.dumps(body).encode()
        return self.request(method, "/api" + path, {"X-CT-Token": self.token, **headers}, data)

    def list(self) -> list[dict[str, Any]]:
        recordings: list[dict[str, Any]] = self.api("GET", "/recordings").json["recordings"]
        return recordings

    def session(self, recording: str = "") -> str:
        reply = self.api("POST", "/sessions", {"recording": recording})
        assert reply.status == 200, reply
        return str(reply.json["session"])

    def ask(self, session: str, command: str, **arguments: object) -> dict[str, Any]:
        """Return the response to a request of the Debug Adapter Protocol."""
        self.seq += 1
        message = {"seq": self.seq, "type": "request", "command": command, "arguments": arguments}
        reply = self.api("POST", f"/sessions/{session}/dap", message)
        assert reply.status == 200, reply
        response: dict[str, Any] = reply.json
        assert response["request_seq"] == self.seq
        return response

    def start(self, session: str) -> None:
        """Bring a session to its first stop: five events."""
        for command in ("initialize", "attach", "configurationDone"):
            assert self.ask(session, command, adapterID="test")["success"]

    def stream(self, session: str, **headers: str) -> Stream:
        connection = self.connect()
        given = {"X-CT-Token": self.token, **headers}
        connection.sendall(self.head("GET", f"/api/sessions/{session}/events", given))
        return Stream(connection)

    # ---- the process ----

    def memory(self) -> int:
        """Return the bytes it has in memory that are its own."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"RssAnon:\s+(\d+) kB", status)
        assert match
        return int(match[1]) * 1024

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
