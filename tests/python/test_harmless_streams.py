"""Standard streams work recorded as they do plainly: what a program sees of them, what comes out."""

# ruff: noqa: E501 (the programs are data: their lines are as long as what they try)

import os
import subprocess
import textwrap
import threading

import pytest
from side_by_side import SUMMARY, SideBySide, same_text, text
from terminal import Terminal


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


PROGRAMS = {
    "identity": """
        import io, os, builtins, sys
        for s in (sys.stdin, sys.stdout, sys.stderr):
            print(s, type(s), type(s.buffer), type(s.buffer.raw), s.isatty(), s.fileno(), s.name)
            print(isinstance(s, io.TextIOBase), isinstance(s, io.TextIOWrapper), s.mode, s.errors)
            print(s.encoding, s.newlines, s.line_buffering, s.write_through, s.closed, sorted(vars(s)))
        print(sys.stdout is sys.__stdout__, id(sys.stdout) == id(sys.__stdout__), sys.stdin is sys.__stdin__)
        print(io.TextIOWrapper.write is io.TextIOWrapper.__dict__["write"], io.TextIOWrapper.write)
        print(sys.stdout.write == sys.stdout.write, sys.stdout.write.__self__ is sys.stdout, os.write, input)
        print(os.write.__text_signature__, io.FileIO.write.__doc__, io.BufferedReader.__next__)
        print(io.TextIOWrapper.__next__, io.StringIO.__next__, builtins.input.__doc__[:20])
        print([n for n in dir(sys.stdout)], dir(os) == sorted(dir(os)), io.FileIO.readinto, os.readv)
        """,
    "attributes": """
        import sys
        sys.stdout.mine = 1; print(sys.stdout.mine)
        for name, value in (("write", None), ("encoding", "x"), ("buffer", 1)):
            try: setattr(sys.stdout, name, value); print("set", name, file=sys.stderr)
            except Exception as e: print(type(e), e)
            finally: vars(sys.stdout).pop(name, None)
        old = sys.stdout.write
        sys.stdout.write = lambda s: old(s.upper())
        print("patched")
        del sys.stdout.write
        try: type(sys.stdout).write = None
        except TypeError as e: print(e)
        """,
    "layers": """
        import sys, os, io
        sys.stdout.write("text "); sys.stdout.buffer.write(b"buffer "); sys.stdout.buffer.raw.write(b"raw ")
        os.write(1, b"os "); sys.stdout.flush(); print()
        print(sys.stdout.buffer.write(memoryview(b"view\\n")), sys.stdout.buffer.write(bytearray(b"array\\n")))
        sys.stdout.buffer.writelines([b"l1\\n", b"l2\\n"]); sys.stdout.writelines(f"{i}\\n" for i in range(3))
        import array; print(os.write(1, array.array("h", [2561])), os.writev(1, [b"a", b"b\\n"]))
        own = io.TextIOWrapper(sys.stdout.buffer, line_buffering=True); print("own", file=own); print(own.detach() is sys.stdout.buffer)
        second = open(1, "wb", closefd=False, buffering=0); print(second.write(b"second\\n"))
        third = open(1, "wb", closefd=False); third.write(b"third"); third.flush()
        class Lender:
            def __buffer__(self, flags): print("lent"); return memoryview(b"lent bytes\\n")
        print(sys.stdout.buffer.write(Lender()), os.write(1, Lender()))
        """,
    "errors": """
        import sys, os, io
        tries = [lambda: sys.stdout.write(b"x"), lambda: sys.stdout.write(), lambda: sys.stdout.write(None),
                 lambda: sys.stdout.buffer.write("x"), lambda: sys.stdout.buffer.write([1]), lambda: os.write(1, "x"),
                 lambda: os.write("1", b"x"), lambda: os.write(1), lambda: os.write(99, b"x"), lambda: os.read(0),
                 lambda: os.writev(1, 3), lambda: os.readv(0, [b"x"]), lambda: sys.stdin.read("x"), lambda: sys.stdin.readline(None),
                 lambda: sys.stdout.read(), lambda: sys.stdout.readline(), lambda: next(sys.stdout), lambda: sys.stdin.write("x"),
                 lambda: sys.stdin.buffer.readinto(b"x"), lambda: sys.stdin.buffer.raw.readinto(3), lambda: input(1, 2),
                 lambda: io.TextIOWrapper.write(3, "x"), lambda: io.FileIO.write(sys.stdout, b""), lambda: io.FileIO.__new__(io.FileIO).write(b"x"),
                 lambda: io.TextIOWrapper.__new__(io.TextIOWrapper).write("x"), lambda: io.BufferedWriter.__new__(io.BufferedWriter).write(b"x"),
                 lambda: io.FileIO.read(sys.stdin.buffer.raw, size=1, more=2), lambda: sys.stdout.write("\\ud800"), lambda: print("\\udcff")]
        for i, t in enumerate(tries):
            try: print(i, t())
            except Exception as e: print(i, type(e), e)
        sys.stdout.flush()
        """,
    "surrogates": """
        import sys
        sys.stdout.reconfigure(errors="surrogateescape"); print("bytes \\udcff\\udc80")
        sys.stdout.reconfigure(encoding="latin-1", errors="replace"); print("\\xe9 \\u20ac")
        sys.stdout.reconfigure(encoding="utf-16", newline="\\r\\n"); print("wide")
        sys.stdout.reconfigure(encoding="utf-8", line_buffering=True, write_through=True); print("\\U0001f600", sys.stdout)
        print("\\ud800", file=sys.stderr)
        """,
    "closing": """
        import sys, os
        print("before"); sys.stdout.close()
        try: print("closed")
        except ValueError as e: sys.stderr.write(f"{e}\\n")
        sys.stdout = open(2, "w", closefd=False); print("now on 2", flush=True)
        sys.stdout = None; print("nowhere")
        del sys.stdout
        try: print("missing")
        except RuntimeError as e: sys.stderr.write(f"{e}\\n")
        sys.stdout = sys.stderr
        os.close(1)
        try: os.write(1, b"x")
        except OSError as e: print(e)
        """,
    "detach": """
        import sys, io
        print("one"); raw = sys.stdout.detach(); raw.write(b"two\\n"); raw.flush()
        try: sys.stdout.write("x")
        except ValueError as e: sys.stderr.write(f"{e}\\n")
        sys.stdout = io.TextIOWrapper(raw, write_through=True); print("three")
        sys.stdin = io.TextIOWrapper(sys.stdin.detach(), newline=""); print(repr(sys.stdin.read(3)), list(sys.stdin))
        """,
    "redirecting": """
        import contextlib, io, sys, os
        with contextlib.redirect_stdout(io.StringIO()) as held: print("held"); sys.stdout.write("more")
        print(repr(held.getvalue()))
        with contextlib.redirect_stderr(sys.stdout): print("to out", file=sys.stderr)
        class Tee:
            def __init__(self, *to): self.to = to
            def write(self, s): [t.write(s) for t in self.to]; return len(s)
            def flush(self): [t.flush() for t in self.to]
        memory = io.StringIO(); sys.stdout = Tee(sys.__stdout__, memory); print("tee"); sys.stdout = sys.__stdout__
        print(repr(memory.getvalue()))
        class Upper(io.TextIOWrapper):
            def write(self, s): return super().write(s.upper())
        sys.stdout = Upper(sys.stdout.buffer); print("upper", flush=True); sys.stdout.detach(); sys.stdout = sys.__stdout__
        class Raw(io.RawIOBase):
            def writable(self): return True
            def write(self, b): os.write(1, b"<" + bytes(b) + b">"); return len(b)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(Raw()), line_buffering=True); print("raw"); sys.stdout = sys.__stdout__; print("end")
        """,
    "a moved descriptor": """
        import os, sys, tempfile
        with tempfile.TemporaryFile("w+") as file:
            saved = os.dup(1); sys.stdout.flush(); os.dup2(file.fileno(), 1); print("moved", flush=True); os.write(1, b"too")
            os.dup2(saved, 1); file.seek(0); print(file.read(), list(file))
        """,
    "subclasses": """
        import io, sys
        class T(io.TextIOWrapper): pass
        class N(io.TextIOWrapper):
            def __next__(self): return super().__next__() + "!"
        class R(io.TextIOWrapper):
            def readline(self, *a): return super().readline(*a).upper()
        for c in (T, N, R):
            f = c(io.BytesIO(b"a\\nb\\nc\\n")); print(next(f), list(f), c.__next__, f.readline())
        class S(io.StringIO):
            def readline(self, *a): return super().readline(*a)[::-1]
        print(list(S("ab\\ncd\\n")), io.StringIO("x\\ny").readlines(), list(io.BytesIO(b"1\\n2")))
        class B(io.BufferedReader):
            def readline(self, *a): return b"own" if not hasattr(self, "t") and setattr(self, "t", 1) is None else b""
        print(list(B(io.BytesIO(b"z"))))
        """,
    "logging": """
        import logging, sys
        early = logging.StreamHandler(); early.setFormatter(logging.Formatter("early %(message)s"))
        log = logging.getLogger("x"); log.addHandler(early); log.addHandler(logging.StreamHandler(sys.stdout)); log.warning("said")
        logging.basicConfig(stream=sys.stdout); logging.error("root"); log.error("both")
        try: 1 / 0
        except ZeroDivisionError: log.exception("failed")
        """,
    "pickling": """
        import copy, pickle, sys, io, weakref
        for o in (sys.stdout, sys.stdout.buffer, sys.stdout.buffer.raw, sys.stdin, io.StringIO("x")):
            for f in (pickle.dumps, copy.copy, copy.deepcopy):
                try: print(type(f(o)).__name__)
                except Exception as e: print(type(e), e)
            print(weakref.ref(o)() is o, sys.getrefcount(o))
        print(sys.getrefcount(sys.stdout), sys.getsizeof(sys.stdout), hash(sys.stdout) == hash(sys.stdout))
        """,
    "reading": """
        import sys, os
        print(repr(input()), repr(input("prompt ")), repr(sys.stdin.readline()), repr(sys.stdin.read(2)))
        print(repr(next(sys.stdin)), repr(sys.stdin.readline(1)), repr(sys.stdin.readline(-1)), repr(sys.stdin.buffer.read1(0)))
        for line in sys.stdin:
            print(repr(line))
            if line == "6\\n": break
        print(sys.stdin.readlines(4), repr(sys.stdin.read()), repr(sys.stdin.read()), sys.stdin.buffer.read())
        try: input()
        except EOFError as e: print(e)
        """,
    "reading bytes": """
        import sys, os
        b = sys.stdin.buffer
        print(b.readline(), b.peek(1)[:1], b.read(2), b.read1(2), b.readinto(a := bytearray(3)), a, next(b))
        print(b.readinto1(a), a, b.readlines(3), b.raw.read(1), b.raw.readinto(a), os.read(0, 2), os.readv(0, [a]), a)
        print(b.read(), b.raw.readall(), b.raw.read(), os.read(0, 5))
        """,
    "fileinput": """
        import fileinput, sys
        for line in fileinput.input("-"): print(fileinput.lineno(), fileinput.isstdin(), line, end="")
        """,
    "displayhook and code": """
        import sys, code, pprint, traceback, warnings
        sys.displayhook([1, "two"]); pprint.pprint({"a": 1}); warnings.warn("careful")
        try: 1 / 0
        except ZeroDivisionError: traceback.print_exc(); sys.excepthook(*sys.exc_info())
        code.interact(banner="hello", exitmsg="bye")
        """,
    "threads": """
        import sys, threading
        gate = threading.Barrier(4)
        def work(n):
            gate.wait()
            for i in range(200): sys.stdout.write(f"{n}" * 3 + "\\n")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        sys.stdout.reconfigure(line_buffering=True)
        import io; held = sys.stdout; sys.stdout = io.StringIO()
        [t.start() for t in threads]; [t.join() for t in threads]
        lines = sys.stdout.getvalue().split("\\n"); sys.stdout = held; print(len(lines), sorted(set(lines)))
        """,
    "the end": """
        import sys, atexit, weakref, threading
        atexit.register(print, "atexit", flush=True); atexit.register(sys.stdout.buffer.write, b"bytes atexit\\n")
        class D:
            def __del__(self, out=sys.stdout): out.write("deleted\\n"); sys.stderr and sys.stderr.write("too\\n")
        keep = D(); sys.keep = D(); weakref.finalize(keep, print, "finalized")
        t = threading.Thread(target=lambda: print("thread")); t.start(); t.join()
        sys.stdout.write("no newline")
        """,
    "forks": """
        import os, sys, subprocess
        sys.stdout.write("before "); sys.stdout.flush()
        if (pid := os.fork()) == 0:
            print("child"); sys.stdout.buffer.write(b"bytes\\n"); sys.stdout.flush(); os.write(2, b"err\\n"); os._exit(0)
        os.waitpid(pid, 0)
        subprocess.run([sys.executable, "-c", "import sys; print('run', sys.stdout.isatty()); print(input())"], input="in", text=True)
        print(subprocess.check_output(["echo", "caught"])); os.system("echo system")
        """,
    "exec": """
        import os, sys
        print("before", flush=True); os.execvp(sys.executable, [sys.executable, "-c", "print('after', input())"])
        """,
    "subinterpreter": """
        import sys
        try: import _xxsubinterpreters as i
        except ImportError: import _interpreters as i
        x = i.create(); sys.stdout.flush()
        r = i.run_string(x, "import sys, os; print('inside', file=sys.stderr); os.write(2, b'bytes\\\\n')")
        print(r); i.destroy(x)
        """,
    "unbuffered child": """
        import sys, subprocess
        code = "import sys; print(type(sys.stdout.buffer), sys.stdout.write_through); sys.stdout.write('x'); print(sys.stdin.read())"
        print(subprocess.run([sys.executable, "-u", "-c", code], input=b"in", capture_output=True))
        """,
    "signals while writing": """
        import os, signal, sys, threading, time
        signal.signal(signal.SIGALRM, lambda *a: sys.stderr.write("tick\\n"))
        r, w = os.pipe(); saved = os.dup(1); os.dup2(w, 1); got = []
        def drain():
            time.sleep(0.2)
            while sum(map(len, got)) < 300_001: got.append(os.read(r, 70_000))
        t = threading.Thread(target=drain); t.start()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        print("y" * 300_000, flush=True); t.join(); os.dup2(saved, 1)
        print(sum(map(len, got)))
        """,
}
STDIN = b"one\ntwo\n3\n44\n5\n6\n7\n8\n9\nten\neleven\ntwelve\nthirteen"


def run_both(sides, program, **options):
    """Compare both runs, standard input a file with lines in it."""
    (sides.work.parent / "stdin").write_bytes(STDIN)
    path = sides.write(textwrap.dedent(program))
    runs = []
    for run in (sides.plain, sides.recorded):
        with (sides.work.parent / "stdin").open("rb") as stdin:
            runs.append(run(path.name, **{"stdin": stdin, **options}))
    runs[1].out = SUMMARY.sub(b"", runs[1].out.encode()).decode()  # both streams may be one
    same_text(*map(str, runs))
    sides.verify()
    return runs[1]


@pytest.mark.parametrize("name", PROGRAMS)
def test_streams_work_the_same(sides, name):
    run_both(sides, PROGRAMS[name])


@pytest.mark.parametrize("name", ["layers", "closing", "the end", "forks", "redirecting", "exec"])
def test_both_streams_in_one(sides, name):
    """The order in which they come is part of what is compared."""
    run_both(sides, PROGRAMS[name], stderr=subprocess.STDOUT)


@pytest.mark.parametrize("variable", ["PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONDEVMODE"])
@pytest.mark.parametrize("name", ["identity", "layers", "reading", "the end", "surrogates"])
def test_streams_of_another_start(sides, name, variable):
    run_both(sides, PROGRAMS[name], variables={variable: "1"})


FAILING = """
import os, sys
def attempt(what, *words):
    try:
        print(what(*words), file=sys.stderr)
    except OSError as error:
        print(type(error), error, getattr(error, "characters_written", "-"), file=sys.stderr)
attempt(print, "line")
attempt(sys.stdout.flush)
attempt(sys.stdout.buffer.write, b"x" * 100_000)
attempt(sys.stdout.buffer.flush)
attempt(sys.stdout.buffer.raw.write, b"y" * 100_000)
attempt(os.write, 1, b"z" * 100_000)
attempt(sys.stdout.write, "w" * 100_000)
attempt(sys.stdout.flush)
"""


def test_a_full_disk(sides):
    with open("/dev/full", "wb") as full:
        run_both(sides, FAILING, stdout=full)


def test_a_reader_that_left(sides):
    path = sides.write(FAILING)
    runs = []
    for run in (sides.plain, sides.recorded):
        reads, writes = os.pipe()
        os.close(reads)
        runs.append(run(path.name, stdout=writes))
        os.close(writes)
    same_text(*map(str, runs))


def test_a_pipe_that_does_not_wait(sides):
    """A full non-blocking pipe takes a part: the program learns how much, and loses no more."""
    path = sides.write(FAILING)
    runs = []
    for run in (sides.plain, sides.recorded):
        reads, writes = os.pipe2(os.O_NONBLOCK)
        runs.append(run(path.name, stdout=writes))
        os.close(writes)
        with open(reads, "rb") as pipe:
            runs[-1].out = text(pipe.read() or b"")
    same_text(*map(str, runs))


def test_closed_streams(sides):
    program = (
        "import sys, os\nprint(sys.stdin, sys.stdout)\nfd = os.open('f', os.O_CREAT | os.O_RDWR)\n"
    )
    program += "os.write(fd, b'x' * 9)\nprint(fd, file=sys.stderr)\nos.lseek(fd, 0, 0)\nprint(os.read(fd, 3), file=sys.stderr)\n"
    path = sides.write(program)
    runs = []
    for command in ([sides.python], [sides.ct, "record", "--format", "ctr", "-o", sides.recording]):
        words = [*map(str, command), path.name]
        shell = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *words]
        done = subprocess.run(shell, cwd=sides.work, env=sides.environment({}), stderr=-1)
        runs.append((done.returncode, SUMMARY.sub(b"", done.stderr)))
        (sides.work / "f").unlink()
    assert runs[0] == runs[1]


TALK = """
import sys
print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stdout.line_buffering)
sys.stdout.write("partial... ")
sys.stdout.flush()
name = input("name? ")
print("hello", name)
print(repr(sys.stdin.readline()), end="", flush=True)
import readline
print(repr(input("line? ")))
try:
    input("end? ")
except EOFError:
    print("eof")
"""


def talk(command, answers, **options):
    """Run on a terminal; each answer is typed when its question has come."""
    with Terminal() as terminal:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.slave)
        child = subprocess.Popen(command, start_new_session=True, **streams, **options)
        timer = threading.Timer(60, child.kill)
        timer.start()
        for question, answer in answers:
            terminal.read_until(question)
            terminal.type(answer)
        shown = terminal.read_to_the_end(child)
        timer.cancel()
    return child.returncode, SUMMARY.sub(b"", shown)


def test_a_talk_at_a_terminal(sides):
    """A prompt is there before it is answered, or this would wait for ever."""
    answers = [
        *((b"partial... name? ", b"me\n"), (b"hello me", b"second\n")),
        *((b"line? ", b"third\n"), (b"end? ", b"\4")),
    ]
    path = sides.write(TALK)
    options = {"cwd": sides.work, "env": sides.environment({"TERM": "dumb"})}
    plain = talk([sides.python, path.name], answers, **options)
    command = [sides.ct, "record", "--format", "ctr", "-o", sides.recording, path.name]
    assert talk(command, answers, **options) == plain
    assert plain[0] == 0
    assert sides.printed("--input") == "me\nsecond\nthird\n"
    assert "partial... name? hello me\n" in sides.printed("--output")
    assert sides.printed("--output").endswith("line? 'third'\nend? eof\n")
