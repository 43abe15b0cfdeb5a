"""What the policy does to a run: failures of the recorder, exceptions, the log.

Most failures never happen by themselves; the test build has them ordered by a variable.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from codetracer_python_recorder import _recorder, launch, policy
from codetracer_python_recorder import codetracer_python_recorder as backend
from sanitizer import SLOWER

VARIABLE = "CODETRACER_TEST_INJECT_FAILURE"
PROGRAM = """
def f(a):
    b = a + 1
    return b
try:
    print("begin", f(1))
except KeyError:
    pass
print("end", f(2))
"""
TEXT = "begin 2\nend 3\n"
SIDE_FILES = {"trace.json", "trace_metadata.json", "trace_paths.json"}

needs_failures = pytest.mark.skipif(
    not _recorder.INJECTS_FAILURES, reason="the build does not fail on order"
)

# order: (class, code, message, context)
STAGES = {
    "py_start": ("Internal", "ERR_TRACE_INCOMPLETE", "test-injected failure at py_start"),
    "py-start": ("Internal", "ERR_TRACE_INCOMPLETE", "test-injected failure at py_start"),
    "line": ("Internal", "ERR_TRACE_INCOMPLETE", "test-injected failure at line"),
    "target-args": (
        *("Target", "ERR_TRACE_INCOMPLETE"),
        "test-injected target error from capture_call_arguments",
    ),
    "panic": ("Internal", "ERR_UNKNOWN", "panic in callback_line: test-injected panic in on_line"),
    "frame": ("Environment", "ERR_FRAME_INTROSPECTION_FAILED", "failed to capture call arguments"),
    "globals": (
        *("Environment", "ERR_GLOBALS_INTROSPECTION_FAILED"),
        "failed to read the frame's globals",
    ),
    "positional-argument": (
        *("Usage", "ERR_MISSING_POSITIONAL_ARG"),
        "an argument is missing in the frame",
    ),
    "keyword-argument": (
        *("Usage", "ERR_MISSING_KEYWORD_ARG"),
        "an argument is missing in the frame",
    ),
}


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "out"

    def python(self, *words, **variables):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")}
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=60 * SLOWER,
        )

    def cli(self, *options, source=PROGRAM, **variables):
        (self.folder / "app.py").write_text(source)
        words = ["-m", "codetracer_python_recorder", "--format", "json", "-o", "out", *options]
        return self.python(*words, "app.py", **variables)

    def api(self, source, **variables):
        (self.folder / "app.py").write_text(textwrap.dedent(source))
        return self.python("app.py", **variables)

    def files(self):
        return {path.name for path in self.out.iterdir()}

    def metadata(self):
        return json.loads((self.out / "trace_metadata.json").read_text())


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


# A failure in the middle


@needs_failures
@pytest.mark.parametrize("order", STAGES)
def test_unset_the_program_goes_on_and_what_is_recorded_is_kept(bench, order):
    done = bench.cli(**{VARIABLE: order})
    assert (done.returncode, done.stdout) == (0, TEXT)
    assert bench.files() == {"trace.ctr", *SIDE_FILES}
    (line,) = json_lines(done.stderr)
    assert (line["level"], line["error_code"]) == ("ERROR", STAGES[order][1])
    assert line["target"] == "codetracer_python_recorder::errors"
    assert line["message"] == f"recorder_error: {STAGES[order][2]}"
    assert line["trace_id"] == bench.metadata()["recording_id"]
    assert line["run_id"] != line["trace_id"]


@needs_failures
@pytest.mark.parametrize("order", STAGES)
def test_abort_raises_it_into_the_program(bench, order):
    kind, code, message = STAGES[order]
    done = bench.cli("--on-recorder-error", "abort", "--json-errors", **{VARIABLE: order})
    assert (done.returncode, done.stdout) == (1, "")
    assert f"codetracer_python_recorder.Py{kind}Error: [{code}] {message}" in done.stderr
    assert "trace.ctr" in bench.files()
    log, trailer = json_lines(done.stderr)
    assert log["level"] == "ERROR"
    assert list(trailer) == sorted(trailer)
    assert (trailer["error_code"], trailer["error_kind"]) == (code, kind)
    assert trailer["message"] == message
    assert trailer["run_id"] == log["run_id"]
    assert trailer["trace_id"] == log["trace_id"]


ALIASES = {
    *("target", "target_args", "target-args", "panic", "panic-callback", "panic_callback"),
    *("py_start", "py-start", "line"),
}


@needs_failures
@pytest.mark.parametrize("order", sorted(ALIASES - set(STAGES)))
def test_orders_have_more_names(bench, order):
    done = bench.cli(**{VARIABLE: order})
    (line,) = json_lines(done.stderr)
    assert line["error_code"] == STAGES["panic" if "panic" in order else "target-args"][1]


@needs_failures
def test_abort_is_found_in_the_environment_too(bench):
    done = bench.cli(**{VARIABLE: "line", "CODETRACER_ON_RECORDER_ERROR": " Abort "})
    assert done.returncode == 1


@needs_failures
def test_disable_removes_the_files_and_nothing_else(bench):
    done = bench.cli("--on-recorder-error", "disable", "--json-errors", **{VARIABLE: "line"})
    assert (done.returncode, done.stdout) == (0, TEXT)
    assert bench.files() == set()
    assert [line["level"] for line in json_lines(done.stderr)] == ["ERROR"]


@needs_failures
def test_what_is_recorded_can_be_kept(bench):
    words = ["--on-recorder-error", "disable", "--keep-partial-trace"]
    assert bench.cli(*words, **{VARIABLE: "line"}).returncode == 0
    assert bench.files() == {"trace.ctr", *SIDE_FILES}
    assert bench.metadata()["process_exit_status"] == {"code": 0, "label": None}


@needs_failures
def test_after_a_disabled_recording_stop_and_flush_are_silent(bench):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        def f():
            return 1
        r.start("out", format="json", policy={"on_recorder_error": "disable"})
        f()
        r.flush()
        r.stop()
        print(r.is_tracing())
        import os
        print(os.listdir("out"))
        del os.environ["CODETRACER_TEST_INJECT_FAILURE"]
        with r.trace("out", format="json"):
            f()
        print(sorted(os.listdir("out")))
        """,
        **{VARIABLE: "py_start"},
    )
    assert done.stdout.splitlines() == ["False", "[]", str(sorted({"trace.ctr", *SIDE_FILES}))]
    assert done.returncode == 0


@needs_failures
@pytest.mark.parametrize("order", ["target", "panic", "py_start"])
def test_the_program_may_catch_it(bench, order):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        def f():
            return 1
        try:
            with r.trace("out", format="json", policy={"on_recorder_error": "abort"}):
                f()
        except r.RecorderError as error:
            print(type(error).__name__, error.code, error.kind, error.context)
        print("on", r.is_tracing())
        raise SystemExit(5)
        """,
        **{VARIABLE: order},
    )
    assert done.returncode == 5
    first, second = done.stdout.splitlines()
    assert first.startswith("Py")
    assert second == "on False"


@needs_failures
def test_the_policy_may_change_while_a_session_runs(bench):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        try:
            r.start("out"); r.configure_policy(on_recorder_error="abort")
            print("not reached")
        except r.InternalError as error:
            print(error.code)
        """,
        **{VARIABLE: "line"},
    )
    assert (done.returncode, done.stdout) == (0, "ERR_TRACE_INCOMPLETE\n")
    source = """
        import codetracer_python_recorder as r
        def f():
            return 1
        r.start("out", policy={"require_trace": True}, start_on_enter="nowhere")
        r.configure_policy(require_trace=False)
        r.stop()
        """
    assert bench.api(source).returncode == 0


@needs_failures
def test_a_failing_end_is_raised_by_stop_and_leaves_a_recording(bench):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        r.start("out", format="json")
        try:
            r.stop()
        except r.InternalError as error:
            print(error.code, error.context, r.is_tracing())
        """,
        **{VARIABLE: "finish"},
    )
    assert done.stdout == "ERR_TRACE_INCOMPLETE {'injection_stage': 'finish'} False\n"
    assert bench.files() == {"trace.ctr", *SIDE_FILES}


@needs_failures
def test_a_failing_end_of_the_process_changes_no_status(bench):
    done = bench.cli("--json-errors", **{VARIABLE: "finish"})
    assert (done.returncode, done.stdout) == (0, TEXT)
    assert json_lines(done.stderr)[-1]["context"] == {"injection_stage": "finish"}


ABORT = {"CODETRACER_ON_RECORDER_ERROR": "abort"}


@needs_failures
@pytest.mark.parametrize(("end", "status"), [("", 1), ("raise SystemExit(3)", 3)])
def test_under_abort_a_failing_end_of_the_process_is_its_status(bench, end, status):
    """As upstream's command line has it; the program's own failure stays what it was."""
    source = PROGRAM + "import atexit; atexit.register(print, 'last')\n" + end
    done = bench.cli("--json-errors", source=source, **{VARIABLE: "finish", **ABORT})
    assert (done.returncode, done.stdout) == (status, TEXT + "last\n")
    assert "Failed to stop Codetracer session: [ERR_TRACE_INCOMPLETE] test-" in done.stderr
    assert json_lines(done.stderr)[-1]["context"] == {"injection_stage": "finish"}
    done = bench.api(
        "import codetracer_python_recorder as r; r.start('out', format='json')\n" + end,
        **{VARIABLE: "finish", **ABORT},
    )
    assert done.returncode == status


def test_under_abort_files_that_cannot_be_written_are_the_status(bench):
    source = "import os, shutil; shutil.rmtree('out'); open('out', 'w').close(); print('end')"
    assert bench.cli(source=source).returncode == 0
    bench.out.unlink()
    done = bench.cli(source=source, **ABORT)
    assert (done.returncode, done.stdout) == (1, "end\n")
    assert "session: [ERR_IO] failed to finalise the trace: " in done.stderr
    assert json_lines(done.stderr)[-1]["fields"]["source"]
    bench.out.unlink()
    done = bench.api(
        """
        import os, shutil
        import codetracer_python_recorder as r
        r.start("out", format="json")
        shutil.rmtree("out"); open("out", "w").close()
        for function in r.flush, r.stop:
            try:
                function()
            except r.EnvironmentError as error:
                print(error.code, error.message, list(error.context), r.is_tracing())
        """
    )
    said = "ERR_IO failed to finalise the trace ['source']"
    assert done.stdout.splitlines() == [f"{said} True", f"{said} False"]


@needs_failures
def test_under_abort_a_failure_in_an_exit_function_is_the_status(bench):
    source = """
        import atexit
        import codetracer_python_recorder as r

        def last():
            print("not reached")

        r.start("out", policy={"on_recorder_error": "abort"})
        atexit.register(last)
        """
    done = bench.api(source, **{VARIABLE: "py_start"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "test-injected failure at py_start" in done.stderr


def test_another_build_knows_no_such_variable(bench):
    if _recorder.INJECTS_FAILURES:
        pytest.skip("this build is made to fail")
    done = bench.cli(**{VARIABLE: "line"})
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")


def test_only_the_test_build_is_made_to_fail(root):
    options = (root / "meson.options").read_text()
    assert "option('inject_failures', type: 'boolean', value: false" in options
    assert "inject_failures" not in (root / "pyproject.toml").read_text()
    wheel = (root / "Makefile").read_text().split("\nwheel:")[1].split("\n\n")[0]
    assert "FAILURES" not in wheel
    assert "build/wheel-" not in wheel, "the folder of the test build keeps its options"


# A trace that must be


def test_a_required_trace_that_is_there(bench):
    done = bench.cli("--require-trace")
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")


@pytest.mark.parametrize("variables", [{}, {"CODETRACER_JSON_ERRORS": "1"}])
def test_a_required_trace_that_is_missing(bench, variables):
    (bench.folder / "other.py").touch()
    done = bench.cli("--require-trace", "--activation-path", "other.py", **variables)
    assert (done.returncode, done.stdout) == (1, TEXT)
    message = "recorder policy requires a trace but no events were recorded"
    assert f"Failed to stop Codetracer session: [ERR_TRACE_MISSING] {message}" in done.stderr
    assert bench.files() == {"trace.ctr"}
    lines = json_lines(done.stderr)
    assert [line.get("level") for line in lines] == ["WARN", "ERROR", *[None] * len(variables)]
    if variables:
        assert lines[-1]["error_kind"] == "Usage"
        assert lines[-1]["message"] == message
        assert lines[-1]["run_id"]
        assert lines[-1]["trace_id"]


@needs_failures
def test_hidden_events_do_not_count(bench):
    for order in ("suppress-events", "suppress_events"):
        assert bench.cli("--require-trace", **{VARIABLE: order}).returncode == 1
    assert bench.cli(**{VARIABLE: "suppress"}).returncode == 0


def test_a_failed_requirement_ends_the_session(bench):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        policy = {"require_trace": True}
        try:
            with r.trace("out", policy=policy, options={}):
                pass
        except r.UsageError as error:
            print(error.code)
        print(r.is_tracing())
        """
    )
    # the `with` statement itself is a line of the program
    assert done.stdout == "False\n"
    done = bench.api(
        """
        import codetracer_python_recorder as r
        r.start("out", start_on_enter="nowhere.py", policy={"require_trace": True})
        try:
            r.stop()
        except r.UsageError as error:
            print(error.code, r.is_tracing())
        r.start("out", start_on_enter="nowhere.py", policy={"require_trace": False})
        r.stop()
        """
    )
    assert (done.stdout, done.returncode) == ("ERR_TRACE_MISSING False\n", 0)


# Exceptions of the calls


CALLS = {
    "ERR_ALREADY_TRACING": "backend.start_tracing('out', 'ctr'); backend.start_tracing('o', 'ctr')",
    "ERR_TRACE_DIR_CONFLICT": "backend.start_tracing('app.py', 'ctr')",
    "ERR_TRACE_DIR_CREATE_FAILED": "backend.start_tracing('app.py/x', 'ctr')",
    "ERR_UNSUPPORTED_FORMAT": "backend.start_tracing('out', 'xml')",
    "ERR_INVALID_POLICY_VALUE": "backend.configure_policy(on_recorder_error='x')",
    "ERR_TRACER_INSTALL_CONFLICT": (
        "import sys; [sys.monitoring.use_tool_id(i, 'x') for i in range(6)];"
        "backend.start_tracing('out', 'ctr')"
    ),
    "ERR_IO": (
        "import os; os.mkdir('out'); os.mkdir('out/trace.ctr'); backend.start_tracing('out', 'ctr')"
    ),
}


@pytest.mark.parametrize("code", CALLS)
def test_every_code_of_a_call(bench, code):
    source = f"""
    import codetracer_python_recorder as r
    from codetracer_python_recorder import codetracer_python_recorder as backend
    r.configure_policy(json_errors=True)
    try:
        {CALLS[code]}
    except r.RecorderError as error:
        print(error.code, error.kind, sorted(error.context), str(error).startswith(f"[{code}]"))
        print(error.message)
    """
    done = bench.api(source)
    first, message = done.stdout.splitlines()
    assert first.split()[0] == code
    assert first.endswith("True")
    trailer = json_lines(done.stderr)[-1]
    assert trailer["error_code"] == code
    assert trailer["message"] == message
    assert trailer["error_kind"] == first.split()[1]


def test_every_code_is_documented_and_tested(root):
    reached = {*CALLS, *(row[1] for row in STAGES.values()), "ERR_TRACE_MISSING"}
    sources = [*(root / "src/recorder").glob("*.c"), *(root / "python").rglob("*.py")]
    text = "".join(path.read_text() for path in sources)
    known = {word for word in text.replace('"', " ").split() if word.startswith("ERR_")}
    assert {word.rstrip(",)") for word in known} == reached


# The log


def test_the_log_goes_to_a_file_and_says_more_on_request(bench):
    done = bench.cli("--log-level", "info", "--log-file", "run.log")
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, "")
    lines = json_lines((bench.folder / "run.log").read_text())
    assert [line["message"] for line in lines] == ["recording starts", "recording ended"]
    assert {line["trace_id"] for line in lines} == {bench.metadata()["recording_id"]}
    assert len({line["run_id"] for line in lines}) == 1
    assert all(line["ts_micros"] > 1.7e15 for line in lines)
    assert os.stat(bench.folder / "run.log").st_mode & 0o777 == 0o600
    bench.cli("--log-level", "info", "--log-file", "run.log")
    assert len((bench.folder / "run.log").read_text().splitlines()) == 4  # appended


@pytest.mark.parametrize(
    ("level", "count"),
    [
        ("warn", 0),
        ("off", 0),
        ("debug", 2),
        ("codetracer_python_recorder=info", 2),
        ("info,codetracer_python_recorder=warn", 0),
        ("other=trace", 0),
    ],
)
def test_levels(bench, level, count):
    done = bench.cli(CODETRACER_LOG_LEVEL=level)
    assert len(json_lines(done.stderr)) == count
    assert done.returncode == 0


def test_a_level_nobody_knows_is_told(bench):
    done = bench.cli("--log-level", "loud")
    (line,) = json_lines(done.stderr)
    assert line["level"] == "WARN"
    assert "'loud'" in line["message"]
    assert done.returncode == 0


def test_a_log_file_that_cannot_be_written_is_told(bench):
    assert len(json_lines(bench.cli(CODETRACER_LOG_FILE="nowhere/run.log").stderr)) == 1
    done = bench.cli("--log-file", "nowhere/run.log")
    (line,) = json_lines(done.stderr)
    assert line["fields"]["detail"] == str(Path(bench.folder.resolve(), "nowhere/run.log"))
    assert done.returncode == 0


def test_a_closed_standard_error_gets_nothing(bench):
    """The number may be that of a file of the program's."""
    source = (
        "import os\nfd = os.open('mine', os.O_RDWR | os.O_CREAT)\nos.write(fd, str(fd).encode())"
    )
    (bench.folder / "app.py").write_text(source)
    command = (
        f'"{sys.executable}" -m codetracer_python_recorder --log-level info -o out app.py 2>&-'
    )
    done = subprocess.run(["sh", "-c", command], cwd=bench.folder, timeout=60 * SLOWER)
    assert done.returncode == 0
    assert (bench.folder / "mine").read_text() == "2"


def test_a_recording_that_reaches_its_limit_warns_and_is_no_failure(bench):
    source = "def f(i):\n    return str(i) * 300\nfor i in range(40000):\n    f(i)\nprint('end')"
    done = bench.cli("--max-size", "100K", "--on-recorder-error", "abort", source=source)
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert [line["level"] for line in json_lines(done.stderr)] == ["WARN"]


LIMITS = {"--max-size": "1", "--min-free-space": "99999G"}


@pytest.mark.parametrize("option", LIMITS)
def test_a_limit_that_only_the_end_of_the_program_meets_is_told(bench, option, ct):
    """It is looked at with each block, and a short program has one."""
    done = bench.cli(option, LIMITS[option])
    assert (done.returncode, done.stdout) == (0, TEXT)
    (line,) = json_lines(done.stderr)
    assert (line["level"], line["message"]) == ("WARN", "recording ended at its limit")
    assert line["fields"]["detail"]
    about = subprocess.run([str(ct), "print", bench.out, "--summary"], capture_output=True)
    counts = dict(row.split()[:2] for row in about.stdout.splitlines() if len(row.split()) == 2)
    assert [counts[name] for name in (b"steps", b"events", b"lines", b"outputs")] == [b"0"] * 4


@pytest.mark.parametrize("option", LIMITS)
@pytest.mark.parametrize("end", ["", "raise SystemExit(0)"])
def test_a_required_trace_that_a_limit_left_empty_is_missing(bench, option, end):
    done = bench.cli("--require-trace", option, LIMITS[option], source=PROGRAM + end)
    assert (done.returncode, done.stdout) == (1, TEXT)
    assert [line["level"] for line in json_lines(done.stderr)] == ["WARN", "ERROR"]
    assert done.stderr.splitlines()[-1] == (
        "Failed to stop Codetracer session: [ERR_TRACE_MISSING] "
        "recorder policy requires a trace but no events were recorded"
    )
    source = PROGRAM + "raise SystemExit(3)"
    assert bench.cli("--require-trace", option, LIMITS[option], source=source).returncode == 3


@pytest.mark.parametrize("path", ["nowhere.py", "other.py"])
def test_an_activation_path_that_never_runs_is_told(bench, path):
    """A name with a slip in it records nothing, and the program runs as if nothing were wrong."""
    (bench.folder / "other.py").touch()
    done = bench.cli("--activation-path", path)
    assert (done.returncode, done.stdout) == (0, TEXT)
    (line,) = json_lines(done.stderr)
    assert line["level"] == "WARN"
    assert line["message"] == "nothing was recorded, for the activation path never ran"
    assert line["fields"]["detail"] == str(bench.folder.resolve() / path)
    assert bench.cli("--activation-path", path, source="import other").returncode == 0
    source = f"import codetracer_python_recorder as r; r.start('out', start_on_enter={path!r})"
    assert len(json_lines(bench.api(source).stderr)) == 1
    assert bench.api(source + "\nr.stop()").stderr == ""
    source = PROGRAM + "open('made.py', 'w').write('x = 1')\nimport made"
    done = bench.cli("--activation-path", "made.py", source=source)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_session_of_which_a_limit_left_nothing_says_so_at_its_stop(bench):
    done = bench.api(
        """
        import codetracer_python_recorder as r
        r.start("out", options={"max_size": 1}, policy={"require_trace": True})
        x = 1
        try:
            r.stop()
        except r.UsageError as error:
            print(error.code, r.is_tracing())
        r.start("out", policy={"require_trace": True})
        x = 1
        r.stop()
        """
    )
    assert (done.stdout, done.returncode) == ("ERR_TRACE_MISSING False\n", 0)
    assert [line["level"] for line in json_lines(done.stderr)] == ["WARN", "ERROR"]


def test_the_settings_reach_the_recording():
    settings = backend.session_policy()
    assert set(settings) == {"abort", "discard", "require_trace", "module_name_from_globals"}
    with pytest.raises(TypeError, match="unknown policy 'nonsense'"):
        _recorder.start("nowhere", {"policy": {"nonsense": True}})
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("--module-name-from-globals", {"<__main__>", "<shop.cart>", "<shop>"}),
        ("--no-module-name-from-globals", {"<app>", "<shop.cart>", "<shop>"}),
    ],
)
def test_modules_are_named_by_themselves_or_by_their_files(bench, option, names):
    (bench.folder / "shop").mkdir()
    (bench.folder / "shop" / "__init__.py").write_text("")
    (bench.folder / "shop" / "cart.py").write_text("x = 1\n")
    assert bench.cli(option, source="import shop.cart").returncode == 0
    events = json.loads((bench.out / "trace.json").read_text())
    functions = [event["Function"]["name"] for event in events if "Function" in event]
    assert {name for name in functions if name.startswith("<")} - {"<toplevel>"} == names


# The environment


@pytest.mark.parametrize("value", ["1", " TRUE "])
def test_recording_can_be_turned_off(bench, value):
    off = {"CODETRACER_PYTHON_RECORDER_DISABLED": value}
    done = bench.cli(source="print('run')\nraise SystemExit(3)", **off, CODETRACER_RECORDING="1")
    assert (done.returncode, done.stdout) == (3, "run\n")
    assert done.stderr.splitlines() == [
        "codetracer-python-recorder: this program runs unrecorded, "
        "as CODETRACER_PYTHON_RECORDER_DISABLED orders"
    ]
    assert not bench.out.exists()
    done = bench.api("import codetracer_python_recorder", **off, CODETRACER_TRACE="out")
    assert (done.returncode, done.stderr) == (0, "")
    assert not bench.out.exists()


@pytest.mark.parametrize("value", ["", "0", "false", "yes"])
def test_other_words_do_not_turn_it_off(bench, value):
    assert bench.cli(CODETRACER_PYTHON_RECORDER_DISABLED=value).stderr == ""
    assert "trace.ctr" in bench.files()


def test_the_directory_may_come_from_the_environment(bench):
    (bench.folder / "app.py").touch()
    module = ["-m", "codetracer_python_recorder"]
    out = {"CODETRACER_PYTHON_RECORDER_OUT_DIR": "~/there", "HOME": str(bench.folder)}
    bench.python(*module, "app.py", **out)
    assert (bench.folder / "there/trace.ctr").is_file()
    bench.python(*module, "--trace-dir", "here", "app.py", **out)
    assert (bench.folder / "here/trace.ctr").is_file()
    bench.python(*module, "app.py", CODETRACER_PYTHON_RECORDER_OUT_DIR="")
    assert (bench.folder / "trace-out/trace.ctr").is_file()


AUTO = "import codetracer_python_recorder\ndef f():\n    return 1\nprint(f())\n"


@pytest.mark.parametrize("end", ["", "raise SystemExit(4)", "import sys; sys.stdout = None"])
def test_an_auto_started_recording_is_finished_at_exit(bench, end):
    done = bench.api(AUTO + end, CODETRACER_TRACE="out", CODETRACER_FORMAT="json")
    assert (done.returncode, done.stdout, done.stderr) == (4 if "4" in end else 0, "1\n", "")
    assert bench.files() == {"trace.ctr", *SIDE_FILES}
    assert "Call" in (bench.out / "trace.json").read_text()


def test_an_auto_started_recording_that_cannot_start_fails_the_import(bench):
    done = bench.api(AUTO, CODETRACER_TRACE="app.py")
    assert done.returncode == 1
    assert "trace path exists and is not a directory" in done.stderr


@pytest.mark.parametrize("words", [["-m", "codetracer_python_recorder"], ["cli"]])
def test_the_command_line_starts_its_own_session(bench, words):
    (bench.folder / "app.py").write_text(AUTO)
    command = bench.folder / "codetracer-python-recorder"
    command.write_text("from codetracer_python_recorder.cli import main\nraise SystemExit(main())")
    words = [str(command)] if words == ["cli"] else words
    done = bench.python(*words, "-o", "out", "app.py", CODETRACER_TRACE="auto")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert not (bench.folder / "auto").exists()
    assert "trace.ctr" in bench.files()


def test_another_module_named_by_m_is_recorded_by_the_variable(bench):
    (bench.folder / "mine").mkdir()
    (bench.folder / "mine/__init__.py").write_text("import codetracer_python_recorder")
    (bench.folder / "mine/__main__.py").write_text("print('run')")
    assert bench.python("-m", "mine", CODETRACER_TRACE="out").stdout == "run\n"
    assert "trace.ctr" in bench.files()


# `ct record` starts plain Python, which would not look at any of this


@needs_failures
def test_ct_heeds_the_policy_of_the_environment(bench, ct):
    (bench.folder / "app.py").write_text(PROGRAM)
    variables = {"CODETRACER_PYTHON_INTERPRETER": sys.executable, VARIABLE: "line"}
    command = [str(ct), "record", "-o", "out", "app.py"]
    for setting, status in (({}, 0), ({"CODETRACER_ON_RECORDER_ERROR": "abort"}, 1)):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")}
        done = subprocess.run(
            command,
            cwd=bench.folder,
            env={**environment, **variables, **setting},
            capture_output=True,
            text=True,
            timeout=60 * SLOWER,
        )
        assert done.returncode == status, done.stderr
        # Without a policy `ct` speaks for the recorder, at the end.
        assert ("test-injected failure at line" in done.stderr) is bool(setting)


def test_a_bad_variable_is_named(bench, ct):
    (bench.folder / "app.py").write_text(PROGRAM)
    variables = {"CODETRACER_REQUIRE_TRACE": "maybe"}
    done = bench.cli(**variables)
    said = "CODETRACER_REQUIRE_TRACE: invalid boolean value 'maybe' (expected true/false)"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"codetracer-python-recorder: error: {said}\n"
    done = bench.cli(CODETRACER_CAPTURE_IO="zzz")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(
        "CODETRACER_CAPTURE_IO value 'zzz' ('zzz' is not one of off, on, proxies, fd)"
    )
    for option, start in ("--help", "usage: "), ("--version", "codetracer-python-recorder "):
        done = bench.python("-m", "codetracer_python_recorder", option, **variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(start)
    off = {"CODETRACER_PYTHON_RECORDER_DISABLED": "1"}
    assert bench.cli(**variables, **off).stdout == TEXT
    done = bench.api("import codetracer_python_recorder", **variables)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.endswith("(expected true/false) (variable=CODETRACER_REQUIRE_TRACE)")
    assert json_lines(done.stderr)[0]["fields"] == {"variable": "CODETRACER_REQUIRE_TRACE"}
    done = subprocess.run(
        [str(ct), "record", "app.py"],
        cwd=bench.folder,
        env={**os.environ, "CODETRACER_PYTHON_INTERPRETER": sys.executable, **variables},
        capture_output=True,
        text=True,
        timeout=60 * SLOWER,
    )
    assert done.returncode == 1
    assert "variable=CODETRACER_REQUIRE_TRACE" in done.stderr
    assert "Reinstall" not in done.stderr


def test_ct_knows_every_variable_of_the_policy(root):
    source = (root / "src/cli/launch.c").read_text()
    listed = source.split("policy_variables[] = {")[1].split("}")[0]
    names = {row[1] for row in policy._SETTINGS.values() if row[1]}
    names |= {policy._CAPTURE_VARIABLE, launch.DISABLED_VARIABLE}
    assert {word.strip('" \n') for word in listed.split(",")} - {"NULL"} == names
