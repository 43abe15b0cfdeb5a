"""Every command that docs/reference/commands.md shows works as it is shown."""

import json

from home import Home
from test_docs import ROOT, commands

PAGE = "docs/reference/commands.md"


def test_the_commands_of_the_page(ct, tmp_path):
    home = Home(ct, tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shown = commands(PAGE)
    assert len(shown) >= 15
    for words in shown:
        assert words[0] == "ct"
        done = home.run(*words[1:])
        fails = words[1] == "record"  # the example ends by an exception
        assert done.returncode == (1 if fails else 0), (words, done.stderr)
        if words[1] == "trace-metadata" or words[1:4] == ["list", "--format", "json"]:
            assert json.loads(done.stdout) is not None


def test_the_members_of_the_page_are_those_of_the_list(ct, tmp_path):
    home = Home(ct, tmp_path)
    home.record(home.write("app.py"))
    (entry,) = home.entries()
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    table = text[text.index("| member | content |") : text.index("## ct delete")]
    rows = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    named = [name.strip(" `") for row in rows for name in row.split(",")]
    assert len(named) >= 15
    assert set(named) <= set(entry)
