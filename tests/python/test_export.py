"""`ct export` and the exports the recorder makes: every rule an exported folder must respect.

The rules are those of docs/reference/compatibility.md, "What CodeTracer refuses".
"""

import itertools
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from event_stream import Event, read_binary, read_json
from sanitizer import own_memory

PROGRAM = """\
import os
import sys
import threading

class Node:
    def __init__(self, inner):
        self.inner = inner

def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value

def count(to):
    for i in range(to):
        yield i

def work(results):
    for number in count(3):
        results.append(number)

me = []
me.append(me)
both = {"me": me}
nested = deep(100)
odd = "lone \\ud800 surrogate"
text = "null \\0 and \\x1b and é and 🐍"
huge = 10 ** 30
largest = 2 ** 63 - 1
smallest = -(2 ** 63)
number = float("nan")
results = []
threads = [threading.Thread(target=work, args=(results,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
half = count(5)
next(half)
print("partial", end="")
sys.stderr.write("to stderr\\n")

def made(source, path, **fields):
    exec(compile(source, path, "exec").replace(**fields), {"nested": nested, "both": both})

def hostile():
    made("\\n" * 500 + "aa = 1", __file__)
    made("\\n" * 500 + "def late(): return 1\\nlate()", os.path.abspath("empty.py"))
    made("\\n" * 500 + "aa = 1", "/proc/nowhere.py")
    made("aa = 1", __file__, co_firstlineno=0)
    made("aa = 1", "relative/one.py")
    made("bb = 2", os.path.abspath("relative/one.py"))
    made("cc = 3", "")
    made("dd = 4", "odd \\udcff.py")
    made("def inside(a, *b, **c): return a\\ninside(nested, both, key=[nested])", __file__)
    made("x = 1", __file__, co_name="\\ud800", co_qualname="\\ud800")
    strange = type("é 🐍", (), {"__module__": "\\ud800"})()
    globals()["\\udfff name"] = ({"\\udfff": "\\ud800"}, {1.5: float("inf")}, b"\\xff", 1e400)
    try:
        raise ValueError("\\ud800")
    except ValueError as error:
        print(ascii(error))
    sys.stdout.buffer.write(b"\\xff\\xfe\\n")
    return strange, nested

ends = {
    "returns": lambda: None,
    "raises": lambda: 1 // 0,
    "exits": lambda: sys.exit(3),
    "hostile": hostile,
}
ends[sys.argv[1]]()
"""

ENDS = {"returns": 0, "raises": 1, "exits": 3, "hostile": 0}
KNOWN = {"Path", "Function", "Call", "Type", "VariableName", "Step", "Value", "Return", "Event"}
DEEPEST = {"json": 60, "binary": 28}


def record(python: str, folder: Path, end: str, form: str = "ctr") -> Path:
    """Record the program and return the recording."""
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    (folder / "empty.py").touch()
    out = folder / "recording"
    command = [python, "-m", "codetracer_python_recorder", "--trace-dir", out, "--format", form]
    done = subprocess.run([*command, program, end], cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == ENDS[end], done.stderr.decode()
    return out


def export(ct: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `ct export`."""
    command = [str(ct), "export", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module", params=sorted(ENDS))
def recording(request: pytest.FixtureRequest, python: str, tmp_path_factory: Any) -> Path:
    """Return a recording of each way to end."""
    return record(python, tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(params=["json", "binary"])
def events(
    request: pytest.FixtureRequest, ct: Path, recording: Path, tmp_path: Path
) -> tuple[str, list[Event]]:
    """Return the format and its events."""
    path = tmp_path / "exported"
    done = export(ct, recording, "--format", request.param, "-o", path)
    assert done.returncode == 0, done.stderr
    read = read_json if request.param == "json" else read_binary
    return request.param, read(path)


def payloads(events: list[Event], kind: str) -> list[Any]:
    return [event[kind] for event in events if kind in event]


def values(events: list[Event]) -> list[Any]:
    """Return every value at its top."""
    found = [about["value"] for about in payloads(events, "Value")]
    found += [about["return_value"] for about in payloads(events, "Return")]
    return found + [arg["value"] for call in payloads(events, "Call") for arg in call["args"]]


def flat(value: Event) -> list[Event]:
    return [value] + [inner for element in value.get("elements", ()) for inner in flat(element)]


def depth(value: Event) -> int:
    return 1 + max((depth(element) for element in value.get("elements", ())), default=0)


# ---- the rules -----------------------------------------------------------------------------------


def test_the_side_files_have_what_is_required(recording: Path) -> None:
    metadata = json.loads((recording / "trace_metadata.json").read_text(encoding="utf-8"))
    assert os.path.isabs(metadata["workdir"])
    assert metadata["program"].endswith("program.py")
    assert all(isinstance(argument, str) for argument in metadata["args"])
    assert metadata["process_exit_status"]["code"] == ENDS[metadata["args"][0]]
    assert json.loads((recording / "trace_paths.json").read_bytes())[0].endswith("program.py")
    assert all((path.stat().st_mode & 0o777) == 0o600 for path in recording.iterdir())


def test_one_record_has_one_known_tag(events: tuple[str, list[Event]]) -> None:
    assert all(len(event) == 1 and event.keys() <= KNOWN for event in events[1])


def test_values_are_of_the_kinds_and_ranges_a_reader_takes(
    events: tuple[str, list[Event]],
) -> None:
    for value in [inner for top in values(events[1]) for inner in flat(top)]:
        match value["kind"]:
            case "Int":
                assert type(value["i"]) is int
                assert -(2**63) <= value["i"] < 2**63
            case "Bool":
                assert type(value["b"]) is bool
            case "Sequence":
                assert value["is_slice"] is False
            case "String" | "Raw" | "Error":
                text = value.get("text", value.get("r", value.get("msg")))
                assert text.encode("utf-8").decode("utf-8") == text
            case kind:
                assert kind in ("None", "Tuple")


def test_no_value_is_deeper_than_a_reader_goes(events: tuple[str, list[Event]]) -> None:
    form, found = events
    assert max(map(depth, values(found))) == DEEPEST[form]


def test_ids_come_before_their_use(events: tuple[str, list[Event]]) -> None:
    known = dict.fromkeys(("Path", "Function", "VariableName", "Type"), 0)
    for event in events[1]:
        ((kind, about),) = event.items()
        if kind in known:
            known[kind] += 1
        if kind in ("Step", "Function"):
            assert about["path_id"] < known["Path"]
        if kind == "Call":
            assert about["function_id"] < known["Function"]
        for argument in about["args"] if kind == "Call" else [about] if kind == "Value" else []:
            assert argument["variable_id"] < known["VariableName"]
        for value in values([event]):
            assert all(inner["type_id"] < known["Type"] for inner in flat(value))


def test_definitions_are_not_repeated(events: tuple[str, list[Event]]) -> None:
    for kind in ("Path", "VariableName"):
        found = payloads(events[1], kind)
        assert len(found) == len(set(found))
    types = [about["lang_type"] for about in payloads(events[1], "Type")]
    assert len(types) == len(set(types))


def test_the_first_type_is_none(events: tuple[str, list[Event]]) -> None:
    assert payloads(events[1], "Type")[0]["kind"] == 30
    assert payloads(events[1], "Type")[0]["lang_type"] == "None"


def test_calls_and_returns_balance(events: tuple[str, list[Event]]) -> None:
    """<toplevel> is called first and returned from last; nothing returns from it before."""
    changes = [("Call" in event) - ("Return" in event) for event in events[1]]
    open_calls = list(itertools.accumulate(changes))
    first = changes.index(1)
    assert all(count > 0 for count in open_calls[first:-1])
    assert open_calls[-1] == 0


def test_a_call_is_open_before_the_first_step(events: tuple[str, list[Event]]) -> None:
    kinds = [next(iter(event)) for event in events[1]]
    assert kinds.index("Call") < kinds.index("Step")
    assert kinds.index("Step") < kinds.index("Value")


def test_toplevel_has_a_step_of_its_own(events: tuple[str, list[Event]]) -> None:
    kinds = [next(iter(event)) for event in events[1]]
    steps_and_calls = [kind for kind in kinds if kind in ("Step", "Call")]
    assert steps_and_calls[:4] == ["Call", "Step", "Step", "Call"]


def test_every_call_follows_a_step_at_its_definition(events: tuple[str, list[Event]]) -> None:
    functions = payloads(events[1], "Function")
    latest = None
    for index, event in enumerate(events[1]):
        if "Call" in event and index > 2:
            function = functions[event["Call"]["function_id"]]
            assert latest == {"path_id": function["path_id"], "line": function["line"]}
        latest = event.get("Step", latest)


def lines_of(path: str) -> float:
    """Return how many lines a file has, an empty one too; infinity if it cannot be read."""
    return max(Path(path).read_bytes().count(b"\n"), 1) if os.path.isfile(path) else math.inf


def test_lines_and_paths_can_be_opened(events: tuple[str, list[Event]]) -> None:
    """Also where code has lines its file does not have, which end CodeTracer's backend."""
    paths = payloads(events[1], "Path")
    lines = list(map(lines_of, paths))
    assert all(map(os.path.isabs, paths))
    for place in payloads(events[1], "Step") + payloads(events[1], "Function"):
        assert 1 <= place["line"] <= lines[place["path_id"]]
    for about in payloads(events[1], "Event"):
        place = json.loads(about["metadata"]) if about["metadata"] else {"path_id": None}
        if place["path_id"] is not None:
            assert 1 <= place["line"] <= lines[place["path_id"]]
    assert {step["path_id"] for step in payloads(events[1], "Step")} == set(range(len(paths)))


def texts(value: Any) -> Iterator[str]:
    """Every text in what was read, names of members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        yield from itertools.chain.from_iterable(map(texts, value.values()))
    elif isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(texts, value))


def test_every_text_is_utf8(events: tuple[str, list[Event]]) -> None:
    assert all(text.encode("utf-8") is not None for text in texts(events[1]))


def refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def test_json_is_one_array_without_a_mark(ct: Path, recording: Path, tmp_path: Path) -> None:
    """Nor with the words for numbers that only Python takes."""
    assert export(ct, recording, "-o", tmp_path).returncode == 0
    for path in tmp_path.glob("*.json"):
        data = path.read_bytes()
        assert not data.startswith(b"\xef\xbb\xbf")
        json.loads(data.decode("utf-8"), parse_constant=refuse)
    assert isinstance(json.loads((tmp_path / "trace.json").read_bytes()), list)


def test_an_uncaught_exception_is_the_last_event(
    events: tuple[str, list[Event]], recording: Path
) -> None:
    errors = [about for about in payloads(events[1], "Event") if about["kind"] == 11]
    raises = "raises" in json.loads((recording / "trace_metadata.json").read_bytes())["args"]
    assert [about["content"] for about in errors] == (
        ["ZeroDivisionError: integer division or modulo by zero"] if raises else []
    )
    if raises:
        assert "Event" in events[1][-2]


def test_written_text_is_cut_at_lines_and_steps(events: tuple[str, list[Event]]) -> None:
    found = {
        about["content"]: (about["kind"], json.loads(about["metadata"]))
        for about in payloads(events[1], "Event")
        if about["kind"] != 11
    }
    assert found["partial"][0] == 0
    assert found["partial"][1]["flags"] == ["step_boundary"]
    assert found["to stderr\n"][0] == 2
    assert found["to stderr\n"][1]["stream"] == "stderr"
    assert (
        found["to stderr\n"][1]["line"]
        == PROGRAM.splitlines().index('sys.stderr.write("to stderr\\n")') + 1
    )


def test_threads_follow_one_another(events: tuple[str, list[Event]]) -> None:
    """The three calls of `work` lie side by side, never one inside another."""
    functions = [about["name"] for about in payloads(events[1], "Function")]
    stack: list[str] = []
    parents = []
    for event in events[1]:
        if "Call" in event:
            name = functions[event["Call"]["function_id"]]
            if name == "work":
                parents.append(list(stack))
            stack.append(name)
        elif "Return" in event:
            stack.pop()
    assert parents == [["<toplevel>"]] * 3


def test_both_formats_say_the_same(ct: Path, recording: Path, tmp_path: Path) -> None:
    """Apart from values that one of them cannot nest as deeply."""
    assert export(ct, recording, "-o", tmp_path / "a.json").returncode == 0
    assert export(ct, recording, "-o", tmp_path / "a.bin").returncode == 0
    one, other = read_json(tmp_path / "a.json"), read_binary(tmp_path / "a.bin")
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        if max(map(depth, values([left])), default=0) < DEEPEST["binary"]:
            assert left == right


# ---- the command ---------------------------------------------------------------------------------


def test_a_folder_gets_the_side_files_too(ct: Path, recording: Path, tmp_path: Path) -> None:
    done = export(ct, recording, "--format", "binary", "-o", f"{tmp_path}/new/folder/")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/new/folder/trace.bin\n"
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == {"trace.bin", "trace_metadata.json", "trace_paths.json"}


def test_never_both_files_in_one_folder(ct: Path, recording: Path, tmp_path: Path) -> None:
    assert export(ct, recording, "-o", tmp_path).returncode == 0
    done = export(ct, recording, "--format", "binary", "-o", tmp_path)
    assert done.returncode == 1
    assert "trace.json" in done.stderr
    assert not (tmp_path / "trace.bin").exists()


@pytest.mark.parametrize("form", ["json", "binary"])
def test_an_export_replaces_an_earlier_one_and_nothing_else(
    ct: Path, recording: Path, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "made"
    for earlier in ("json", "binary", form):
        assert export(ct, recording, "--format", earlier, "-o", path).returncode == 0
    whole = path.read_bytes()
    foreign = [
        b"",
        b"my notes",
        b"[1, 2]",
        b'[{"name":"precious"}]',
        b'[{"Path":"/mine"}]',
        whole[:2],
    ]
    for kept in (*foreign, (recording / "trace.ctr").read_bytes()):
        path.write_bytes(kept)
        done = export(ct, recording, "--format", form, "-o", path)
        assert done.returncode == 1
        assert f"'{path}' is there already" in done.stderr
        assert path.read_bytes() == kept
    assert [file.name for file in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize("name", ["trace_metadata.json", "trace_paths.json"])
@pytest.mark.parametrize("kept", [b"", b"notes", b'{"args":[]}', b'["mine"]', b'[{"Path":"/a"}]'])
def test_side_files_replace_nothing_else_either(
    ct: Path, recording: Path, tmp_path: Path, name: str, kept: bytes
) -> None:
    assert export(ct, recording, "-o", tmp_path).returncode == 0
    assert export(ct, recording, "-o", tmp_path).returncode == 0
    (tmp_path / "trace.json").unlink()
    (tmp_path / name).write_bytes(kept)
    done = export(ct, recording, "-o", tmp_path)
    assert done.returncode == 1
    assert f"'{tmp_path / name}' is there already" in done.stderr
    assert (tmp_path / name).read_bytes() == kept
    assert not (tmp_path / "trace.json").exists()


def test_a_file_of_the_recordings_own_folder_stays_too(python: str, tmp_path: Path) -> None:
    out = tmp_path / "recording"
    out.mkdir()
    for name in ("trace.json", "trace.bin"):
        (out / name).write_bytes(b"mine")
    record(python, tmp_path, "returns", "json")
    assert (out / "trace.json").read_bytes() == (out / "trace.bin").read_bytes() == b"mine"


def test_a_link_stays_and_leads_to_the_export(ct: Path, recording: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    done = export(ct, recording, "-o", link)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot follow the link '{link}'" in done.stderr
    target.write_bytes(b"mine")
    assert export(ct, recording, "-o", link).returncode == 1
    assert target.read_bytes() == b"mine"
    target.unlink()
    assert export(ct, recording, "--format", "binary", "-o", target).returncode == 0
    assert export(ct, recording, "-o", link).returncode == 0
    assert link.is_symlink()
    assert read_json(target) == read_json(link)
    assert [file.name for file in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("device", ["/dev/null", "pipe", "/dev/stdout"])
def test_what_a_link_to_a_device_leads_to_stays(
    ct: Path, recording: Path, tmp_path: Path, device: str
) -> None:
    if device == "pipe":
        device = str(tmp_path / device)
        os.mkfifo(device)
    link = tmp_path / "link"
    link.symlink_to(device)
    done = export(ct, recording, "-o", link)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it is no file" in done.stderr
    assert link.is_symlink()
    assert os.readlink(link) == device


def test_files_beside_it_are_left_alone(ct: Path, recording: Path, tmp_path: Path) -> None:
    beside = tmp_path / "o.json.part"
    beside.write_text("mine")
    beside.chmod(0o644)
    for _ in range(2):
        assert export(ct, recording, "-o", tmp_path / "o.json").returncode == 0
        assert beside.read_text() == "mine"
        assert (tmp_path / "o.json").stat().st_mode & 0o777 == 0o600
        assert {file.name for file in tmp_path.iterdir()} == {"o.json", "o.json.part"}


def test_two_exports_to_one_name_and_one_that_is_killed(
    ct: Path, python: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("rows = list(range(200))\nfor i in range(8000):\n    j = i\n")
    out, folder = tmp_path / "recording", tmp_path / "made"
    folder.mkdir()
    command = [python, "-m", "codetracer_python_recorder", "--trace-dir", out, "--format", "ctr"]
    subprocess.run([*command, program], check=True, timeout=60)
    path = folder / "made"
    exporting = [str(ct), "export", str(out), "-o", str(path)]
    assert subprocess.run(exporting, stdout=subprocess.DEVNULL, timeout=60).returncode == 0
    whole = path.read_bytes()
    first, second, killed = (
        subprocess.Popen(exporting, stdout=subprocess.DEVNULL) for _ in range(3)
    )
    time.sleep(0.05)
    killed.kill()
    assert first.wait(60) == second.wait(60) == 0
    assert killed.wait(60) in (0, -signal.SIGKILL)
    assert path.read_bytes() == whole
    assert [file.name for file in folder.iterdir()] == ["made"]


def test_a_limit_leaves_no_file_and_says_how_to_go_on(
    ct: Path, recording: Path, tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"
    done = export(ct, recording, "-o", path, "--limit", "10K")
    assert done.returncode == 1
    command = f"ct export --format json --limit 0 -o '{path}' '{recording}'"
    assert command in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert export(ct, recording, "-o", path, "--limit", "0").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["missing"], 1),
        (["one", "two"], 2),
        (["--format", "xml", "."], 2),
        (["-o", "-", "."], 2),
        (["."], 1),
    ],
)
def test_bad_requests(ct: Path, tmp_path: Path, arguments: list[str], status: int) -> None:
    command = [str(ct), "export", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(ct: Path, recording: Path) -> None:
    done = export(ct, recording, "-o", "/proc/nowhere/trace.json")
    assert done.returncode == 1
    assert "/proc/nowhere" in done.stderr


@pytest.mark.parametrize("name", ["new/sub/made.json", "new/folder/", "new//folder//", "made.json"])
def test_missing_folders_are_made_and_go_with_what_was_not_made(
    ct: Path, recording: Path, tmp_path: Path, name: str
) -> None:
    done = export(ct, recording, "-o", f"{tmp_path}/{name}", "--limit", "10")
    assert done.returncode == 1
    assert "its limit of 10 bytes" in done.stderr
    assert list(tmp_path.iterdir()) == []
    done = export(ct, recording, "-o", f"{tmp_path}/{name}")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    (tmp_path / "kept").mkdir()
    assert export(ct, recording, "-o", f"{tmp_path}/kept/", "--limit", "10").returncode == 1
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize(("form", "name"), [("json", "trace.json"), ("binary", "trace.bin")])
def test_the_recorder_exports_what_was_asked_for(
    python: str, tmp_path: Path, form: str, name: str
) -> None:
    out = record(python, tmp_path, "returns", form)
    names = {path.name for path in out.iterdir()}
    assert names == {"trace.ctr", name, "trace_metadata.json", "trace_paths.json"}


def measured_export(ct: Path, python: str, folder: Path, source: str, form: str) -> tuple[int, int]:
    """Record and export a program: peak memory of the export and size of its file, in bytes."""
    program = folder / "program.py"
    program.write_text(source)
    out = folder / "recording"
    command = [python, "-m", "codetracer_python_recorder", "--trace-dir", out, "--format", "ctr"]
    subprocess.run([*command, "--max-text", "0", program], check=True, timeout=60)
    measure = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    made = folder / "made"
    exporting = [ct, "export", out, "--limit", "0", "--format", form, "-o", made]
    done = subprocess.run(
        [python, "-c", measure, *exporting], check=True, capture_output=True, text=True, timeout=120
    )
    size = made.stat().st_size
    made.unlink()
    return int(done.stdout.split()[-1]) * 1024, size


def test_memory_stays_small(ct: Path, python: str, tmp_path: Path) -> None:
    source = (
        "def run(n):\n    total = 0\n    for i in range(n):\n        total += i\n"
        "    return total\nrows = list(range(200))\nrun(40_000)\n"
    )
    memory, size = measured_export(ct, python, tmp_path, source, "json")
    assert size > 500_000_000
    assert memory < 64 << 20


@own_memory
@pytest.mark.parametrize("form", ["json", "binary"])
@pytest.mark.parametrize(
    "source",
    [
        # Eight arguments of 15 MiB each, which share one text; then 250 of half a MiB.
        "def f(a, b, c, d, e, g, h, i): pass\n"
        "f(*[[text] * 150 for text in ['x' * 100_000] for _ in range(8)])\n",
        f"def f({', '.join(f'a{i}' for i in range(250))}): pass\n"
        "f(*[[text] * 5 for text in ['x' * 100_000] for _ in range(250)])\n",
    ],
    ids=["long arguments", "many arguments"],
)
def test_memory_of_one_call_stays_small(
    ct: Path, python: str, tmp_path: Path, form: str, source: str
) -> None:
    memory, size = measured_export(ct, python, tmp_path, source, form)
    assert size > 100 << 20  # the lines behind the call have each argument whole
    assert memory < 64 << 20
