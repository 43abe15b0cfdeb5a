"""A folder with a program: run commands in it, look at what they recorded."""

import json
import subprocess
import sys
import textwrap

import oracle
from sanitizer import SLOWER


class Project:
    """A folder; `ct` is the one that was installed with the package."""

    patience = 60  # seconds

    def __init__(self, folder, ct):
        self.folder = folder
        self.ct = ct

    def write(self, name, source):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(textwrap.dedent(source))
        return path

    def execute(self, *command):
        return subprocess.run(
            command,
            cwd=self.folder,
            env=oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable),
            capture_output=True,
            text=True,
            timeout=self.patience * SLOWER,
        )

    def python(self, *words):
        return self.execute(sys.executable, *words)

    def printed(self, *options, out="out"):
        """What `ct print` says of a recording in which nothing is wrong."""
        done = self.execute(str(self.ct), "verify", out)
        assert done.returncode == 0, done.stderr
        return self.execute(str(self.ct), "print", out, *options).stdout

    def events(self, out="out"):
        return [json.loads(line) for line in self.printed("--format", "json", out=out).splitlines()]
