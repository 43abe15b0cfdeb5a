"""`ct record`: what the program sees, where the recording goes, and what is said about it.

Most tests run a stand-in for the interpreter: a script that answers ct's question, plays the
recorder (it keeps the order and leaves a trace), and then becomes the real Python, which no
recorder has touched. What the program then sees is what `ct` alone does to it.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import venv

import pytest
from sanitizer import SLOWER
from terminal import Terminal

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
OLD_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
START = "CODETRACER_PYTHON_RECORDER_START"
PROBE_MARK = "CODETRACER_PYTHON_RECORDER_CHECK::"
USABLE = {"status": "ok", "python": "cpython 3.12.1", "start_hook": "yes"}
PATIENCE = 30 * SLOWER  # seconds until a test gives up waiting; nothing here takes one

STAND_IN = r"""#!/bin/sh
case "$2" in *{mark}*) printf '\n%s%s\n' {mark} {answer}; exit {probe_exit};; esac
if [ -n "${start}" ]; then
    printf '%s' "${start}" > {order}
    dir=$(tr '\037' '\n' < {order} | sed -n 's/^dir=//p')
    id=$(tr '\037' '\n' < {order} | sed -n 's/^id=//p')
    printf 'trace' > "$dir/trace.ctr"
    printf '{{"recording_id":"%s"}}' "$id" > "$dir/trace_metadata.json"
    unset {start} dir id
fi
exec {python} "$@"
"""

# Everything a program can easily notice about the way it was started.
WORLD = """
import json, os, signal, sys
def status(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(line for line in lines if line.startswith(name))
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv[1:], "path": sys.path, "name": __name__,
    "environment": list(os.environ.items()), "cwd": os.getcwd(),
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "streams": [os.fstat(fd).st_ino for fd in (0, 2)],
    "signals": [status(name) for name in ("SigBlk", "SigIgn", "SigCgt")],
    "umask": os.umask(0o22), "group": os.getpgid(0) == os.getpgid(os.getppid()),
}))
"""


class Bench:
    """A working directory, a stand-in interpreter, and `ct` to run with it."""

    def __init__(self, ct, python, folder):
        self.ct = ct
        self.python = python
        self.work = folder / "work"
        self.order_file = folder / "order"
        self.interpreter = folder / "bin" / "python3"
        self.work.mkdir()
        self.interpreter.parent.mkdir()
        self.install()

    def install(self, probe_exit=0, **answer):
        """Write the stand-in, with this answer to ct's question."""
        text = STAND_IN.format(
            mark=PROBE_MARK,
            answer=shlex.quote(json.dumps({**USABLE, **answer})),
            probe_exit=probe_exit,
            start=START,
            order=self.order_file,
            python=self.python,
        )
        self.interpreter.write_text(text)
        self.interpreter.chmod(0o755)

    def environment(self, **variables):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CODETRACER", "PYTHON"))}
        kept["PATH"] = f"{self.interpreter.parent}:/usr/bin:/bin"
        return {**kept, **variables}

    def run(self, *words, **options):
        return self.execute([self.ct, "record", *words], **options)

    def plain(self, *words, **options):
        return self.execute([self.interpreter, *words], **options)

    def execute(self, command, variables=(), **options):
        return subprocess.run(
            command,
            cwd=self.work,
            env=self.environment(**dict(variables)),
            text=True,
            timeout=PATIENCE,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def start(self, *words, **options):
        return subprocess.Popen(
            [self.ct, "record", *words],
            cwd=self.work,
            env=self.environment(),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def write(self, name, source):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return path

    def order(self):
        """Decode what the recorder was told, as base/start_options.h describes it."""
        order = {"arg": []}
        for pair in self.order_file.read_bytes().split(b"\x1f"):
            key, _, value = pair.partition(b"=")
            value = re.sub(rb"\x1e(.)", lambda m: bytes([m[1][0] ^ 0x40]), value, flags=re.S)
            if key == b"arg":
                order["arg"].append(os.fsdecode(value))
            else:
                order[key.decode()] = os.fsdecode(value)
        return order


@pytest.fixture
def bench(ct, python, tmp_path):
    return Bench(ct, python, tmp_path)


def recording_id(stderr):
    """Return the identifier of the last line, which must be alone there."""
    last = stderr.splitlines()[-1]
    assert last.startswith("traceId:"), stderr
    assert ID.fullmatch(last.removeprefix("traceId:"))
    return last.removeprefix("traceId:")


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


# What the program sees


@pytest.mark.parametrize(
    "words",
    [
        ["world.py"],
        ["world.py", "a", "--help", "-o", "x", "--", "", "two words", "ü\udcff"],
        ["./sub dir/../world.py", "--format=json"],
        ["-m", "world", "-m", "--", "x"],
        ["-c", WORLD, "a", "-c"],
        ["package dir", "a"],
        ["-", "a"],
    ],
    ids=["script", "arguments", "path", "module", "code", "directory", "stdin"],
)
def test_the_program_sees_what_plain_python_shows(bench, words):
    bench.write("world.py", WORLD)
    bench.write("sub dir/empty", "")
    bench.write("package dir/__main__.py", WORLD)
    (bench.work / "input").write_text(WORLD)
    with open(bench.work / "input") as first, open(bench.work / "input") as second:
        expected = bench.plain(*words, stdin=first, stderr=subprocess.STDOUT)
        with open(bench.work / "err", "w+") as said:
            found = bench.run("-o", "out", *words, stdin=second, stderr=said)
    expected, found = json.loads(expected.stdout), json.loads(found.stdout)
    del expected["streams"][1], found["streams"][1]  # standard error is another file here
    assert found == expected


def test_the_standard_streams_are_the_same_files(bench):
    bench.write("p.py", "import os; print([os.fstat(fd).st_ino for fd in (0, 1, 2)])")
    with open(bench.work / "all", "w+") as file:
        bench.run("p.py", stdin=file, stdout=file, stderr=file)
    first = (bench.work / "all").read_text().splitlines()[0]
    assert json.loads(first) == [(bench.work / "all").stat().st_ino] * 3


def test_descriptors_that_are_closed_stay_closed(bench):
    bench.write(
        "p.py",
        "import os\nfor fd in (0, 1, 2):\n"
        "    try: os.fstat(fd); open('open', 'a').write(str(fd))\n"
        "    except OSError: pass\n"
        "raise SystemExit(7)",
    )
    command = f'exec "{bench.ct}" record p.py <&- >&- 2>&-'
    assert bench.execute(["sh", "-c", command], stdout=None, stderr=None).returncode == 7
    assert (bench.work / "trace.ctr").exists()
    assert not (bench.work / "open").exists()


def test_ignored_and_blocked_signals_stay_so(bench):
    bench.write("world.py", WORLD)

    def change():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})

    expected = json.loads(bench.plain("world.py", preexec_fn=change).stdout)
    found = json.loads(bench.run("world.py", preexec_fn=change).stdout)
    assert found["signals"] == expected["signals"]


# Forms of the command line


@pytest.mark.parametrize(
    ("words", "kind", "program", "arguments"),
    [
        ("p.py a -b", "script", "p.py", ["a", "-b"]),
        ("p.py -- a -b", "script", "p.py", ["a", "-b"]),
        ("p.py -- -- a", "script", "p.py", ["--", "a"]),
        ("p.py a -- b", "script", "p.py", ["a", "--", "b"]),
        ("-- p.py a -b", "script", "p.py", ["a", "-b"]),
        ("-- p.py -- a", "script", "p.py", ["--", "a"]),
        ("-- -p.py a", "script", "-p.py", ["a"]),
        ("-- -m p a", "module", "p", ["a"]),
        ("-m p a -- b", "module", "p", ["a", "--", "b"]),
        ("-mp -- a", "module", "p", ["a"]),
        ("-c pass --version", "code", "pass", ["--version"]),
        ("--lang python --exact p.py --exact", "script", "p.py", ["--exact"]),
    ],
)
def test_every_form_names_the_same_program(bench, words, kind, program, arguments):
    source = "import sys; print(sys.argv[1:])"
    bench.write("p.py", source)
    bench.write("-p.py", source)
    done = bench.run("-o", "out", *words.split())
    assert done.returncode == 0, done.stderr
    order = bench.order()
    assert (order["kind"], order["program"], order["arg"]) == (kind, program, arguments)
    assert order["argc"] == str(len(arguments))
    if kind != "code":
        assert done.stdout == f"{arguments}\n"


def test_the_recorder_is_told_what_was_asked_for(bench):
    options = "--format ctr --exact --max-text 2K --max-items=3K --max-depth 0 --max-attributes 7"
    sizes = "--max-size 1.5G --min-free-space 64MiB --export-limit 0 --activation-path lib/x.py"
    done = bench.run(*options.split(), *sizes.split(), "-c", "1", "a\x1fb\x1ec")
    order = bench.order()
    assert order.pop("id") == recording_id(done.stderr)
    assert order == {
        "dir": str(bench.work),
        "format": "ctr",
        "kind": "code",
        "program": "1",
        "argc": "1",
        "arg": ["a\x1fb\x1ec"],
        "exact": "1",
        "activation": str(bench.work / "lib/x.py"),
        "max_text": "2048",
        "max_items": "3000",
        "max_depth": "0",
        "max_attributes": "7",
        "max_size": str(3 << 29),
        "min_free_space": str(64 << 20),
        "export_limit": "0",
    }


def test_what_is_not_asked_for_is_left_to_the_recorder(bench):
    bench.run("-c", "1")
    assert set(bench.order()) == {"dir", "id", "format", "kind", "program", "argc", "arg"}
    assert bench.order()["format"] == "json"


def test_a_command_line_of_a_megabyte_still_starts(bench):
    words = ["x" * 1000] * 1000
    done = bench.run("-c", "import sys; print(len(sys.argv))", *words)
    assert done.stdout == "1001\n"
    assert bench.order()["argc"] == "1000"
    assert bench.order()["arg"] == []


# How it ends


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_the_exit_status_is_the_programs(bench, status):
    assert bench.run("-c", f"raise SystemExit({status})").returncode == status


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGINT", "SIGPIPE", "SIGUSR1"])
def test_a_signal_that_ends_the_program_ends_ct(bench, name):
    number = getattr(signal, name)
    code = f"import os, signal; signal.signal({number}, 0) if {number} not in (9,) else 0; "
    done = bench.run("-c", code + f"os.kill(os.getpid(), {number})")
    assert done.returncode == -number
    assert f"ended by signal {int(number)}" in done.stderr
    recording_id(done.stderr)


def test_a_full_standard_error_does_not_change_the_status(bench):
    with open("/dev/full", "w") as full:
        assert bench.run("-c", "raise SystemExit(5)", stderr=full).returncode == 5


def test_a_reader_that_is_gone_does_not_change_the_status(bench):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        assert bench.run("-c", "raise SystemExit(5)", stderr=gone).returncode == 5


def test_the_summary_names_the_recording_and_its_place(bench):
    done = bench.run("-o", "new/place", "-c", "print('out')")
    assert done.stdout == "out\n"
    place = bench.work / "new" / "place"
    assert str(place) in done.stderr
    assert json.loads((place / "trace_metadata.json").read_text()) == {
        "recording_id": recording_id(done.stderr)
    }
    assert {p.name for p in place.iterdir()} == {"trace.ctr", "trace_metadata.json"}


@pytest.mark.parametrize("variable", ["CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH"])
def test_a_codetracer_host_gets_its_line_and_status_zero(bench, variable):
    code = f"import os; print({variable!r} in os.environ); raise SystemExit(3)"
    done = bench.run("-c", code, variables={variable: "1"})
    assert done.returncode == 0
    assert done.stdout == f"False\ntraceId:{recording_id(done.stderr)}\n"
    done = bench.run("--propagate-script-exit", "-c", code, variables={variable: "1"})
    assert done.returncode == 3
    assert bench.run("--no-propagate-script-exit", "-c", code).returncode == 0


def test_a_run_without_a_trace_says_so_and_keeps_the_status(bench):
    silent = f'#!/bin/sh\ncase "$2" in *{PROBE_MARK}*) echo \'{PROBE_MARK}'
    bench.interpreter.write_text(silent + json.dumps(USABLE) + "'; exit 0;; esac\nexit 4\n")
    done = bench.run("-o", "new", "-c", "1")
    assert done.returncode == 4
    assert "error: nothing was recorded" in done.stderr
    assert "traceId" not in done.stderr
    assert not (bench.work / "new").exists()


# Signals while it runs

WAITING = """
import os, signal, time
seen = []
for name in {names}:
    signal.signal(getattr(signal, name), lambda number, frame: seen.append(number))
print("ready", os.getpid(), flush=True)
while not seen: time.sleep(0.01)
print(*(signal.Signals(n).name for n in seen), flush=True)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGRTMIN"])
def test_a_signal_sent_to_ct_reaches_the_program(bench, name):
    process = bench.start("-c", WAITING.format(names=[name]))
    assert process.stdout.readline().startswith("ready")
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == (f"{name}\n", 0)
    recording_id(err)


def run_on_terminal(bench, code, keys):
    """Run a program as the foreground job of a terminal; press `keys` when it is ready."""
    with Terminal() as terminal:
        process = subprocess.Popen(
            [bench.ct, "record", "-c", code],
            cwd=bench.work,
            env=bench.environment(),
            preexec_fn=lambda: os.login_tty(os.dup(terminal.slave)),
        )
        terminal.read_until(b"ready")
        terminal.type(keys)
        text = terminal.read_to_the_end(process).decode()
    return process.returncode, text


def test_an_interrupt_from_the_terminal_is_the_programs_alone(bench):
    # Goes on for a while after the first, to see whether there is a second.
    code = WAITING.format(names=["SIGINT"]).replace("print(*", "time.sleep(0.2)\nprint(*")
    status, text = run_on_terminal(bench, code, b"\x03")
    assert status == 0
    # Once, although `ct` is in the same process group.
    assert re.search(r"^(\^C)?SIGINT$", text, re.M), text
    assert "traceId:" in text


def test_a_program_that_dies_of_an_interrupt_takes_ct_with_it(bench):
    status, text = run_on_terminal(
        bench, "print('ready', flush=True); import time; time.sleep(60)", b"\x03"
    )
    assert status == -signal.SIGINT
    assert "KeyboardInterrupt" in text
    assert "traceId:" in text


@pytest.mark.parametrize("stop", [signal.SIGSTOP, signal.SIGTSTP])
@pytest.mark.parametrize("whom", ["group", "ct"])
def test_ct_stops_and_goes_on_with_the_program(bench, stop, whom):
    process = bench.start("-c", WAITING.format(names=["SIGUSR1"]), process_group=0)
    program = int(process.stdout.readline().split()[1])
    os.kill(program, stop)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert os.WSTOPSIG(status) == stop
    if whom == "group":
        os.killpg(process.pid, signal.SIGCONT)
    else:
        os.kill(process.pid, signal.SIGCONT)
    os.kill(process.pid, signal.SIGUSR1)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == ("SIGUSR1\n", 0)


# Where it goes


def trace_header(identifier):
    return b"\x8bCTRACE\n" + bytes(8) + bytes.fromhex(identifier.replace("-", "")) + bytes(32)


def test_an_earlier_recording_is_kept_under_its_identifier(bench):
    first = recording_id(bench.run("-c", "1").stderr)
    (bench.work / "trace.json").write_text("[]")
    (bench.work / "other.txt").write_text("mine")
    done = bench.run("-c", "1")
    kept = bench.work / f"trace-{first}"
    assert f"the earlier recording is kept in '{kept}'" in done.stderr
    assert {p.name for p in kept.iterdir()} == {"trace.ctr", "trace.json", "trace_metadata.json"}
    assert {p.name for p in bench.work.iterdir()} == {
        "trace.ctr",
        "trace_metadata.json",
        "other.txt",
        kept.name,
    }


def test_a_trace_alone_names_itself(bench):
    (bench.work / "trace.ctr").write_bytes(trace_header(OLD_ID))
    (bench.work / "trace.ctr.tail").write_bytes(b"tail")
    bench.run("-c", "1")
    assert {p.name for p in (bench.work / f"trace-{OLD_ID}").iterdir()} == {
        "trace.ctr",
        "trace.ctr.tail",
    }


@pytest.mark.parametrize(
    "metadata", ['{"program":"x"}', '{"recording_id":"../../escaped"}', "not json", ""]
)
def test_a_recording_without_an_identifier_is_named_by_its_time(bench, metadata):
    for name, text in {"trace_metadata.json": metadata, "trace.bin": "x"}.items():
        (bench.work / name).write_text(text)
        os.utime(bench.work / name, (1_000_000_000, 1_000_000_000))
    bench.run("-c", "1")
    kept = bench.work / "trace-20010909T014640Z"
    assert (kept / "trace_metadata.json").read_text() == metadata
    assert (kept / "trace.bin").exists()


def test_an_interrupted_move_is_completed(bench):
    identified = f'{{"recording_id":"{OLD_ID}"}}'
    kept = bench.work / f"trace-{OLD_ID}"
    kept.mkdir()
    (kept / "trace.ctr").write_text("moved before")
    (bench.work / "trace_metadata.json").write_text(identified)
    bench.run("-c", "1")
    assert (kept / "trace.ctr").read_text() == "moved before"
    assert (kept / "trace_metadata.json").read_text() == identified


def test_two_recordings_of_one_name_both_stay(bench):
    for text in ("first", "second"):
        (bench.work / "trace.ctr").write_text(text)
        (bench.work / "trace_metadata.json").write_text(f'{{"recording_id":"{OLD_ID}"}}')
        bench.run("-c", "1")
        (bench.work / "trace.ctr").unlink()
        (bench.work / "trace_metadata.json").unlink()
    assert (bench.work / f"trace-{OLD_ID}" / "trace.ctr").read_text() == "first"
    assert (bench.work / f"trace-{OLD_ID}-2" / "trace.ctr").read_text() == "second"


def test_a_newcomer_takes_a_directory_of_its_own(bench):
    first = bench.start("-c", "print('ready', flush=True); input()")
    assert first.stdout.readline() == "ready\n"
    second = bench.run("-c", "1")
    own = bench.work / f"trace-{recording_id(second.stderr)}"
    assert f"this recording goes to '{own}'" in second.stderr
    assert (own / "trace.ctr").exists()
    _, err = first.communicate("\n", timeout=PATIENCE)
    assert json.loads((bench.work / "trace_metadata.json").read_text()) == {
        "recording_id": recording_id(err)
    }
    assert {p.name for p in bench.work.rglob("*")} == {
        "trace.ctr",
        "trace_metadata.json",
        own.name,
    }, "a lock file was left"


def test_a_trace_that_its_recorder_has_locked_is_left_alone(bench):
    with open(bench.work / "trace.ctr", "w") as trace:
        fcntl.flock(trace, fcntl.LOCK_EX)
        done = bench.run("-c", "1")
    own = bench.work / f"trace-{recording_id(done.stderr)}"
    assert (own / "trace.ctr").read_text() == "trace"
    assert (bench.work / "trace.ctr").read_text() == ""


def test_a_killed_ct_leaves_no_lock(bench):
    first = bench.start("-c", "print('ready', flush=True); input()")
    assert first.stdout.readline() == "ready\n"
    first.kill()
    first.wait(PATIENCE)
    done = bench.run("-c", "1")
    assert "the earlier recording is kept" in done.stderr
    first.communicate("\n", timeout=PATIENCE)


# What cannot be done


def assert_refused(done, status, *texts):
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert all(line.startswith("help: ") for line in lines[1:])
    assert len(lines) > 1, "nothing says what to do"
    for text in texts:
        assert text in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no program to record"),
        (["-o"], "-o needs a value: DIR"),
        (["--"], "no program to record"),
        (["-m"], "-m needs a value: MODULE"),
        (["--formt", "json", "p.py"], "unknown option '--formt': did you mean '--format'?"),
        (["--format", "xml", "p.py"], "'xml' is not one of: json, binary, ctr"),
        (["--trace-filter", "", "p.py"], "--trace-filter: '' names no file"),
        (
            ["--trace-filter=x", "--trace-filter", "::", "p.py"],
            "--trace-filter: '::' names no file",
        ),
        (["--activation-path=", "p.py"], "--activation-path: the name is empty"),
        (["--lang", "ruby", "p.py"], "'ruby' is not one of: python"),
        (["--max-size", "big", "p.py"], "'big' is not a number such as"),
        (["--exact=yes", "p.py"], "--exact takes no value"),
        (["missing.py"], "missing.py': [Errno 2] No such file or directory"),
        (["env"], "'/usr/bin/env' is not a Python file"),
        (["tool"], "did you mean `ct record "),
    ],
)
def test_misuse_is_explained_with_status_2(bench, words, text):
    bench.write("p.py", "")
    tool = bench.interpreter.with_name("tool")
    tool.write_text("#!/usr/bin/env python3\n")
    tool.chmod(0o755)
    assert_refused(bench.run(*words), 2, text)
    assert not (bench.work / "trace.ctr").exists()


@pytest.mark.parametrize("name", ["JSON", "Ctr"])
def test_the_format_may_be_in_capitals(bench, name):
    bench.write("p.py", "print('python')")
    assert bench.run("--format", name, "p.py").returncode == 0


def test_another_ending_can_be_said_to_be_python(bench):
    bench.write("p.rb", "print('python')")
    assert bench.run("--lang", "python", "p.rb").stdout == "python\n"


def test_a_file_in_place_of_the_directory_is_refused(bench):
    bench.write("file", "mine")
    assert_refused(bench.run("-o", "file", "-c", "1"), 1, "cannot record into 'file'", "-o DIR")
    assert_refused(bench.run("-o", "file/x", "-c", "1"), 1, "cannot record into 'file/x'")
    assert (bench.work / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_is_refused(bench):
    (bench.work / "locked").mkdir(mode=0o555)
    for asked in ("locked", "locked/new"):
        assert_refused(bench.run("-o", asked, "-c", "1"), 1, "Permission denied", "-o DIR")


def test_a_place_that_takes_no_directories_is_refused(bench):
    done = bench.run("-o", "/proc/x", "-c", "1")
    assert_refused(done, 1, "cannot record into '/proc/x'", "No such file or directory")


# Which interpreter


def test_the_variable_names_the_interpreter(bench, tmp_path):
    other = tmp_path / "other python"
    shutil.copy(bench.interpreter, other)
    bench.interpreter.write_text("#!/bin/sh\nexit 9\n")
    done = bench.run("-c", "1", variables={"CODETRACER_PYTHON_INTERPRETER": str(other)})
    assert done.returncode == 0, done.stderr
    done = bench.run("-c", "1", variables={"PYTHON": f"'{other}'"})
    assert done.returncode == 0, done.stderr


def test_a_variable_that_names_nothing_is_told(bench):
    done = bench.run("-c", "1", variables={"PYTHON_EXECUTABLE": "/no/python"})
    assert_refused(
        done,
        1,
        "PYTHON_EXECUTABLE is set to '/no/python' but it does not resolve to a Python interpreter",
        "unset it",
    )


def test_no_interpreter_at_all_is_told(bench, tmp_path):
    done = bench.run("-c", "1", variables={"PATH": str(tmp_path)})
    assert_refused(done, 1, "no Python interpreter", "CODETRACER_PYTHON_INTERPRETER=")


def test_a_missing_recorder_is_told_with_the_command_that_installs_it(bench):
    bench.install(probe_exit=3, status="missing")
    assert_refused(
        bench.run("-c", "1"),
        1,
        f"`codetracer_python_recorder` is not installed for interpreter: {bench.interpreter}",
        f"{bench.interpreter} -m pip install codetracer-python-recorder",
        "CODETRACER_PYTHON_INTERPRETER=",
    )


def test_a_python_that_is_not_supported_is_told(bench):
    bench.install(probe_exit=3, status="missing", python="cpython 3.11.2")
    assert_refused(bench.run("-c", "1"), 1, "cpython 3.11.2", "CPython 3.12 or 3.13")


def test_a_broken_recorder_is_told_with_its_reason(bench):
    bench.install(probe_exit=4, status="error", error='ImportError: no "good"')
    assert_refused(bench.run("-c", "1"), 1, "Failed to import", 'ImportError: no "good"')


def test_a_program_that_is_no_python_is_told(bench):
    bench.interpreter.write_text("#!/bin/sh\necho what? >&2\nexit 64\n")
    done = bench.run("-c", "1")
    assert_refused(done, 1, "does not answer like a Python interpreter (exit status 64): what?")


def test_an_interpreter_that_cannot_be_run_is_told(bench):
    bench.interpreter.write_text("#!/no/such/shell\n")
    assert_refused(bench.run("-c", "1"), 1, f"cannot run '{bench.interpreter}'")


# The question, put to a real interpreter

RECORDER = "import sys; print(sys.argv[1:])"


@pytest.fixture
def environment(bench, tmp_path):
    """Make a real virtual environment, with a recorder that only shows its arguments."""
    place = tmp_path / "venv"
    venv.create(place, symlinks=True)
    (bench.interpreter).unlink()
    bench.interpreter = place / "bin" / "python3"
    site = next(place.glob("lib/python*/site-packages"))
    package = site / "codetracer_python_recorder"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(RECORDER)
    return site


def test_without_a_start_hook_the_recorder_runs_as_a_module(bench, environment):
    bench.write("json.py", "raise SystemExit('the program was imported')")
    bench.write("p.py", "")
    options = "--format binary --exact --max-items 5 --activation-path /x.py"
    done = bench.run(*options.split(), "p.py", "--", "--", "a")
    shown = done.stdout.replace("'", '"')
    assert json.loads(shown) == [
        f"--trace-dir={bench.work}",
        "--format=binary",
        "--unlisted",
        "--activation-path=/x.py",
        "--exact",
        "--max-items=5",
        "p.py",
        "--",
        "--",
        "a",
    ]


def test_with_its_start_hook_python_is_started_plainly(bench, environment):
    (environment / "codetracer_python_recorder.pth").write_text("")
    code = f"import os, sys; print(sys.orig_argv[1:], {START!r} in os.environ)"
    assert bench.run("-c", code, "a").stdout == f"{['-c', code, 'a']} True\n"


def test_a_recorder_that_fails_to_import_is_told_by_its_reason(bench, environment):
    package = environment / "codetracer_python_recorder" / "__init__.py"
    package.write_text("import no_such_module")
    assert_refused(bench.run("-c", "1"), 1, "Failed to import", "'no_such_module'")
    shutil.rmtree(package.parent)
    assert_refused(bench.run("-c", "1"), 1, "is not installed for interpreter")


def test_asking_does_not_start_a_recording(bench, environment):
    source = f"import os\nopen('seen', 'a').write(str([{START!r} in os.environ, "
    source += "'CODETRACER_TRACE' in os.environ]))"
    (environment / "codetracer_python_recorder" / "__init__.py").write_text(source)
    bench.run("-c", "1", variables={"CODETRACER_TRACE": "x", START: "x"})
    assert (bench.work / "seen").read_text().startswith("[False, False]")


# The frame


def test_help_and_version(ct, tmp_path):
    def run(*words, **options):
        return subprocess.run(
            [ct, *words], text=True, timeout=PATIENCE, **{"stdout": -1, "stderr": -1, **options}
        )

    overview = run("help")
    assert (overview.returncode, overview.stderr) == (0, "")
    assert run().stdout == run("--help").stdout == overview.stdout
    for name in re.findall(r"^  ([\w-]+)", overview.stdout, re.M):
        page = run("help", name)
        assert page.stdout.startswith(f"Usage: ct {name}")
        assert run(name, "--help").stdout == page.stdout
    assert re.fullmatch(r"ct \d+\.\d+\.\d+\n", run("--version").stdout)
    assert run("version").stdout == run("-V").stdout == run("--version").stdout
    assert_refused(run("recrod"), 2, "'recrod' is not a command", "did you mean `ct record`?")
    assert_refused(run("help", "x"), 2, "'x' is not a command")
    assert_refused(run("--frob"), 2, "unknown option '--frob'")
    with open("/dev/full", "w") as full:
        assert run("help", stdout=full).returncode == 1
