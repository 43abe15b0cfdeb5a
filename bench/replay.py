"""Measure how fast the debug adapter answers on long recordings.

Records bench/gate/long_run.py at three lengths (1, 10 and 100 million steps), starts `ct dap` on
each and asks, over its pipes, what an editor or the window asks: so the times hold the protocol,
too. Each row is the median, the 95th and the 99th percentile of many requests, in milliseconds.
Standard library only.

    python bench/replay.py --ct VENV/bin/ct --python VENV/bin/python [--scales 0.01 0.1 1]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from long_run import PROGRAM, recorded

ROUNDS = 200
TARGETS = {  # milliseconds, at 100 million steps: (which percentile, at most)
    "open to first stop": (50, 200),
    "step over": (99, 2),
    "step back": (99, 2),
    "step into": (99, 2),
    "into, backwards": (99, 2),
    "state at a random step": (99, 10),
    "continue, the whole run": (50, 150),
    "conditional continue, the whole run": (50, 1500),
    "conditional continue on an attribute": (50, 1500),
    "page of the call tree": (99, 10),
    "calls made by a loop, a page": (99, 10),
    "flow window": (99, 10),
    "first page of a history": (99, 100),
    "timeline, the whole run": (99, 100),
}


class Adapter:
    """A conversation with `ct dap`."""

    def __init__(self, ct, folder):
        self.process = subprocess.Popen(
            [ct, "dap"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.seq = 0
        self.ask("initialize", adapterID="bench")
        self.ask("attach", traceFolder=str(folder))

    def read(self):
        size = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            if not line:
                raise SystemExit("the adapter ended")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        return json.loads(self.process.stdout.read(size))

    def ask(self, command, **arguments):
        """Ask, and return the body of the response; events on the way are passed over."""
        self.seq += 1
        message = {
            "seq": self.seq,
            "type": "request",
            "command": command,
            "arguments": arguments,
        }
        data = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()
        while (answer := self.read())["type"] != "response":
            pass
        if not answer["success"]:
            raise SystemExit(f"{command} {arguments}: {answer.get('message')}")
        return answer.get("body") or {}

    def memory(self):
        """The most memory it had, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024

    def anonymous(self):
        """Of what it has now, what is not the mapped trace, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
        return int(line.split()[1]) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, ct, folder, scale):
        self.ct, self.folder, self.scale = ct, folder, scale
        self.rows = {}
        self.random = random.Random(4)
        self.lines = PROGRAM.read_text(encoding="utf-8").splitlines()

    def line(self, text):
        (number,) = [i for i, line in enumerate(self.lines, 1) if text in line]
        return number

    def measure(self, name, count, ask):
        """Time `ask` `count` times; the first is as cold as it is for a user."""
        times = []
        for _ in range(count):
            begun = time.perf_counter()
            ask()
            times.append((time.perf_counter() - begun) * 1000)
        times.sort()
        self.rows[name] = {
            "p50": statistics.median(times),
            "p95": times[min(len(times) - 1, int(len(times) * 0.95))],
            "p99": times[min(len(times) - 1, int(len(times) * 0.99))],
        }

    def open(self):
        adapter = Adapter(self.ct, self.folder)
        adapter.ask("configurationDone")
        adapter.ask("stackTrace", threadId=1)
        return adapter

    def run(self):
        opened = []
        self.measure("open to first stop", 10, lambda: opened.append(self.open()))
        for adapter in opened:
            adapter.close()
        adapter = self.open()
        recording = adapter.ask("ct/recording")
        steps, path = recording["steps"], recording["program"]
        anywhere = lambda: {"step": self.random.randrange(steps), "left": 0}  # noqa: E731
        go = lambda: adapter.ask("ct/move", move="moment", moment=anywhere())  # noqa: E731

        def state():
            moved = go()
            frames = adapter.ask("stackTrace", threadId=moved["threadId"], levels=20)
            scopes = adapter.ask("scopes", frameId=frames["stackFrames"][0]["id"])
            for scope in scopes["scopes"]:
                adapter.ask("variables", variablesReference=scope["variablesReference"], count=50)

        self.measure("state at a random step", ROUNDS, state)
        for name, move, backwards in (
            ("step over", "over", False),
            ("step back", "over", True),
            ("step into", "into", False),
            ("into, backwards", "into", True),
        ):
            go()
            step = lambda m=move, b=backwards: adapter.ask("ct/move", move=m, backwards=b)  # noqa: E731
            self.measure(name, ROUNDS, step)
        self.calls(adapter, anywhere)
        self.measure(
            "timeline, the whole run",
            20,
            lambda: adapter.ask("ct/load-timeline", **{"from": 0, "to": steps, "count": 1200}),
        )
        self.measure(
            "timeline, zoomed in",
            ROUNDS,
            lambda: adapter.ask(
                "ct/load-timeline",
                **{"from": (at := self.random.randrange(steps)), "to": at + 5000, "count": 1200},
            ),
        )
        self.searches(adapter, path)
        self.memory = adapter.memory()
        self.anonymous = adapter.anonymous()
        adapter.close()

    def calls(self, adapter, anywhere):
        children = int(5_000_000 * self.scale)
        roots = adapter.ask("ct/load-calltrace-section", parent=None, start=0, count=10)["calls"]
        main = next(
            call
            for call in adapter.ask(
                "ct/load-calltrace-section", parent=roots[0]["key"], start=0, count=50
            )["calls"]
            if call["rawName"] == "main"
        )
        parts = adapter.ask("ct/load-calltrace-section", parent=main["key"], start=0, count=50)
        maker = next(call for call in parts["calls"] if call["rawName"] == "many_children")
        loop = next(call for call in parts["calls"] if call["rawName"] == "many_iterations")
        self.measure(
            "calls made by a loop, a page",
            ROUNDS,
            lambda: adapter.ask(
                "ct/load-calltrace-section",
                parent=maker["key"],
                start=self.random.randrange(children - 50),
                count=50,
            ),
        )

        def page():
            call = adapter.ask("ct/at", **anywhere())["location"]["key"]
            path = adapter.ask("ct/call-path", call=call, count=3)["calls"]
            adapter.ask("ct/load-calltrace-section", parent=path[-1]["key"], start=0, count=50)

        self.measure("page of the call tree", ROUNDS, page)
        first, size = loop["firstStep"], loop["steps"]
        self.measure(
            "flow window",
            ROUNDS,
            lambda: adapter.ask(
                "ct/load-flow",
                **{"call": loop["key"], "from": first + self.random.randrange(size), "count": 60},
            ),
        )
        self.measure(
            "an iteration of a loop",
            ROUNDS,
            lambda: adapter.ask(
                "ct/move",
                move="visit",
                call=loop["key"],
                line=self.line("state = (state"),
                index=self.random.randrange(int(9_000_000 * self.scale)),
            ),
        )
        self.measure(
            "first page of a history",
            ROUNDS,
            lambda: adapter.ask("ct/load-history", expression="state", count=100),
        )

    def searches(self, adapter, path):
        source = {"path": path}
        start = lambda: adapter.ask("ct/move", move="start")  # noqa: E731

        def to_landmark():
            start()
            adapter.ask("continue", threadId=1)

        adapter.ask(
            "setBreakpoints", source=source, breakpoints=[{"line": self.line("return total + 1")}]
        )
        self.measure("continue, the whole run", 10, to_landmark)
        for name, line, condition in (
            ("conditional continue, the whole run", "state = (state", "turn < 0"),
            ("conditional continue on an attribute", "self.balance += amount", "self.version < 0"),
        ):
            wanted = {"line": self.line(line), "condition": condition}
            adapter.ask("setBreakpoints", source=source, breakpoints=[wanted])
            self.measure(name, 3, to_landmark)
        adapter.ask("setBreakpoints", source=source, breakpoints=[])


def row(name, times):
    shown = [f"{times[p]:9.2f}" for p in ("p50", "p95", "p99")]
    percentile, most = TARGETS.get(name, (None, None))
    target = ""
    if most is not None:
        met = times[f"p{percentile}"] <= most
        target = f"p{percentile} <= {most} ms{'' if met else '  NOT MET'}"
    return f"| {name:37} | {' | '.join(shown)} | {target}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ct", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--scales", type=float, nargs="+", default=[0.01, 0.1, 1.0])
    parser.add_argument("--recordings", help="a folder for the recordings, which then stay")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as made:
        folder = Path(options.recordings or made)
        results = {}
        for scale in options.scales:
            out = recorded(options.ct, options.python, folder, scale)
            bench = Bench(options.ct, out, scale)
            bench.run()
            steps = int(scale * 100)
            print(f"\n{steps} million steps; milliseconds: p50, p95, p99")
            for name, times in bench.rows.items():
                print(row(name, times))
            print(f"memory at most {bench.memory:.0f} MiB, {bench.anonymous:.0f} MiB of its own")
            results[scale] = {"rows": bench.rows, "memory": bench.memory}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
