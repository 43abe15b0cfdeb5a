"""Measure how fast a long recording answers: gate G3.

Records bench/gate/long_run.py (about 100 million steps at scale 1), asks the trace one question at
a time, each in a fresh process, and checks every answer against what the program must have done.
Standard library only.

    ninja -C BUILD bench/reader/reader_probe
    python bench/reader.py --probe BUILD/bench/reader/reader_probe --python VENV/bin/python

`--trace DIR` asks an existing recording; its scale must be given too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent
PROGRAM = BENCH / "gate" / "long_run.py"
SEEKS = 500


class Program:
    """Where the landmarks of long_run.py are, and what its trace must say."""

    def __init__(self, scale):
        self.lines = PROGRAM.read_text(encoding="utf-8").splitlines()
        self.children = int(5_000_000 * scale)
        self.turns = int(9_000_000 * scale)
        self.deposits = int(8_700_000 * scale)

    def line(self, text):
        (number,) = [i for i, line in enumerate(self.lines, 1) if text in line]
        return str(number)

    def states(self):
        state = 1
        for turn in range(self.turns):
            state = (state * 1103 + turn) % 65_537
            yield state


class Probe:
    def __init__(self, command, trace, rounds):
        self.command = [str(command), str(trace)]
        self.rounds = rounds

    def ask(self, question, *arguments):
        """The answer, with the best and the median time of several processes."""
        answers = []
        for _ in range(self.rounds):
            done = subprocess.run(
                [*self.command, question, *map(str, arguments)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                sys.exit(f"{question} {' '.join(map(str, arguments))}: {done.stderr.strip()}")
            answers.append(json.loads(done.stdout))
        answers.sort(key=lambda answer: answer.get("ms", answer.get("p99", 0)))
        answer = answers[0]
        answer["median_ms"] = answers[len(answers) // 2].get("ms")
        return answer


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"wrong answer: {what}: {found}, should be {wanted}")


def ask_all(probe, program):
    """Yield (question, target in ms or None, answer), each answer checked."""
    about = probe.ask("about")
    steps = about["steps"]

    yield "open to the first step", 100, probe.ask("open")

    seek = probe.ask("seek", SEEKS)
    seek["ms"], seek["median_ms"] = seek["p99"], None
    yield f"state at a random step, p99 of {SEEKS}", 5, seek

    hit = probe.ask("next", "landmark", program.line("return total + 1"), 1000)
    expect("the last line", hit["step"], steps - 1)
    yield f"next hit of a line {(steps - 1000) / 1e6:.0f} M steps away", 100, hit

    first = int(program.line("state = (state * 1103"))
    count = probe.ask("count", "many_iterations", first - 1, 3, steps)
    expect("visits", count["visits"][:2], [program.turns + 1, program.turns])
    yield "visits of the lines of a function, whole trace", 100, count

    page = probe.ask("writes", "many_iterations", "state", "forwards")
    expect("the first writes", page["first"][1], 1)
    yield "history of a variable, first page of 100", 100, page
    page = probe.ask("writes", "many_iterations", "state", "backwards")
    *_, last = program.states()
    expect("the last write", page["first"][1], last)
    yield "history of a variable, last page of 100", 100, page

    page = probe.ask("changes", "Account.deposit", "self", "balance", "forwards")
    expect("the first balance", page["first"][1], 0)
    yield "history of an attribute, first page of 100", 100, page
    page = probe.ask("changes", "Account.deposit", "self", "balance", "backwards")
    yield "history of an attribute, last page of 100", 100, page
    page = probe.ask("changes", "Account.deposit", "self", "version", "first")
    expect("the first version", page["first"][1], 0)
    yield "history of a rare attribute, what 16 blocks hold", 100, page
    page = probe.ask("changes", "Account.deposit", "self", "version", "forwards")
    expect("a version", page["last"][1], page["count"] - 1)
    yield f"the same, 100 changes in {page['blocks']} blocks", None, page

    loop = program.line("for child in range(count):")
    call = probe.ask("call", "many_children", loop)
    expect("calls", call["calls"] in range(program.children, program.children + 2), True)
    yield f"record of a call that spans {call['blocks']} blocks", 100, call
    child = probe.ask("child", "many_children", loop, program.children - 1, "value")
    expect("the last child", child["value"], program.children - 1)
    yield f"child {program.children:,} of one call", 100, child

    visit = probe.ask(
        "visit", "many_iterations", program.line("if state == 4_242"), program.turns - 1, "turn"
    )
    expect("the last turn", visit["value"], program.turns - 1)
    yield f"iteration {program.turns:,} of one loop", 100, visit

    back = probe.ask("back", "main", program.line("total += many_iterations("))
    expect("the line before", str(back["line"]), program.line("total += many_children("))
    yield f"step back over a call that spans {back['blocks'] + 1} blocks", 100, back

    wanted = sum(state == 4_242 for state in program.states())
    for workers in (1, 2):
        line = program.line("if state == 4_242")
        sweep = probe.ask("sweep", "many_iterations", line, "state", 4242, workers)
        expect("states", sweep["hits"], wanted)
        yield (
            f"predicate at one line, {sweep['visits'] / 1e6:.0f} M visits, {workers} threads",
            1500,
            sweep,
        )
    sweep = probe.ask("sweep", "leaf", program.line("return value * 3 + 1"), "value", 4242, 2)
    yield "predicate at a line that runs in most blocks, 2 threads", 1500, sweep


def record(python, scale, folder):
    start = time.monotonic()
    command = [python, "-m", "codetracer_python_recorder", "--format", "ctr", "-o", str(folder)]
    subprocess.run([*command, str(PROGRAM), str(scale)], check=True, stdout=subprocess.DEVNULL)
    print(f"recorded in {time.monotonic() - start:.0f} s", file=sys.stderr)


def report(rows, about):
    print(
        f"{about['steps']:,} steps, {about['calls']:,} calls, {about['blocks']:,} blocks, "
        f"{about['bytes'] / 1e6:.0f} MB\n"
    )
    print("| question | target | best | median |")
    print("|---|---|---|---|")
    missed = 0
    for question, target, answer in rows:
        median = answer["median_ms"]
        missed += target is not None and answer["ms"] > target
        print(
            f"| {question} | {'-' if target is None else f'{target} ms'} | {answer['ms']:.1f} ms "
            f"| {'-' if median is None else f'{median:.1f} ms'} |"
        )
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable, help="one with the recorder")
    parser.add_argument("--trace", type=Path, help="an existing recording of long_run.py")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        trace = options.trace or Path(scratch) / "recording"
        if options.trace is None:
            record(options.python, options.scale, trace)
        probe = Probe(options.probe, trace, options.rounds)
        rows = list(ask_all(probe, Program(options.scale)))
        missed = report(rows, probe.ask("about"))
    print(f"{len(rows)} questions, {missed} over their target", file=sys.stderr)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
