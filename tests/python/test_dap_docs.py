"""The page about the debug adapter names the requests there are."""

import re
from pathlib import Path

from dap_client import requests

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "dap.md"


def test_the_page_has_a_row_for_each_request():
    tables = [t.split("\n\n")[0] for t in PAGE.read_text("utf-8").split("| request |")[1:]]
    rows = [row for table in tables for row in re.findall(r"^\| `([\w/-]+)` \|", table, re.M)]
    assert len(rows) == len(set(rows))
    assert set(rows) == set(requests())
