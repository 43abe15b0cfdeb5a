"""Recording under filters: what is left out is nowhere, and the program notices nothing."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from codetracer_python_recorder import _recorder
from side_by_side import SideBySide, cases
from test_harmless_view import BUGS, VIEW
from test_redaction import SECRET, assert_nowhere, spoken

HEAD = """
[meta]
name = "t"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
"""


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def filters(*rules, head=HEAD):
    """The text of a filter file; a rule is a selector, its keys, its patterns."""
    lines = [head]
    for selector, keys, *patterns in rules:
        lines += ["[[scope.rules]]", f"selector = '{selector}'"]
        lines += [f"{key} = '{value}'" for key, value in keys.items()]
        for pattern, action in patterns:
            lines += ["[[scope.rules.value_patterns]]", f"selector = '{pattern}'"]
            lines += [f"action = '{action}'"]
    return "\n".join(lines)


def record(sides, program, text, *limits, **options):
    """Record a program under a filter file; returns its run and the metadata's filter part."""
    sides.write(spoken(program))
    path = sides.work.parent / "filter.toml"
    path.write_text(text, encoding="utf-8")
    words = ["--trace-filter", path, "--format", "json", *limits]
    run = sides.recorded("program.py", limits=words, **options)
    sides.verify()
    return run, json.loads((sides.recording / "trace_metadata.json").read_text())["trace_filter"]


# name: the program, its patterns, and what the statistics then count.
HIDDEN = {
    "local": ("def f():\n plain = given\n x = 1\nf()", [("local:plain", "ACT")], "local"),
    "argument": ("def f(plain): x = 1\nf(given)", [("arg:pl*", "ACT")], "argument"),
    "cell argument": (
        "def f(plain):\n def g(): return len(plain)\n return g()\nf(given)",
        [("arg:plain", "ACT"), ("local:plain", "ACT")],
        "argument",
    ),
    "free variable": (
        "def f(plain):\n def g():\n  x = plain\n  return 1\n return g()\nf(given)",
        [("arg:plain", "ACT"), ("local:regex:^(plain|x)$", "ACT")],
        "local",
    ),
    "keyword arguments": (
        "def f(*, plain=1): x = 1\nf(plain=given)",
        [("arg:plain", "ACT")],
        "argument",
    ),
    "many locals": (
        "def f():\n "
        + "; ".join(f"v{i} = {i}" for i in range(80))
        + "\n plain = given\n x = 1\nf()",
        [("local:plain", "ACT")],
        "local",
    ),
    "global": ("plain = given\nx = 1", [("global:plain", "ACT")], "global"),
    "a module's own variable": ("plain = given\nx = 1", [("local:plain", "ACT")], "global"),
    "global of a function": (
        "def f():\n global plain\n plain = given\n x = plain\nf()",
        [("global:plain", "ACT"), ("local:x", "ACT")],
        "global",
    ),
    "global through globals()": (
        "globals()['plain'] = given\nx = 1",
        [("global:plain", "ACT")],
        "global",
    ),
    "result": ("def f(): return given\nlen(f())", [("ret:__main__.f", "ACT")], "return"),
    "result of a method": (
        "class A:\n def f(self): return given\nlen(A().f())",
        [("ret:literal:__main__.A.f", "ACT")],
        "return",
    ),
    "yields": (
        "def f():\n yield given\n yield 1\nsum(map(len, [*f()][:1]))",
        [("ret:*.f", "ACT")],
        "return",
    ),
    "yields by their own name": (
        "def f():\n yield given\nlen([*f()])",
        [("ret:<yield>", "ACT")],
        "return",
    ),
    "exceptions by their own name": (
        "def f(): raise ValueError(given)\ntry: f()\nexcept ValueError: pass",
        [("ret:<unwind>", "ACT")],
        "return",
    ),
    "exceptions thrown in": (
        "def f():\n try: yield 1\n except ValueError: pass\n yield 2\n"
        "g = f()\nnext(g)\ng.throw(ValueError(given))",
        [("ret:<unwind>", "ACT")],
        "return",
    ),
    "attribute": (
        "class A: pass\ndef f():\n a = A()\n a.plain = given\n a.x = 1\n return a\nf()",
        [("attr:plain", "ACT")],
        "attribute",
    ),
    "attribute of many": (
        "class A: pass\ndef f():\n a = A()\n for i in range(40): setattr(a, f'n{i}', i)\n"
        " a.plain = given\n return a\nf()",
        [("attr:plain", "ACT")],
        "attribute",
    ),
    "slot": (
        "class A: __slots__ = ('plain', 'x')\ndef f():\n a = A()\n a.x = 1\n a.plain = given\n"
        " return a\nf()",
        [("attr:plain", "ACT")],
        "attribute",
    ),
    "named tuple": (
        "import collections\nP = collections.namedtuple('P', 'x plain')\ndef f():\n"
        " p = P(1, given)\n"
        " return p\nf()",
        [("attr:plain", "ACT")],
        "attribute",
    ),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass D:\n plain: str\n x: int = 1\n"
        "def f():\n d = D(given)\n return d\nf()",
        [("attr:plain", "ACT"), ("arg:plain", "ACT")],
        "attribute",
    ),
    "enum": (
        "import enum\nclass E(enum.Enum):\n PLAIN = given\n X = 1\ndef f():\n e = E.PLAIN\n"
        " return 1\nf()",
        [("attr:PLAIN", "ACT"), ("local:PLAIN", "ACT")],
        "attribute",
    ),
    "exception": (
        "class E(Exception):\n def __init__(self, plain): super().__init__('x', plain)\n"
        "try: raise E(given)\nexcept E as e: x = 1",
        [("attr:plain", "ACT"), ("arg:plain", "ACT")],
        "argument",
    ),
    "key of a dict": (
        "def f():\n d = {'plain': given}\n d['x'] = 1\nf()",
        [("attr:plain", "ACT")],
        "attribute",
    ),
    "class body": ("class A:\n plain = given\n x = 1\nA()", [("local:plain", "ACT")], "local"),
    "exec": (
        "exec(compile('plain = give\\nx = 1', __file__, 'exec'), {'give': 1}, {})\n"
        "exec(compile('plain = give\\nx = 1', __file__, 'exec'), {'__name__': 'm', 'give': given})",
        [
            ("global:give", "ACT"),
            ("global:plain", "ACT"),
            ("local:give", "ACT"),
            ("local:plain", "ACT"),
        ],
        "global",
    ),
}


@pytest.mark.parametrize("action", ["redact", "drop"])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_a_pattern_hides_is_nowhere(sides, name, action):
    program, patterns, kind = HIDDEN[name]
    patterns = [(selector, action) for selector, _ in patterns]
    run, filtered = record(
        sides, program, filters(("pkg:*", {}, *patterns), ("obj:*", {}, *patterns))
    )
    assert (run.status, run.err) == (0, "")
    counts = filtered["stats"]["value_redactions" if action == "redact" else "value_drops"]
    assert counts[kind] > 0, filtered
    assert counts["total"] == sum(n for key, n in counts.items() if key != "total")
    (sides.recording / "trace.json").unlink()
    assert_nowhere(sides)


CUT_OFF = """
    import os, signal

    class A:
        def __init__(self, arg):
            self.attr = arg

    def f(arg):
        local = A(arg)
        return given

    password = "-----BEGIN PRIVATE KEY-----"
    shape = [password]
    f(given)
    {end}
    """
CUT_OFF_RULES = filters(
    ("pkg:*", {}, ("arg:arg", "redact"), ("attr:attr", "redact"), ("local:local", "drop")),
)


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_was_hidden_is_counted_however_the_program_ends(sides, end):
    _, whole = record(sides, CUT_OFF.format(end="pass"), CUT_OFF_RULES)
    _, cut_off = record(sides, CUT_OFF.format(end=end), CUT_OFF_RULES)
    assert cut_off == whole
    redactions = whole["stats"]["value_redactions"]
    assert [key for key, count in redactions.items() if count == 0] == ["local", "return"]
    assert whole["stats"]["value_drops"]["local"] == 1


def test_a_default_hides_all_but_what_a_pattern_allows(sides):
    program = """
        def f(arg):
            public_x = [1, {"a": "shown"}]
            other = given
            return given
        f(given)
        """
    text = filters(("pkg:*", {"value_default": "redact"}, ("local:public_*", "allow")))
    run, _ = record(sides, program, text)
    assert run.status == 0
    assert "public_x = [1, {'a': 'shown'}]" in sides.printed()
    (sides.recording / "trace.json").unlink()
    assert_nowhere(sides)


def test_a_secret_that_is_allowed_is_kept(sides):
    text = filters(("pkg:*", {}, ("local:password", "allow")))
    record(sides, "def f():\n password = given\n x = 1\nf()", text)
    assert f"password = '{SECRET}'" in sides.printed()


def names(sides):
    lines = sides.printed("--format", "json").splitlines()
    return {json.loads(line)["function"] for line in lines if '"event":"call"' in line}


def test_code_is_skipped_and_traced(sides):
    sides.write("def a(): return b()\ndef b(): return 1\n", "pkg/one.py")
    sides.write("", "pkg/__init__.py")
    sides.write("import pkg.one\ndef c(): return 2\ndef d(): return 3\n", "pkg/two.py")
    program = "import pkg.two\npkg.one.a()\npkg.two.c()\npkg.two.d()\n"
    text = filters(("pkg:pkg.*", {"exec": "skip"}), ("obj:pkg.two.c", {"exec": "trace"}))
    _, filtered = record(sides, program, text)
    assert names(sides) == {"<module>", "c"}
    assert filtered["stats"]["scopes_skipped"] >= 5
    record(sides, program, filters(("file:regex:two", {"exec": "skip"})))
    assert names(sides) == {"<module>", "a", "b"}
    record(sides, program, filters(head=HEAD.replace('exec = "inherit"', 'exec = "skip"')))
    assert len(sides.printed().splitlines()) == 1


def test_a_filter_brings_the_standard_library_in(sides):
    program = "import textwrap\ntextwrap.dedent('x')\n"
    record(sides, program, filters(("pkg:textwrap", {"exec": "trace"})))
    assert "dedent" in names(sides)
    record(sides, program, filters())
    assert names(sides) == {"<module>"}


def test_only_and_skip_need_no_file(sides):
    sides.write("def a(): return 1\n", "one.py")
    sides.write("def b(): return 1\n", "two.py")
    sides.write("import one, two\none.a()\ntwo.b()\n")
    sides.recorded("program.py", limits=["--skip", "one"])
    assert names(sides) == {"<module>", "b"}
    sides.recorded("program.py", limits=["--only", "two.py"])
    assert names(sides) == {"<module>", "b"}
    assert "program.py" not in sides.printed()


def test_where_filters_come_from(sides):
    """The project's, then the variable's, then the options'."""
    for name in ("variable", "option1", "option2", "option3"):
        text = filters().replace('"t"', f'"{name}"')
        (sides.work.parent / f"{name}.toml").write_text(text)
    folder = sides.work / ".codetracer"
    folder.mkdir()
    (folder / "trace-filter.toml").write_text(filters().replace('"t"', '"project"'))
    sides.write("x = 1\n", "deep/program.py")
    here = sides.work.parent
    sides.recorded(
        "deep/program.py",
        limits=[
            *("--trace-filter", f"{here}/option1.toml::{here}/option2.toml"),
            *("--trace-filter", here / "option3.toml", "--format", "json"),
        ],
        variables={"CODETRACER_TRACE_FILTER": f"{here}/variable.toml"},
    )
    found = json.loads((sides.recording / "trace_metadata.json").read_text())["trace_filter"]
    assert [(f["name"], f["version"]) for f in found["filters"]] == [
        (name, 1)
        for name in ("builtin-default", "project", "variable", "option1", "option2", "option3")
    ]
    assert found["filters"][1]["path"] == str(folder / "trace-filter.toml")
    assert all(len(f["sha256"]) == 64 for f in found["filters"])


def test_a_mistake_ends_ct_record_before_the_program(sides):
    sides.write("print('ran')\n")
    path = sides.work.parent / "bad.toml"
    path.write_text("[mate]")
    run = sides.recorded("program.py", limits=["--trace-filter", path])
    assert (run.status, run.out) == (2, "")
    assert "unknown key 'mate'" in run.err
    assert not (sides.recording / "trace.ctr").exists()


@pytest.mark.parametrize("name", cases(VIEW, BUGS))
def test_the_program_sees_nothing_of_its_filters(sides, name):
    """The programs of test_harmless_view, under filters that need expressions and imports."""
    text = filters(
        ("pkg:regex:.", {}, ("local:regex:^q.*z$", "redact"), ("arg:[q]x", "drop")),
        ("file:**/nothing/*.py", {"exec": "skip"}),
    )
    path = sides.work.parent / "filter.toml"
    path.write_text(text)
    environment = {"CODETRACER_TRACE_FILTER": str(path)}
    sides.compare(textwrap.dedent(VIEW[name]), variables=environment, verify=False)


def test_the_api_takes_filters(tmp_path):
    (tmp_path / "a.toml").write_text(filters(("pkg:*", {}, ("local:plain", "redact"))))
    (tmp_path / "b.toml").write_text(filters(("obj:*", {}, ("local:regex:^other$", "drop"))))
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import sys
            import codetracer_python_recorder as recorder
            with recorder.trace("out"):
                before = set(sys.modules)
            def f():
                plain, other = sys.argv[1:]
                return 1
            for filters in (["a.toml", "b.toml"], "a.toml::b.toml"):
                with recorder.trace("out", format="json", trace_filter=filters):
                    f()
            new = sorted(set(sys.modules) - before)
            print([n for n in new if not n.startswith("codetracer") and n != "atexit"])
            import re, tomllib
            print(re.search("b+", "abbc").group(), tomllib.loads("a = 1"))
            """
        )
    )
    command = [sys.executable, program, "plain-secret", "other-secret"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "[]\nbb {'a': 1}\n"
    metadata = json.loads((tmp_path / "out/trace_metadata.json").read_text())
    assert [f["name"] for f in metadata["trace_filter"]["filters"]] == ["builtin-default", "t", "t"]
    stats = metadata["trace_filter"]["stats"]
    assert stats["value_drops"]["local"] == 1
    # The second file's list takes the place of the first one's.
    assert "plain-secret" in (tmp_path / "out/trace.json").read_text()


def test_what_one_function_may_not_show_is_shown_by_none(sides):
    """Attributes and globals have one state; their dicts hold the same."""
    program = """
        import models
        def f(user):
            x = user.plain
            return 1
        def g(user):
            inside = vars(user)
            copy = dict(inside)
            return len(copy)
        user = models.User(given)
        setting = given
        f(user), g(user)
        """
    sides.write("class User:\n def __init__(self, plain):\n  self.plain = plain\n", "models.py")
    patterns = [("attr:plain", "drop"), ("global:setting", "drop"), ("local:x", "drop")]
    hide_argument = ("obj:models.*", {}, ("arg:plain", "drop"))
    for selector in ("obj:__main__.f", "pkg:models", "file:**/models.py"):
        rules = [hide_argument, (selector, {}, *patterns, ("arg:plain", "drop"))]
        rules += [("pkg:__main__", {}, *patterns[1:])]
        record(sides, program, filters(*rules))
        (sides.recording / "trace.json").unlink()
        assert_nowhere(sides)


@pytest.mark.parametrize(
    ("io", "recorded"),
    [
        ("", "oe"),
        ("[io]\ncapture = true\nstreams = ['stdout', 'stderr', 'stdin', 'files']", "oe"),
        ("[io]\ncapture = true\nstreams = ['stdout']", "o"),
        ("[io]\ncapture = true\nstreams = ['stderr']", "e"),
        ("[io]\ncapture = false", ""),
        ("[io]", ""),
    ],
)
def test_a_filter_switches_the_streams(sides, io, recorded):
    program = "import sys\nsys.stdout.write('o')\nsys.stderr.write('e\\n')\n"
    run, _ = record(sides, program, filters(head=HEAD + io))
    assert (run.out, run.err) == ("o", "e\n")
    assert sides.printed("--output").strip() == recorded


def test_without_sources(sides):
    sides.write("x = 'written in the source'; y = len(x)\n")
    sides.recorded("program.py", limits=["--no-sources"])
    assert "print(" not in sides.printed()
    assert "len(x)" not in sides.printed()


@pytest.mark.parametrize("way", ["command line", "variable", "auto-start"])
def test_other_ways_to_record_take_filters(tmp_path, way):
    (tmp_path / "f.toml").write_text(filters(("pkg:*", {}, ("local:plain", "drop"))))
    (tmp_path / "program.py").write_text(
        "def f():\n  plain = 'not for the disk'.upper()\n  return 1\n"
        "def g():\n  return 2\nf()\ng()\n"
    )
    out = str(tmp_path / "out")
    variables = {"CODETRACER_TRACE_FILTER": "f.toml"}
    module = ["-m", "codetracer_python_recorder", "-o", out, "--format", "json"]
    command, variables = {
        "command line": ([*module, "--trace-filter", "f.toml", "--skip=obj:*.g"], {}),
        "variable": ([*module, "--skip", "obj:*.g"], variables),
        "auto-start": (
            ["-c", "import codetracer_python_recorder, runpy; runpy.run_path('program.py')"],
            {**variables, "CODETRACER_TRACE": out, "CODETRACER_FORMAT": "json"},
        ),
    }[way]
    command = [sys.executable, *command, *([] if way == "auto-start" else ["program.py"])]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")} | variables
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "out/trace.json").read_text()
    assert "NOT FOR THE DISK" not in text
    functions = {one["Function"]["name"] for one in json.loads(text) if "Function" in one}
    assert "f" in functions
    assert ("g" in functions) is (way == "auto-start")


def test_a_recorder_without_its_start_hook_takes_filters(sides):
    """`ct record` then runs the package as a module, which reads the filters itself."""
    sides.write(spoken("def f():\n plain = given\n return 1\ndef g(): return 2\nf(), g()\n"))
    path = sides.work.parent / "filter.toml"
    path.write_text(filters(("pkg:*", {}, ("local:plain", "redact"))))
    site = sides.work.parent / "site"
    shutil.copytree(Path(_recorder.__file__).parent, site / "codetracer_python_recorder")
    bare = sides.work.parent / "python"
    bare.write_text(f'#!/bin/sh\nPYTHONPATH="{site}" exec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    limits = ["--trace-filter", path, "--skip", "obj:*.g", "--no-sources"]
    run = sides.recorded(
        "program.py", limits=limits, variables={"CODETRACER_PYTHON_INTERPRETER": str(bare)}
    )
    assert (run.status, run.err) == (0, "")
    assert names(sides) == {"<module>", "f"}
    assert_nowhere(sides)
