"""Programs that cannot run, or are oddly named: the three commands do what Python itself does."""

import os
import py_compile
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from side_by_side import SUMMARY

PATIENCE = 30
# The interpreter goes by several names: a console script starts it by another than `python`.
ITSELF = re.compile(re.escape(os.fsencode(Path(sys.executable).parent)) + rb"/python[0-9.]*: ")
TELL = "import sys\nprint(ascii((sys.argv, sys.path[0], globals().get('__file__'))))\n"
SOURCES = {
    "binary.py": bytes(range(256)),
    "null.py": b"x = 1\0\n",
    "latin.py": b'x = "\xff"\n',
    "cookie.py": b"# coding: nonsense\n",
    "ascii cookie.py": b"# coding: ascii\nx = '\xc3\xa9'\n",
    "cookie and mark.py": b"\xef\xbb\xbf# coding: latin-1\n",
    "utf16.py": "print(1)\n".encode("utf-16"),
    "syntax.py": b"x = = 1\n",
    "indent.py": b"if 1:\nx\n",
    "declared.py": b"# coding: latin-1\nprint(ascii('\xe9'))\n",
    "carriage returns.py": b"print(1)\rprint(2)\r",
    "unfinished line.py": b"print(1)",
    "empty.py": b"",
    "no ending": b"#!/bin/sh\necho hi\n",
    "a space, a\nnewline.py": TELL.encode(),
    b"\xff\xfe.py": TELL.encode(),
    "good.py": TELL.encode(),
    "magic.pyc": bytes(100),
    "empty.pyc": b"",
    "folder.py/__main__.py": b"x = = 1\n",
    "package/__init__.py": b"",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with one program of each kind."""
    folder = os.fsencode(tmp_path_factory.mktemp("programs"))
    for name, source in SOURCES.items():
        path = Path(os.fsdecode(os.path.join(folder, os.fsencode(name))))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(source)
    folder = Path(os.fsdecode(folder))
    compiled = Path(py_compile.compile(str(folder / "good.py"), str(folder / "good.pyc")))
    (folder / "no pyc by name").write_bytes(compiled.read_bytes())
    (folder / "cut.pyc").write_bytes(compiled.read_bytes()[:40])
    (folder / "no code.pyc").write_bytes(compiled.read_bytes()[:16] + b"N")
    for name, inside, source in (
        ("main.zip", "__main__.py", TELL),
        ("nothing.zip", "other.py", ""),
        ("broken.zip", "__main__.py", "x = = 1\n"),
    ):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(inside, source)
    (folder / "cut.zip").write_bytes((folder / "main.zip").read_bytes()[:-5])
    (folder / "nothing").mkdir()
    (folder / "dangling.py").symlink_to("nowhere")
    (folder / "itself.py").symlink_to("itself.py")
    shutil.copy("/bin/true", folder / "machine")
    (folder / "python.rb").write_text("print('it is Python')\n")
    os.mkfifo(folder / "pipe.py")
    return folder


def run(place, *command, give=b""):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")}
    environment["CODETRACER_PYTHON_INTERPRETER"] = sys.executable
    shutil.rmtree(place / "out", ignore_errors=True)
    done = subprocess.run(
        command, cwd=place, env=environment, input=give, capture_output=True, timeout=PATIENCE
    )
    told = ITSELF.sub(os.fsencode(sys.executable) + b": ", SUMMARY.sub(b"", done.stderr))
    return done.returncode, done.stdout, told


def recorders(ct):
    """Return the commands that record, each up to the program."""
    script = Path(sys.executable).parent / "codetracer-python-recorder"
    module = [sys.executable, "-m", "codetracer_python_recorder", "-o", "out"]
    return [
        module,
        *([[str(script), "-o", "out"]] if script.exists() else []),
        [ct, "record", "--format", "ctr", "-o", "out"],
    ]


def same_as_python(place, ct, *words, give=b""):
    plain = run(place, sys.executable, *words, give=give)
    for command in recorders(ct):
        assert run(place, *command, *words, give=give) == plain, command
    return plain


WHOLE = {
    **dict.fromkeys(["", ".", "nothing", "nothing/", "/"], 1),
    **dict.fromkeys(["binary.py", "null.py", "latin.py", "utf16.py", "syntax.py", "indent.py"], 1),
    **dict.fromkeys(["cookie.py", "ascii cookie.py", "cookie and mark.py", "no ending"], 1),
    **dict.fromkeys(["magic.pyc", "empty.pyc", "cut.pyc", "no code.pyc", "folder.py"], 1),
    **dict.fromkeys(["nothing.zip", "broken.zip", "cut.zip"], 1),
    **dict.fromkeys(["declared.py", "carriage returns.py", "unfinished line.py", "empty.py"], 0),
    **dict.fromkeys(["good.pyc", "no pyc by name", "main.zip", "/dev/null"], 0),
    **dict.fromkeys(["a space, a\nnewline.py", b"\xff\xfe.py", "./good.py"], 0),
}


@pytest.mark.parametrize("name", WHOLE, ids=ascii)
def test_it_ends_as_under_python(place, ct, name):
    assert same_as_python(place, ct, name, b"\xff", "", "a b\n")[0] == WHOLE[name]


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "missing"],
        ["-m", ""],
        ["-m", ".x"],
        ["-m", "sys"],
        ["-m", "package"],
        ["-m", "package.missing"],
        ["-m", "good.py"],
        ["-c", "x = = 1"],
        ["-c", b"print('\xff')"],
    ],
    ids=ascii,
)
def test_modules_and_code_that_cannot_run(place, ct, words):
    assert same_as_python(place, ct, *words)[0] == 1


ABSENT = [
    "missing.py",
    "no/such.py",
    "good.py/",
    "good.py/x",
    "dangling.py",
    "itself.py",
    "a" * 300,
]


@pytest.mark.parametrize("name", ABSENT)
def test_a_missing_script(place, ct, name):
    """`ct` says it in Python's words, adds what helps, and starts nothing."""
    plain = run(place, sys.executable, name)
    assert plain[0] == 2
    *others, command = recorders(ct)
    for other in others:
        assert run(place, *other, name) == plain
    status, out, err = run(place, *command, name)
    expected = plain[2].removeprefix(os.fsencode(sys.executable) + b": ")
    assert (status, out) == plain[:2]
    assert err.startswith(b"error: " + expected + b"help: ")
    assert not (place / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_script_that_may_not_be_read(place, ct, tmp_path):
    (tmp_path / "secret.py").touch(mode=0)
    plain = run(tmp_path, sys.executable, "secret.py")
    for command in recorders(ct):
        done = run(tmp_path, *command, "secret.py")
        assert done[:2] == plain[:2] == (2, b"")
        assert done[2].split(b": ", 1)[1] == plain[2].split(b": ", 1)[1]


@pytest.mark.parametrize("name", ["machine", "python.rb"])
def test_another_language_is_refused_by_ct_alone(place, ct, name):
    """It has to choose a recorder. The others run what Python runs, and so does ct if told to."""
    plain = run(place, sys.executable, name)
    *others, command = recorders(ct)
    for other in others:
        assert run(place, *other, name) == plain
    status, out, err = run(place, *command, name)
    assert (status, out) == (1, b"")
    assert re.fullmatch(
        rb"error: '%b' looks like .*, and ct records Python only\nhelp: .*\n" % name.encode(), err
    )
    assert run(place, *command, "--lang", "python", name) == plain


STDIN = {
    "runs": (b"import sys\nprint(sys.argv, sys.path[0] == '', __file__, sys.stdin.read())\n", 0),
    "nothing": (b"", 0),
    "fails": (b"def f():\n    1 / 0\nf()\n", 1),
    "syntax": (b"x = 1\ny = = 1\n", 1),
}


@pytest.mark.parametrize("case", STDIN)
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_script_on_standard_input(place, ct, name, case):
    source, status = STDIN[case]
    assert same_as_python(place, ct, name, "x", give=source)[0] == status
    if status == 0:
        assert (place / "out/trace.ctr").exists()


HEADS = {
    "nothing": b"",
    "mark": b"\xef\xbb\xbf",
    "utf-8": b"# coding: utf-8\n",
    "latin-1": b"# coding: latin-1\n",
    "ascii": b"# -*- coding: ascii -*-\n",
    "in the second line": b"#!/bin/python\r\n# vim: set fileencoding=latin-1 :\r\n",
    "behind empty": b"\n\t# coding=latin-1\n",
    "in the third line": b"\n\n# coding: latin-1\n",
    "behind code": b"x = 1\n# coding: latin-1\n",
    "in a text": b"x = '# coding: latin-1'\n",
}
# The interpreter reads a file in another encoding only where it can go back to its beginning.
READ_FROM_A_PIPE = {"nothing", "mark", "utf-8", "in the third line", "behind code", "in a text"}
BODIES = {
    "good": "print(ascii('é'))  # é\n".encode(),
    "comment": b"print(1)\n#\xff\n",
    "end": b"print(1)\r\n\r#\xc3",
    "string": b"print(ascii('\xff'))\n",
    "surrogate": b"print(1)\n#\xed\xa0\x80\n",
    "behind a mistake": b"x = = 1\n#\xff\n",
    "behind a null": b"x\0\n#\xff\n",
}


@pytest.mark.parametrize("body", BODIES)
def test_bytes_in_a_wrong_encoding(place, ct, body):
    for name, head in HEADS.items():
        (place / "encoded.py").write_bytes(head + BODIES[body])
        plain = run(place, sys.executable, "encoded.py")
        command = recorders(ct)[0]
        assert run(place, *command, "encoded.py") == plain, name
        assert (place / "out/trace.ctr").exists() == (plain[0] == 0)
        if name not in READ_FROM_A_PIPE or b"\0" in BODIES[body]:
            continue
        # What cannot be read twice is not explained by the interpreter itself.
        plain = run(place, sys.executable, "-", give=head + BODIES[body])
        assert run(place, *command, "-", give=head + BODIES[body]) == plain, name


def test_a_script_in_a_named_pipe_is_read_once(place, ct):
    def run_fed(*command):
        source = b"print('through a pipe')\n"
        feeder = threading.Thread(target=(place / "pipe.py").write_bytes, args=[source])
        feeder.start()
        done = run(place, *command, "pipe.py")
        feeder.join()
        return done

    plain = run_fed(sys.executable)
    for command in recorders(ct):
        assert run_fed(*command) == plain
