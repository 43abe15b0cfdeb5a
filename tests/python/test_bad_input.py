"""`ct` and what is no recording: one clear line on standard error, status 1, no crash, no hang."""

import os
import random
import re
import shutil
import subprocess

import pytest
from sanitizer import SANITIZED, SLOWER
from side_by_side import SideBySide

PATIENCE = 20 * SLOWER
PROGRAM = """
def f(n):
    l = []
    for i in range(n):
        l.append({"i": i, "t": (i, str(i)), "f": i / 3})
    return l
try: f(20)[99]
except IndexError as e: print(e)
def g():
    yield from range(5)
list(g())
"""
READERS = [
    ["print"],
    ["print", "--summary"],
    ["print", "--format", "json"],
    ["verify"],
    ["print", "--calls"],
    ["export"],
]
IDS = [" ".join(words) for words in READERS]


@pytest.fixture(scope="module")
def good(ct, python, tmp_path_factory):
    """Return the folder of a whole, small recording."""
    sides = SideBySide(ct, python, tmp_path_factory.mktemp("good"))
    sides.write(PROGRAM)
    assert sides.recorded("program.py").status == 0
    return sides.recording


@pytest.fixture
def place(good, tmp_path):
    """Return a copy of the whole recording, to be damaged."""
    return shutil.copytree(good, tmp_path / "place")


def run(ct, *words, **options):
    command = [ct, *words]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, **options)


def assert_refused(done, *parts):
    err = done.stderr.decode("utf-8", "backslashreplace")
    assert done.returncode == 1, (done.returncode, err)
    lines = [line for line in err.splitlines() if not line.startswith("help:")]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert lines[0].isprintable()
    for part in parts:
        assert part in lines[0], lines[0]


def assert_survives(ct, path):
    """Whatever is read, `ct` ends by itself with 0 or 1."""
    for words in READERS:
        for more in ([], ["--salvage"]) if words[0] != "verify" else ([],):
            done = run(ct, *words, *more, path)
            assert done.returncode in (0, 1), (words, more, done.returncode, done.stderr[-300:])


@pytest.mark.parametrize("words", READERS, ids=IDS)
class TestNoTrace:
    def test_nothing_there(self, ct, tmp_path, words):
        assert_refused(run(ct, *words, tmp_path / "none"), "none")

    def test_a_folder_without_a_recording(self, ct, tmp_path, words):
        assert_refused(run(ct, *words, tmp_path), str(tmp_path))

    def test_an_empty_file(self, ct, tmp_path, words):
        (tmp_path / "trace.ctr").touch()
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")
        assert_refused(run(ct, *words, tmp_path / "trace.ctr"), "trace.ctr")

    @pytest.mark.parametrize("size", [1, 7, 8, 63, 64, 65, 4096, 100_000])
    def test_random_bytes(self, ct, tmp_path, words, size):
        (tmp_path / "trace.ctr").write_bytes(random.Random(size).randbytes(size))
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")

    def test_a_text(self, ct, tmp_path, words):
        (tmp_path / "trace.ctr").write_text("[\n" * 5000)
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")

    def test_a_pipe(self, ct, tmp_path, words):
        os.mkfifo(tmp_path / "trace.ctr")
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty", "/proc/self/maps"])
    def test_devices(self, ct, words, device):
        assert_refused(run(ct, *words, device, start_new_session=True), device)

    def test_a_folder_in_its_place(self, ct, tmp_path, words):
        (tmp_path / "trace.ctr").mkdir()
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")

    def test_a_link_to_itself(self, ct, tmp_path, words):
        (tmp_path / "trace.ctr").symlink_to("trace.ctr")
        assert_refused(run(ct, *words, tmp_path), "trace.ctr", "Too many levels")

    def test_an_odd_name(self, ct, tmp_path, words):
        odd = os.fsencode(tmp_path) + b"/\xff\n\x1b[31m"
        assert_refused(run(ct, *words, odd), r"\udcff\n\x1b[31m")

    def test_a_file_of_holes(self, ct, tmp_path, words):
        with open(tmp_path / "trace.ctr", "wb") as file:
            file.truncate(1 << 40)
        assert_refused(run(ct, *words, tmp_path), "trace.ctr")

    def test_a_newer_version(self, ct, place, words):
        data = bytearray((place / "trace.ctr").read_bytes())
        at = version_offset(data)
        data[at] += 1
        (place / "trace.ctr").write_bytes(data)
        done = run(ct, *words, place)
        assert_refused(done, "trace.ctr", "version")


def version_offset(data):
    """The version follows the magic of eight bytes."""
    assert data[8] < 250
    return 8


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
@pytest.mark.parametrize("words", READERS, ids=IDS)
def test_a_file_that_may_not_be_read(ct, place, words):
    (place / "trace.ctr").chmod(0)
    assert_refused(run(ct, *words, place), "Permission denied")


def test_a_recording_that_was_cut_off_is_named_and_read_on_request(ct, python, tmp_path):
    sides = SideBySide(ct, python, tmp_path)
    sides.write("x = []\nfor i in range(20000):\n    x = [i, str(i)]\nprint('end')\n" * 3)
    assert sides.recorded("program.py").status == 0
    trace = sides.recording / "trace.ctr"
    trace.write_bytes(trace.read_bytes()[: trace.stat().st_size * 3 // 4])
    for words in (["print"], ["print", "--calls"], ["export"]):
        assert_refused(run(ct, *words, sides.recording), str(sides.recording), "readable up to")
        assert run(ct, *words, "--salvage", sides.recording).returncode == 0
    done = run(ct, "verify", sides.recording)
    assert_refused(done, str(sides.recording), "readable up to")
    assert b"\nnot ok: " in done.stdout
    assert (sides.recording / "trace.json").stat().st_size > 1 << 20


@pytest.mark.parametrize("words", [["print"], ["verify"], ["export"]], ids=lambda w: w[0])
def test_a_damaged_block_is_told_with_the_recordings_name(ct, python, tmp_path, words):
    sides = SideBySide(ct, python, tmp_path)
    sides.write("x = []\nfor i in range(20000):\n    x = [i, str(i)]\n")
    assert sides.recorded("program.py").status == 0
    trace = sides.recording / "trace.ctr"
    data = bytearray(trace.read_bytes())
    data[len(data) // 2] ^= 0xFF
    trace.write_bytes(data)
    assert_refused(run(ct, *words, sides.recording), str(sides.recording), "block")
    assert not (sides.recording / "trace.json").exists()


def test_an_export_replaces_nothing_but_files(ct, place, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        assert_refused(run(ct, "export", "-o", tmp_path / name, place), name, "it is no file")
    assert sorted(path.name for path in tmp_path.iterdir() if path != place) == ["link", "pipe"]


def test_nothing_to_print_is_said(ct, place):
    done = run(ct, "print", "--function", "nosuch", place)
    assert done.returncode == 0
    assert done.stderr.startswith(b"ct: ")


def test_two_recordings_and_unknown_options_are_usage_errors(ct, place):
    for words in (
        ["print", place, place],
        ["print", "--no-such"],
        ["print", "--from", "x", place],
        ["print", "--from", "5", "--to", "3", place],
        ["verify"],
    ):
        done = run(ct, *words)
        assert done.returncode == 2, words
        assert done.stderr.startswith(b"error: ")


def test_every_prefix_opens_or_is_refused(ct, place):
    data = (place / "trace.ctr").read_bytes()
    for size in sorted({*range(80), *range(80, len(data), max(1, len(data) // 60)), len(data) - 1}):
        (place / "trace.ctr").write_bytes(data[:size])
        for words in (["print"], ["verify"], ["print", "--salvage"]):
            done = run(ct, *words, place)
            assert done.returncode in (0, 1), (size, words, done.stderr)
            if words == ["verify"]:
                assert done.returncode == 1, size


@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes_are_noticed(ct, place, seed):
    data = (place / "trace.ctr").read_bytes()
    pick = random.Random(seed)
    for _ in range(25):
        bad = bytearray(data)
        for _ in range(pick.choice((1, 1, 2, 9))):
            bad[pick.randrange(len(bad))] ^= 1 << pick.randrange(8)
        (place / "trace.ctr").write_bytes(bad)
        done = run(ct, "verify", place)
        assert done.returncode == 1, done.stdout
        assert run(ct, "print", "--salvage", place).returncode in (0, 1)


@pytest.mark.parametrize("what", [b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0" * 8])
def test_huge_sizes_are_not_believed(ct, place, what):
    # A sanitizer maps a terabyte for itself, and refuses what is huge by its own.
    limited = [] if SANITIZED else ["sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh"]
    data = (place / "trace.ctr").read_bytes()
    for at in [*range(8, 160, 4), *range(len(data) - 64, len(data) - 8, 4)]:
        (place / "trace.ctr").write_bytes(data[:at] + what + data[at + 8 :])
        command = [*limited, ct, "print", place]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
        assert done.returncode in (0, 1), (at, done.returncode, done.stderr)


def test_a_tail_that_is_not_its_own(ct, place):
    cut = (place / "trace.ctr").read_bytes()[:64]
    (place / "trace.ctr").write_bytes(cut)
    for tail in (b"", b"x" * 100, random.Random(1).randbytes(1 << 16), b"\0" * (1 << 20)):
        (place / "trace.ctr.tail").write_bytes(tail)
        assert_survives(ct, place)


def test_a_tail_that_is_a_pipe(ct, place, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PATIENCE", 2)
    (place / "trace.ctr").write_bytes((place / "trace.ctr").read_bytes()[:64])
    os.mkfifo(place / "trace.ctr.tail")
    assert_survives(ct, place)


def test_a_value_that_is_small_in_memory_and_endless_as_text(ct, python, tmp_path):
    """Thirty-two tuples, each twice in the next, are a few hundred bytes of trace."""
    sides = SideBySide(ct, python, tmp_path)
    sides.write("x = 1\nfor i in range(32): x = (x, x)\nprint('made')\n")
    assert sides.recorded("program.py").out == "made\n"
    for words in (["--format", "json"], ["--format", "csv"], []):
        lines = run(ct, "print", *words, sides.recording).stdout.splitlines()
        assert max(map(len, lines)) < 5 << 20
    assert run(ct, "export", "--limit", "1M", sides.recording).returncode in (0, 1)
    assert sum(file.stat().st_size for file in sides.recording.iterdir()) < 2 << 20


def test_side_files_do_not_matter_to_print(ct, place):
    (place / "trace_metadata.json").write_bytes(b"\xff{{{")
    (place / "trace_paths.json").unlink()
    (place / "trace_paths.json").mkdir()
    assert run(ct, "print", place).returncode == 0


def test_output_that_cannot_be_written(ct, place):
    with open("/dev/full", "w") as full:
        done = subprocess.run([ct, "print", place], stdout=full, stderr=-1, timeout=PATIENCE)
    assert done.returncode == 1
    assert re.match(rb"error: .*No space left", done.stderr)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        done = subprocess.run([ct, "print", place], stdout=gone, stderr=-1, timeout=PATIENCE)
    assert done.returncode in (1, -13, 141)
    assert done.stderr == b""


def test_print_to_a_closed_stdout(ct, place):
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", ct, "print", place], stderr=-1, timeout=9
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")


@pytest.mark.long
def test_thousands_of_corruptions(ct, place):
    data = (place / "trace.ctr").read_bytes()
    pick = random.Random(5)
    for turn in range(3000):
        bad = bytearray(data)
        kind = turn % 4
        at = pick.randrange(len(bad))
        if kind == 0:
            bad[at] = pick.randrange(256)
        elif kind == 1:
            bad[at : at + pick.randrange(64)] = pick.randbytes(pick.randrange(64))
        elif kind == 2:
            del bad[at : at + pick.randrange(200)]
        else:
            other = pick.randrange(len(bad))
            bad[at : at + 32] = bad[other : other + 32]
        (place / "trace.ctr").write_bytes(bad)
        done = run(ct, *pick.choice(READERS), *(["--salvage"] if kind == 9 else []), place)
        assert done.returncode in (0, 1), (turn, done.stderr)
