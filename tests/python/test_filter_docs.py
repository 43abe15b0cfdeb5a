"""The page on trace filters: every file it shows is written, every command run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from codetracer_python_recorder import _recorder

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/onboarding/trace-filters.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks():
    return BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def steps(text):
    """The commands of a console block, each with what it shows."""
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = step.partition("\n")
        yield command, shown


def test_every_example_does_what_the_page_says(ct, tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("CODETRACER", "PYTHON"))}
    environ["CODETRACER_PYTHON_INTERPRETER"] = sys.executable
    environ["PATH"] = f"{ct.parent}{os.pathsep}{environ['PATH']}"
    run = 0
    for kind, text in blocks():
        if kind in ("python", "toml"):
            path = tmp_path / text.partition("\n")[0].removeprefix("# ")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for command, shown in steps(text) if kind == "console" else ():
            done = subprocess.run(
                shlex.split(command), cwd=tmp_path, env=environ, capture_output=True, text=True
            )
            said = done.stdout
            if "--calls" in command:  # how long one took is another number each time
                said = re.sub(r"^ +\d+(?=  )", " " * 7 + "0", said, flags=re.M)
            if shown.startswith("error:"):
                assert done.returncode == 2
                said += done.stderr.partition("\n")[0] + "\n"
            else:
                assert done.returncode == 0, (command, done.stderr)
            assert said.replace(f"{tmp_path}/", "") == shown, command
            run += 1
    assert run == 13


def test_the_words_are_those_of_the_recorder():
    (words,) = [text for kind, text in blocks() if kind == "words"]
    assert words.replace("\n", " ").strip().split(", ") == list(_recorder.secret_words())


def test_the_table_has_every_key():
    from codetracer_python_recorder.filters import document

    keys = {f"meta.{key}" for key in document._META} | {f"io.{key}" for key in document._IO}
    keys |= {f"scope.{key}" for key in document._SCOPE}
    keys |= {f"scope.rules.{key}" for key in document._RULE}
    keys |= {f"scope.rules.value_patterns.{key}" for key in document._PATTERN}
    shown = re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert keys - {"io.modes"} <= set(shown)
    assert {key for key in shown if "." in key} == keys
