"""`start_on_enter`: recording begins with a frame of a file, and ends with that frame."""

import json
import re
import sys
import textwrap

import pytest
from project import Project


class Place(Project):
    """A program `app.py` that records `lib.py`."""

    def run(self, source, path="lib.py"):
        """Record with `start_on_enter=path`; the calls recorded, with the lines of each."""
        head = f"import codetracer_python_recorder as r\nr.start('out', start_on_enter={path!r})\n"
        self.write("app.py", head + textwrap.dedent(source))
        done = self.execute(sys.executable, "app.py")
        assert (done.returncode, done.stderr) == (0, "")
        return self.calls()

    def calls(self, out="out"):
        return re.findall(r"^ *\d* +([\w<>]+)\(", self.printed("--calls", out=out), re.MULTILINE)

    def steps(self, out="out"):
        done = self.execute(str(self.ct), "print", out, "--format", "csv", "--steps")
        return done.stdout.splitlines()[1:]


@pytest.fixture
def place(tmp_path, ct):
    place = Place(tmp_path, ct)
    place.write(
        "lib.py",
        """
        def leaf(n):
            return n

        def recurse(n):
            leaf(n)
            return 0 if n == 0 else recurse(n - 1) + leaf(-n)

        def generate():
            yield leaf(1)
            yield leaf(2)

        def fail():
            leaf(3)
            raise KeyError("lib")

        async def nap(sleep):
            leaf(4)
            await sleep(0)
            leaf(5)
        """,
    )
    place.write("other.py", "def other(n):\n    return n\n")
    return place


# lib.py is imported before the recording starts, except where its import is the point.
IMPORT = "import sys; r.stop(); import lib, other; r.start('out', start_on_enter='lib.py')\n"


def test_it_ends_with_the_frame_not_with_the_first_return_of_its_code(place):
    calls = place.run(IMPORT + "lib.recurse(2)\nlib.leaf(9)\nlib.recurse(1)\nother.other(1)")
    assert calls == [*["recurse", "leaf"] * 3, "leaf", "leaf"]


def test_an_exception_ends_it_too(place):
    calls = place.run(IMPORT + "try:\n    lib.fail()\nexcept KeyError:\n    lib.leaf(1)")
    assert calls == ["fail", "leaf"]


def test_a_generator_rests_and_goes_on(place):
    calls = place.run(IMPORT + "for n in lib.generate():\n    other.other(n)\nother.other(3)")
    assert calls == ["generate", "leaf", "other", "leaf", "other"]


def test_a_coroutine_too(place):
    source = "import asyncio\nasync def main():\n    await lib.nap(asyncio.sleep)\n"
    source += "    other.other(1)\nasyncio.run(main())"
    assert place.run(IMPORT + source) == ["nap", "leaf", "leaf"]


def test_a_program_may_leave_its_folder(place):
    assert place.run("import lib\nlib.leaf(1)\nimport os; os.chdir('/')") == ["<module>"]


def test_a_generator_that_is_dropped_does_not_end_another_frames_recording(place):
    source = "g = lib.generate()\nnext(g)\ndel g\n"
    source += "for n in range(300):\n    list(lib.generate())\n"
    calls = place.run(IMPORT + source)
    # 3.12 tells of the end by an exception; 3.13 by nothing, so that it goes on for a while.
    assert calls[:2] == ["generate", "leaf"]


def test_a_resumed_generator_activates(place):
    source = "r.stop(); import lib, other; g = lib.generate(); next(g)\n"
    source += "r.start('out', start_on_enter='lib.py')\nother.other(1)\nnext(g)\nother.other(2)\n"
    source += "list(g)\nother.other(3)"
    assert place.run(source) == ["leaf", "other"]


def test_the_import_of_the_file_is_a_frame_of_it(place):
    assert place.run("import other, lib\nlib.leaf(1)") == ["<module>"]


def test_the_file_that_starts_the_recording(place):
    """Its next line activates: of the function that called start(), not of the module."""
    source = """
    r.stop()
    import lib
    def main():
        with_lib()
        lib.leaf(1)
    def with_lib():
        r.start("out", start_on_enter=__file__)
        lib.leaf(2)
    main()
    lib.leaf(3)
    """
    assert place.run(source) == ["leaf"]


@pytest.mark.parametrize("how", ["lib.py", "./x/../lib.py", "link.py", "folder/lib.py", "absolute"])
def test_a_path_may_be_written_in_any_way(place, how):
    (place.folder / "x").mkdir()
    (place.folder / "link.py").symlink_to("lib.py")
    (place.folder / "folder").symlink_to(".")
    path = str(place.folder / "lib.py") if how == "absolute" else how
    source = f"r.stop(); import lib; r.start('out', start_on_enter={path!r}); lib.leaf(1)"
    assert place.run(source) == ["leaf"]


def test_the_program_may_write_it_in_any_way(place):
    (place.folder / "link.py").symlink_to("lib.py")
    for name in ("link.py", "./lib.py"):
        source = f"""
        import os
        r.stop()
        space = {{}}
        exec(compile(open("lib.py").read(), {name!r}, "exec"), space)
        r.start("out", start_on_enter="lib.py")
        os.chdir("/")
        space["leaf"](1)
        """
        assert place.run(source) == ["leaf"], name


def test_another_file_of_the_name_is_not_it(place):
    place.write("sub/lib2.py", "")
    (place.folder / "sub" / "lib2.py").rename(place.folder / "sub" / "other.py")
    source = IMPORT.replace("'lib.py'", "'sub/other.py'") + "other.other(1)\nr.stop()"
    assert place.run(source) == []


def test_a_file_that_is_skipped_opens_and_closes_it_all_the_same(place):
    source = IMPORT.replace("'lib.py'", "functools.__file__").replace(
        "import sys", "import functools"
    )
    source += "f = functools.singledispatch(lib.leaf)\nr.stop()\n"
    source += "r.start('out', start_on_enter=functools.__file__)\n"
    source += "f(1)\nf(2)\nlib.leaf(3)\n"
    assert place.run(source) == ["leaf"]


def test_threads_are_recorded_while_it_lasts(place):
    source = IMPORT + (
        "import threading\n"
        "go, done = threading.Event(), threading.Event()\n"
        "def work():\n    go.wait()\n    other.other(1)\n    done.set()\n"
        "t = threading.Thread(target=work)\nt.start()\n"
        "lib.leaf2 = lambda: None\n"
        "for n in lib.generate():\n"
        "    go.set(); done.wait()\n"
        "t.join()\n"
    )
    assert place.run(source) == ["generate", "leaf", "other", "leaf"]


def test_the_first_return_of_the_export_is_the_targets(place):
    place.run(IMPORT.replace("'out', ", "'out', format='json', ") + "lib.recurse(1)\nlib.leaf(1)")
    events = json.loads((place.folder / "out/trace.json").read_text())
    kinds = [key for event in events for key in event if key in ("Call", "Return")]
    # <toplevel>, recurse, leaf
    assert kinds[:4] == ["Call", "Call", "Call", "Return"]
    assert kinds.count("Call") == kinds.count("Return") == 6


@pytest.mark.parametrize("command", ["module", "ct"])
def test_the_commands_have_it(place, command):
    place.write("app.py", "import lib, other\nother.other(1)\nlib.recurse(1)\n")
    place.write("lib.py", "def recurse(n):\n    return n\nrecurse(3)\n")
    words = [sys.executable, "-m", "codetracer_python_recorder"]
    words = words if command == "module" else [str(place.ct), "record"]
    done = place.execute(*words, "-o", "out", "--activation-path", "lib.py", "app.py")
    assert done.returncode == 0, done.stderr
    assert place.calls() == ["<module>", "recurse"]


@pytest.mark.parametrize("command", ["module", "ct"])
def test_the_program_itself_is_no_gate(place, command):
    place.write("app.py", "import atexit\ndef late():\n    pass\natexit.register(late)\n")
    words = [sys.executable, "-m", "codetracer_python_recorder"]
    words = words if command == "module" else [str(place.ct), "record"]
    place.execute(*words, "-o", "out", "--activation-path", "./app.py", "app.py")
    assert place.calls() == ["<module>", "late"]


def test_waiting_costs_little(place):
    """Each code object is asked once, not each call."""
    source = """
    import time
    def f():
        pass
    def loop():
        began = time.perf_counter()
        for _ in range(200_000):
            f()
        return time.perf_counter() - began
    waiting = loop()
    r.stop()
    plain = loop()
    assert waiting < 5 * plain + 0.2, (waiting, plain)
    """
    assert place.run(source, "nowhere.py") == []
