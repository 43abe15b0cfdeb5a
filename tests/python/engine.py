"""Ask the replay engine, through its probe, and a model of what its moves must answer."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from probe import PATIENCE, LineProcess, probe_path

ENTERS = {"call", "resume", "throw"}
LEAVES = {"return", "yield", "unwind"}
ENDS = {"return", "unwind"}
GENERATORS = 0x20 | 0x200  # co_flags of generators and asynchronous generators


def record(ct, program, folder, *options):
    """Record a program, and return the recording's folder."""
    environ = os.environ | {"CODETRACER_PYTHON_INTERPRETER": sys.executable}
    command = [str(ct), "record", "-o", str(folder), *options, str(program)]
    subprocess.run(command, capture_output=True, env=environ, timeout=PATIENCE, check=False)
    return folder


def events_of(ct, folder):
    command = [str(ct), "print", str(folder), "--format", "json", "--depth", "0"]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    return [json.loads(line) for line in printed.stdout.decode("utf-8", "replace").splitlines()]


class Probe(LineProcess):
    """A session of the engine."""

    def __init__(self, folder):
        super().__init__(probe_path("CT_REPLAY_PROBE"), folder)

    def ask(self, *words):
        """Ask one question; the answer is a dict, with `error` where it failed."""
        self.write(" ".join(map(str, words)))
        return json.loads(self.read(words))


@cache
def flags_of(file):
    """The co_flags of each function of a source file, by its qualified name."""

    def walk(code):
        yield code.co_qualname, code.co_flags
        for constant in code.co_consts:
            if hasattr(constant, "co_code"):
                yield from walk(constant)

    return dict(walk(compile(Path(file).read_text("utf-8"), file, "exec")))


@dataclass(frozen=True)
class Moment:
    """A step, or a frame left after it: who goes on there, and the event that makes it."""

    step: int
    left: int
    thread: int
    call: int
    line: int
    index: int
    has_below: bool


class Model:
    """All moments of a recording, from the events that `ct print` shows; moves by looking through
    all of them."""

    def __init__(self, events):
        self.events = events
        self.lines = {}  # latest line of each call
        self.below = {}  # by index of an entering event: whether a frame was below
        self.of_thread = {}
        stacks = {}
        for index, event in enumerate(events):
            thread = event["thread"]
            stack = stacks.setdefault(thread, [])
            if event["event"] in ENTERS:
                self.below[index] = bool(stack)
                stack.append(event["call"])
            elif event["event"] == "line":
                self.lines[event["call"]] = event["line"]
                self._add(event["step"], 0, thread, stack, index)
            elif event["event"] in LEAVES:
                self._leave(event, thread, stack, index)

    def _add(self, step, left, thread, stack, index):
        moment = Moment(
            step, left, thread, stack[-1], self.lines.get(stack[-1], 0), index, len(stack) > 1
        )
        self.of_thread.setdefault(thread, []).append(moment)

    def _leave(self, event, thread, stack, index):
        assert stack.pop() == event["call"]
        latest = self.of_thread.get(thread)
        if latest and latest[-1].call == event["call"] and latest[-1].has_below and stack:
            self._add(latest[-1].step, latest[-1].left + 1, thread, stack, index)

    @cached_property
    def moments(self):
        return {(m.step, m.left): m for of in self.of_thread.values() for m in of}

    def _is_generator(self, moment):
        event = next(e for e in self.events if e.get("call") == moment.call)
        return bool(flags_of(event["file"]).get(event["function"], 0) & GENERATORS)

    def _events(self, moment, kinds, backwards):
        """The events of the moment's call before or after it, the nearest first."""
        indexes = range(moment.index - 1, -1, -1) if backwards else None
        for index in indexes or range(moment.index + 1, len(self.events)):
            event = self.events[index]
            if event.get("call") == moment.call and event["event"] in kinds:
                yield index, event

    def _before(self, thread, index):
        """The latest moment of the thread whose event is before this one."""
        found = [m for m in self.of_thread.get(thread, ()) if m.index < index]
        return found[-1] if found else None

    def into(self, moment, backwards):
        moments = self.of_thread[moment.thread]
        at = moments.index(moment) + (-1 if backwards else 1)
        if 0 <= at < len(moments):
            return "moved", moments[at]
        return "start" if backwards else "end", moment

    def over(self, moment, backwards):
        for index, event in self._events(moment, {"line"}, backwards):
            if event["thread"] == moment.thread:
                return "moved", next(m for m in self.of_thread[moment.thread] if m.index == index)
            break
        return self.out(moment, backwards)

    def out(self, moment, backwards):
        by_visit = self._is_generator(moment)
        if backwards:
            kinds = ENTERS if by_visit else {"call"}
            for index, event in self._events(moment, kinds, True):
                to = self._before(event["thread"], index)
                return ("moved", to) if to and self.below[index] else ("root", moment)
            return "root", moment
        for index, event in self._events(moment, LEAVES if by_visit else ENDS, False):
            to = self._before(event["thread"], index + 1)
            return ("root", moment) if to.call == moment.call else ("moved", to)
        return "end", moment

    def move(self, name, moment, backwards):
        return getattr(self, name)(moment, backwards)
