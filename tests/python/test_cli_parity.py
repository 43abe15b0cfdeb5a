"""A recorded program sees, prints and returns what it does under plain `python`."""

import os
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

RECORDER = ["-m", "codetracer_python_recorder", "-o"]
HOST_VARIABLES = ("CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH")


def execute(command, cwd, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")}
    environment.update(PYTHONHASHSEED="0", **variables)
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )


def plain(cwd, *words, flags=()):
    return execute([sys.executable, *flags, *words], cwd)


def recorded(cwd, *words, flags=(), out="out", **variables):
    return execute([sys.executable, *flags, *RECORDER, out, *words], cwd, **variables)


def outcome(done):
    # Where sys.stderr is lost the interpreter counts references, of which those who wait add some.
    pattern = r"(?<=0x)[0-9a-f]+|(?<=^object refcount : )\d+$"
    texts = (re.sub(pattern, "", text, flags=re.M) for text in (done.stdout, done.stderr))
    return done.returncode, *texts


def assert_same(cwd, *words, flags=()):
    expected = outcome(plain(cwd, *words, flags=flags))
    assert outcome(recorded(cwd, *words, flags=flags)) == expected
    return expected


def write(folder, name, source):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source))
    return path


WORLD = """
    print(list(globals().items()))
    import os, sys
    print(sys.argv, sys.path, sys.orig_argv, os.getcwd())
    print(sys.modules["__main__"].__dict__ is globals(), sys._getframe().f_code.co_filename)
    print({name: value for name, value in os.environ.items() if "CODETRACER" in name})
"""


@pytest.fixture
def world(tmp_path):
    write(tmp_path, "app/script.py", WORLD)
    write(tmp_path, "pkg/__init__.py", "print('package', __name__, __import__('sys').argv)")
    write(tmp_path, "pkg/__main__.py", WORLD)
    write(tmp_path, "pkg/mod.py", WORLD)
    write(tmp_path, "folder/__main__.py", WORLD)
    write(tmp_path, "a space/é.py", WORLD)
    (tmp_path / "link.py").symlink_to("app/script.py")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", textwrap.dedent(WORLD))
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["app/script.py"],
        ["./app/../app/script.py", "one", "--format", "json", "-h", "--", "-m"],
        ["link.py", ""],
        ["a space/é.py", "ü"],
        ["-m", "pkg", "-o", "x"],
        ["-m", "pkg.mod", "--version"],
        ["-mpkg.mod"],
        ["folder", "x"],
        ["./folder/"],
        ["app.zip", "x"],
        ["-c", textwrap.dedent(WORLD), "-c", "x"],
    ],
    ids=lambda words: words[0] if words[0] != "-c" else "-c CODE",
)
def test_the_world_is_the_same(world, words):
    if words == ["-mpkg.mod"]:
        # The recorder tells the program the two-word form.
        assert outcome(recorded(world, *words)) == outcome(plain(world, "-m", "pkg.mod"))
        return
    status, output, errors = assert_same(world, *words)
    assert status == 0
    assert "__main__" in output
    assert errors == ""


@pytest.mark.parametrize("flags", [["-P"], ["-I"], ["-X", "utf8", "-W", "error", "-O"]])
def test_the_interpreters_own_options_hold(world, flags):
    if flags == ["-I"] and "PYTHONPATH" in os.environ:
        pytest.skip("the package under test is on PYTHONPATH, which -I ignores")
    assert_same(world, "app/script.py", flags=flags)


PROGRAMS = {
    "exit 0": "import sys; sys.exit()",
    "exit 3": "import sys; sys.exit(3)",
    "exit true": "import sys; sys.exit(True)",
    "exit 256": "import sys; sys.exit(256)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit huge": "import sys; sys.exit(10**30)",
    "exit message": "import sys; sys.exit('so long')",
    "exit tuple": "raise SystemExit('a', 1)",
    "exit from thread": """
        import threading
        thread = threading.Thread(target=lambda: (threading.main_thread().join(), print("late")))
        thread.start()
        raise SystemExit(4)
        """,
    "exception": "def f(x):\n    return 1 / x\n\nprint('before')\nf(0)\n",
    "chained": """
        try:
            {}["k"]
        except KeyError as error:
            raise ValueError("bad") from error
        """,
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "hook": """
        import sys
        def hook(kind, value, traceback):
            frames = []
            while traceback:
                frames.append(traceback.tb_frame.f_code.co_name)
                traceback = traceback.tb_next
            print(kind, value, frames, value.__traceback__.tb_frame.f_code.co_name)
            print(sys.last_exc is value, sys.excepthook is hook)
        sys.excepthook = hook
        raise LookupError("here")
        """,
    "bad hook": """
        import sys
        def hook(*args):
            raise RuntimeError("worse")
        sys.excepthook = hook
        raise LookupError("here")
        """,
    "bad hook, no display": """
        import sys
        def hook(*args):
            raise RuntimeError("worse")
        sys.excepthook = hook
        del sys.__excepthook__
        raise LookupError("here")
        """,
    "bad hook, no stderr": """
        import sys
        def hook(*args):
            raise RuntimeError("worse")
        sys.excepthook = hook
        sys.stderr = None
        raise LookupError("here")
        """,
    "no hook": "import sys\ndel sys.excepthook\nprint('before')\n1 / 0\n",
    "hook None": "import sys\nsys.excepthook = None\n1 / 0\n",
    "hook 5": "import sys\nsys.excepthook = 5\n1 / 0\n",
    "no hook, stderr None": "import sys\ndel sys.excepthook\nsys.stderr = None\n1 / 0\n",
    "stderr None": "import sys\nsys.stderr = None\n1 / 0\n",
    "stderr None, hook None": "import sys\nsys.stderr = sys.excepthook = None\n1 / 0\n",
    "no stderr": "import sys\ndel sys.stderr\n1 / 0\n",
    "no stderr, no hook": "import sys\ndel sys.stderr, sys.excepthook\n1 / 0\n",
    "no stderr, exit message": "import sys\ndel sys.stderr\nsys.exit('so long')\n",
    "exit without a code": """
        class Exit(SystemExit):
            @property
            def code(self):
                return 1 / 0
        raise Exit("text")
        """,
    "an exception that cannot be changed": """
        class Error(Exception):
            def __setattr__(self, name, value):
                raise KeyError(name)
        raise Error("text")
        """,
    "exiting hook": """
        import sys
        sys.excepthook = lambda *args: sys.exit(7)
        raise LookupError("here")
        """,
    "interrupt": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass\n",
    "interrupt raised": "import atexit\natexit.register(print, 'bye')\nraise KeyboardInterrupt\n",
    "terminated": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhile True: pass\n",
    "exit handlers": """
        import atexit, sys, threading, weakref
        class Thing:
            def __del__(self, write=sys.stdout.write):
                write("deleted\\n")
        thing = Thing()
        other = Thing.__new__(type("Other", (), {}))
        weakref.finalize(other, print, "finalised")
        def look():
            import __main__
            print(sorted(name for name in vars(__main__) if name.startswith("__")))
            print(threading.active_count(), sys.argv)
        atexit.register(look)
        atexit.register(print, "second")
        print("end")
        """,
    "exit handler fails": "import atexit\natexit.register(lambda: 1 / 0)\n",
    "warnings": """
        import warnings
        warnings.warn("old", DeprecationWarning)
        "a" is "b"
        """,
    "os exit": "import os, sys; print('x'); sys.stdout.flush(); os._exit(5)",
    "fork": """
        import os, sys
        child = os.fork()
        if child == 0:
            sys.exit(6)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    "pickle": """
        import pickle
        class Point:
            pass
        print(type(pickle.loads(pickle.dumps(Point()))) is Point)
        """,
    "closed stderr": "import sys; sys.stderr.close(); sys.exit('nobody hears')",
    "syntax error": "x = 1\ny = = 2\n",
    "syntax error late": "def f():\n    return\n  return\n",
    "null byte": "x = 1\0\n",
    "unknown encoding": "# coding: nonsense\n",
}


@pytest.mark.parametrize("name", ["no hook", "bad hook", "exit message"])
def test_it_ends_the_same_under_a_recording_that_hides_its_status(tmp_path, name):
    write(tmp_path, "program.py", PROGRAMS[name])
    status, output, errors = outcome(plain(tmp_path, "program.py"))
    done = outcome(recorded(tmp_path, "--no-propagate-script-exit", "program.py"))
    assert status == 1
    assert done[:2] == (0, output)
    assert done[2].startswith(errors + "Script exited with status 1")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_behaves_the_same(tmp_path, name):
    write(tmp_path, "program.py", PROGRAMS[name])
    assert_same(tmp_path, "program.py")


@pytest.mark.parametrize("name", ["exit 3", "exit message", "exception", "interrupt", "bad hook"])
@pytest.mark.parametrize("form", ["-m", "-c", "folder"])
def test_every_form_ends_the_same(tmp_path, name, form):
    source = textwrap.dedent(PROGRAMS[name])
    write(tmp_path, "program.py", source)
    write(tmp_path, "program/__main__.py", source)
    words = {"-m": ["-m", "program"], "-c": ["-c", source], "folder": ["program"]}[form]
    if form == "-m":
        (tmp_path / "program/__main__.py").unlink()
        (tmp_path / "program").rmdir()
    assert_same(tmp_path, *words)


def test_a_compiled_script(tmp_path):
    source = write(tmp_path, "source.py", "print(__file__, __loader__.__class__)\n1 / 0\n")
    command = "import py_compile; py_compile.compile('source.py', 'compiled.pyc')"
    assert plain(tmp_path, "-c", command).returncode == 0
    source.unlink()
    assert_same(tmp_path, "compiled.pyc")


def test_what_cannot_run_fails_as_under_python_and_leaves_no_recording(tmp_path):
    (tmp_path / "latin.py").write_bytes(b'x = "\xff"\n')
    (tmp_path / "empty").mkdir()
    write(tmp_path, "broken.py", "x = = 1")
    write(tmp_path, "pkg/__init__.py", "")
    for words, status in (
        (["missing.py"], 2),
        (["./no/such.py", "x"], 2),
        (["latin.py"], 1),
        (["broken.py"], 1),
        (["empty"], 1),
        (["-m", "missing"], 1),
        (["-m", "missing.part"], 1),
        (["-c", "x = = 1"], 1),
    ):
        assert assert_same(tmp_path, *words)[0] == status
        assert not (tmp_path / "out").exists(), words
    assert assert_same(tmp_path, "-m", "pkg.missing")[0] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_script(tmp_path):
    write(tmp_path, "secret.py", "").chmod(0)
    assert assert_same(tmp_path, "secret.py")[0] == 2


def test_the_working_directory_does_not_shadow_what_the_recorder_imports(tmp_path):
    for name in ("argparse", "pathlib", "dataclasses", "typing", "inspect"):
        write(tmp_path, f"{name}.py", "raise SystemExit('the wrong module')")
    write(tmp_path, "program.py", "print('right')")
    done = recorded(tmp_path, "program.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "right\n", "")


def test_a_recording_is_made(tmp_path):
    write(tmp_path, "program.py", "print('hello')")
    done = recorded(tmp_path, "program.py", out="deep/er")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    assert (tmp_path / "deep/er/trace.ctr").is_file()


def test_the_console_script_does_the_same(world):
    command = Path(sys.executable).parent / "codetracer-python-recorder"
    if not command.exists():
        pytest.skip("the package is not installed in this environment")
    done = execute([str(command), "-o", "out", "app/script.py", "x"], world)
    # The installer chooses which of its names the interpreter is started by.
    interpreter = command.read_text().splitlines()[0].removeprefix("#!").strip()
    done.stdout = done.stdout.replace(f"'{interpreter}'", f"'{sys.executable}'")
    assert outcome(done) == outcome(plain(world, "app/script.py", "x"))


class TestUnderAHost:
    """A CodeTracer host drops a recording whose process fails."""

    @pytest.mark.parametrize("variable", HOST_VARIABLES)
    @pytest.mark.parametrize("name", ["exit 3", "exit message", "exception", "interrupt"])
    def test_a_failure_is_hidden(self, tmp_path, variable, name):
        write(tmp_path, "program.py", PROGRAMS[name])
        status, output, errors = outcome(plain(tmp_path, "program.py"))
        done = recorded(tmp_path, "program.py", **{variable: "1"})
        shown = {-2: 130}.get(status, status)
        assert outcome(done) == (
            0,
            output,
            f"{errors}Script exited with status {shown}; returning 0. "
            "Use '--propagate-script-exit' to mirror the script exit code.\n",
        )

    def test_propagation_can_be_asked_for(self, tmp_path):
        write(tmp_path, "program.py", PROGRAMS["exit 3"])
        host = {"CODETRACER_RECORDING": "1"}
        flag = "--propagate-script-exit"
        assert recorded(tmp_path, flag, "program.py", **host).returncode == 3
        host["CODETRACER_PROPAGATE_SCRIPT_EXIT"] = "1"
        assert recorded(tmp_path, "program.py", **host).returncode == 3

    def test_hiding_can_be_asked_for_without_a_host(self, tmp_path):
        write(tmp_path, "program.py", PROGRAMS["exit 3"])
        assert recorded(tmp_path, "--no-propagate-script-exit", "program.py").returncode == 0

    def test_the_program_does_not_know(self, world):
        host = dict.fromkeys(HOST_VARIABLES, "1")
        done = recorded(world, "app/script.py", **host)
        assert outcome(done) == outcome(plain(world, "app/script.py"))

    def test_a_forked_child_keeps_its_status(self, tmp_path):
        write(tmp_path, "program.py", PROGRAMS["fork"])
        done = recorded(tmp_path, "program.py", CODETRACER_RECORDING="1")
        assert (done.returncode, done.stdout, done.stderr) == (0, "6\n", "")


def test_a_recording_that_cannot_start(tmp_path):
    write(tmp_path, "program.py", "print('not run')")
    (tmp_path / "out").write_text("")
    done = recorded(tmp_path, "program.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Failed to start Codetracer session: trace path exists and is not a directory\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", ""], "--only '': selector pattern cannot be empty"),
        (["--skip", "["], "--skip '[': invalid glob pattern '[': a '[' without its ']'"),
        (["--trace-filter", "nowhere.toml"], "trace filter 'nowhere.toml' does not exist"),
        (["--trace-filter", "."], "trace filter '.' is not a file"),
    ],
)
def test_rules_that_cannot_be_used_are_a_mistake_of_the_command_line(tmp_path, words, said):
    write(tmp_path, "program.py", "print('not run')")
    done = recorded(tmp_path, *words, "program.py")
    assert (done.returncode, done.stdout) == (2, "")
    prefix = "Failed to start Codetracer session: [ERR_INVALID_POLICY_VALUE] "
    assert done.stderr == f"{prefix}{said}\n"
    assert not (tmp_path / "out").exists()


CONTROL = "a\x1b[1m\rb"


@pytest.mark.parametrize(
    "words",
    [
        [f"--{CONTROL}"],
        ["--max-text", CONTROL],
        ["--format", CONTROL],
        ["--io-capture", CONTROL],
        ["--trace-filter", CONTROL],
        ["--only", CONTROL + "["],
        ["-o", f"program.py/{CONTROL}"],
        ["--log-level", CONTROL],
        ["--format", "json", "--export-limit", "1", "-o", CONTROL],
        [CONTROL],
    ],
    ids=lambda words: words[0].encode("unicode_escape").decode(),
)
def test_nothing_that_a_terminal_obeys_is_in_a_message(tmp_path, words):
    write(tmp_path, "program.py", "")
    done = recorded(tmp_path, *words, "program.py")
    assert "a\\x1b[1m\\rb" in done.stderr or "a\\u001b[1m\\rb" in done.stderr
    assert not set(done.stderr) & {"\x1b", "\r"}


def test_nothing_that_a_terminal_obeys_is_in_a_message_about_filters(tmp_path):
    (tmp_path / CONTROL).write_text("[")
    for words in (
        ["check", CONTROL],
        ["check", "no" + CONTROL],
        [CONTROL],
    ):
        done = execute([sys.executable, *RECORDER[:2], "filter", *words], tmp_path)
        assert done.returncode in (1, 2)
        assert "\\x1b[1m\\rb" in done.stderr
        assert not set(done.stderr) & {"\x1b", "\r"}


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
@pytest.mark.parametrize("kind", ["pipe", "file", "deleted file", "link"])
def test_a_script_behind_a_descriptor(tmp_path, folder, kind):
    source = "import sys\nprint(sys.path, __file__, sys.argv)\n"
    write(tmp_path, "sub/program.py", source)
    (tmp_path / "link.py").symlink_to("sub/program.py")

    def run(*command):
        if kind == "pipe":
            reader, writer = os.pipe()
            os.write(writer, source.encode())
            os.close(writer)
        else:
            path = tmp_path / ("link.py" if kind == "link" else "sub/program.py")
            reader = os.open(path, os.O_RDONLY)
        if kind == "deleted file":
            path.unlink()
        try:
            done = subprocess.run(
                [sys.executable, *command, f"{folder}/{reader}"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                pass_fds=[reader],
                timeout=60,
            )
        finally:
            os.close(reader)
            write(tmp_path, "sub/program.py", source)
        return re.sub(rf"(?<={folder}/)[0-9]+", "N", done.stdout), done.stderr, done.returncode

    plain_way = run()
    assert plain_way[2] == 0
    assert run(*RECORDER, "out") == plain_way


@pytest.mark.parametrize("name", ["in", "out/er", "twice", "absolute", "./plain.py", "plain.py"])
def test_the_folder_of_a_linked_script(tmp_path, name):
    path = write(tmp_path, "sub/plain.py", "import sys\nprint(sys.path)\n")
    write(tmp_path, "plain.py", "import sys\nprint(sys.path)\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "in").symlink_to("plain.py")
    (tmp_path / "out/er").symlink_to("../sub/plain.py")
    (tmp_path / "twice").symlink_to("out/er")
    (tmp_path / "absolute").symlink_to(path)
    assert assert_same(tmp_path, name)[0] == 0


def test_as_many_frames_lie_below_the_program_as_the_documentation_says(tmp_path, ct):
    write(
        tmp_path,
        "program.py",
        """
        import inspect
        def depth(n):
            try:
                return depth(n + 1)
            except RecursionError:
                return n
        print(len(inspect.stack()) - 1, depth(0))
        """,
    )
    frames, most = map(int, plain(tmp_path, "program.py").stdout.split())
    assert frames == 0
    interpreter = {"CODETRACER_PYTHON_INTERPRETER": sys.executable}
    script = Path(sys.executable).parent / "codetracer-python-recorder"
    for command, added in (
        ([sys.executable, *RECORDER[:2]], 6),
        ([str(script)], 4),
        ([str(ct), "record", "--unlisted"], 0),
    ):
        if Path(command[0]).exists():
            done = execute([*command, "-o", "out", "program.py"], tmp_path, **interpreter)
            assert done.stdout.splitlines()[0] == f"{added} {most - added}"
