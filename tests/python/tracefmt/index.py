"""The INDEX blocks: where each EVENTS block is, and what is in it."""

from dataclasses import dataclass, field

from tracefmt.cursor import Cursor, Damaged

SEGMENT = 64
THREADS_NAMED = 8
TABLES = ("lines", "slots", "objects", "ends", "frames")

Key = tuple[int, int]  # plan, and line or slot


@dataclass
class End:
    """How a call ended that began in an earlier block."""

    call: int
    step: int
    steps: int
    calls: int
    plan: int
    thread: int
    is_unwound: bool


@dataclass
class Part:
    """What a call that began in an earlier block did in this one."""

    call: int
    plan: int
    steps: int = 0
    children: int = 0
    lines: dict[int, int] = field(default_factory=dict)


@dataclass
class Facts:
    """What is in one EVENTS block."""

    first_step: int
    first_call: int
    tick: int
    thread: int
    outputs: int = 0
    inputs: int = 0
    raises: int = 0
    depth_end: int = 0
    depth_least: int = 0
    depth_greatest: int = 0
    thread_count: int = 1
    threads: list[int] = field(default_factory=list)
    lines: dict[Key, int] = field(default_factory=dict)  # visits
    slots: set[Key] = field(default_factory=set)
    objects: set[int] = field(default_factory=set)
    ends: list[End] = field(default_factory=list)
    frames: list[Part] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)  # tables that do not know all of it


@dataclass
class Indexed:
    """Where an EVENTS block is, and what the index says of it."""

    offset: int
    raw_size: int
    stored_size: int
    facts: Facts


def read_index(raw: bytes) -> list[Indexed]:
    """The blocks of a segment."""
    cursor = Cursor(raw)
    count = cursor.varint()
    if not 1 <= count <= SEGMENT:
        raise Damaged(f"an index of {count} blocks")
    blocks = [read_entry(cursor) for _ in range(count)]
    facts = [block.facts for block in blocks]
    for table in TABLES:
        content = Cursor(cursor.text())
        for number in bits(content.varint(), count):
            facts[number].missing.add(table)
        READERS[table](content, facts)
        expect_end(content)
    expect_end(cursor)
    return blocks


def expect_end(cursor: Cursor) -> None:
    if cursor.left:
        raise Damaged(f"{cursor.left} bytes too many in an INDEX block")


def bits(mask: int, count: int) -> list[int]:
    if mask >> count:
        raise Damaged(f"a bit of a block beyond {count}")
    return [number for number in range(count) if mask >> number & 1]


def read_entry(cursor: Cursor) -> Indexed:
    place = [cursor.varint() for _ in range(3)]
    facts = Facts(*(cursor.varint() for _ in range(11)))
    facts.threads = [cursor.varint() for _ in range(min(facts.thread_count, THREADS_NAMED))]
    if not 1 <= facts.thread_count <= THREADS_NAMED + 1:
        raise Damaged(f"a block in which {facts.thread_count} threads ran")
    return Indexed(*place, facts)


def read_lines(content: Cursor, blocks: list[Facts]) -> None:
    key = None
    for _ in range(content.count()):
        key = next_key(content, key)
        for number in known_blocks(content, len(blocks)):
            blocks[number].lines[key] = content.varint()


def read_slots(content: Cursor, blocks: list[Facts]) -> None:
    key = None
    for _ in range(content.count()):
        key = next_key(content, key)
        for number in known_blocks(content, len(blocks)):
            blocks[number].slots.add(key)


def next_key(content: Cursor, before: Key | None) -> Key:
    plan, place = content.varint(), content.varint()
    key = (plan, place)
    if before is not None:
        key = (before[0] + plan, place + (before[1] if plan == 0 else 0))
        if key <= before:
            raise Damaged(f"{key} after {before} in an INDEX block")
    return key


def known_blocks(content: Cursor, count: int) -> list[int]:
    numbers = bits(content.u64(), count)
    if not numbers:
        raise Damaged("a key of no block in an INDEX block")
    return numbers


def read_objects(content: Cursor, blocks: list[Facts]) -> None:
    for facts in blocks:
        part, number = Cursor(content.text()), 0
        while part.left:
            number += part.varint()
            if number in facts.objects:
                raise Damaged(f"object {number} twice in an INDEX block")
            facts.objects.add(number)


def read_ends(content: Cursor, blocks: list[Facts]) -> None:
    for facts in blocks:
        part, call, step = Cursor(content.text()), 0, facts.first_step
        while part.left:
            call += part.zigzag()
            step += part.varint()
            steps, calls, plan, how = (part.varint() for _ in range(4))
            facts.ends.append(End(call, step, steps, calls, plan, how >> 1, bool(how & 1)))


def read_frames(content: Cursor, blocks: list[Facts]) -> None:
    for facts in blocks:
        part, call = Cursor(content.text()), 0
        while part.left:
            call += part.zigzag()
            frame = Part(call, part.varint(), part.varint(), part.varint())
            line = 0
            for _ in range(part.count()):
                line += part.zigzag()
                if line in frame.lines or line < max(frame.lines, default=0):
                    raise Damaged(f"line {line} is out of order in an INDEX block")
                frame.lines[line] = part.varint()
            facts.frames.append(frame)


READERS = {
    "lines": read_lines,
    "slots": read_slots,
    "objects": read_objects,
    "ends": read_ends,
    "frames": read_frames,
}
