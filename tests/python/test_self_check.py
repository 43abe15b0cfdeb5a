"""Whatever the recorder remembers of the corpus' programs is as it is, at every event."""

import os
import subprocess
from pathlib import Path

import pytest
from self_check import self_check_findings

PROGRAMS = sorted(Path(__file__).resolve().parent.parent.joinpath("programs").glob("*.py"))


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_what_the_recorder_remembers_of_the_corpus_is_right(self_check_bin, out, program):
    subprocess.run(
        [self_check_bin / "ct", "record", "-o", out, program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"CODETRACER_PYTHON_INTERPRETER": str(self_check_bin / "python")},
        check=False,
    )
    counts, found = self_check_findings(out)
    assert counts["wrong"] == 0, "\n".join(found)
