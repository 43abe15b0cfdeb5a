"""`ct delete` and `ct prune`: what they delete, what they never touch, and that they ask."""

import fcntl
import os
import subprocess

import pytest
from home import Home
from terminal import Terminal


@pytest.fixture
def home(ct, tmp_path):
    home = Home(ct, tmp_path)
    home.write("app.py")
    return home


def numbers(home):
    return [entry["id"] for entry in home.entries()]


def answer(home, text, *words):
    """Run `ct` at a terminal where somebody types `text`."""
    with Terminal() as terminal:
        process = subprocess.Popen(
            [home.ct, *words],
            cwd=home.folder,
            env=home.environment(),
            stdin=terminal.slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        terminal.type(text.encode())
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


# ---- delete


def test_a_recording_is_deleted_with_its_directory_and_its_entry(home):
    for name in ("one", "two"):
        home.record("app.py", out=name)
    done = home.run("delete", "--yes", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (home.folder / "one").exists()
    assert (home.folder / "two" / "trace.ctr").is_file()
    assert numbers(home) == [2]
    home.record("app.py", out="three")
    assert numbers(home) == [3, 2], "a number is never given twice"


def test_what_ct_did_not_make_stays(home):
    home.record("app.py", out=".")
    home.write("trace.ctr.notes", "mine")
    done = home.run("delete", "-y", "1")
    assert done.returncode == 0
    assert sorted(os.listdir(home.folder)) == ["app.py", "data", "trace.ctr.notes"]


@pytest.mark.parametrize("name", ["1", "whole", "UPPER", "prefix"])
def test_a_recording_has_several_names(home, name):
    home.record("app.py")
    identifier = home.entries()[0]["recordingId"]
    spelled = {"1": "1", "whole": identifier, "UPPER": identifier.upper(), "prefix": identifier[:6]}
    done = home.run("delete", "-y", spelled[name], "1")
    assert (done.returncode, done.stdout) == (0, identifier + "\n")
    assert numbers(home) == []


def test_a_slip_in_one_name_deletes_nothing(home):
    home.record("app.py")
    for name, words in [
        ("77", "has no recording '77'"),
        ("ffffffff", "has no recording 'ffffffff'"),
        ("abc", "neither the number of a recording nor"),
        ("../out", "neither the number"),
        ("", "neither the number"),
    ]:
        done = home.run("delete", "-y", "1", name)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
    assert numbers(home) == [1]


def test_an_ambiguous_name_lists_the_first_five(home):
    home.run("doctor")  # makes a list
    for i in range(6):
        number = home.pretend(str(i))
        home.execute(f"UPDATE recordings SET id = 'abcd' || substr(id, 5) WHERE number = {number}")
    done = home.run("delete", "-y", "ABCD")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert "is the beginning of several identifiers" in lines[0]
    assert [line.split()[1] for line in lines[1:6]] == ["6", "5", "4", "3", "2"]
    assert lines[6:] == ["help: and more"]
    assert len(numbers(home)) == 6


def test_it_asks_at_a_terminal(home):
    home.record("app.py")
    status, out, err = answer(home, "n\n", "delete", "1")
    assert (status, out) == (1, "")
    assert f"app.py  {size(home)}  {home.folder}/out" in err
    assert "1 recording, " in err
    assert err.endswith("delete? [y/N] ct: nothing is deleted\n")
    assert answer(home, "\n", "delete", "1")[0] == 1
    assert numbers(home) == [1]
    status, out, _ = answer(home, "y\n", "delete", "1")
    assert (status, len(out)) == (0, 37)
    assert numbers(home) == []


def size(home):
    total = sum(file.stat().st_size for file in (home.folder / "out").iterdir())
    return f"{total / 1024:.1f} KiB"


def test_it_refuses_without_a_terminal(home):
    home.record("app.py")
    for words in (["delete", "1"], ["prune", "--keep", "0"]):
        done = home.run(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "--yes deletes without asking" in done.stderr
    assert numbers(home) == [1]


def test_a_link_is_removed_and_not_followed(home):
    home.record("app.py")
    precious = home.folder / "precious.json"
    precious.write_text("mine")
    (home.folder / "out" / "trace.json").symlink_to(precious)
    assert home.run("delete", "-y", "1").returncode == 0
    assert precious.read_text() == "mine"
    assert not (home.folder / "out").exists()


def test_a_directory_that_became_a_link_is_left_alone(home):
    home.record("app.py")
    (home.folder / "out").rename(home.folder / "kept")
    (home.folder / "deep").mkdir()
    (home.folder / "kept").rename(home.folder / "deep" / "kept")
    (home.folder / "out").symlink_to("deep/kept")
    done = home.run("delete", "-y", "1")
    assert done.returncode == 1
    assert "cannot open" in done.stderr
    assert (home.folder / "deep" / "kept" / "trace.ctr").is_file()


def test_another_recording_in_its_place_is_left_alone(home):
    home.record("app.py")
    for file in (home.folder / "out").iterdir():
        file.unlink()
    home.record("--unlisted", "app.py")
    done = home.run("delete", "-y", "1")
    assert done.returncode == 0, "the entry goes, its recording is gone already"
    assert (home.folder / "out" / "trace.ctr").is_file()
    assert numbers(home) == []


def test_what_is_being_recorded_is_not_deleted(home):
    home.record("app.py")
    with open(home.folder / "out" / "trace.ctr", "rb") as trace:
        fcntl.flock(trace, fcntl.LOCK_EX)
        done = home.run("delete", "-y", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is being recorded into" in done.stderr
    assert numbers(home) == [1]
    assert not (home.folder / "out" / ".trace.ctr.lock").exists()


# ---- prune


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--keep", "2"], [4, 3]),
        (["--keep", "0"], []),
        (["--keep", "9"], [4, 3, 2, 1]),
        (["--older-than", "7d"], [4, 3]),
        (["--older-than", "3w"], [4, 3, 2]),
        (["--older-than", "12h"], [4]),
        (["--older-than", "7d", "--keep", "3"], [4, 3, 2]),
        (["--deleted"], [4, 3, 1]),
        (["--deleted", "--older-than", "30d"], [4, 3, 2, 1]),
    ],
)
def test_prune_deletes_what_all_options_agree_on(home, words, left):
    home.run("doctor")  # makes a list
    for number, days in [(1, 40), (2, 10), (3, 1), (4, 0)]:
        assert home.pretend(str(number), days) == number
    os.rename(home.folder / "2", home.data / "2")  # too far away to be found
    done = home.run("prune", "--yes", *words)
    assert done.returncode == 0
    assert numbers(home) == left
    assert {number for number in (1, 3, 4) if (home.folder / str(number)).exists()} == {
        number for number in left if number != 2
    }


@pytest.mark.parametrize(
    "words", [[], ["--older-than", "soon"], ["--older-than", "5"], ["--keep", "-1"], ["1"]]
)
def test_prune_wants_to_know_which(home, words):
    home.record("app.py")
    done = home.run("prune", "--yes", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert numbers(home) == [1]


def test_nothing_to_prune_is_no_failure(home):
    done = home.run("prune", "--keep", "3")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "ct: there is nothing to prune\n"
