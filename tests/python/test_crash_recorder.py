"""Programs that end badly, disks and limits that do: no complete event is lost, nothing is hurt.

A program writes its own progress to a pipe (a system call, so it counts as soon as it is done). The
last line it reported must be in the recording, and what is recorded must end right there.
"""

import json
import os
import random
import re
import signal
import subprocess
import textwrap
import time

import pytest
from sanitizer import SLOWER, own_memory
from side_by_side import SideBySide
from tracefmt import Recording


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


COUNT = """
import os
def spin():
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    sum(iter(int, 1))
def count(report):
    kept = []
    n = 0
    while True:
        n += 1
        kept.append((n, str(n)))
        report(n)
        if len(kept) > 20: kept.clear()
        END
count(lambda n: os.write(1, b"%d\\n" % n))
"""
ENDS = {
    "kill": "os.kill(os.getpid(), 9)",
    "segfault": "import ctypes; ctypes.string_at(8)",
    "abort": "os.abort()",
    "os._exit": "os._exit(17)",
    "exec": "os.execv('/bin/sh', ['sh', '-c', 'exit 17'])",
    "terminate": "os.kill(os.getpid(), 15)",
    "trap": "os.kill(os.getpid(), 5)",
    "CPU limit": "spin()",
}


def last_value(sides, name):
    """The value the variable had in the last event that shows it."""
    steps = int(re.search(r"^steps +(\d+)", sides.printed("--summary"), re.M)[1])
    value = None
    for line in sides.printed("--format", "json", "--from", str(max(0, steps - 30))).splitlines():
        event = json.loads(line)
        held = event.get("locals", {})
        if name in held and event["function"] == "count":
            value = int(held[name]["repr"])
    return value


def assert_nothing_lost(sides, reported):
    assert reported, "the program did not come to its first report"
    seen = last_value(sides, "n")
    # Between the report and its line's end the program may die; n + 1 may have begun.
    assert seen is not None
    assert int(reported[-1]) <= seen <= int(reported[-1]) + 1


@pytest.mark.parametrize("rounds", [1, 300, 9000])
@pytest.mark.parametrize("end", ENDS)
def test_the_last_event_is_kept(sides, end, rounds):
    if rounds > 300 and end not in ("kill", "segfault", "os._exit"):
        pytest.skip("long runs are tried with three ends")
    sides.write(COUNT.replace("END", f"if n == {rounds}: {ENDS[end]}"))
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py")
    assert (recorded.status, recorded.out) == (plain.status, plain.out)
    sides.verify()
    assert_nothing_lost(sides, recorded.out.split())
    assert last_value(sides, "n") == rounds


def kill_after(sides, seconds, target):
    """Start the program, kill it (or the whole group) at some moment, return what it reported."""
    sides.write(COUNT.replace("END", "pass"))
    report = sides.work.parent / "report"
    command = [sides.ct, "record", "--format", "ctr", "-o", sides.recording, "program.py"]
    with open(report, "w") as out:
        process = subprocess.Popen(
            command,
            cwd=sides.work,
            env=sides.environment({}),
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while report.stat().st_size == 0:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(seconds)
        if target == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(child_of(process.pid), signal.SIGKILL)
        process.wait(20)
    data = report.read_bytes()
    return data[: data.rfind(b"\n")].split()


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[-1])


@pytest.mark.parametrize("target", ["program", "group"])
def test_killed_at_random_moments(sides, target):
    pick = random.Random(target)
    for _ in range(4):
        reported = kill_after(sides, pick.random() * 0.15, target)
        assert_nothing_lost(sides, reported)
        shutil_rmtree(sides.recording)


@pytest.mark.long
@pytest.mark.parametrize("target", ["program", "group"])
def test_killed_at_fifty_random_moments(sides, target):
    pick = random.Random()
    for _ in range(50):
        moment = pick.random() ** 3
        reported = kill_after(sides, moment, target)
        assert_nothing_lost(sides, reported)
        shutil_rmtree(sides.recording)


def shutil_rmtree(path):
    subprocess.run(["rm", "-rf", path], check=True)


@own_memory
def test_a_program_that_runs_out_of_memory(sides):
    program = """
        import resource
        def count():
            n = 0
            kept = []
            limit = int(open("/proc/self/statm").read().split()[0]) * 4096 + (48 << 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            try:
                while True:
                    n += 1
                    kept.append("x" * 100_000 + str(n))
            except MemoryError:
                kept.clear()
                return n > 50
        print(count())
        y = [1]
        print("on")
        """
    sides.compare(textwrap.dedent(program))


HANDLED = "try: 1 / 0\nexcept ZeroDivisionError: "


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "ZeroDivisionError('division by zero') at <string>:1 in <module>"),
        ("x = 1\nraise KeyboardInterrupt", "KeyboardInterrupt() at <string>:2 in <module>"),
        (HANDLED + "raise SystemExit(3)", None),
        (
            "import os, signal\nsignal.signal(2, signal.SIG_DFL)\n"
            + HANDLED
            + "os.kill(os.getpid(), 2)",
            None,
        ),
    ],
)
def test_the_exception_that_ended_the_program_is_told(sides, source, told):
    assert sides.recorded("-c", source).status in (1, 3, -signal.SIGINT)
    assert re.findall(r"  exception (.*)", sides.said) == ([told] if told else [])
    assert ("see it    ct print --from " in sides.said) == (told is not None)


MANY = """
def f(n):
    d = {}
    for i in range(n):
        d[i % 100] = [i, str(i) * 5]
    return len(d)
for i in range(4): print(f(60000), flush=True)
"""


@pytest.fixture
def small_disk(sides, tmp_path):
    """Return a file system of 24 MiB, mounted."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", place]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    sides.recording = place / "recording"
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(folder, leave):
    """Leave so many bytes free."""
    about = os.statvfs(folder)
    with open(folder / "filler", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, about.f_bavail * about.f_frsize - leave)


def test_a_disk_that_fills_up(sides, small_disk):
    sides.write(MANY)
    plain = sides.plain("program.py")
    fd_fill = (
        "s = os.statvfs({0!r}); f = open({0!r} + '/filler', 'wb'); "
        "os.posix_fallocate(f.fileno(), 0, s.f_bavail * s.f_frsize - 4096)"
    ).format(str(small_disk))
    sides.write(f"import os\n{fd_fill}\n{MANY}")
    recorded = sides.recorded("program.py", limits=["--min-free-space", "0"])
    assert (recorded.status, recorded.out) == (plain.status, plain.out), recorded
    assert recorded.err == "", recorded.err
    assert re.search("complete  no: the recorder failed: .*No space left on device", sides.said)
    assert sides.ask("print", "--limit", "5").returncode == 0
    assert "No space left on device" in assert_the_same_is_missing(sides)
    assert b"No space left on device" in Recording.open(sides.recording).end.failure
    assert sides.ask("verify").returncode == 0


def assert_the_same_is_missing(sides):
    """The summary says of the end what `ct record` said; it is returned."""
    (said,) = re.findall("complete  (no: .*)", sides.said)
    assert re.findall("^complete +(.*)$", sides.printed("--summary"), re.M) == [said]
    return said


def test_a_disk_that_is_full_from_the_start(sides, small_disk):
    sides.write(MANY)
    plain = sides.plain("program.py")
    fill(small_disk, 16384)
    recorded = sides.recorded("program.py", limits=["--min-free-space", "0"])
    assert (recorded.status, recorded.out) == (plain.status, plain.out), recorded
    assert "No space left" in recorded.err + sides.said
    assert len(recorded.err.splitlines()) < 6, recorded.err


def test_too_little_free_space(sides, small_disk):
    sides.write(MANY)
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py", limits=["--min-free-space", "1G"])
    assert (recorded.status, recorded.out) == (plain.status, plain.out)
    assert "too little space" in sides.said or "free" in sides.said
    assert "Traceback" not in recorded.err


def test_the_size_limit(sides):
    sides.write(MANY)
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py", limits=["--max-size", "300K"])
    assert str(recorded) == str(plain)
    assert "size limit" in sides.said
    assert (sides.recording / "trace.ctr").stat().st_size <= 300 * 1024
    sides.verify()
    assert "size limit" in assert_the_same_is_missing(sides)
    assert "d[i % 100]" in sides.printed("--limit", "50")


@pytest.mark.parametrize(("size", "least"), [(8, 1000), (50, 10000), (100, 20000), (200, 50000)])
def test_a_small_size_limit_keeps_most_of_what_fits(sides, size, least):
    """The block in which it is reached is lost, and so must not be all there is room for."""
    sides.write("for i in range(300000): x = i\n")
    recorded = sides.recorded("program.py", limits=["--max-size", f"{size}K"])
    assert recorded.status == 0, recorded
    assert "size limit" in sides.said
    assert size * 512 < (sides.recording / "trace.ctr").stat().st_size <= size * 1024
    sides.verify()
    about = sides.printed("--summary").splitlines()
    counts = dict(row.split() for row in about if len(row.split()) == 2)
    assert least < int(counts["steps"]) < 300000
    # What is counted is what is there: a step for each turn, and a call.
    assert int(counts["events"]) == int(counts["lines"]) + 1
    assert abs(int(counts["lines"]) - int(counts["steps"])) < 2


OVER_LIMIT = """
import gc
dicts = [{"n": i, "s": str(i)} for i in range(3000)]
for d in dicts:
    d["m"] = 1
for i in range(60000):
    text = str(i) * 40
del dicts, d
gc.collect()
memory = [bytes(31) + b"x" * (i % 3) for i in range(60000)]
print("done")
"""


def test_what_dies_after_the_recording_ended_is_left_alone(sides):
    sides.write(OVER_LIMIT)
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py", limits=["--max-size", "300K"])
    assert str(recorded) == str(plain)
    assert plain.status == 0
    assert "size limit" in sides.said


@pytest.mark.parametrize("size", ["1", "64", "1000", "20K"])
def test_tiny_size_limits(sides, size):
    sides.write("def f(n): return [n]\nfor i in range(2000): x = f(i)\nprint(x)\n")
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py", limits=["--max-size", size])
    assert str(recorded) == str(plain)
    assert sides.ask("print").returncode in (0, 1)
    assert (sides.recording / "trace.ctr").stat().st_size <= max(
        int(size.replace("K", "000")), 4096
    ) * 2


@pytest.mark.parametrize("place", ["/proc/none", "/dev/null", "/dev/null/x", "/sys/kernel/x"])
def test_places_that_cannot_hold_a_recording(sides, place):
    sides.write("print('ran')\n")
    sides.recording = place
    done = sides._run([sides.ct, "record", "-o", place, "program.py"], {}, {})
    assert done.status in (0, 1, 2)
    errors = [line for line in done.err.splitlines() if line.startswith(("error:", "codetracer:"))]
    assert len(errors) == 1, done
    assert place in errors[0]
    assert ("ran" in done.out) == (done.status == 0), done


def test_the_folder_is_a_file(sides, tmp_path):
    sides.write("print('ran')\n")
    sides.recording.write_text("mine")
    done = sides._run([sides.ct, "record", "-o", sides.recording, "program.py"], {}, {})
    assert done.status != 0
    assert done.err.count("error: ") == 1
    assert str(sides.recording) in done.err
    assert sides.recording.read_text() == "mine"
    assert done.out == ""


def test_a_folder_that_may_not_be_written(sides, tmp_path):
    place = tmp_path / "fixed"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro", "none", place]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a read-only file system needs root")
    try:
        sides.write("print('ran')\n")
        for where in (place, place / "sub"):
            done = sides._run([sides.ct, "record", "-o", where, "program.py"], {}, {})
            assert done.status != 0
            assert done.err.count("error: ") == 1, done.err
            assert str(where) in done.err
            assert "Read-only" in done.err
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_the_recording_is_deleted_while_it_is_written(sides):
    sides.write(f"import shutil\n{MANY}\nshutil.rmtree({str(sides.recording)!r})\n{MANY}")
    plain = sides.plain("-c", "exec(open('program.py').read().replace('shutil.rmtree', 'str'))")
    recorded = sides.recorded("program.py")
    assert (recorded.status, recorded.out) == (plain.status, plain.out), recorded
    assert "Traceback" not in recorded.err


def test_the_recording_is_moved_while_it_is_written(sides, tmp_path):
    moved = tmp_path / "moved"
    sides.write(f"import os\n{MANY}\nos.rename({str(sides.recording)!r}, {str(moved)!r})\n{MANY}")
    recorded = sides.recorded("program.py")
    assert recorded.status == 0
    assert recorded.out == "100\n" * 8
    assert "nothing was recorded" in recorded.err  # ct finds nothing where it was told to write
    sides.recording = moved
    sides.verify()


def test_ct_is_killed_and_the_program_goes_on(sides):
    sides.write(
        "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(0.2)\nx = [1]\nprint('on')\n"
    )
    read, write = os.pipe()
    process = subprocess.Popen(
        [sides.ct, "record", "--format", "ctr", "-o", sides.recording, "program.py"],
        cwd=sides.work,
        env=sides.environment({}),
        stdout=write,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    assert process.wait(20) == -9
    with open(read) as file:
        assert file.read() == "on\n"
    time.sleep(0.1)
    assert "x = [1]" in sides.printed()


def test_two_recordings_in_one_place_at_once(sides):
    sides.write("import time\nprint('started', flush=True)\ntime.sleep(1)\nx = 1\n", "slow.py")
    sides.write("y = 2\n")
    slow = subprocess.Popen(
        [sides.ct, "record", "--format", "ctr", "-o", sides.recording, "slow.py"],
        cwd=sides.work,
        env=sides.environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert slow.stdout.readline() == b"started\n"
    command = [sides.ct, "record", "--format", "ctr", "-o", sides.recording, "program.py"]
    second = sides._run(command, {}, {})
    slow.communicate(timeout=20)
    assert (slow.returncode, second.status) == (0, 0)
    assert "x = 1" in sides.printed()
    [other] = [path for path in sides.recording.iterdir() if path.is_dir()]
    sides.recording = other
    assert "y = 2" in sides.printed()


def test_memory_does_not_grow_with_the_run(sides):
    program = """
        import resource, sys
        def work(n):
            kept = {}
            for i in range(n):
                kept[i % 50] = [i, str(i), {"k": (i, i)}]
                x = [kept]
            return len(x)
        work(20000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work(100000)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 12_000)
        """
    # ASan keeps what is freed for a while: that is not the recorder's.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    sides.compare(textwrap.dedent(program), variables={"ASAN_OPTIONS": options})


BIG = {
    "str": "'x' * 50_000_000",
    "bytes": "b'x' * 50_000_000",
    "bytearray": "bytearray(50_000_000)",
    "int": "1 << 100_000_000",
    "list": "[0] * 5_000_000",
    "tuple": "(0,) * 5_000_000",
    "list of lists": "[[i] for i in range(200_000)]",
    "dict": "dict.fromkeys(range(2_000_000))",
    "set": "set(range(300_000))",
    "frozenset": "frozenset(range(300_000))",
    "deque": "__import__('collections').deque(range(2_000_000))",
    "tuple of tuples": "tuple((i, (i,)) for i in range(300_000))",
    "deep list": "nest(100_000, lambda x: [x])",
    "deep tuple": "nest(100_000, lambda x: (x,))",
    "deep dict": "nest(100_000, lambda x: {1: x})",
    "array": "__import__('array').array('d', bytes(40_000_000))",
    "range": "range(10 ** 40)",
}


@pytest.mark.parametrize("kind", BIG)
def test_large_values_cost_little(sides, kind):
    program = f"""
import sys, time, resource
def nest(n, f):
    x = 0
    for i in range(n): x = f(x)
    return x
big = eval({BIG[kind]!r})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
def use(value):
    def inner():
        return value is big
    n = 0
    for i in range(200):
        other = value
        n += inner()
    return n
print(use(big))
took = time.process_time() - began
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(took < {SLOWER} or took, grown < 64_000 or grown)
"""
    sides.compare(program)
