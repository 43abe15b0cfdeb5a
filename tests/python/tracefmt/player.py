"""Plays the records of all blocks, and stops at each event with the whole state at hand."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracefmt.container import PRELUDE, Recording
from tracefmt.cursor import Damaged
from tracefmt.objects import Objects
from tracefmt.values import UNBOUND, Value, Values

SUSPENDED, ADOPTED = 1, 2
CALL, RESUME, THROW, FRAME, OPEN, CHECKED = 0xC2, 0xC5, 0xC6, 0xCA, 0xD1, 0xDC
ENDING = {0xC3: "return", 0xC7: "unwind", 0xC4: "yield"}
EXCEPTIONAL = {0xC8: "raise", 0xC9: "handled"}


@dataclass(eq=False)
class Frame:
    """A live call."""

    call: int
    plan: int
    slots: list[Value]
    line: int = 0
    is_suspended: bool = False


@dataclass
class Event:
    """Something that happened. `frame` is as the event leaves it until the player goes on."""

    kind: str
    step: int
    tick: int
    thread: int
    frame: Frame | None
    depth: int
    value: Value | None = None
    number: int = 0


@dataclass
class Player:
    """The state at one moment, from the start of the trace on."""

    recording: Recording
    step: int = 0
    call: int = 0
    tick: int = 0
    thread: int = 0
    stacks: dict[int, list[Frame]] = field(default_factory=dict)
    objects: Objects = field(default_factory=Objects)
    frames: list[Frame] = field(default_factory=list)
    blocks: list[Values] = field(default_factory=list)
    block: int = -1
    call_waits: bool = False

    @property
    def stack(self) -> list[Frame]:
        return self.stacks.setdefault(self.thread, [])

    @property
    def top(self) -> Frame:
        if not self.stack:
            raise Damaged("there is no frame")
        return self.stack[-1]

    def event(self, kind: str, value: Value | None = None, number: int = 0) -> Event:
        frame = self.stack[-1] if self.stack else None
        latest = max(self.step - 1, 0)
        depth = len(self.stack) - 1
        return Event(kind, latest, self.tick, self.thread, frame, depth, value, number)

    def events(self) -> Iterator[Event]:
        """All events of the trace."""
        for number, raw in enumerate(self.recording.events):
            self.block = number
            values = self.start_block(raw)
            while values.left:
                byte = values.u8()
                yield from self.finish_call(byte)
                yield from self.play(byte, values)
            yield from self.finish_call(0)
            self.blocks.append(values)

    def start_block(self, raw: bytes) -> Values:
        if len(raw) < PRELUDE:
            raise Damaged("a block without prelude")
        step, call, self.tick, thread = struct.unpack("<QQQI", raw[:28])
        if (step, call, thread) != (self.step, self.call, self.thread):
            raise Damaged(f"block {self.block} begins with step {step}, call {call}, {thread=}")
        self.frames = []
        return Values(raw, PRELUDE, self.blocks, len(self.recording.definitions.types))

    def finish_call(self, byte: int) -> Iterator[Event]:
        """A call is an event before the first record that does not belong to its arguments."""
        is_change = 0x80 <= byte <= 0xBF or byte == 0xC1 or OPEN <= byte <= CHECKED
        if self.call_waits and not is_change:
            self.call_waits = False
            yield self.event("call")

    def play(self, byte: int, values: Values) -> Iterator[Event]:
        """Apply one record, and stop where it is an event."""
        if byte < 0x80 or byte == 0xC0:
            change = byte - 64 if byte < 0x80 else values.zigzag()
            self.play_line(change)
            yield self.event("line", number=int(byte == 0xC0 and change == 0))
        elif byte < 0xC2:
            self.play_set(byte - 0x80 if byte < 0xC0 else values.varint(), values)
        elif byte == CALL:
            self.play_call(values.varint())
        elif byte in ENDING:
            leaving, value = self.top, values.value()
            yield self.event(ENDING[byte], value)
            self.stack.pop()
            leaving.is_suspended = ENDING[byte] == "yield"
        elif byte in (RESUME, THROW):
            self.play_resume(values.varint())
            value = values.value() if byte == THROW else None
            yield self.event("throw" if byte == THROW else "resume", value)
        elif byte in EXCEPTIONAL:
            assert self.top
            yield self.event(EXCEPTIONAL[byte], values.value())
        elif byte == FRAME:
            self.play_frame(values)
        elif byte == OPEN:
            self.play_open(values)
        elif OPEN < byte <= CHECKED:
            self.objects.change(byte, values, self.block)
        else:
            yield from self.play_rest(byte, values)

    def play_rest(self, byte: int, values: Values) -> Iterator[Event]:
        """What is about no frame and no object."""
        if byte == 0xCB:
            self.play_span(values.varint(), values.varint())
        elif byte == 0xCC:
            self.tick += values.varint()
        elif byte == 0xCD:
            self.thread = values.varint()
            yield self.event("thread")
        elif byte == 0xCE:
            thread = values.varint()
            self.stacks[thread] = []
            yield self.event("thread end", number=thread)
        elif byte in (0xCF, 0xDE):
            stream = values.varint()
            kind = "output" if byte == 0xCF else "input"
            yield self.event(kind, values.value(), stream)
        elif byte == 0xD0:
            yield self.event("fork", number=values.varint())
        elif byte == 0xDD:
            kind = values.varint()
            yield self.event("note", values.value(), kind)
        else:
            raise Damaged(f"no record begins with {byte:#04x}")

    def play_span(self, steps: int, calls: int) -> None:
        """Who plays the whole trace does not need it."""

    def play_open(self, values: Values) -> int:
        return self.objects.open(values, self.block)

    def play_line(self, change: int) -> None:
        self.top.line += change
        if not 0 <= self.top.line < 1 << 32:
            raise Damaged(f"line {self.top.line}")
        self.step += 1

    def play_set(self, slot: int, values: Values) -> None:
        slots = self.top.slots
        if slot >= len(slots):
            raise Damaged(f"slot {slot} of {len(slots)}")
        slots[slot] = values.slot_value(slots[slot])

    def new_frame(self, plan: int, call: int) -> Frame:
        plans = self.recording.definitions.plans
        if plan >= len(plans):
            raise Damaged(f"plan {plan} of {len(plans)}")
        return Frame(call, plan, [UNBOUND] * len(plans[plan].variables))

    def play_call(self, plan: int) -> None:
        frame = self.new_frame(plan, self.call)
        self.call += 1
        self.call_waits = True
        self.frames.append(frame)
        self.stack.append(frame)

    def play_resume(self, number: int) -> None:
        if number >= len(self.frames) or not self.frames[number].is_suspended:
            raise Damaged(f"frame {number} is not suspended")
        frame = self.frames[number]
        frame.is_suspended = False
        self.stack.append(frame)

    def play_frame(self, values: Values) -> None:
        flags, call, plan = values.u8(), values.varint(), values.varint()
        entry, line, count = values.varint(), values.varint(), values.count()
        if flags & ~(SUSPENDED | ADOPTED) or entry > self.block or line >= 1 << 32:
            raise Damaged("a FRAME that cannot be")
        frame = self.introduced(flags, call, plan)
        frame.line = line
        frame.slots = [UNBOUND] * len(frame.slots)
        for _ in range(count):
            slot = values.varint()
            if slot >= len(frame.slots):
                raise Damaged(f"slot {slot} of {len(frame.slots)}")
            frame.slots[slot] = values.value()
        self.frames.append(frame)

    def introduced(self, flags: int, call: int, plan: int) -> Frame:
        """The frame a FRAME speaks of, in its place."""
        if flags & ADOPTED:
            if call != self.call:
                raise Damaged(f"an adopted frame takes call {call}, the next is {self.call}")
            self.call += 1
        elif call >= self.call:
            raise Damaged(f"call {call} did not happen yet")
        frame = self.new_frame(plan, call)
        if flags & SUSPENDED:
            frame.is_suspended = True
            return frame
        if not flags & ADOPTED:
            stack = self.stack
            while stack and (stack[-1].call, stack[-1].plan) != (call, plan):
                stack.pop()
            if stack:
                return stack[-1]
        self.stack.append(frame)
        return frame
