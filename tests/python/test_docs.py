"""The commands the documents show do what the documents say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import oracle
import pytest
from served import Server

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


def commands(page):
    """The lines after a prompt in a page's console blocks, without their comments."""
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line[2:], comments=True) for line in lines]


def test_the_first_recording_of_the_readme(ct, tmp_path):
    shown = [words for words in commands("README.md") if words[0] == "ct"]
    assert len(shown) == 5
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    outputs = []
    for words in shown:
        if words[1] == "replay":
            with Server(ct, *words[1:], home=tmp_path) as server:
                assert server.session()
            continue
        command = [str(ct), *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
        outputs.append((words, done))
    record, *prints = outputs
    # The example ends by an exception: that is what one records for.
    assert record[1].returncode == 1
    assert "traceId:" in record[1].stderr
    for words, done in prints:
        assert (done.returncode, done.stderr) == (0, ""), words
        assert len(done.stdout.splitlines()) > 10, words


def test_the_demo_records_and_prints(ct, tmp_path):
    """What `make demo` runs, whatever Python the shell finds first."""
    environ = oracle.environment(TMPDIR=str(tmp_path), PATH="/usr/bin:/bin")
    command = ["sh", str(ROOT / "tools" / "demo.sh"), str(ct.parent)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "bakery.py" in done.stdout
    assert "cannot bake brioche" in done.stderr


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*/*.md"))]
)
def test_links_lead_somewhere(page):
    targets = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
    for target in targets:
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
