"""Source files in other encodings than UTF-8 are shown as Python reads them."""

import io
import tokenize

import pytest
from dap_client import Client
from engine import record

PROGRAM = 'def f(é):\n    s = "ü" + é\n    return s\nf("ä")\nprint(len(f("ß")))\n'
COOKIE = "# -*- coding: {} -*-\n"


def python_reads(path):
    """The text of a file as the interpreter decodes it, with its line ends as they are."""
    data = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding)


@pytest.mark.parametrize(
    ("cookie", "encoding"),
    [
        ("# -*- coding: latin-1 -*-\n", "latin-1"),
        ("#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n", "cp1252"),
        ("\n\t# coding=iso_8859_15\r\n", "iso-8859-15"),
        ("# coding: utf-8\n", "utf-8"),
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ("# coding: utf-8\n", "utf-8-sig"),
        ("# encoding: mac_roman\r\n", "mac-roman"),
    ],
)
def test_a_source_is_shown_as_python_reads_it(ct, tmp_path, cookie, encoding):
    path = tmp_path / "program.py"
    path.write_bytes((cookie + PROGRAM).encode(encoding))
    with Client(record(ct, path, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        source = {"source": {"path": str(path)}}
        assert client.ask("source", **source, sourceReference=0)["content"] == python_reads(path)
        line = python_reads(path).splitlines().index("    return s") + 1
        client.ask("setBreakpoints", **source, breakpoints=[{"line": line}])
        assert client.ask("continue")["reason"] == "breakpoint"
        frame = client.ask("stackTrace", threadId=1)["stackFrames"][0]
        assert "origin" not in frame["source"]  # what is on the disk is what ran
        assert client.ask("evaluate", expression="é", frameId=frame["id"])["result"] == "'ä'"


def test_columns_are_those_of_the_text(ct, tmp_path):
    """What a call is found by in its line stands behind letters of two bytes in UTF-8."""
    path = tmp_path / "program.py"
    text = COOKIE.format("latin-1") + "def f(é):\n    return é\né = ü = 1; f(é); f(ü)\n"
    path.write_bytes(text.encode("latin-1"))
    with Client(record(ct, path, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        source = {"source": {"path": str(path)}}
        client.ask("setBreakpoints", **source, breakpoints=[{"line": 3}])
        columns = []
        while client.ask("continue")["end"] == "moved":
            columns.append(client.ask("stackTrace", threadId=1)["stackFrames"][1]["column"])
    line = "é = ü = 1; f(é); f(ü)"
    assert columns == [line.index("f(é)") + 1, line.index("f(ü)") + 1]


@pytest.mark.parametrize(
    "head",
    ["# coding: no-such\n", "x = 1 # coding: latin-1\n", "# coding:\n", "# coding: ../../x\n"],
)
def test_what_is_no_encoding_is_shown_as_it_is(ct, tmp_path, head):
    """Such a file does not run; its recorded source has its bytes all the same."""
    path = tmp_path / "program.py"
    path.write_bytes((head + PROGRAM).encode("utf-8"))
    runner = tmp_path / "runner.py"
    runner.write_text(
        f"exec(compile('x = 1\\ny = 2\\n', {str(path)!r}, 'exec'))\n",
        encoding="utf-8",
    )
    with Client(record(ct, runner, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        answer = client.ask("source", source={"path": str(path)}, sourceReference=0)
        assert answer["content"] == (head + PROGRAM)
