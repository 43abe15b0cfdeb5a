"""`cli.main(argv)` runs the program inside the calling process, and gives the process back."""

import sys

import pytest
from codetracer_python_recorder import cli, session


class Backend:
    """Stands in for the native recorder and notes what it is asked for."""

    def __init__(self):
        self.calls = []
        self.fail_on = None

    @property
    def is_active(self):
        names = [call[0] for call in self.calls]
        return names.count("start") > names.count("stop")

    def call(self, name, *args, **options):
        self.calls.append((name, *args, options) if options else (name, *args))
        if self.fail_on == name:
            raise OSError(f"{name} went wrong")


@pytest.fixture
def backend(monkeypatch):
    backend = Backend()
    for name in ("start", "stop", "flush"):
        monkeypatch.setattr(
            session,
            f"_{name}_backend",
            lambda *args, _name=name, **options: backend.call(_name, *args, **options),
        )
    monkeypatch.setattr(session, "_is_tracing_backend", lambda: backend.is_active)
    monkeypatch.setattr(session, "_stop_at_exit", lambda: None)
    monkeypatch.setattr(session, "_active_session", None)
    return backend


@pytest.fixture
def run(tmp_path, monkeypatch, backend):
    for name in ("CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH", "CODETRACER_TRACE_FILTER"):
        monkeypatch.delenv(name, raising=False)

    def run(source, *options, args=()):
        script = tmp_path / "script.py"
        script.write_text(source)
        return cli.main([*options, "-o", str(tmp_path / "out"), str(script), *args])

    return run


def test_the_process_gets_its_world_back(run, backend, tmp_path):
    before = sys.argv, list(sys.path), sys.modules["__main__"], list(sys.orig_argv)
    source = "import sys; sys.path.append('x'); assert sys.argv[1:] == ['a']"
    assert run(source, args=["a"]) == 0
    assert before == (sys.argv, sys.path, sys.modules["__main__"], sys.orig_argv)
    assert session._active_session is None
    assert [call[0] for call in backend.calls] == ["start", "flush", "stop"]


def test_what_the_backend_is_asked_for(run, backend, tmp_path):
    run("", "--format", "JSON", "--max-items", "7", "--with-diff", args=["a"])
    path, trace_format, activation, filters, options = backend.calls[0][1:]
    assert (path, trace_format, activation, filters) == (str(tmp_path / "out"), "json", None, None)
    assert options.pop("recorder_version")
    assert options == {
        "program": str(tmp_path / "script.py"),
        "program_text": None,
        "args": ["a"],
        "max_items": 7,
        "with_diff": True,
        "launched": True,
    }


def test_only_another_file_is_a_gate(run, backend, tmp_path):
    run("", "--activation-path", str(tmp_path / "script.py"))
    run("", "--activation-path", str(tmp_path / "other.py"))
    assert [c[3] for c in backend.calls if c[0] == "start"] == [None, str(tmp_path / "other.py")]


def test_the_environments_filter_comes_first(run, backend, tmp_path, monkeypatch):
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.touch()
    second.touch()
    monkeypatch.setenv("CODETRACER_TRACE_FILTER", str(first))
    run("", "--trace-filter", str(second))
    assert backend.calls[0][4] == [str(first), str(second)]


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(5)", 5),
        ("raise SystemExit(-1)", 255),
        ("raise SystemExit('gone')", 1),
    ],
)
def test_the_status_is_the_programs(run, backend, source, status, capsys):
    assert run(source) == status
    assert backend.calls[-1] == ("stop", status)
    assert capsys.readouterr().err == ("gone\n" if "gone" in source else "")


def test_under_a_host_a_failure_is_hidden(run, backend, monkeypatch, capsys):
    monkeypatch.setenv("CODETRACER_RECORDING", "1")
    assert (
        run("import os; assert 'CODETRACER_RECORDING' not in os.environ; raise SystemExit(5)") == 0
    )
    assert backend.calls[-1] == ("stop", 5)
    assert capsys.readouterr().err.startswith("Script exited with status 5; returning 0. ")


def test_an_exception_passes_through_after_the_end_of_the_recording(run, backend):
    with pytest.raises(ZeroDivisionError):
        run("1 / 0")
    assert backend.calls[-1] == ("stop", 1)
    with pytest.raises(SyntaxError):
        run("= 1")
    assert [call[0] for call in backend.calls] == ["start", "flush", "stop"]


def test_a_session_that_cannot_start(run, backend, capsys):
    backend.fail_on = "start"
    before = sys.argv
    assert run("print('not run')") == 1
    captured = capsys.readouterr()
    assert captured.err == "Failed to start Codetracer session: start went wrong\n"
    assert captured.out == ""
    assert sys.argv is before


@pytest.mark.parametrize("verb", ["flush", "stop"])
def test_a_session_that_cannot_end(run, backend, capsys, verb):
    backend.fail_on = verb
    assert run("") == 1
    assert capsys.readouterr().err == f"Failed to {verb} Codetracer session: {verb} went wrong\n"


def test_an_unexpected_parse_failure(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_parse_args", lambda argv: 1 / 0)
    assert cli.main([]) == 2
    assert capsys.readouterr().err == "Failed to parse arguments: division by zero\n"
