"""The session API over a stand-in for the native recorder."""

import inspect
import subprocess
import sys
from pathlib import Path

import codetracer_python_recorder as recorder
import pytest
from codetracer_python_recorder import api, auto_start, cli, formats, session
from codetracer_python_recorder import codetracer_python_recorder as backend
from sanitizer import ENVIRONMENT, SLOWER


@pytest.fixture
def native(monkeypatch):
    """The calls that reach the backend."""
    calls = []
    state = {"active": False}

    def start(path, trace_format, activation, filters, *framework):
        calls.append(("start", path, trace_format, activation, filters, *framework))
        state["active"] = True

    def stop(*args):
        calls.append(("stop", *args))
        state["active"] = False

    monkeypatch.setattr(session, "_start_backend", start)
    monkeypatch.setattr(session, "_stop_backend", stop)
    monkeypatch.setattr(session, "_flush_backend", lambda: calls.append(("flush",)))
    monkeypatch.setattr(session, "_is_tracing_backend", lambda: state["active"])
    monkeypatch.setattr(session, "_configure_policy_from_env", lambda: calls.append(("env",)))
    monkeypatch.setattr(session, "_configure_policy", lambda **k: calls.append(("policy", k)))
    monkeypatch.setattr(session, "_stop_at_exit", lambda: None)
    monkeypatch.setattr(session, "_active_session", None)
    return calls


def test_the_public_names():
    assert set(recorder.__all__) == {
        *("TraceSession", "DEFAULT_FORMAT", "TRACE_BINARY", "TRACE_JSON", "start", "stop"),
        *("is_tracing", "trace", "flush", "RecorderError", "UsageError", "EnvironmentError"),
        *("TargetError", "InternalError", "configure_policy", "configure_policy_from_env"),
        "policy_snapshot",
    }
    assert all(hasattr(recorder, name) for name in recorder.__all__)
    assert recorder.__version__ == backend.VERSION
    assert recorder.UsageError is backend.UsageError
    assert (recorder.TRACE_BINARY, recorder.TRACE_JSON) == ("binary", "json")
    assert recorder.DEFAULT_FORMAT == "binary"


def test_the_parts_have_their_traditional_names():
    assert (api.start, api.trace, api.TraceSession) == (
        session.start,
        session.trace,
        recorder.TraceSession,
    )
    assert set(api.__all__) <= set(recorder.__all__)
    assert (
        *("CODETRACER_TRACE", "CODETRACER_FORMAT"),
        "CODETRACER_TRACE_FILTER",
    ) == (
        auto_start.ENV_TRACE_PATH,
        auto_start.ENV_TRACE_FORMAT,
        auto_start.ENV_TRACE_FILTER,
    )
    assert {"binary", "json"} <= set(formats.SUPPORTED_FORMATS)
    assert [formats.normalize_format(name) for name in (None, "JSON", "x")] == [
        "binary",
        "json",
        "x",
    ]
    assert formats.is_supported("json")
    assert not formats.is_supported("xml")
    assert set(cli.__all__) == {"main", "RecorderCLIConfig"}


ERRORS = ("UsageError", "EnvironmentError", "TargetError", "InternalError")


def test_the_errors_are_the_backends():
    assert recorder.RecorderError.__base__ is Exception
    for name in ERRORS:
        assert getattr(recorder, name) is getattr(backend, name)
        assert getattr(recorder, name).__base__ is recorder.RecorderError


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (backend.start_tracing, "path format activation_path trace_filter test_framework"),
        (backend.stop_tracing, "exit_code"),
        (backend.is_tracing, ""),
        (backend.flush_tracing, ""),
        (backend.configure_policy_from_env, ""),
        (backend.policy_snapshot, ""),
        (recorder.start, "path"),
        (recorder.stop, ""),
        (recorder.flush, ""),
        (recorder.is_tracing, ""),
        (recorder.trace, "path"),
        (recorder.TraceSession, "path format"),
        (recorder.TraceSession.stop, "self exit_code"),
        (cli.main, "argv"),
    ],
)
def test_what_is_given_by_position(function, parameters):
    found = inspect.signature(function).parameters.values()
    named = [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert named == parameters.split()


def test_what_is_given_by_name():
    def names(function):
        found = inspect.signature(function).parameters.values()
        return [p.name for p in found if p.kind is p.KEYWORD_ONLY]

    ours = ["options"]
    upstream = ["format", "start_on_enter", "trace_filter", "policy", "apply_env_policy"]
    assert names(recorder.start) == [*upstream, *ours, "test_framework"]
    assert names(recorder.trace) == [*(n for n in upstream if n != "start_on_enter"), *ours]
    assert names(recorder.stop) == ["exit_code"]


def test_start_in_order(native, tmp_path):
    trace = recorder.start(tmp_path / "t", format="JSON", policy={"log_level": 3})
    assert native == [
        ("env",),
        ("policy", {"log_level": "3"}),
        ("start", str(tmp_path / "t"), "json", None, None),
    ]
    assert (trace.path, trace.format) == (tmp_path / "t", "json")
    assert session._active_session is trace
    assert recorder.is_tracing()
    with pytest.raises(RuntimeError, match=r"^tracing already active$"):
        recorder.start(tmp_path)
    recorder.stop()
    recorder.start(tmp_path, policy={"log_file": tmp_path / "x.log"}, apply_env_policy=False)
    assert native[4:5] == [("policy", {"log_file": f"{tmp_path}/x.log"})]
    recorder.stop()
    recorder.start(tmp_path, test_framework="pytest", apply_env_policy=False)
    assert native[-1] == ("start", str(tmp_path), "binary", None, None, "pytest")


def test_options_go_to_the_backend(native, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(session, "_start_backend", lambda *args, **options: seen.update(options))
    recorder.start(tmp_path, options={"max_items": 3})
    assert seen == {"max_items": 3}


def test_stop_hands_on_a_code_only_if_there_is_one(native, tmp_path):
    recorder.stop()
    assert native == []
    recorder.start(tmp_path, apply_env_policy=False)
    recorder.stop()
    recorder.start(tmp_path, apply_env_policy=False)
    recorder.stop(exit_code=0)
    assert [call for call in native if call[0] == "stop"] == [("stop",), ("stop", 0)]
    assert session._active_session is None


def test_a_session_whose_stop_fails_is_over(native, tmp_path, monkeypatch):
    recorder.start(tmp_path)

    def fail():
        raise OSError("full")

    monkeypatch.setattr(session, "_stop_backend", fail)
    with pytest.raises(OSError, match="full"):
        recorder.stop()
    assert session._active_session is None


def test_only_the_active_session_stops_and_flushes(native, tmp_path):
    stranger = recorder.TraceSession(path=tmp_path, format="json")
    with recorder.start(tmp_path) as trace:
        stranger.stop()
        stranger.flush()
        assert [call[0] for call in native] == ["env", "start"]
        trace.flush()
    trace.stop(3)
    assert [call[0] for call in native] == ["env", "start", "flush", "stop"]


def test_trace_is_a_block(native, tmp_path):
    block = recorder.trace(tmp_path, format="json", apply_env_policy=False)
    assert native == []
    with pytest.raises(KeyError), block as trace:
        {}[trace.path]
    assert [call[0] for call in native] == ["start", "stop"]


def test_flush_without_a_session_does_nothing(native):
    recorder.flush()
    assert native == []


def test_paths(native, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").touch()
    assert session._validate_trace_path("~/x/../y") == tmp_path / "x/../y"
    with pytest.raises(ValueError, match=r"^trace path exists and is not a directory$"):
        recorder.start(tmp_path / "file")
    assert session._normalize_activation_path(Path("~/x/../y.py")) == f"{tmp_path}/x/../y.py"
    assert session._normalize_activation_path(None) is None
    assert not recorder.is_tracing()


def test_formats():
    assert session._coerce_format("BINARY") == "binary"
    assert session._coerce_format("ctr") == "ctr"
    with pytest.raises(
        ValueError, match=r"unsupported trace format 'xml'\. Expected one of: binary"
    ):
        session._coerce_format("xml")


def test_filters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a, b = tmp_path / "a.toml", tmp_path / "b.toml"
    a.touch()
    b.touch()
    normalize = session._normalize_trace_filter
    assert normalize(None) is None
    assert normalize(" a.toml :: b.toml:: ") == [str(a), str(b)]
    assert normalize([b, "a.toml::a.toml"]) == [str(b), str(a), str(a)]
    for empty in ("", " :: ", []):
        with pytest.raises(ValueError, match=r"^trace_filter must resolve to at least one path$"):
            normalize(empty)
    for wrong in (3, [3], b"a.toml"):
        with pytest.raises(TypeError):
            normalize(wrong)
    with pytest.raises(FileNotFoundError, match=r"^trace filter 'c\.toml' does not exist$"):
        normalize("c.toml")
    with pytest.raises(ValueError, match="is not a file"):
        normalize(tmp_path)


def test_auto_start(native, tmp_path, monkeypatch):
    filters = tmp_path / "f.toml"
    filters.touch()
    configured = []
    monkeypatch.setattr(backend, "configure_policy_from_env", lambda: configured.append(1))
    monkeypatch.setenv(auto_start.ENV_TRACE_PATH, "")
    auto_start.auto_start_from_env()
    assert native == configured == []
    monkeypatch.setenv(auto_start.ENV_TRACE_PATH, str(tmp_path / "t"))
    monkeypatch.setenv(auto_start.ENV_TRACE_FORMAT, "json")
    monkeypatch.setenv(auto_start.ENV_TRACE_FILTER, str(filters))
    auto_start.auto_start_from_env()
    auto_start.auto_start_from_env()
    assert native == [("start", str(tmp_path / "t"), "json", None, [str(filters)])]
    assert configured == [1, 1]
    assert session._active_session is not None
    recorder.stop()
    monkeypatch.setenv(auto_start.ENV_TRACE_FILTER, "")
    with pytest.raises(ValueError, match="at least one path"):
        auto_start.auto_start_from_env()


def test_the_backend_builds_the_request(monkeypatch):
    seen = []
    monkeypatch.setattr(backend._recorder, "start", lambda *args: seen.append(args))
    monkeypatch.setattr(sys, "argv", ["prog", "a"])
    backend.start_tracing("dir", "BinaryV0", "x.py", exact=True)
    directory, options = seen[0]
    assert directory == "dir"
    assert options == {
        "format": "binary",
        "activation": str(Path.cwd() / "x.py"),
        "program": "prog",
        "args": ["a"],
        "filter": None,
        "io_capture": "proxies",
        "policy": backend.session_policy(),
        "exact": True,
    }
    with pytest.raises(backend.UsageError) as caught:
        backend.start_tracing("dir", "xml")
    assert caught.value.code == "ERR_UNSUPPORTED_FORMAT"


def run_python(source, **variables):
    command = [sys.executable, "-c", source]
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), **ENVIRONMENT, **variables}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60 * SLOWER
    )


def test_importing_is_light():
    heavy = "pathlib argparse json dataclasses typing subprocess contextlib inspect logging"
    source = f"""
import sys
before = set(sys.modules)
import codetracer_python_recorder
print(sorted(set({heavy!r}.split()) & (set(sys.modules) - before)))
"""
    done = run_python(source)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_bad_policy_variable_fails_the_import():
    done = run_python("import codetracer_python_recorder", CODETRACER_REQUIRE_TRACE="maybe")
    assert done.returncode == 1
    assert "invalid boolean value 'maybe' (expected true/false)" in done.stderr


def test_an_auto_started_process_ends_well(tmp_path):
    source = "import codetracer_python_recorder as r; print(r.is_tracing())"
    done = run_python(source, CODETRACER_TRACE=str(tmp_path / "t"), CODETRACER_FORMAT="ctr")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
    assert (tmp_path / "t/trace.ctr").is_file()
