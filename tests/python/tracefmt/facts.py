"""What is in each EVENTS block, found by playing them: what the INDEX blocks should say."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracefmt.container import PRELUDE, Recording
from tracefmt.index import TABLES, THREADS_NAMED, End, Facts, Part
from tracefmt.player import ADOPTED, ENDING, SUSPENDED, Event, Frame, Player
from tracefmt.values import Values

DEPTH_THREADS = 1024  # threads whose depth the index follows
RAISE, THREAD, OUTPUT, INPUT = 0xC8, 0xCD, 0xCF, 0xDE
PLAIN = (
    *("first_step", "first_call", "tick", "thread", "outputs", "inputs", "raises"),
    "thread_count",
)
DEPTHS = ("depth_end", "depth_least", "depth_greatest")


@dataclass
class Finder(Player):
    """Plays a trace, and notes what is in each block."""

    found: list[Facts] = field(default_factory=list)
    began: dict[int, int] = field(default_factory=dict)  # block of each call
    parts: dict[int, Part] = field(default_factory=dict)  # of this block, by call
    span: tuple[int, int] = (0, 0)
    has_moved: bool = False
    is_depth_exact: bool = True  # no frame ended without a record so far

    @property
    def facts(self) -> Facts:
        return self.found[-1]

    def start_block(self, raw: bytes) -> Values:
        values = super().start_block(raw)
        depth = len(self.stack)
        self.found.append(Facts(*struct.unpack("<QQQI", raw[: PRELUDE - 12])))
        self.facts.depth_least = self.facts.depth_greatest = self.facts.depth_end = depth
        self.facts.threads = [self.thread]
        self.parts, self.has_moved = {}, False
        return values

    def play(self, byte: int, values: Values) -> Iterator[Event]:
        top = self.stack[-1] if self.stack else None
        yield from super().play(byte, values)
        facts = self.facts
        if byte in ENDING and top is not None:
            self.note_leaving(top, ENDING[byte])
        elif byte == THREAD:
            self.note_thread()
        facts.raises += byte == RAISE
        facts.outputs += byte == OUTPUT
        facts.inputs += byte == INPUT
        facts.depth_end = self.depth()

    # ---- frames

    def depth(self) -> int:
        return len(self.stack) if self.thread < DEPTH_THREADS else 0

    def note_depth(self) -> None:
        depth, facts = self.depth(), self.facts
        facts.depth_least = min(depth, facts.depth_least) if self.has_moved else depth
        facts.depth_greatest = max(depth, facts.depth_greatest) if self.has_moved else depth
        self.has_moved = True

    def note_thread(self) -> None:
        threads = self.facts.threads
        if self.thread not in threads:
            threads.append(self.thread)
        self.facts.thread_count = min(len(threads), THREADS_NAMED + 1)
        self.note_depth()

    def is_old(self, frame: Frame) -> bool:
        return self.began[frame.call] < self.block

    def note_old(self, frame: Frame) -> None:
        if self.is_old(frame) and frame.call not in self.parts:
            self.parts[frame.call] = Part(frame.call, frame.plan)
            self.facts.frames.append(self.parts[frame.call])

    def play_call(self, plan: int) -> None:
        if self.stack and self.stack[-1].call in self.parts:
            self.parts[self.stack[-1].call].children += 1
        super().play_call(plan)
        self.began[self.top.call] = self.block
        self.note_depth()

    def play_resume(self, number: int) -> None:
        super().play_resume(number)
        self.note_old(self.top)
        self.note_depth()

    def introduced(self, flags: int, call: int, plan: int) -> Frame:
        before = len(self.stack)
        frame = super().introduced(flags, call, plan)
        if flags & ADOPTED:
            self.began[call] = self.block
        self.is_depth_exact &= bool(flags) or len(self.stack) == before
        if not flags & SUSPENDED:
            self.note_old(frame)
            self.note_depth()
        return frame

    def play_span(self, steps: int, calls: int) -> None:
        self.span = (steps, calls)

    def note_leaving(self, frame: Frame, how: str) -> None:
        if how != "yield":
            if self.is_old(frame):
                end = End(
                    frame.call, self.step, *self.span, frame.plan, self.thread, how == "unwind"
                )
                self.facts.ends.append(end)
            self.span = (0, 0)
        self.note_depth()

    # ---- lines, variables, objects

    def play_line(self, change: int) -> None:
        super().play_line(change)
        frame = self.top
        key = (frame.plan, frame.line)
        self.facts.lines[key] = self.facts.lines.get(key, 0) + 1
        if frame.call in self.parts:
            part = self.parts[frame.call]
            part.steps += 1
            part.lines[frame.line] = part.lines.get(frame.line, 0) + 1

    def play_set(self, slot: int, values: Values) -> None:
        super().play_set(slot, values)
        self.facts.slots.add((self.top.plan, slot))

    def play_open(self, values: Values) -> int:
        number = super().play_open(values)
        self.facts.objects.add(number)
        return number


def is_there(table: str, said: Facts, found: Facts) -> bool:
    """Everything a table says that does not know all of the block; visits are not to be used."""
    mine, theirs = getattr(found, table), getattr(said, table)
    return all(each in mine for each in theirs)


def different(said: Facts, found: Facts, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        mine, theirs = getattr(found, name), getattr(said, name)
        if name in said.missing:
            if not is_there(name, said, found):
                yield f"{name}: says {theirs}, which is not all there"
        elif mine != theirs:
            yield f"{name}: says {theirs}, is {mine}"


def wrong_facts(recording: Recording, with_depths: bool = True) -> list[str]:
    """What the index says that is not so."""
    finder = Finder(recording)
    for _ in finder.events():
        pass
    said = [indexed.facts for indexed in recording.index]
    if len(said) != len(finder.found):
        return [f"the index knows {len(said)} blocks of {len(finder.found)}"]
    names = PLAIN + TABLES + (DEPTHS if with_depths and finder.is_depth_exact else ())
    wrong = []
    for number, (one, other) in enumerate(zip(said, finder.found, strict=True)):
        other.threads = other.threads[:THREADS_NAMED]
        wrong += [f"block {number}: {what}" for what in different(one, other, (*names, "threads"))]
    return wrong
