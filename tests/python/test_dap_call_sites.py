"""The columns of callers: where they are told, they are those that Python knew when it ran."""

import ast
from pathlib import Path

import pytest
from dap_client import Client
from engine import record

PROGRAM = Path(__file__).resolve().parent.parent / "programs" / "places" / "call_sites.py"
LINES = PROGRAM.read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def recording(ct, tmp_path_factory):
    program = tmp_path_factory.mktemp("sites") / "program.py"
    text = PROGRAM.read_text("utf-8")
    tell = f"open({str(program.parent / 'told')!r}, 'w').write(repr(TOLD))"
    program.write_text(text.replace("print(len(TOLD))", tell), "utf-8")
    return record(ct, program, program.parent / "recording")


@pytest.fixture
def client(recording):
    with Client(recording) as made:
        made.ask("configurationDone")
        yield made


def line_of(text):
    return LINES.index(f"    {text}") + 1


def units(text):
    return len(text.encode("utf-16-le")) // 2


def column(line, offset):
    """A column as DAP counts, of one in bytes."""
    return 1 + units(LINES[line - 1].encode()[:offset].decode())


def truth(recording):
    """What the program found out about the callers of each call of where()."""
    return ast.literal_eval((recording.parent / "told").read_text("utf-8"))


def source(frame):
    """The expression that a frame's columns mark."""
    lines = LINES[frame["line"] - 1 : frame["endLine"]]
    texts = [line.encode("utf-16-le") for line in lines]
    texts[-1] = texts[-1][: 2 * (frame["endColumn"] - 1)]
    texts[0] = texts[0][2 * (frame["column"] - 1) :]
    return b"\n\0".join(texts).decode("utf-16-le")


def each_where(client):
    """The frames around each call of where()."""
    made = client.ask("ct/search-calltrace", value="where", count=10_000)["calls"]
    for call in made:
        client.ask("ct/move", move="callStart", call=call["key"])
        frames = client.ask("stackTrace", threadId=1)["stackFrames"]
        assert frames[0]["name"] == "where"
        yield frames[1:]


# Lines of which some calls are not told: by whom they were made is not for sure.
DOUBTFUL = """
(a + b).m(f(1))
[f(x) + f(x) for x in range(2)]
a(1), f(2)
a.p + b.p + f(a.p)
a[f(1)], a[2]
any(g(x) for x in range(2))
asyncio.run(asked())
await awaited(1) + await awaited(2)
a, b = counted(2)
c = counted(1); next(c); f(2)
c and f(1) or f(2)
cached(1) + cached(3)
cached(1) + f(2) + cached(4)
f(1) and f(0) and f(3)
f(1) if c else f(2)
for _ in counted(2): f(1)
for i in counted(1):
functools.partial(f, 1)()
gives()(1)
gives()(1) + f(2)
list(counted(2))
list(map(f, [1])) + [f(2)]
list(map(lambda x: g(x), [1]))
sorted([2, 1], key=f) and f(3)
sum(f(x) for x in range(2))
with opened(1) as x, opened(f(2)):
{f(x): g(x) for x in range(2) if f(x) is not None}
"""


def test_columns_are_never_wrong_and_told_where_there_is_no_doubt(recording, client):
    told = set()
    for places, frames in zip(truth(recording), each_where(client), strict=True):
        assert len(places) == len(frames)
        for (name, line, end_line, begin, end), frame in zip(places, frames, strict=True):
            assert (frame["name"].split(".")[-1], frame["line"]) == (name, line)
            text = LINES[line - 1]
            if "endColumn" not in frame:
                assert text.strip() in DOUBTFUL.splitlines()
                continue
            if source(frame).startswith("awaited") and text[begin:].startswith("await "):
                begin += len("await ")  # Python tells what awaits it
            found = (frame["column"], frame["endLine"], frame["endColumn"])
            assert found == (column(line, begin), end_line, column(end_line, end)), text
            told.add((text.strip(), source(frame)))
    for line, calls in {
        "f(1) + f(2)": ["f(1)", "f(2)"],
        "f(f(f(1)))": ["f(1)", "f(f(1))", "f(f(f(1)))"],
        'größe = f(1); ä = g("ü"); f("😀" * f(2), f(3))': [
            "f(3)",
            'g("ü")',
            'f("😀" * f(2), f(3))',
        ],
        "fails(0) + fails(n) + fails(0)": ["fails(0)", "fails(n)"],
        "a.m(1).m(2).m(a.m(3))": ["a.m(1)", "a.m(1).m(2)", "a.m(3)", "a.m(1).m(2).m(a.m(3))"],
        "Base(f(1)).m(Child(3))": ["Base(f(1))", "f(1)", "Child(3)"],
        "sorted([2, 1], key=g)": ["sorted([2, 1], key=g)"],
        "return 1 if n < 2 else recursive(n - 1) + recursive(n - 2)": [
            "recursive(n - 1)",
            "recursive(n - 2)",
        ],
        "return f(": ["f(\n        f(1),\n        g(\n            2,\n        ),\n    )"],
    }.items():
        for call in calls:
            assert (line, call) in told


def test_the_caller_of_a_frame_that_was_left_has_columns_too(client):
    client.ask("ct/move", move="line", path="program.py", line=line_of("return f(x)"))
    frames = client.ask("stackTrace", threadId=1)["stackFrames"]
    assert (frames[0]["column"], "endColumn" in frames[0]) == (1, False)
    client.ask("stepOut")
    left = client.ask("stackTrace", threadId=1)["stackFrames"][0]
    assert (left["name"], source(left)) == ("plain", "g(1)")


DEEP = """\
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def deep(n):
    return fib(12) if n == 0 else deep(n - 1) + fib(2) + deep(-1) if n > 0 else 0

deep(60)
"""


def test_of_a_deep_stack_only_the_topmost_callers_are_searched_for(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(DEEP)
    with Client(record(ct, program, tmp_path / "recording")) as client:
        client.ask("configurationDone")
        client.ask("ct/move", move="line", path="program.py", line=2)
        frames = client.ask("stackTrace", threadId=1, levels=100)["stackFrames"]
        known = [frame["name"] for frame in frames if "endColumn" in frame]
        assert 1 <= known.count("deep") <= 8
        assert known[-1] == "<module>"
