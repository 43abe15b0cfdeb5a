"""What a command line means."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from codetracer_python_recorder import cli


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("")
    return tmp_path


def failure(capsys, *argv):
    with pytest.raises(SystemExit) as caught:
        cli._parse_args(list(argv))
    captured = capsys.readouterr()
    assert captured.out == ""
    return caught.value.code, captured.err


def test_defaults(folder):
    config = cli._parse_args(["app.py"])
    assert config.trace_dir == folder / "trace-out"
    assert config.format == "binary"
    assert config.script == config.activation_path == folder / "app.py"
    assert config.script_args == []
    assert config.trace_filter == ()
    assert config.policy_overrides == {}
    assert config.options == {}
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.format = "json"


@pytest.mark.parametrize("option", ["--trace-dir", "--out-dir", "-o"])
def test_the_directory_has_three_names(folder, option):
    assert cli._parse_args([option, "x/../y", "app.py"]).trace_dir == folder / "y"


@pytest.mark.parametrize(
    ("argv", "args"),
    [
        (["app.py", "--format", "json", "-h"], ["--format", "json", "-h"]),
        (["app.py", "--", "--a", "--", "--b"], ["--a", "--", "--b"]),
        (["--", "app.py", "a"], ["a"]),
        (["--", "app.py", "--", "a"], ["--", "a"]),
        (["app.py", "x", "--"], ["x", "--"]),
    ],
)
def test_after_the_script_everything_is_the_programs(argv, args):
    config = cli._parse_args(argv)
    assert (config.target, config.script_args, config.format) == ("app.py", args, "binary")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["-m", "pkg.mod", "-x"], ("module", "pkg.mod", ["-x"])),
        (["-mpkg"], ("module", "pkg", [])),
        (["-m", "pkg", "--", "-x"], ("module", "pkg", ["-x"])),
        (["--", "-m", "pkg", "--"], ("module", "pkg", ["--"])),
        (["-c", "print()", "-m"], ("code", "print()", ["-m"])),
        (["-cprint()"], ("code", "print()", [])),
        (["--exact", "-o", "x", "-c", ""], ("code", "", [])),
    ],
)
def test_modules_and_code(argv, expected):
    config = cli._parse_args(argv)
    assert (config.kind, config.target, config.script_args) == expected
    assert config.script is config.activation_path is None


def test_limits_and_preferences():
    words = "--max-text 4K --max-items 0 --max-depth=9 --max-attributes 5 --max-size 2G"
    words += " --min-free-space 1m --export-limit 7 --exact --no-with-diff app.py"
    assert cli._parse_args(words.split()).options == {
        "max_text": 4096,
        "max_items": 0,
        "max_depth": 9,
        "max_attributes": 5,
        "max_size": 2 << 30,
        "min_free_space": 1 << 20,
        "export_limit": 7,
        "exact": True,
        "with_diff": False,
    }


@pytest.mark.parametrize(
    ("word", "size"),
    [("50MiB", 50 << 20), ("1.5k", 1536), ("2T", 2 << 40), ("3GB", 3 << 30), ("12", 12)],
)
def test_sizes_are_written_as_for_ct(word, size):
    assert cli._parse_args(["--max-size", word, "app.py"]).options == {"max_size": size}


@pytest.mark.parametrize(
    ("word", "count"),
    [("1K", 1000), ("1.5k", 1500), ("007", 7), (str(2**64 - 1), 2**64 - 1), ("0" * 99 + "5", 5)],
)
def test_counts_are_written_as_for_ct(word, count):
    assert cli._parse_args(["--max-items", word, "app.py"]).options == {"max_items": count}


def test_policy(folder):
    words = "--on-recorder-error disable --require-trace --keep-partial-trace --log-level debug"
    words += " --log-file r.log --json-errors --io-capture proxies+fd"
    words += " --no-module-name-from-globals --propagate-script-exit"
    words += " --trace-filter a::b --trace-filter c app.py"
    config = cli._parse_args(words.split())
    assert config.trace_filter == ("a::b", "c")
    assert config.policy_overrides == {
        "on_recorder_error": "disable",
        "require_trace": True,
        "keep_partial_trace": True,
        "log_level": "debug",
        "log_file": folder / "r.log",
        "json_errors": True,
        "io_capture_line_proxies": True,
        "io_capture_fd_fallback": True,
        "module_name_from_globals": False,
        "propagate_script_exit": True,
    }


def test_paths_are_resolved(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "link.py").symlink_to("app.py")
    config = cli._parse_args(["-o", "~/out", "--activation-path", "~/link.py", "link.py"])
    assert config.trace_dir == folder / "out"
    assert config.activation_path == config.script == Path(folder / "app.py")


@pytest.mark.parametrize("name", ["JSON", "Binary", "ctr"])
def test_formats(name):
    assert cli._parse_args(["--format", name, "app.py"]).format == name.lower()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "missing script to execute"),
        (["--exact"], "missing script to execute"),
        (["--"], "missing script path after '--'"),
        (["-m"], "argument expected for the -m option"),
        (["-c"], "argument expected for the -c option"),
        (["--format", "xml", "app.py"], "unsupported trace format 'xml'. Expected one of: binary"),
        (["--io-capture", "all", "app.py"], "invalid choice"),
        (["--max-size", "2X", "app.py"], "'2X' is not a size"),
        (["--max-size", "0.5", "app.py"], "'0.5' is not a size"),
        (["--max-items", "-1", "app.py"], "'-1' is not a whole number"),
        (["--max-items", "1X", "app.py"], "'1X' is not a whole number"),
        (
            ["--max-items", "9" * 20, "app.py"],
            "argument --max-items: '99999999999999999999' is too",
        ),
        (["--max-text", "9" * 5000, "app.py"], "argument --max-text: "),
        (["--max-size", "99999999999G", "app.py"], "argument --max-size: '99999999999G' is too la"),
        (["--trace-filter", "", "app.py"], "argument --trace-filter: '' names no file"),
        (["--trace-filter=:: ::", "app.py"], "argument --trace-filter: ':: ::' names no file"),
        (["--activation-path", "", "app.py"], "argument --activation-path: the name is empty"),
        (["-o", "", "app.py"], "argument -o/--out-dir/--trace-dir: the name is empty"),
        (["--trace", "x", "app.py"], "unrecognized arguments: --trace"),
        (["--trace-dir"], "expected one argument"),
    ],
)
def test_mistakes(capsys, argv, message):
    status, talk = failure(capsys, *argv)
    assert status == 2
    assert message in talk
    assert talk.startswith("usage: codetracer-python-recorder")


def test_a_missing_script(capsys, folder):
    status, talk = failure(capsys, "no.py")
    assert status == 2
    assert talk.endswith(f"can't open file '{folder}/no.py': [Errno 2] No such file or directory\n")


def test_a_working_directory_that_is_gone(tmp_path):
    command = [sys.executable, "-m", "codetracer_python_recorder"]
    for words, status in ([tmp_path / "app.py"], 2), (["-o", "out", "app.py"], 2):
        (tmp_path / "gone").mkdir()
        shell = ["sh", "-c", 'rmdir ../gone; exec "$@"', "sh", *command, *map(str, words)]
        done = subprocess.run(shell, cwd=tmp_path / "gone", capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.splitlines() == [
            "Failed to parse arguments: the working directory does not exist any more; "
            "give -o and SCRIPT in full"
        ]


def test_help_and_version(capsys):
    for option, start in (
        ("--help", "usage: "),
        ("--version", "codetracer-python-recorder "),
        ("-V", "codetracer-python-recorder "),
    ):
        with pytest.raises(SystemExit) as caught:
            cli._parse_args([option])
        assert caught.value.code == 0
        captured = capsys.readouterr()
        assert captured.out.startswith(start)
        assert captured.err == ""


def test_every_option_is_explained():
    text = cli._build_parser().format_help()
    for flag in cli._TAKES_VALUE | {"--exact", "--with-diff", "--no-with-diff", "--version"}:
        assert flag in text
