"""Sessions in a running program: nested, repeated, begun and ended in the middle of things."""

import json
import textwrap

import pytest
from project import Project

HEAD = "import codetracer_python_recorder as r\n"


class Place(Project):
    def run(self, source):
        self.write("app.py", HEAD + textwrap.dedent(source))
        done = self.python("app.py")
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def steps(self, out="out"):
        """(function, source line) of each step."""
        source = (self.folder / "app.py").read_text().splitlines()
        return [
            (event["function"], source[event["line"] - 1].strip())
            for event in self.events(out)
            if event["event"] == "line"
        ]


@pytest.fixture
def place(tmp_path, ct):
    return Place(tmp_path, ct)


# One after another


def test_many_sessions_in_one_process(place):
    place.run(
        """
        def f(n):
            return n
        for n in range(20):
            r.start(f"out{n}", format="json")
            f(n)
            r.stop()
            f(-1)
        """
    )
    for n in range(20):
        calls = [event for event in place.events(f"out{n}") if event["event"] == "call"]
        assert len(calls) == 1
        assert calls[0]["args"]["n"]["repr"] == str(n)
        assert (place.folder / f"out{n}/trace.json").is_file()


def test_a_session_inside_another_is_refused_and_the_outer_one_goes_on(place):
    said = place.run(
        """
        def f():
            return 1
        with r.trace("out") as outer:
            try:
                with r.trace("inner"):
                    pass
            except RuntimeError as error:
                print(error, r.is_tracing())
            f()
        print(r.is_tracing())
        """
    )
    assert said == "tracing already active True\nFalse\n"
    assert not (place.folder / "inner").exists()
    assert ("f", "return 1") in place.steps()


def test_a_session_ends_with_its_block_whatever_happens(place):
    said = place.run(
        """
        block = r.trace("out")
        for error in (KeyError, KeyboardInterrupt, SystemExit, GeneratorExit):
            try:
                with block:
                    raise error
            except error:
                print(r.is_tracing())
        """
    )
    assert said == "False\n" * 4


def test_a_failed_start_leaves_nothing_behind(place):
    said = place.run(
        """
        import sys
        streams = sys.stdin, sys.stdout, sys.stderr
        open("file", "w").close()
        r.configure_policy(log_level="off")
        for path, format in (("file", "json"), ("out", "xml"), ("file/x", "json")):
            try:
                r.start(path, format=format)
            except Exception as error:
                print(type(error).__name__, r.is_tracing())
        assert streams == (sys.stdin, sys.stdout, sys.stderr)
        with r.trace("out"):
            pass
        """
    )
    lines = said.splitlines()
    assert lines[:2] == ["ValueError False"] * 2
    assert lines[2].endswith("Error False")
    assert place.events()


def test_streams_may_be_anything(place):
    said = place.run(
        """
        import sys
        class Odd:
            def read(self, *args):
                raise OSError
            fileno = isatty = read
            def write(self, text):
                return len(text)
        out = sys.stdout
        sys.stdin, sys.stdout, sys.stderr = Odd(), Odd(), Odd()
        odd = sys.stdin, sys.stdout, sys.stderr
        with r.trace("out"):
            print("x")
        print(odd == (sys.stdin, sys.stdout, sys.stderr), file=out)
        sys.stdout = sys.stderr = None
        """
    )
    assert said == "True\n"


def test_the_status_can_be_given_to_stop(place):
    said = place.run(
        """
        r.start("out").stop(7)
        r.start("again")
        try:
            r.stop(exit_code=2**40)
        except OverflowError as error:
            print(error)
        r.stop(exit_code=-3)
        """
    )
    assert said == "an exit code has 32 bits\n"
    for out, code in (("out", 7), ("again", -3)):
        metadata = json.loads((place.folder / out / "trace_metadata.json").read_text())
        assert metadata["process_exit_status"] == {"code": code, "label": None}


def test_flush_writes_what_is_recorded_so_far(place):
    said = place.run(
        """
        import json
        def f(n):
            return n
        def seen():
            events = json.load(open("out/trace.json"))
            paths = json.load(open("out/trace_paths.json"))
            kinds = [kind for event in events for kind in event]
            return kinds.count("Call"), kinds.count("Return"), "app.py" in paths[-1]
        session = r.start("out", format="json", options={"skip": ["obj:*.seen"]})
        f(1)
        session.flush()
        print(seen(), r.is_tracing())
        f(2)
        print(seen())
        r.flush()
        print(seen())
        f(3)
        session.stop()
        print(seen())
        """
    )
    first, *others = said.splitlines()
    assert first == "(2, 2, True) True"
    assert others == [f"({n}, {n}, True)" for n in (2, 3, 4)]


def test_settings_outlive_their_session(place):
    said = place.run(
        """
        import os
        os.dup2(1, 2)  # what is logged
        for policy in {"require_trace": True}, None, {"require_trace": False}:
            r.start("out", start_on_enter="nowhere", policy=policy)
            try:
                r.stop()
                print("fine", flush=True)
            except r.UsageError as error:
                print(error.code, flush=True)
        """
    )
    lines = [line for line in said.splitlines() if not line.startswith("{")]
    assert lines == ["ERR_TRACE_MISSING", "ERR_TRACE_MISSING", "fine"]


def test_the_trace_says_who_ended_it(place, ct):
    place.run(
        """
        with r.trace("stopped"):
            pass
        r.start("given").stop(3)
        r.start("left")
        """
    )
    for out, ended in (
        ("stopped", "the program stopped the recording"),
        ("given", "the program ended"),
        ("left", "the program ended"),
    ):
        said = place.execute(str(ct), "print", out, "--summary", "--format", "json").stdout
        assert json.loads(said)["ended"] == ended, out


# Decorators


def test_a_decorated_function_is_recorded_at_each_call(place):
    said = place.run(
        """
        @r.trace("out")
        def f(n: int, *, twice=2):
            "Doc."
            return n * twice if n < 2 else f(n - 1)
        print(f(3), f.__name__, f.__doc__, r.is_tracing())
        try:
            f("x")
        except TypeError:
            print(r.is_tracing())
        print(f(1))
        """
    )
    assert said == "2 f Doc. False\nFalse\n2\n"
    assert [e["function"] for e in place.events() if e["event"] == "call"] == ["f"]


def test_generators_and_coroutines_can_be_decorated(place):
    said = place.run(
        """
        import asyncio
        @r.trace("gen")
        def gen():
            got = yield 1
            return got
        @r.trace("coro")
        async def coro():
            await asyncio.sleep(0)
            return r.is_tracing()
        def outer():
            result = yield from gen()
            print(result, r.is_tracing())
        g = outer()
        print(next(g), r.is_tracing())
        try:
            g.send("sent")
        except StopIteration:
            pass
        print(asyncio.iscoroutinefunction(coro), asyncio.run(coro()), r.is_tracing())
        try:
            @r.trace("x")
            async def agen():
                yield
        except TypeError as error:
            print(error)
        """
    )
    assert said.splitlines() == [
        "1 True",
        "sent False",
        "True True False",
        "trace cannot decorate an asynchronous generator",
    ]
    assert ("gen", "return got") in place.steps("gen")
    assert ("coro", "return r.is_tracing()") in place.steps("coro")


def test_a_decorated_method_and_a_decorated_class(place):
    said = place.run(
        """
        class Box:
            @r.trace("out")
            def area(self):
                return 6
        print(Box().area(), r.trace("made")(Box)().area())
        """
    )
    assert said == "6 6\n"
    assert ("Box.area", "return 6") in place.steps()


# In the middle of things


def test_frames_on_the_stack_are_recorded_from_there_on(place):
    place.run(
        """
        def inner(n):
            x = n
            r.start("out")
            helper()
            y = x + 1
            return y
        def helper():
            pass
        def outer(n):
            k = 10
            z = inner(n)
            k += z
            return k
        v = outer(5)
        r.stop()
        """
    )
    assert place.steps() == [
        ("inner", "helper()"),
        ("helper", "pass"),
        ("inner", "y = x + 1"),
        ("inner", "return y"),
        ("outer", "k += z"),
        ("outer", "return k"),
        ("<module>", "r.stop()"),
    ]
    events = place.events()
    returns = {e["function"]: e for e in events if e["event"] == "return"}
    assert set(returns) == {"helper", "inner", "outer"}
    # The callers were there all the time: helper() is called from inner(), inner() from outer() ...
    depths = {e["function"]: e["depth"] for e in events if e["event"] == "line"}
    assert depths == {"<module>": 0, "outer": 1, "inner": 2, "helper": 3}


def test_a_deep_stack_is_met_at_once(place):
    place.run(
        """
        import sys
        sys.setrecursionlimit(30_000)
        def down(n):
            kept = [n, str(n)]
            if n == 0:
                r.start("out")
                return 0
            return down(n - 1) + kept[0]
        down(20_000)
        r.stop()
        """
    )
    events = place.events()
    returns = [e for e in events if e["event"] == "return"]
    assert len(returns) == 20_001
    first = next(e for e in events if e["event"] == "line")
    assert first["depth"] == 20_001


def test_threads_that_run_already_are_recorded_with_their_stacks(place):
    place.run(
        """
        import threading
        go, ready = threading.Event(), threading.Event()
        def step(i):
            return i
        def wait():
            ready.set()
            go.wait()
            return step(1)
        def work():
            w = wait()
            return w
        t = threading.Thread(target=work)
        t.start()
        ready.wait()
        with r.trace("out"):
            go.set()
            t.join()
        """
    )
    thread = [e for e in place.events() if e.get("function") in ("step", "wait", "work")]
    steps = [(e["function"], e["depth"]) for e in thread if e["event"] == "line"]
    assert steps == [("wait", 1), ("step", 2), ("work", 0)]
    assert len({e["thread"] for e in thread}) == 1


@pytest.mark.parametrize("kind", ["generator", "coroutine", "thrown"])
def test_what_is_suspended_already_is_recorded_when_it_goes_on(place, kind):
    advance = {"generator": "next(g)", "coroutine": "g.send(None)", "thrown": "g.throw(KeyError)"}
    place.run(
        f"""
        class Rest:
            def __await__(self):
                yield
        def generator():
            a = 1
            try:
                yield a
            except KeyError:
                a = 2
            b = a
            yield b
        async def coroutine():
            a = 1
            await Rest()
            b = a
            await Rest()
        g = {"coroutine" if kind == "coroutine" else "generator"}()
        g.send(None)
        with r.trace("out"):
            {advance[kind]}
        g.close()
        """
    )
    name = "coroutine" if kind == "coroutine" else "generator"
    steps = [source for function, source in place.steps() if function == name]
    assert "b = a" in steps
    assert "a = 1" not in steps


def test_a_session_may_begin_and_end_in_different_places(place):
    place.run(
        """
        def begin():
            r.start("out", format="json")
        def end():
            r.stop()
        def work(n):
            return n + 1
        def run():
            begin()
            work(1)
            end()
        run()
        with r.trace("again"):
            work(2)
        """
    )
    assert ("work", "return n + 1") in place.steps()
    assert ("work", "return n + 1") in place.steps("again")
    events = json.loads((place.folder / "out/trace.json").read_text())
    kinds = [key for event in events for key in event if key in ("Call", "Return")]
    assert kinds.count("Call") == kinds.count("Return")


def test_one_thread_ends_what_another_began(place):
    place.run(
        """
        import threading
        def busy():
            n = 0
            while not stop.is_set():
                n += 1
        stop = threading.Event()
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for t in threads:
            t.start()
        for n in range(4):
            r.start("out", format="ctr")
            t = threading.Thread(target=r.stop)
            t.start()
            t.join()
            assert not r.is_tracing()
        stop.set()
        """
    )
    assert place.events()


def test_threads_that_start_flush_and_stop_at_once(place):
    said = place.run(
        """
        import threading
        r.configure_policy(log_level="off")  # refusals are logged
        refusals, failures = [], []
        def take_turns(name):
            for _ in range(40):
                try:
                    r.start(name, format="json")
                except (RuntimeError, r.UsageError) as error:
                    refusals.append(str(error)[-22:])
                except Exception as error:
                    failures.append(error)
                try:
                    r.flush()
                    r.stop()
                except Exception as error:
                    failures.append(error)
        def f(n):
            return n + 1
        threads = [threading.Thread(target=take_turns, args=(f"out{n}",)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not r.is_tracing()
        with r.trace("out", format="json"):
            f(1)
        print(set(refusals) | {"tracing already active"}, failures)
        """
    )
    assert said == "{'tracing already active'} []\n"
    assert ("f", "return n + 1") in place.steps()
    for out in ("out", "out0", "out3"):
        verified = place.execute(str(place.ct), "verify", out)
        assert verified.stdout.startswith("ok: ")
        assert json.loads((place.folder / out / "trace.json").read_text())


def test_a_recording_can_begin_once_another_is_being_exported(place):
    """Not before its files are there: both may be in one directory."""
    said = place.run(
        """
        import os, threading
        def work():
            for n in range(30000):
                m = n
        r.start("out", format="json")
        work()
        ender = threading.Thread(target=r.stop)
        ender.start()
        while r.is_tracing():
            pass
        r.start("out", format="json")
        print(os.path.exists("out/trace.json"))
        r.stop()
        r.stop()
        ender.join()
        """
    )
    assert said == "True\n"
    assert ("<module>", 'print(os.path.exists("out/trace.json"))') in place.steps()


def test_the_tree_of_calls_names_those_whose_start_is_not_recorded(place):
    place.run(
        """
        def inner():
            return 1
        def begin():
            r.start("out")
            return inner() + 1
        begin()
        r.stop()
        """
    )
    printed = place.execute(str(place.ct), "print", "out", "--calls").stdout.splitlines()
    assert [line[10:].strip() for line in printed[1:]] == ["inner() = 1", "} of begin = 2"]


# A recording that nobody could finish


@pytest.fixture
def killed(place):
    """A recording of several blocks whose process was killed: its last blocks are in the tail."""
    place.write(
        "app.py",
        """
        import os, subprocess, sys
        def f(n):
            return str(n)
        for n in range(60000):
            f(n)
        print(subprocess.run([sys.argv[1], "verify", "out"], capture_output=True).returncode)
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
        """,
    )
    command = ["-m", "codetracer_python_recorder", "-o", "out", "app.py", str(place.ct)]
    done = place.python(*command)
    assert (done.returncode, done.stdout) == (-9, "0\n"), "what still runs is not damaged either"
    return place


def test_an_unfinished_recording_is_no_damaged_one(killed):
    done = killed.execute(str(killed.ct), "verify", "out")
    assert done.returncode == 0
    assert done.stderr.startswith("ct: out is not complete: ")
    assert done.stdout.startswith("ok: ")
    told = json.loads(killed.execute(str(killed.ct), "verify", "--json", "out").stdout)
    assert (told["ok"], told["complete"], told["list"]) == (True, False, [])
    done = killed.execute(str(killed.ct), "print", "--limit", "1", "out")
    assert (done.returncode, done.stderr.count("is not complete: ")) == (0, 1)


@pytest.mark.parametrize("what", ["byte", "tail", "blocks"])
def test_an_unfinished_recording_can_be_damaged(killed, what):
    trace = killed.folder / "out" / "trace.ctr"
    data = bytearray(trace.read_bytes())
    if what == "byte":
        data[len(data) // 2] ^= 1
        trace.write_bytes(data)
    elif what == "tail":
        (killed.folder / "out" / "trace.ctr.tail").unlink()
    else:
        trace.write_bytes(data[: len(data) // 2])
    done = killed.execute(str(killed.ct), "verify", "out")
    assert done.returncode == 1
    assert done.stderr.startswith("error: out is damaged: not complete: ")
    done = killed.execute(str(killed.ct), "print", "out")
    assert done.returncode == 1
    assert "--salvage" in done.stderr
    assert killed.execute(str(killed.ct), "print", "--salvage", "out").returncode == 0


# What is a variable of class code


def test_class_code_has_its_names_and_the_variables_around_it(place):
    place.write(
        "app.py",
        """
        def make(k, unused):
            z = 5
            class Inner:
                w = k
                def get(self):
                    return z
            return Inner
        make(4, 6)
        class Box[T]:
            size = 1
            def area(self, side: T) -> T:
                return super().area(side)
        """,
    )
    assert place.execute(str(place.ct), "record", "-o", "out", "app.py").returncode == 0
    ends = {e["function"]: e["locals"] for e in place.events() if e["event"] == "return"}
    inner, box = (
        {name: ends[function][name]["repr"] for name in ends[function] if name[:2] != "__"}
        for function in ("make.<locals>.Inner", "Box")
    )
    assert {name: inner[name] for name in "kzw"} == {"k": "4", "z": "5", "w": "4"}
    assert set(inner) == {"k", "z", "w", "get"}
    assert set(box) == {"T", ".type_params", "size", "area"}
