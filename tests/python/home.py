"""A data directory for one test, with a list of recordings of its own, and `ct` to fill it."""

import json
import sqlite3
import subprocess
import sys
import uuid

import oracle

DATABASE = "codetracer-python-recorder/recordings.db"


class Home:
    """A data directory of its own, and `ct` with it."""

    def __init__(self, ct, folder):
        self.ct = ct
        self.folder = folder
        self.data = folder / "data"
        self.variables = {}

    @property
    def database(self):
        return self.data / DATABASE

    def environment(self):
        own = {"XDG_DATA_HOME": str(self.data), "TZ": "UTC"}
        own["CODETRACER_PYTHON_INTERPRETER"] = sys.executable
        return oracle.environment(**{**own, **self.variables})

    def run(self, *words, **options):
        return subprocess.run(
            [self.ct, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            **options,
        )

    def write(self, name, text="print(1)\n"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name

    def record(self, *words, out="out"):
        done = self.run("record", "--format", "ctr", "-o", out, *words)
        assert "traceId:" in done.stderr, done.stderr
        return done

    def entries(self, *words):
        done = self.run("list", "--json", *words)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def pretend(self, name, days=0):
        """Add a recording that is a header alone to a list that is there; return its number."""
        identifier = uuid.uuid4()
        folder = self.folder / name
        folder.mkdir()
        (folder / "trace.ctr").write_bytes(b"\213CTRACE\n" + bytes(8) + identifier.bytes)
        columns = "id, program, arguments, workdir, directory, recorded_at, duration, steps, calls"
        time = f"strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{days} days')"
        values = f"'{identifier}', 'app.py', '[]', '', '{folder}', {time}, 0, 0, 0, 0, ''"
        self.execute(f"INSERT INTO recordings ({columns}, bytes, python) VALUES ({values})")
        return self.execute("SELECT max(number) FROM recordings")[0][0]

    def execute(self, sql):
        with sqlite3.connect(self.database) as connection:
            return connection.execute(sql).fetchall()
