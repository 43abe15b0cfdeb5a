"""The list of recordings: what `ct record` puts there, what `ct list` says, and what goes wrong."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from home import DATABASE, Home
from terminal import Terminal


@pytest.fixture
def home(ct, tmp_path):
    return Home(ct, tmp_path)


# ---- what is listed


def test_a_recording_is_listed_with_what_it_was(home):
    home.write("app.py", "import sys\nprint(sys.argv)\nsys.exit(3)\n")
    done = home.record("app.py", "x", "y z")
    (entry,) = home.entries()
    assert done.returncode == 3
    assert f"traceId:{entry['recordingId']}" in done.stderr
    assert re.search(r"^ct:   number +1$", done.stderr, re.MULTILINE)
    assert entry["id"] == 1
    assert entry["program"] == "app.py"
    assert entry["args"] == ["x", "y z"]
    assert entry["exitCode"] == 3
    assert entry["workdir"] == str(home.folder)
    assert entry["outputFolder"] == str(home.folder / "out")
    assert entry["python"] == "{}.{}.{}".format(*sys.version_info)
    assert entry["state"] == "ok"
    assert entry["steps"] == 3
    files = [home.folder / "out" / name for name in os.listdir(home.folder / "out")]
    assert entry["bytes"] == sum(file.stat().st_size for file in files)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["recordedAt"])
    assert entry["date"] == entry["recordedAt"][:10].replace("-", "/")
    assert (entry["lang"], entry["calltrace"], entry["downloadKey"]) == (21, True, "")


def test_the_newest_comes_first_and_the_text_has_the_same(home):
    for name in ("one.py", "two.py", "three.py"):
        home.record(home.write(name), out=name.removesuffix(".py"))
    assert [entry["program"] for entry in home.entries()] == ["three.py", "two.py", "one.py"]
    assert [entry["id"] for entry in home.entries("-n", "2")] == [3, 2]
    done = home.run("list")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["#", "recorded", "duration", "exit", "size", "program", "directory"]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert rows[0].endswith(f"three.py  {home.folder}/three")
    done = home.run("list", "-n", "1", "--format", "text")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == "ct: there are more; -n N shows more of them\n"


def test_a_pattern_chooses_programs(home):
    for name in ("one.py", "local", "one%.py"):
        home.record(home.write(name), out=f"of {name}")
    assert [entry["id"] for entry in home.entries("one")] == [3, 1]
    assert [entry["id"] for entry in home.entries("local", "one", "-n", "1")] == [3]
    assert [entry["id"] for entry in home.entries("local", "local")] == [2]
    assert [entry["id"] for entry in home.entries("%")] == [3]
    assert len(home.run("list", "local").stdout.splitlines()) == 4
    done = home.run("list", "nothing")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no recording's program has 'nothing' in it" in done.stderr


def test_an_empty_list_is_no_failure_and_makes_no_file(home):
    done = home.run("list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "there are no recordings" in done.stderr
    assert home.entries() == []
    assert not home.data.exists()


@pytest.mark.parametrize("words", [["a", "b"], ["local", "a", "b"], ["-n", "x"], ["--color"]])
def test_wrong_use_is_said(home, words):
    done = home.run("list", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ct list: ")


def test_there_is_no_remote_list(home):
    done = home.run("list", "remote")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: there is no server")


def test_names_are_kept_and_shown_harmless(home):
    program = home.write("a \x1b[31m\n'ü'.py")
    home.record(program, "new\nline", "", "it's", "\udcff", "\x9b0m")
    (entry,) = home.entries()
    assert entry["program"] == program
    assert entry["args"] == ["new\nline", "", "it's", "\udcff", "\x9b0m"]
    done = home.run("list")
    assert len(done.stdout.splitlines()) == 2
    assert "\x1b" not in done.stdout
    assert "\x9b" not in done.stdout
    shown = r"""'a \x1b[31m\n'\''ü'\''.py' 'new\nline' '' 'it'\''s' """
    assert shown in done.stdout


def test_what_is_recorded_over_is_kept_and_found(home):
    home.write("app.py")
    for _ in range(2):
        home.record("app.py")
    new, old = home.entries()
    assert new["outputFolder"] == str(home.folder / "out")
    assert old["outputFolder"] == str(home.folder / "out" / f"trace-{old['recordingId']}")
    assert [new["state"], old["state"]] == ["ok", "ok"]


def test_a_killed_program_is_listed(home):
    home.write("app.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    home.record("app.py")
    (entry,) = home.entries()
    assert (entry["exitCode"], entry["state"]) == (137, "ok")


def test_a_recording_can_stay_out(home):
    done = home.record("--unlisted", home.write("app.py"))
    assert "number" not in done.stderr
    assert not home.data.exists()


# ---- what became of it


def test_moved_deleted_and_unfinished_directories_are_noticed(home):
    home.record(home.write("app.py"), out="stays")
    for name in ("renamed", "gone", "replaced", "cut"):
        home.pretend(name)
    (home.folder / "renamed").rename(home.folder / "elsewhere")
    shutil.rmtree(home.folder / "gone")
    shutil.copy(home.folder / "stays" / "trace.ctr", home.folder / "replaced")
    found = {entry["id"]: (entry["state"], entry["outputFolder"]) for entry in home.entries()}
    assert found == {
        1: ("ok", str(home.folder / "stays")),
        2: ("moved", str(home.folder / "elsewhere")),
        3: ("deleted", str(home.folder / "gone")),
        4: ("deleted", str(home.folder / "replaced")),
        5: ("unfinished", str(home.folder / "cut")),
    }
    assert f"{home.folder}/gone (deleted)" in home.run("list").stdout


def test_what_was_not_looked_for_everywhere_is_not_called_deleted(home):
    home.record(home.write("app.py"), out="renamed")
    home.pretend("gone")
    for i in range(2000):  # as many as one call looks into
        (home.folder / f"beside{i}").mkdir()
    (home.folder / "renamed").rename(home.folder / "zz")
    shutil.rmtree(home.folder / "gone")
    assert [entry["state"] for entry in home.entries()] == ["missing", "missing"]
    assert home.run("prune", "--yes", "--deleted").stdout == ""
    assert len(home.entries()) == 2


def test_a_pipe_in_the_place_of_a_trace_is_no_trap(home):
    home.record(home.write("app.py"))
    (home.folder / "out" / "trace.ctr").unlink()
    os.mkfifo(home.folder / "out" / "trace.ctr")
    assert home.entries()[0]["state"] == "deleted"


# ---- what goes wrong


def test_twenty_at_once_lose_nothing(home):
    home.write("app.py")
    commands = [
        [home.ct, "record", "--format", "ctr", "-o", f"out{i}", "app.py", str(i)] for i in range(20)
    ]
    running = [
        subprocess.Popen(
            command,
            cwd=home.folder,
            env=home.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for command in commands
    ]
    said = [process.communicate(timeout=120)[1].decode() for process in running]
    assert not [text for text in said if "will not show" in text]
    entries = home.entries()
    assert sorted(int(entry["args"][0]) for entry in entries) == list(range(20))
    assert sorted(entry["id"] for entry in entries) == list(range(1, 21))


def hinder_with_file(home):
    home.data.write_text("in the way")


def hinder_with_folder(home):
    home.database.mkdir(parents=True)


def hinder_with_noise(home):
    home.database.parent.mkdir(parents=True)
    home.database.write_bytes(bytes(range(256)) * 100)


def hinder_with_newer(home):
    home.database.parent.mkdir(parents=True)
    home.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("hinder", "words"),
    [
        (hinder_with_file, "is not a directory"),
        (hinder_with_folder, "recordings.db' cannot be made: Is a directory"),
        (hinder_with_noise, "is damaged (file is not a database): move that file away"),
        (hinder_with_newer, "has version 99, and this ct reads up to 1"),
    ],
)
def test_no_list_costs_one_warning(home, hinder, words):
    hinder(home)
    done = home.record(home.write("app.py", "print('ran')\nraise SystemExit(5)\n"))
    assert (done.returncode, done.stdout) == (5, "ran\n")
    notes = [line for line in done.stderr.splitlines() if "`ct list` will not show" in line]
    assert len(notes) == 1
    assert words in notes[0]
    assert home.run("print", "out", "--summary").returncode == 0


@pytest.mark.parametrize("hinder", [hinder_with_noise, hinder_with_newer])
def test_a_list_that_cannot_be_read_is_an_error(home, hinder):
    hinder(home)
    for words in (["list"], ["list", "--json"]):
        done = home.run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: the list of recordings ")


def test_a_damaged_page_is_an_error_and_no_crash(home):
    home.record(home.write("app.py"))
    home.execute("PRAGMA journal_mode = DELETE")
    data = bytearray(home.database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    home.database.write_bytes(data)
    done = home.run("list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is damaged" in done.stderr


def test_rows_of_somebody_else_do_no_harm(home):
    home.record(home.write("app.py"))
    columns = "id, program, arguments, workdir, directory, recorded_at, duration, steps, calls, "
    insert = f"INSERT INTO recordings ({columns} bytes, python) VALUES "
    home.execute(insert + "('x', '', '', '', '', '', 0, 0, 0, 0, '')")
    identifier = "01890a5d-ac96-774b-bcce-b302099a8057"
    home.execute(insert + f"('{identifier}', 'p', '[1', 'w', '..', 'then', -1, 'a', 2, 3, x'00')")
    entries = home.entries()
    assert {entry["recordingId"] for entry in entries} >= {identifier}
    assert len(entries) == 2
    assert next(e for e in entries if e["recordingId"] == identifier)["args"] == []
    assert home.run("list").returncode == 0


def test_a_list_that_cannot_be_written_is_read(home):
    """Without the right to make files beside it, as on read-only media."""
    home.record(home.write("app.py"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(home.data, folder, dirs_exist_ok=True)
        for path in (folder, *Path(folder).rglob("*")):
            os.chmod(path, 0o555 if os.path.isdir(path) else 0o444)
        home.data = Path(folder)
        nobody = 65534 if os.geteuid() == 0 else os.geteuid()
        done = subprocess.run(
            [home.ct, "list"],
            env=home.environment(),
            capture_output=True,
            text=True,
            user=nobody,
            cwd="/",
        )
        os.chmod(home.database.parent, 0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert "app.py" in done.stdout


def test_only_its_owner_can_read_it(home):
    home.record(home.write("app.py"))
    assert home.database.stat().st_mode & 0o777 == 0o600
    assert home.database.parent.stat().st_mode & 0o777 == 0o700


def test_a_relative_data_home_is_ignored(home):
    home.variables = {"XDG_DATA_HOME": "data", "HOME": str(home.folder / "me")}
    home.record(home.write("app.py"))
    assert (home.folder / "me" / ".local/share" / DATABASE).is_file()
    assert not (home.folder / "data").exists()


# ---- made without ct


NOTES = "codetracer-python-recorder/new"
HEAD = "import codetracer_python_recorder as recorder\n"


def python(home, *words, **variables):
    return subprocess.run(
        [sys.executable, *words],
        cwd=home.folder,
        env={**home.environment(), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("way", ["api", "module", "variable"])
def test_a_recording_of_the_package_is_listed(home, way):
    home.write("app.py", "print(1)\n")
    home.write("api.py", HEAD + "with recorder.trace('out'):\n    print(1)\n")
    home.write("auto.py", HEAD + "print(1)\n")
    words, variables = {
        "api": (["api.py"], {}),
        "module": (["-m", "codetracer_python_recorder", "-o", "out", "app.py"], {}),
        "variable": (["auto.py"], {"CODETRACER_TRACE": "out"}),
    }[way]
    for _twice in range(2):
        python(home, *words, **variables)
    entries = home.entries()
    assert [entry["outputFolder"] for entry in entries] == [str(home.folder / "out")]
    assert entries[0]["state"] == "ok"
    assert (entries[0]["exitCode"] == 0) is (way == "module")
    assert not (home.data / NOTES).exists()
    python(home, *words, **variables)
    assert [entry["state"] for entry in home.entries()] == ["ok", "deleted"]


def test_a_list_that_takes_none_leaves_the_note(home):
    home.write("app.py", HEAD + "with recorder.trace('out'):\n    print(1)\n")
    python(home, "app.py")
    (note,) = (home.data / NOTES).iterdir()
    home.database.mkdir(parents=True)
    home.run("list")
    home.database.rmdir()
    assert list((home.data / NOTES).iterdir()) == [note]
    assert len(home.entries()) == 1


def test_many_recordings_that_were_listed_leave_room_for_more(home):
    """A directory of some file systems keeps the size it once had."""
    notes = home.data / NOTES
    notes.mkdir(parents=True)
    for i in range(2500):
        (notes / f"{i:016x}").write_text("/nowhere")
    assert home.entries() == []
    home.write("app.py", HEAD + "with recorder.trace('out'):\n    print(1)\n")
    python(home, "app.py")
    assert len(home.entries()) == 1


def test_a_recording_that_runs_is_listed_when_it_has_ended_however(home):
    home.write("app.py", HEAD + "recorder.start('out')\ninput()\n")
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=home.folder, env=home.environment(), stdin=-1
    )
    try:
        deadline = time.monotonic() + 60
        while not list(home.data.glob(f"{NOTES}/*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert home.entries() == []
        assert not home.database.exists()
        for folder in (home.data / NOTES, (home.data / NOTES).parent):
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        process.kill()
        process.wait()
    assert [entry["state"] for entry in home.entries()] == ["unfinished"]


def test_a_recording_of_the_package_can_stay_out(home):
    home.write("app.py", HEAD + "recorder.start('out', options={'unlisted': True})\n")
    python(home, "app.py")
    home.write("app.py", "print(1)\n")
    python(home, "-m", "codetracer_python_recorder", "-o", "out2", "--unlisted", "app.py")
    assert (home.folder / "out2/trace.ctr").is_file()
    assert not home.data.exists()


def test_what_ct_starts_as_a_module_is_listed_by_ct(home):
    home.variables = {"CODETRACER_LOG_LEVEL": "error"}
    home.write("app.py")
    assert home.run("record", "--unlisted", "-o", "out", "app.py").returncode == 0
    assert (home.folder / "out/trace.ctr").is_file()
    assert not home.data.exists()
    home.record("app.py")
    assert not (home.data / NOTES).exists()
    assert len(home.entries()) == 1


@pytest.mark.parametrize("place", ["nowhere", "a file", "unwritable", "nobody"])
def test_without_a_place_for_the_note_the_program_notices_nothing(home, place):
    home.write("app.py", HEAD + "with recorder.trace('out'):\n    print(1)\n")
    if place == "a file":
        home.data.touch()
    elif place == "unwritable":
        (home.data / NOTES).mkdir(parents=True)
        (home.data / NOTES).chmod(0o500)
    data = {"nowhere": "/proc/nowhere", "nobody": ""}.get(place, str(home.data))
    done = python(home, "app.py", XDG_DATA_HOME=data, HOME="")
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert (home.folder / "out/trace.ctr").is_file()


def test_notes_of_somebody_else_do_no_harm(home):
    notes = home.data / NOTES
    notes.mkdir(parents=True)
    os.mkfifo(home.folder / "trace.ctr")
    for i, text in enumerate((b"", b"out", b"/nowhere", bytes(home.folder), b"/" * 5000)):
        (notes / f"{i:016x}").write_bytes(text)
    (notes / "another").write_text(str(home.folder))
    os.mkfifo(notes / f"{9:016x}")
    (notes / f"{10:016x}").mkdir()
    assert home.entries() == []
    home.record(home.write("app.py"))
    assert len(home.entries()) == 1
    left = {path.name for path in notes.iterdir()}
    assert not left & {f"{2:016x}", f"{3:016x}"}
    assert "another" in left


def test_commands_take_what_the_list_shows(home):
    home.record(home.write("app.py"))
    (entry,) = home.entries()
    number, identifier = str(entry["id"]), entry["recordingId"]
    by_path = [home.run(*words, "out").stdout for words in (["print"], ["verify"])]
    for name in (number, identifier, identifier[:8]):
        assert [home.run(*words, name).stdout for words in (["print"], ["verify"])] == by_path
        done = home.run("export", name)
        assert (done.returncode, done.stdout) == (0, f"{home.folder}/out/trace.json\n")
    (home.folder / number).mkdir()  # is what is meant, now that it is there
    for command in ("print", "verify", "export"):
        assert f"{number} holds no recording" in home.run(command, number).stderr
        done = home.run(command, "690")
        assert (done.returncode, done.stdout) == (1, "")
        assert "the list has no recording '690'" in done.stderr
        assert "'missing'" in home.run(command, "missing").stderr
    shutil.rmtree(home.folder / "out")
    assert "is no longer in" in home.run("print", identifier).stderr


# ---- on a terminal


def on_terminal(home, columns, *words, **variables):
    environment = {**home.environment(), "COLUMNS": str(columns), "TERM": "xterm", **variables}
    command = [home.ct, *(words or ["list"])]
    with Terminal() as terminal:
        shown = {"stdout": terminal.slave, "stderr": terminal.slave}
        process = subprocess.Popen(command, cwd=home.folder, env=environment, **shown)
        return terminal.read_to_the_end(process).decode()


def test_a_terminal_gets_lines_that_fit_and_colours_unless_unwanted(home):
    home.record(home.write("app.py", "raise SystemExit(1)\n"), "an argument " * 20, "漢字" * 30)
    for columns in (80, 120):
        plain = on_terminal(home, columns, NO_COLOR="1")
        assert "\x1b" not in plain
        rows = plain.splitlines()
        assert len(rows) == 2
        assert "…" in rows[1]
        assert all(len(row) <= columns for row in rows)
    assert "\x1b[31m   1\x1b[0m" in on_terminal(home, 80)
    assert "\x1b" not in on_terminal(home, 80, TERM="dumb")


def test_no_name_controls_a_terminal(home):
    name = "\x1b[31m\x9b1m"
    home.record(home.write(f"{name}.py", "def f(): pass\nf()\n"))
    program = str(home.folder / f"{name}.py")
    recording = home.entries()[0]["outputFolder"]
    for words in (
        ["print", "--format", "csv", recording],
        ["print", recording],
        ["print", "--summary", recording],
        ["export", recording, "-o", f"{name}.json"],
        ["export", recording, "-o", f"{name}/"],
        ["record", "--only", f"{name}[", program],
        ["record", "--trace-filter", name, program],
        ["filter", "check", name],
        ["filter", "explain", f"--{name}", "--file", program, "--object", "f"],
    ):
        shown = on_terminal(home, 80, *words, NO_COLOR="1")
        assert "31m" in shown, words
        assert "\x1b[31m" not in shown, words
        assert "\x9b" not in shown, words
    # Elsewhere they are exact.
    assert f"/{name}.py," in home.run("print", "--format", "csv", recording).stdout
    assert home.run("export", recording, "-o", f"{name}.json").stdout == f"{name}.json\n"
