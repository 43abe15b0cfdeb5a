"""`ct import`: what CodeTracer recorded becomes a recording, and nothing else gets in.

The round trip: a program is recorded, exported for CodeTracer, imported, and exported again. Both
exports must say the same of every step, call, return and output.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import zipfile

import pytest
from event_stream import unpack
from home import Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = ["arguments", "coroutines", "generators", "output_streams", "value_types"]
PROGRAMS = [
    *QUICK,
    *(
        pytest.param(name, marks=pytest.mark.long)
        for name in (
            "class_bodies",
            "contextmanagers",
            "dict_mutations",
            "exceptions_chained",
            "imports_sibling",
            "native_values",
            "recursion",
            "strings",
        )
    ),
]


@pytest.fixture
def home(ct, tmp_path):
    return Home(ct, tmp_path)


# ---- what a stream of events says


def plain(value, types):
    """A value without ids."""
    kind = value["kind"]
    inner = {k: v for k, v in value.items() if k not in ("kind", "type_id", "elements")}
    elements = [plain(element, types) for element in value.get("elements", [])]
    return [kind, types[value["type_id"]], inner, elements]


def normal(events):
    """What happened, with names in the place of ids, and a step's values in no order."""
    tables = {"Path": [], "VariableName": [], "Type": [], "Function": []}
    happened = []
    for event in events:
        ((kind, content),) = event.items()
        if kind in tables:
            name = content["lang_type"] if kind == "Type" else content
            tables[kind].append(name)
        elif kind == "Step":
            happened.append(["line", tables["Path"][content["path_id"]], content["line"], {}])
        elif kind == "Value":
            name = tables["VariableName"][content["variable_id"]]
            happened[-1][-1].setdefault(name, plain(content["value"], tables["Type"]))
        elif kind == "Call":
            function = tables["Function"][content["function_id"]]
            path = tables["Path"][function["path_id"]]
            names = [tables["VariableName"][item["variable_id"]] for item in content["args"]]
            values = [plain(item["value"], tables["Type"]) for item in content["args"]]
            call = [path, function["name"], function["line"], list(zip(names, values, strict=True))]
            happened.append(["call", call, {}])
        elif kind == "Return":
            happened.append(["return", plain(content["return_value"], tables["Type"]), {}])
        elif content["kind"] != 11:  # how the program ended has no place in a trace
            stream = json.loads(content["metadata"])["stream"]
            happened.append(["io", stream, content["content"], {}])
    return happened


def events_of(folder):
    return json.loads((folder / "trace.json").read_text(encoding="utf-8"))


def drop_arguments(happened, at, names):
    """What is called has its arguments as values behind the caller's step: not told apart there."""
    before = happened[at - 2] if at >= 2 else happened[0]
    before[-1] = {k: v for k, v in before[-1].items() if k not in names}


def assert_same(found, wanted):
    """Of a generator that goes on the file knows no arguments; our first line shows them."""
    found, wanted = normal(found), normal(wanted)
    for at, (one, other) in enumerate(zip(found, wanted, strict=False)):
        if one[0] == other[0] == "call":
            names = {name for name, _ in one[1][3] + other[1][3]}
            known = {name for name, _ in other[1][3]}
            one[1][3] = [item for item in one[1][3] if item[0] in known]
            drop_arguments(found, at, names)
            drop_arguments(wanted, at, names)
            if at + 1 < len(wanted):  # an argument stays for one line
                kept = {k: v for k, v in found[at + 1][-1].items() if k in wanted[at + 1][-1]}
                found[at + 1][-1] = kept
    for item in found + wanted:
        if item[0] != "line":
            item[-1].clear()
    assert found == wanted


def check(home, folder):
    """An import is a sound trace."""
    done = home.run("verify", folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def fetch(home, *words):
    done = home.run("import", *words)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"recorded with id [0-9a-f-]{36}\n", done.stdout)
    return done


# ---- the round trip


@pytest.mark.parametrize("program", PROGRAMS)
def test_import_says_what_the_export_said(home, root, program):
    source = root / "tests" / "programs" / f"{program}.py"
    home.run("record", "--unlisted", "--format", "json", "-o", "first", str(source))
    first = home.folder / "first"
    fetch(home, "first/trace.json", "again", "--unlisted")
    check(home, "again")
    home.run("export", "again")
    assert_same(events_of(home.folder / "again"), events_of(first))
    assert home.run("export", "first", "--format", "binary", "-o", "binary/").returncode == 0
    fetch(home, "binary", "from-binary", "--unlisted")
    check(home, "from-binary")
    home.run("export", "from-binary")
    assert events_of(home.folder / "from-binary") == events_of(home.folder / "again")
    same = ["args", "program", "workdir", "process_exit_status"]
    metadata = [
        json.loads((home.folder / name / "trace_metadata.json").read_text())
        for name in ("first", "again")
    ]
    assert [metadata[0][key] for key in same] == [metadata[1][key] for key in same]


def test_a_long_run_fills_many_blocks(home):
    text = "def f(n, xs):\n    y = str(n) * 9\n    return f(n - 1, xs + [y]) if n else xs\n"
    text += "for i in range(30):\n    last = f(i % 20, [])\n"
    home.run("record", "-o", "first", home.write("app.py", text))
    fetch(home, "first/trace.json", "again")
    check(home, "again")
    home.run("export", "again")
    assert_same(events_of(home.folder / "again"), events_of(home.folder / "first"))
    summary = home.run("print", "again", "--summary").stdout
    assert re.search(r"^milliseconds +0$", summary, re.MULTILINE), "there is no time in those files"


# ---- what a file must be


HEAD = [
    {"Path": "/app.py"},
    {"Function": {"path_id": 0, "line": 1, "name": "<toplevel>"}},
    {"Call": {"function_id": 0, "args": []}},
    {"Type": {"kind": 30, "lang_type": "None", "specific_info": {"kind": "None"}}},
    {"Step": {"path_id": 0, "line": 1}},
    {"VariableName": "x"},
]
NONE = {"kind": "None", "type_id": 0}


def value(**members):
    return {"Value": {"variable_id": 0, "value": {"type_id": 0, **members}}}


def write(home, events, **metadata):
    """Make a folder `src` of these events; text is taken as it is."""
    folder = home.folder / "src"
    folder.mkdir(exist_ok=True)
    text = events if isinstance(events, str) else json.dumps(events)
    (folder / "trace.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    about = {"program": "app.py", "args": ["a b"], "workdir": str(home.folder), **metadata}
    (folder / "trace_metadata.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def shown(home, folder="out"):
    """The lines of a recording: their number, and the variables at each."""
    done = home.run("print", folder, "--format", "json", "--steps")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_kind_of_value_becomes_one(home):
    types = [(7, "Int"), (27, "Tuple"), (0, "List"), (0, "Dict"), (1, "Set"), (16, "Object")]
    events = HEAD + [
        {"Type": {"kind": kind, "lang_type": name, "specific_info": {"kind": "None"}}}
        for kind, name in types
    ]
    info = {
        "kind": "Struct",
        "fields": [{"name": "px", "type_id": 1}, {"name": "py", "type_id": 1}],
    }
    events.append({"Type": {"kind": 6, "lang_type": "Point", "specific_info": info}})
    one, two = ({"kind": "Int", "i": i, "type_id": 1} for i in (1, 2))
    pair = {"kind": "Tuple", "elements": [one, two], "type_id": 2}
    inside = {"kind": "Sequence", "elements": [two], "is_slice": False, "type_id": 3}
    held = {"kind": "Tuple", "elements": [one, inside], "type_id": 2}
    cases = [
        (NONE, "None"),
        ({"kind": "Bool", "b": True, "type_id": 0}, "True"),
        ({"kind": "Int", "i": -(2**63), "type_id": 1}, str(-(2**63))),
        ({"kind": "Int", "i": "12", "type_id": 1}, "12"),
        ({"kind": "Float", "f": 1.5, "type_id": 0}, "1.5"),
        ({"kind": "Float", "f": "2.5", "type_id": 0}, "2.5"),
        ({"kind": "Float", "f": None, "type_id": 0}, "nan"),
        ({"kind": "String", "text": "ü\n", "type_id": 0}, "'ü\\n'"),
        ({"kind": "Char", "c": "c", "type_id": 0}, "'c'"),
        ({"kind": "Raw", "r": "<a \x1b[1m thing>", "type_id": 6}, "<a \\x1b[1m thing>"),
        ({"kind": "Error", "msg": "no value", "type_id": 6}, "no value"),
        ({"kind": "BigInt", "b": "AQAAAAAAAAAA", "negative": True, "type_id": 1}, str(-(2**64))),
        ({**pair}, "(1, 2)"),
        (
            {"kind": "Sequence", "elements": [one, pair], "is_slice": False, "type_id": 3},
            "[1, (1, 2)]",
        ),
        ({"kind": "Sequence", "elements": [pair], "is_slice": False, "type_id": 4}, "{1: 2}"),
        (held, "(1, [2])"),  # known as a tuple when it is a pair of a dict
        ({"kind": "Sequence", "elements": [held], "is_slice": False, "type_id": 4}, "{1: [2]}"),
        ({"kind": "Sequence", "elements": [one], "is_slice": False, "type_id": 4}, "[1]"),
        ({"kind": "Sequence", "elements": [one, two], "is_slice": False, "type_id": 5}, "{1, 2}"),
        ({"kind": "Struct", "field_values": [one, two], "type_id": 7}, "<Point px=1, py=2>"),
        (
            {
                "kind": "Reference",
                "dereferenced": two,
                "address": 7,
                "mutable": False,
                "type_id": 0,
            },
            "2",
        ),
        ({"type_id": 1, "i": 9, "kind": "Int", "more": [{}]}, "9"),
    ]
    for number, (given_value, _) in enumerate(cases):
        events.append({"Step": {"path_id": 0, "line": 10 + number}})
        events.append({"Value": {"variable_id": 0, "value": given_value}})
    write(home, events)
    fetch(home, "src", "out")
    check(home, "out")
    csv = home.run("print", "out", "--format", "json").stdout.splitlines()
    texts = [
        next(iter(event["locals"].values()), {}).get("repr")
        for event in map(json.loads, csv)
        if event.get("event") == "line"
    ]
    assert texts == [text for _, text in cases]


BAD = [
    ("", "byte 0: the file ends where a value should be"),
    ("{}", "an array of events should be there"),
    ("[1]", "event 1 (byte 1): an event should be there"),
    ("[{}]", "event 1 (byte 1): an event should be there"),
    ('["Path"]', "an event without content"),
    ('[{"Path": "a", "Path": "b"}]', "an event has one member"),
    ('[{"Frobnicate": 1}]', "'Frobnicate' is no kind of event"),
    ('[{"Path": 1}]', "a text should be there"),
    ('[{"Path": "a"}', "byte 14: the file ends where ',' or ']' should be"),
    ('[{"Path": "a"}] 1', "'1' where the end of the document should be"),
    ('[{"Path": "\ud800"}]', "text that is not UTF-8"),
    ([{"Step": {"path_id": 0, "line": 1}}], "event 1 (byte 1): there is no path 0 yet"),
    ([{"Step": {"line": 1}}], "a member is missing"),
    ([{"Step": {"path_id": 1.5, "line": 1}}], "an integer of 64 bits should be there"),
    ([{"Path": "a"}, {"Function": {"path_id": 1, "line": 1, "name": "f"}}], "no path 1 yet"),
    ([*HEAD, {"Call": {"function_id": 1, "args": []}}], "there is no function 1 yet"),
    ([*HEAD, {"Call": {"function_id": 0, "args": [1]}}], "an argument should be there"),
    ([*HEAD, {"Call": {"function_id": 0, "args": [{"value": NONE}]}}], "variable_id and value"),
    ([*HEAD, {"Return": {}}], "return_value should be there"),
    ([*HEAD, {"Return": {"return_value": {"kind": "None", "type_id": 9}}}], "no type 9 yet"),
    ([*HEAD, *[{"Return": {"return_value": NONE}}] * 2], "a return without a call"),
    ([*HEAD, {"Value": {"variable_id": 1, "value": NONE}}], "there is no variable 1 yet"),
    ([*HEAD, value(kind="Thing")], "'Thing' is no kind of value"),
    ([*HEAD, value(kind="Int", i=2**63)], "an integer of 64 bits should be there"),
    ([*HEAD, value(kind="Int", i=1, elements=[NONE])], "elements that do not belong there"),
    ([*HEAD, value(kind="BigInt", b="?")], "that is no base64"),
    ([*HEAD, value(kind="Float", f="fast")], "a number should be there"),
    ([*HEAD, value(kind="Reference")], "elements that do not belong there"),
    ([*HEAD, {"Value": {"variable_id": 0, "value": 1}}], "an object should be there"),
    (
        "[" + json.dumps(HEAD)[1:-1] + ', {"Asm": ' + "[" * 1100 + "]",
        "nested more than 1024 levels",
    ),
    ([{"DropLastStep": None}], "there is no step to drop"),
]


@pytest.mark.parametrize(("events", "words"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_refused_by_its_place(home, events, words):
    write(home, events)
    done = home.run("import", "src", "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: src/trace.json: event ")
    assert words in done.stderr
    assert not (home.folder / "out").exists()
    assert home.entries() == []


def test_values_nest_so_deep_and_no_deeper(home):
    for depth, status in [(250, 0), (300, 1)]:
        nested = NONE
        for kind in ["Tuple", "Sequence"] * (depth // 2):
            nested = {"kind": kind, "elements": [nested], "is_slice": False, "type_id": 0}
        write(home, [*HEAD, {"Value": {"variable_id": 0, "value": nested}}])
        done = home.run("import", "--force", "src", "out")
        assert done.returncode == status, done.stderr
    assert "nested more than 256 levels deep" in done.stderr


def test_large_values_are_cut_and_say_so(home):
    numbers = [{"kind": "Int", "i": i, "type_id": 0} for i in range(40000)]
    texts = [{"kind": "String", "text": f"{i} " * 50000, "type_id": 0} for i in range(12)]
    several = [{"VariableName": f"t{i}"} for i in range(12)]
    events = [*HEAD, value(kind="Sequence", elements=numbers, is_slice=False), *several]
    for i, text in enumerate(texts):
        events.append({"Value": {"variable_id": i + 1, "value": text}})
    write(home, events)
    fetch(home, "src", "out")
    check(home, "out")
    out = home.run("print", "out", "--format", "json", "--steps").stdout
    (line,) = map(json.loads, out.splitlines())
    assert re.search(r"\(\d+ more\)", line["locals"]["x"]["repr"])
    assert re.search(r"\(\d+ more\)", line["locals"]["t0"]["repr"])
    summary = home.run("print", "out", "--summary").stdout
    assert line["locals"]["t11"]["kind"] == "dropped", "one event has room for so much"
    kinds = [value["kind"] for value in line["locals"].values()]
    assert re.search(rf"values_cut +{13 - kinds.count('dropped')}$", summary, re.MULTILINE)
    assert re.search(rf"values_dropped +{kinds.count('dropped')}$", summary, re.MULTILINE)


# ---- the rules of the format


def test_steps_of_another_file_get_a_frame_of_their_own(home):
    events = [
        *HEAD,
        {"Path": "/other.py"},
        {"Step": {"path_id": 0, "line": 2}},
        {"Step": {"path_id": 1, "line": 7}},
        {"Step": {"path_id": 1, "line": 8}},
        {"Step": {"path_id": 0, "line": 3}},
    ]
    write(home, events)
    fetch(home, "src", "out")
    check(home, "out")
    found = [(line["file"], line["line"], line["depth"]) for line in shown(home)]
    assert found == [("/app.py", 2, 0), ("/other.py", 7, 0), ("/other.py", 8, 0), ("/app.py", 3, 0)]


def test_a_step_names_all_variables_there_are(home):
    events = [
        *HEAD,
        {"VariableName": "y"},
        {"Step": {"path_id": 0, "line": 2}},
        value(kind="None"),
        {"Step": {"path_id": 0, "line": 3}},
        {"Value": {"variable_id": 1, "value": NONE}},
        {"Step": {"path_id": 0, "line": 4}},
        "DropLastStep",
        {"Event": {"kind": 3, "metadata": "", "content": "in"}},
        {"Event": {"kind": 11, "metadata": "", "content": "failed"}},
        {"ThreadSwitch": 3},
    ]
    write(home, events, process_exit_status={"code": 7, "label": None})
    done = fetch(home, "src", "out")
    check(home, "out")
    assert [sorted(line["locals"]) for line in shown(home)] == [["x"], ["y"]]
    assert "left out  2 events" in done.stderr
    assert home.run("print", "out", "--input").stdout == "in"
    (entry,) = home.entries()
    assert (entry["program"], entry["args"], entry["exitCode"]) == ("app.py", ["a b"], 7)


def test_sources_come_from_the_folder_or_the_place(home):
    there = home.folder / "there.py"
    there.write_text("there = 1\n")
    paths = [str(there), "/nowhere/kept.py", "/gone.py", "../there.py"]
    folder = write(home, [])
    (folder / "there.py").write_text("outside = 1\n")  # of `files`
    (folder / "files" / "nowhere").mkdir(parents=True)
    (folder / "files" / "nowhere" / "kept.py").write_text("kept = 1\n")
    events = [{"Path": path} for path in paths]
    events += [{"Step": {"path_id": i, "line": 1}} for i in range(len(paths))]
    write(home, events)
    fetch(home, "src", "out")
    check(home, "out")
    listing = home.run("print", "out").stdout
    assert "there = 1" in listing
    assert "kept = 1" in listing
    assert "outside = 1" not in listing
    fetch(home, "--no-sources", "src", "bare")
    assert "there = 1" not in home.run("print", "bare").stdout


def test_what_the_kernel_makes_up_is_no_source(home):
    path = "/proc/self/environ"
    write(home, [{"Path": path}, {"Step": {"path_id": 0, "line": 1}}])
    fetch(home, "src", "out")
    assert "XDG_DATA_HOME" not in home.run("print", "out").stdout


def test_open_calls_have_bounded_room_for_variables(home):
    count = 2000
    arguments = [{"variable_id": i, "value": NONE} for i in range(count)]
    events = HEAD + [{"VariableName": f"v{i}"} for i in range(count)]
    events += [{"Call": {"function_id": 0, "args": arguments}}]
    events += [{"Call": {"function_id": 0, "args": []}}] * 5000
    write(home, events)
    done = home.run("import", "src", "out")
    assert done.returncode == 1
    assert "the calls that have not returned have too many variables" in done.stderr
    assert not (home.folder / "out").exists()


# ---- which folder, and where to


def test_what_cannot_be_imported_is_told_apart(home):
    def refuse(*words):
        done = home.run("import", *words)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    (home.folder / "empty").mkdir()
    assert "'empty' holds neither trace.json nor trace.bin" in refuse("empty", "out")
    assert "cannot read 'nowhere'" in refuse("nowhere", "out")
    for version in (1, 4):
        (home.folder / "t.ct").write_bytes(bytes.fromhex("c0de72ace2") + bytes([version, 0, 0]))
        assert f"has version {version} of CodeTracer's binary formats" in refuse("t.ct", "out")
    os.mkfifo(home.folder / "pipe")
    assert "is no plain file" in refuse("pipe", "out")
    write(home, HEAD)
    for text in ("[]", "1", '"text"', "{} {}"):
        (home.folder / "src" / "trace_metadata.json").write_text(text)
        assert "trace_metadata.json: " in refuse("src", "out")
    assert not (home.folder / "out").exists()


def test_nothing_that_is_there_is_deleted(home):
    write(home, HEAD)
    out = home.folder / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    done = home.run("import", "src", "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "'out' is there and not empty" in done.stderr
    fetch(home, "--force", "src", "out")
    first = home.entries()[0]["recordingId"]
    fetch(home, "--force", "src", "out")
    assert (out / "mine").read_text() == "mine"
    assert (out / f"trace-{first}" / "trace.ctr").is_file()
    assert sorted(os.listdir(home.folder / "src")) == ["trace.json", "trace_metadata.json"]


def test_without_a_folder_it_goes_beside(home):
    write(home, HEAD)
    fetch(home, "src")
    assert (home.folder / "src-imported" / "trace.ctr").is_file()
    assert home.entries()[0]["outputFolder"] == str(home.folder / "src-imported")


def test_a_recording_of_ours_is_only_listed(home):
    home.record("--unlisted", home.write("app.py"))
    before = sorted(os.listdir(home.folder / "out"))
    fetch(home, "out")
    (entry,) = home.entries()
    assert entry["outputFolder"] == str(home.folder / "out")
    assert sorted(os.listdir(home.folder / "out")) == before


def test_what_would_fill_the_disk_is_given_up(home):
    shutil.make_archive(str(home.folder / "packed"), "zip", write(home, HEAD))
    # A message that is none, of which nothing is known before it is unpacked.
    (home.folder / "trace.bin").write_bytes(bytes.fromhex("c0de72ace2000000") + b"\0\xff" * 9)
    for path in ("src", "packed.zip", "trace.bin"):
        done = home.run("import", "--min-free-space", "100000000G", path, "out")
        assert (done.returncode, done.stdout) == (1, "")
        assert " bytes are free where " in done.stderr
        assert not (home.folder / "out").exists()


@pytest.mark.parametrize("words", [[], ["a", "b", "c"], ["--frob", "a"]])
def test_wrong_use_is_said(home, words):
    assert home.run("import", *words).returncode == 2


# ---- zip files


def pack_zip(home, name, entries, **options):
    path = home.folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for entry, text in entries:
            archive.writestr(entry, text)
    return path


def head_with(source):
    return [("trace.json", json.dumps(HEAD)), ("files/app.py", source)]


@pytest.mark.parametrize("below", ["", "a/b/"])
def test_a_zip_file_is_imported_as_its_folder_is(home, below):
    folder = write(home, [*HEAD, {"Step": {"path_id": 0, "line": 2}}])
    entries = [(below + path.name, path.read_bytes()) for path in folder.iterdir()]
    deeper = ("a/b/c/trace.json", "what lies deeper is another one")
    pack_zip(home, "packed.zip", [deeper, *entries, (below + "else.txt", "no part of it")])
    fetch(home, "src", "out")
    fetch(home, "packed.zip")
    assert shown(home, "packed") == shown(home, "out")
    assert sorted(os.listdir(home.folder / "packed")) == sorted(os.listdir(home.folder / "out"))
    folders = {entry["outputFolder"] for entry in home.entries()}
    assert folders == {str(home.folder / name) for name in ("out", "packed")}
    done = home.run("import", "packed.zip")
    assert (done.returncode, done.stdout) == (1, "")
    assert "'packed' is there and not empty" in done.stderr


def test_a_zipped_trace_began_when_its_file_was_made(home):
    entry = zipfile.ZipInfo("trace.json", (2001, 2, 3, 4, 5, 6))
    with zipfile.ZipFile(home.folder / "old.zip", "w") as archive:
        archive.writestr(entry, json.dumps(HEAD))
    home.variables["TZ"] = "UTC"
    fetch(home, "old.zip")
    assert home.entries()[0]["recordedAt"].startswith("2001-02-03T04:05:06")


def test_a_zipped_recording_of_ours_is_unpacked(home):
    home.record("--unlisted", home.write("app.py"), out="mine")
    (home.folder / "mine" / "trace.ctr.tail").write_text("what a recording that was cut off has")
    shutil.make_archive(str(home.folder / "sent"), "zip", home.folder, "mine")
    done = fetch(home, "sent.zip", "got")
    mine, got = home.folder / "mine", home.folder / "got"
    assert sorted(os.listdir(got)) == sorted(set(os.listdir(mine)) - {".trace.ctr.lock"})
    assert (got / "trace.ctr").read_bytes() == (mine / "trace.ctr").read_bytes()
    (entry,) = home.entries()
    assert (entry["outputFolder"], entry["recordingId"]) == (str(got), done.stdout.split()[-1])


def test_nothing_is_written_beside_the_folder(home):
    names = ["../out", "/tmp/out", "files/../../out", "files//tmp/x", "files/./x", "files/"]
    pack_zip(home, "t.zip", [*((name, "harm") for name in names), *head_with("x = 1\n")])
    link = zipfile.ZipInfo("files/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(home.folder / "t.zip", "a") as archive:
        archive.writestr(link, "/etc")
    fetch(home, "--unlisted", "t.zip", "out")
    assert sorted(os.listdir(home.folder)) == ["out", "t.zip"]
    names = ["trace.ctr", "trace_metadata.json", "trace_paths.json"]
    assert set(os.listdir(home.folder / "out")) - {".trace.ctr.lock"} == set(names)


def test_what_is_wrong_with_a_zip_file_is_said(home):
    def refuse(words):
        done = home.run("import", "t.zip", "out")
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert not (home.folder / "out").exists()

    pack_zip(home, "t.zip", [("readme", "")])
    refuse("'t.zip' holds no trace.ctr, trace.json or trace.bin")
    path = pack_zip(home, "t.zip", head_with("x = 1\n" * 100))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refuse("'t.zip' is damaged")
    at = whole.index(b"app.py") + 12
    path.write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
    refuse("'t.zip' is damaged")
    encrypted = bytearray(whole)
    encrypted[whole.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(encrypted)
    refuse("'t.zip' is encrypted")
    with pytest.warns(UserWarning, match="Duplicate"):
        pack_zip(home, "t.zip", [*head_with("1"), ("files/app.py", "2")])
    refuse("cannot make ")
    pack_zip(home, "t.zip", [*head_with("1"), ("files/app.py/more", "2")])
    refuse("app.py")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("trace.json", "[]" * 100)
        refuse("'t.zip' is damaged")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("trace.json", "[]" + " " * 498)
    short = path.read_bytes().replace(struct.pack("<II", 500, 500), struct.pack("<II", 2, 500))
    path.write_bytes(short)
    refuse("'t.zip' is damaged")
    pack_zip(home, "t.zip", [("trace.ctr", "not a trace")])
    refuse("not a trace")


# ---- damage: an error, never a crash, never anything left


@pytest.fixture(scope="module")
def valid(ct, root, tmp_path_factory):
    """Small files of both formats."""
    home = Home(ct, tmp_path_factory.mktemp("valid"))
    program = root / "tests" / "programs" / "arguments.py"
    home.run("record", "--unlisted", "-o", "first", str(program))
    home.run("export", "first", "--format", "binary", "-o", "binary/")
    text = (home.folder / "first" / "trace.json").read_bytes()
    packed = pack_zip(home, "packed.zip", [("a/trace.json", text), ("a/files/x", "x")])
    binary = (home.folder / "binary" / "trace.bin").read_bytes()
    return home, {"json": text, "bin": binary, "zip": packed.read_bytes()}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_are_refused_or_sound(valid, data):
    home, files = valid
    kind = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "drop", "double"]))
        if change == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del content[max(at, 16) :]
        elif change == "drop":
            del content[at : at + data.draw(st.integers(1, 40))]
        else:
            content[at:at] = content[at : at + 40]
        content = content or bytearray(b"[")
    folder = home.folder / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / f"trace.{kind}").write_bytes(content)
    path = "damaged/trace.zip" if kind == "zip" else "damaged"
    done = subprocess.run(
        [home.ct, "import", "--unlisted", "--no-sources", path, "damaged/out"],
        cwd=home.folder,
        env=home.environment(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    if done.returncode == 0:
        check(home, "damaged/out")
    else:
        assert done.stderr.startswith(b"error: "), done.stderr
        assert not (folder / "out").exists()


# ---- messages of any shape


def pack(words):
    """A packed message of these words, with the header; shorter is possible."""
    data = bytearray.fromhex("c0de72ace2000000")
    for at in range(0, len(words), 8):
        word = words[at : at + 8]
        tag = sum(1 << bit for bit in range(8) if word[bit])
        data.append(tag)
        data += bytes(byte for byte in word if byte)
        data += b"\0" if tag in (0, 255) else b""
    return data


def message(*segments):
    table = struct.pack(
        f"<{1 + len(segments)}I", len(segments) - 1, *(len(s) // 8 for s in segments)
    )
    return table + bytes(-len(table) % 8) + b"".join(segments)


def far(segment, word, is_double=False):
    return struct.pack("<II", 2 | is_double << 2 | word << 3, segment)


def import_words(home, name, words):
    folder = home.folder / name
    folder.mkdir()
    (folder / "trace.bin").write_bytes(pack(words))
    return home.run("import", "--unlisted", "--no-sources", name, name + "/out")


def test_segments_and_far_pointers_lead_to_the_same(home, valid):
    segment = unpack(valid[1]["bin"][8:])[8:]
    (root,) = struct.unpack("<Q", segment[:8])
    start = (root & 0xFFFFFFFF) >> 2
    tag = struct.pack("<Q", root >> 32 << 32)
    shapes = {
        "one": [segment],
        "far": [far(1, 0), segment],
        "double": [far(1, 0, is_double=True), far(2, start + 1) + tag, segment],
    }
    texts = []
    for name, segments in shapes.items():
        done = import_words(home, name, message(*segments))
        assert done.returncode == 0, done.stderr
        check(home, f"{name}/out")
        texts.append(home.run("print", f"{name}/out").stdout)
    assert texts[0] == texts[1] == texts[2]
    assert texts[0].count("\n") > 20


def pointer(offset, size, kind=0):
    return struct.pack("<II", (offset << 2 & 0xFFFFFFFF) | kind, size)


HARMFUL = {
    "no words": b"",
    "no segment": struct.pack("<II", 0, 0),
    "many segments": struct.pack("<II", 0xFFFFFFFF, 0),
    "short segment": struct.pack("<II", 0, 9),
    "root leads out": message(pointer(1 << 28, 0x10000)),
    "root leads back": message(pointer(-5, 0x10000)),
    "root is a list": message(pointer(0, 7, kind=1)),
    "far to itself": message(far(0, 0)),
    "far to nowhere": message(far(7, 0)),
    "double far to itself": message(far(0, 0, is_double=True)),
    # A list of 2^29 structs of no size, none of which takes a byte.
    "endless list": message(
        pointer(0, 0x10000) + pointer(0, 7, kind=1) + struct.pack("<II", 0x7FFFFFFC, 0)
    ),
    # One value that is its own only element.
    "value in itself": message(
        pointer(0, 1 << 16)  # the root: to the list of events
        + pointer(0, 7 | 2 << 3, kind=1)
        + struct.pack("<II", 1 << 2, 1 | 1 << 16)  # one event
        + struct.pack("<Q", 8)  # Return
        + pointer(0, 1 << 16)
        + pointer(0, 3 | 3 << 16)  # its value
        + struct.pack("<QQQ", 0, 5, 0)  # a tuple
        + pointer(0, 7 | 6 << 3, kind=1)
        + bytes(16)
        + struct.pack("<II", 1 << 2, 3 | 3 << 16)  # of one element
        + struct.pack("<QQQ", 0, 5, 0)
        + pointer(-5, 7 | 6 << 3, kind=1)  # which is of the same list
        + bytes(16)
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_messages_are_refused_at_once(home, name):
    done = import_words(home, "harm", HARMFUL[name])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: harm/trace.bin: ")
    assert not (home.folder / "harm" / "out").exists()
