"""Who may talk to the server, tried from outside: other names, other sites, other paths, too much,
too slow, in the wrong way."""

import contextlib
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Server, golden_recording, parse_reply

ROUTES = [
    ("GET", "/api/recordings"),
    ("POST", "/api/open"),
    ("POST", "/api/sessions"),
    ("DELETE", "/api/sessions/" + "0" * 32),
    ("POST", f"/api/sessions/{'0' * 32}/dap"),
    ("GET", f"/api/sessions/{'0' * 32}/events"),
]
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


@pytest.fixture(autouse=True)
def it_still_answers(server: Server) -> Iterator[None]:
    yield
    assert server.api("GET", "/recordings").status == 200


# ---- Names: DNS rebinding


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "[::1]:{}"])
def test_its_own_names_are_answered(server: Server, host: str) -> None:
    assert server.request("GET", "/", {"Host": host.format(server.port)}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{}",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:{}.evil.example",
        "127.0.0.1.evil.example:{}",
        "localhost.evil.example:{}",
        "127.0.0.2:{}",
        "0.0.0.0:{}",
        "user@127.0.0.1:{}",
        "[::ffff:127.0.0.1]:{}",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/recordings"])
def test_other_names_are_refused(server: Server, host: str, path: str) -> None:
    headers = {"Host": host.format(server.port), "X-CT-Token": server.token}
    assert server.request("GET", path, headers).status == 403


def test_a_request_without_a_name_or_with_two_is_refused(server: Server) -> None:
    own = f"Host: 127.0.0.1:{server.port}\r\n"
    for hosts in ("", own + "Host: evil.example\r\n", "Host: evil.example\r\n" + own, own + own):
        data = f"GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode()
        assert parse_reply(server.exchange(data)).status == 403, hosts


def test_the_name_in_the_request_line_does_not_count(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}/"
    reply = server.request("GET", own, {"Host": f"evil.example:{server.port}"})
    assert reply.status in (400, 403)
    assert server.request("GET", "http://evil.example/").status == 400


# ---- Sites: cross-origin requests


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:{}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{}.evil.example",
        "null",
        "",
        "file://",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), *ROUTES])
def test_pages_of_other_sites_are_refused(
    server: Server, origin: str, method: str, path: str
) -> None:
    headers = {"Origin": origin.format(server.port), "X-CT-Token": server.token}
    reply = server.request(method, path, headers)
    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers


def test_our_own_page_may_ask(server: Server) -> None:
    for host in ("127.0.0.1", "localhost"):
        origin = f"http://{host}:{server.port}"
        assert server.api("GET", "/recordings", Origin=origin).status == 200


def test_a_preflight_gets_no_permission(server: Server) -> None:
    headers = {
        "Origin": f"http://127.0.0.1:{server.port}",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-ct-token",
    }
    for path in ("/", "/api/sessions"):
        reply = server.request("OPTIONS", path, headers)
        assert reply.status in (403, 405)
        assert not any(name.startswith("access-control-") for name in reply.headers)


# ---- The token


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/api/"), ("PUT", "/api/nothing")])
def test_without_the_token_nothing_is_told(server: Server, method: str, path: str) -> None:
    wrong = "0" * len(server.token)
    tokens = [None, "", wrong, server.token[:-1], server.token + "0", server.token.upper() + " x"]
    replies = {
        (reply := server.request(method, path, {"X-CT-Token": token}, b"{}")).status: reply
        for token in tokens
    }
    assert set(replies) == {403}
    assert "token" in replies[403].json["error"]


def test_the_token_counts_in_its_header_alone(server: Server) -> None:
    elsewhere = {"Cookie": f"X-CT-Token={server.token}", "Authorization": f"Bearer {server.token}"}
    path = f"/api/recordings?X-CT-Token={server.token}&token={server.token}"
    assert server.request("GET", path, elsewhere).status == 403
    twice = f"X-CT-Token: {server.token}\r\n" * 2
    data = f"GET /api/recordings HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{twice}\r\n"
    assert parse_reply(server.exchange(data.encode(), is_last=True)).status == 403


def test_a_key_opens_the_window_once(server: Server) -> None:
    path = server.api("POST", "/open").json["path"]
    assert server.request("HEAD", path).status == 405
    first = server.request("GET", path)
    assert (first.status, first.headers["location"]) == (303, f"/#token={server.token}")
    assert server.request("GET", path).status == 410
    assert server.token not in server.request("GET", path).body.decode()
    for made_up in ("/open/", "/open/" + "0" * 32, "/open/" + server.token):
        assert server.request("GET", made_up).status == 410


def test_only_the_latest_keys_are_good(server: Server) -> None:
    paths = [server.api("POST", "/open").json["path"] for _ in range(9)]
    assert len(set(paths)) == 9
    assert server.request("GET", paths[0]).status == 410
    assert server.request("GET", paths[8]).status == 303


# ---- Paths


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/etc/passwd",
        "/assets//etc/passwd",
        "/..\\..\\etc\\passwd",
        "/.hidden",
        "/index.html%00.js",
        "/trace.ctr",
        "/recording/trace.ctr",
        "/proc/self/environ",
    ],
)
@pytest.mark.parametrize("mode", ["embedded", "folder"])
def test_no_path_leads_out(
    server: Server, path: str, mode: str, request: pytest.FixtureRequest
) -> None:
    running = request.getfixturevalue("developer") if mode == "folder" else server
    reply = running.request("GET", path)
    assert reply.status == 404
    assert b"root:" not in reply.body


@pytest.fixture(scope="module")
def developer(ct: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that serves the window from a folder."""
    home = tmp_path_factory.mktemp("developer")
    web = home / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text('<meta name="csp-nonce" content="" /><p>page</p>')
    (web / "assets" / "main-1.js").write_text("1;")
    (web / ".hidden").write_text("secret")
    recording = golden_recording(home / "recording")
    with Server(ct, "host", recording, "--web-dir", web, home=home) as running:
        yield running


def test_a_folder_is_served_to_developers(developer: Server) -> None:
    reply = developer.request("GET", "/assets/main-1.js")
    assert (reply.status, reply.body) == (200, b"1;")
    assert reply.headers["content-type"].startswith("text/javascript")
    assert developer.request("GET", "/assets").status == 404


def test_each_page_has_a_nonce_of_its_own(developer: Server) -> None:
    nonces = set()
    for _ in range(3):
        reply = developer.request("GET", "/")
        policy = reply.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert f'name="csp-nonce" content="{nonce}"'.encode() in reply.body
        nonces.add(nonce)
    assert len(nonces) == 3
    assert min(map(len, nonces)) >= 32


# ---- Headers


def test_every_reply_has_the_headers(server: Server) -> None:
    replies = [
        server.request("GET", "/"),
        server.request("GET", "/nothing"),
        server.request("PUT", "/"),
        server.request("GET", "/api/recordings"),
        server.request("GET", "/open/0"),
        server.api("GET", "/recordings"),
        server.api("GET", "/nothing"),
    ]
    for reply in replies:
        assert SECURITY_HEADERS.items() <= reply.headers.items()
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert "server" not in reply.headers
    stream = server.stream(server.session())
    assert SECURITY_HEADERS.items() <= stream.reply.headers.items()
    stream.close()


def test_the_page_may_load_nothing_from_elsewhere(server: Server) -> None:
    policy = server.request("GET", "/").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert rules["base-uri"] == rules["form-action"] == "'none'"


def test_nothing_with_data_is_kept_by_caches(server: Server) -> None:
    assert server.api("GET", "/recordings").headers["cache-control"] == "no-store"


# ---- The wrong way


@pytest.mark.parametrize(("right", "path"), [*ROUTES, ("GET, HEAD", "/"), ("GET", "/open/0")])
def test_another_method_is_told_the_right_one(server: Server, right: str, path: str) -> None:
    methods = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"}
    for method in methods - set(right.split(", ")):
        reply = server.request(method, path, {"X-CT-Token": server.token})
        assert (reply.status, reply.headers["allow"]) == (405, right), method


@pytest.mark.parametrize(
    "data",
    [
        b"FOO / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /api/sessions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/sessions HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /api/sessions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\n\r\n",
        bytes(range(256)) * 16,
        b"\r\n" * 2000,
    ],
)
def test_what_is_no_request_is_not_served(server: Server, data: bytes) -> None:
    received = server.exchange(data, is_last=True)
    assert received == b"" or parse_reply(received).status >= 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"recording": 1}', b'{"recording": "x"}', b'{"recording": "../x"}',
     b'"' + b"[" * 3000, b"\xff\xfe", b'{"recording": "\\u0000"}'],
)  # fmt: skip
def test_a_session_is_asked_for_in_json(server: Server, body: bytes) -> None:
    reply = server.request("POST", "/api/sessions", {"X-CT-Token": server.token}, body)
    assert reply.status == 400
    assert "recording" in reply.json["error"]


def test_recordings_nobody_registered_cannot_be_opened(server: Server) -> None:
    unknown = "01a200d9-985f-7f7b-9a28-8f22f2d41fd7"
    assert server.api("POST", "/sessions", {"recording": unknown}).status == 404


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b"{}", b'{"command": "next"}', b"[" * 100_000, b"\xff" * 100]
)
def test_a_message_that_is_no_request_is_answered(server: Server, body: bytes) -> None:
    session = server.session()
    path = f"/api/sessions/{session}/dap"
    reply = server.request("POST", path, {"X-CT-Token": server.token}, body)
    assert reply.status == 200
    assert reply.json["success"] is False
    server.api("DELETE", f"/sessions/{session}")


def test_a_session_opens_nothing_by_path(server: Server, tmp_path: Path) -> None:
    other = golden_recording(tmp_path / "other")
    session = server.session()
    served = server.api("GET", "/recordings").json["recordings"][0]["directory"]
    assert server.ask(session, "initialize", adapterID="test")["success"]
    for command in ("launch", "attach"):
        server.ask(session, command, traceFolder=str(other), program=str(other), cwd="/")
        assert server.ask(session, "ct/recording")["body"]["directory"] == served


@pytest.mark.parametrize("value", ["x", "-1x", "1 2", "99999999999999999999999"])
def test_an_event_number_is_a_number(server: Server, value: str) -> None:
    headers = {"Last-Event-ID": value}
    assert server.api("GET", f"/sessions/{server.session()}/events", **headers).status == 400


# ---- Too much


def test_a_large_header_is_refused(server: Server) -> None:
    data = server.head("GET", "/", {"X-Large": "x" * 100_000})
    assert parse_reply(server.exchange(data)).status in (400, 413, 431)


def test_a_large_body_is_refused(server: Server) -> None:
    before = server.memory()
    head = server.head("POST", "/api/sessions", {"X-CT-Token": server.token}, size=1 << 40)
    received = server.exchange(head + bytes(4 << 20))
    assert received == b"" or parse_reply(received).status == 413
    assert server.memory() - before < 8 << 20


def test_an_endless_chunked_body_is_refused(server: Server) -> None:
    before = server.memory()
    headers = {"X-CT-Token": server.token, "Transfer-Encoding": "chunked", "Content-Length": None}
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    received = server.exchange(server.head("POST", "/api/sessions", headers) + chunk * 100)
    assert received == b"" or parse_reply(received).status in (400, 413)
    assert server.memory() - before < 8 << 20


def test_what_is_sent_while_a_stream_runs_is_not_kept(server: Server) -> None:
    stream = server.stream(server.session())
    before = server.memory()
    stream.connection.settimeout(0.5)
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        for _ in range(64):
            stream.connection.sendall(bytes(1 << 20))
    assert server.memory() - before < 8 << 20
    stream.close()


def test_sessions_are_limited(ct: Path, tmp_path: Path) -> None:
    """Those that nobody listens to make room; those in use do not."""
    with Server(ct, "host", golden_recording(tmp_path / "recording"), home=tmp_path) as server:
        alone = [server.session() for _ in range(40)]
        states = [server.api("DELETE", f"/sessions/{session}").status for session in alone]
        assert states == [404] * 8 + [200] * 32
        streams = [server.stream(server.session()) for _ in range(32)]
        assert server.api("POST", "/sessions", {"recording": ""}).status == 429
        streams[0].close()
        assert server.session()
        for stream in streams:
            stream.close()


def test_connections_are_limited(server: Server) -> None:
    """Who comes too many waits; when others leave, it is served."""
    idle = [server.connect() for _ in range(100)]
    try:
        with server.connect() as waiting:
            waiting.sendall(server.head("GET", "/"))
            waiting.settimeout(0.3)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
            assert server.descriptors() < 100
            for connection in idle:
                connection.close()
            waiting.settimeout(20)
            assert waiting.recv(12) == b"HTTP/1.1 200"
    finally:
        for connection in idle:
            connection.close()


# ---- Odd ways to leave


def test_a_client_that_has_said_all_is_answered(server: Server) -> None:
    head = server.head("GET", "/api/recordings", {"X-CT-Token": server.token, "Connection": None})
    assert parse_reply(server.exchange(head, is_last=True)).status == 200


def test_half_a_request_is_forgotten(server: Server) -> None:
    before = server.descriptors()
    whole = server.head("POST", "/api/sessions", {"X-CT-Token": server.token}, 20) + b"{"
    for length in (1, 10, len(whole) // 2, len(whole)):
        assert server.exchange(whole[:length], is_last=True) == b""
    assert server.descriptors() <= before + 1


def test_a_client_killed_in_the_middle_of_a_stream_can_come_back(server: Server) -> None:
    session = server.session()
    stream = server.stream(session)
    server.start(session)
    seen = stream.events(1)
    # A reset, as from a killed process with unread data.
    linger = struct.pack("ii", 1, 0)
    stream.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    stream.close()
    assert server.ask(session, "next", threadId=1)["success"]
    again = server.stream(session, **{"Last-Event-ID": str(seen[-1][0])})
    numbers = [number for number, _ in again.events(4)]
    assert numbers[:4] == list(range(seen[-1][0] + 1, seen[-1][0] + 5))
    again.close()


def test_a_client_that_does_not_wait_for_its_answer_is_no_harm(server: Server) -> None:
    session = server.session()
    server.start(session)
    message = json.dumps({"seq": 1, "type": "request", "command": "threads"}).encode()
    head = server.head(
        "POST", f"/api/sessions/{session}/dap", {"X-CT-Token": server.token}, len(message)
    )
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(head + message)
    assert server.ask(session, "threads")["success"]
