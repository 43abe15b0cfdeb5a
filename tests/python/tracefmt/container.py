"""The file: header, blocks, trailer, and the tail beside an unfinished one."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import xxhash
import zstandard

from tracefmt.cursor import Cursor, Damaged
from tracefmt.definitions import Definitions
from tracefmt.index import SEGMENT, Indexed, read_index

EVENTS, DEFS, INDEX, END = 1, 2, 3, 4
VERSION = 0
HEADER, BLOCK_HEADER, TRAILER, PRELUDE = 64, 40, 32, 40
BLOCK_MAX, RAW_MAX = 1 << 20, 64 << 20
SLOTS_MAX, SLOT_HEADERS, SLOTS, SLOT_HEADER = 64, 4096, 8192, 64
COUNTER_NAMES = """
    lines calls returns yields resumes throws unwinds raises handled outputs thread_switches
    values_cut values_redacted values_dropped values_opaque objects objects_forgotten lagging
    waits skipped_code forks inputs
    redacted_arguments redacted_attributes redacted_globals redacted_locals redacted_returns
    redacted_shapes
    dropped_arguments dropped_attributes dropped_globals dropped_locals dropped_returns
    dropped_shapes
"""
COUNTERS = COUNTER_NAMES.split()
FIRST_COUNTERS = 22  # those that are there always
REASONS = 8
BY_ERROR = 4
UNKNOWN_STATUS = -(1 << 31)


def checksum(data: bytes) -> int:
    return xxhash.xxh64_intdigest(data, 0)


@dataclass
class Block:
    """One block of the file, or of the tail, decompressed."""

    kind: int
    number: int
    raw: bytes
    offset: int = -1
    stored_size: int = -1


@dataclass
class End:
    """What the END block says."""

    reason: int
    exit_status: int | None
    steps: int
    calls: int
    blocks: int
    milliseconds: int
    counters: dict[str, int]
    index: list[tuple[int, ...]]
    definitions: list[int]
    failure: bytes


@dataclass
class Recording:
    """A trace with all its blocks, and what it says about itself."""

    process: int
    identifier: bytes
    start: int
    events: list[bytes] = field(default_factory=list)
    definitions: Definitions = field(default_factory=Definitions)
    index: list[Indexed] = field(default_factory=list)  # of a finished trace: all EVENTS blocks
    end: End | None = None
    counters: dict[str, int] = field(default_factory=dict)
    damage: str = ""

    @classmethod
    def open(cls, path: Path) -> "Recording":
        """Read a trace, finished or not; `path` is the file or the directory it stands in."""
        path = path / "trace.ctr" if path.is_dir() else path
        data = path.read_bytes()
        recording = read_header(data)
        blocks, end = [], None
        try:
            for block in walk(data):
                if block.kind == END:
                    end = read_end(block.raw)
                blocks.append(block)
        except Damaged as damage:
            recording.damage = str(damage)
        if end is not None and has_trailer(data, blocks[-1].offset):
            recording.index = read_segments(end, blocks)
            recording.end, recording.counters = end, end.counters
        else:
            tail = path.with_name(path.name + ".tail")
            blocks += read_tail(tail, recording, blocks) if tail.exists() else []
        recording.events = [block.raw for block in blocks if block.kind == EVENTS]
        for block in blocks:
            if block.kind == DEFS:
                recording.definitions.add(block.raw)
        return recording


def read_header(data: bytes) -> Recording:
    if data[:8] != b"\x8bCTRACE\n":
        raise Damaged("not a trace")
    header = Cursor(data[:HEADER], 8)
    version, process = header.u32(), header.u32()
    if version > VERSION:
        raise Damaged(f"version {version} is too new")
    identifier, start = header.take(16), header.u64()
    header.take(16)
    if header.u64() != checksum(data[:56]):
        raise Damaged("the header's checksum does not match")
    return Recording(process, identifier, start)


def has_trailer(data: bytes, end_offset: int) -> bool:
    trailer = data[-TRAILER:]
    offset, _, magic, check = struct.unpack("<QQ8sQ", trailer)
    return magic == b"ZCTR\0\0\0\0" and check == checksum(trailer[:24]) and offset == end_offset


def walk(data: bytes) -> Iterator[Block]:
    """All blocks in the file's order, up to END or to the first that does not fit."""
    at, numbers = HEADER, {EVENTS: 0, DEFS: 0, INDEX: 0, END: 0}
    while at < len(data):
        header = data[at : at + BLOCK_HEADER]
        if len(header) < BLOCK_HEADER or header[:4] != b"CTBK":
            raise Damaged(f"no block starts at byte {at}")
        kind, codec, number, raw_size, size, check, header_check = struct.unpack(
            "<4xBBxxIII4xQQ", header
        )
        if header_check != checksum(header[:32]) or kind not in numbers or codec > 1:
            raise Damaged(f"the block header at byte {at} is damaged")
        stored = data[at + BLOCK_HEADER : at + BLOCK_HEADER + size]
        if len(stored) < size or check != checksum(stored) or number != numbers[kind]:
            raise Damaged(f"the block at byte {at} is damaged")
        yield Block(kind, number, unpack(stored, codec, kind, raw_size), at, size)
        numbers[kind] += 1
        at += BLOCK_HEADER + size
        if kind == END:
            return


def unpack(stored: bytes, codec: int, kind: int, raw_size: int) -> bytes:
    if raw_size > (BLOCK_MAX if kind in (EVENTS, DEFS) else RAW_MAX):
        raise Damaged(f"a block of {raw_size} bytes")
    raw = stored
    if codec == 1:
        try:
            raw = zstandard.ZstdDecompressor().decompress(stored, max_output_size=raw_size)
        except zstandard.ZstdError as error:
            raise Damaged(f"a block does not decompress: {error}") from None
    if len(raw) != raw_size:
        raise Damaged("a block has another size than it says")
    return raw


def read_end(raw: bytes) -> End:
    cursor = Cursor(raw)
    reason, status = cursor.varint(), cursor.zigzag()
    steps, calls, blocks, milliseconds = (cursor.varint() for _ in range(4))
    values = [cursor.varint() for _ in range(cursor.count())]
    index = [tuple(cursor.varint() for _ in range(5)) for _ in range(cursor.count())]
    definitions = [cursor.varint() for _ in range(cursor.count())]
    failure = cursor.text() if cursor.left and reason == BY_ERROR else b""
    if cursor.left or reason >= REASONS or len(values) < FIRST_COUNTERS:
        raise Damaged("the END block is damaged")
    return End(
        reason,
        None if status == UNKNOWN_STATUS else status,
        steps,
        calls,
        blocks,
        milliseconds,
        dict(zip(COUNTERS, values, strict=False)),
        index,
        definitions,
        failure,
    )


def read_segments(end: End, blocks: list[Block]) -> list[Indexed]:
    """What the INDEX blocks say; they and END say of the file what walking it finds."""
    by_kind = {kind: [b for b in blocks if b.kind == kind] for kind in (EVENTS, DEFS, INDEX)}
    segments = [read_index(block.raw) for block in by_kind[INDEX]]
    if any(len(segment) != SEGMENT for segment in segments[:-1]):
        raise Damaged("an INDEX block before the last is not full")
    found = [(block.offset, len(block.raw), block.stored_size) for block in by_kind[EVENTS]]
    index = [indexed for segment in segments for indexed in segment]
    if [(each.offset, each.raw_size, each.stored_size) for each in index] != found:
        raise Damaged("INDEX does not say what the file holds")
    if [block.offset for block in by_kind[DEFS]] != end.definitions or len(found) != end.blocks:
        raise Damaged("END does not say what the file holds")
    firsts = [
        (block.offset, i * SEGMENT, facts.first_step, facts.first_call, facts.tick)
        for i, block in enumerate(by_kind[INDEX])
        for facts in [segments[i][0].facts]
    ]
    if firsts != end.index:
        raise Damaged("END does not know the INDEX blocks")
    return index


def read_tail(path: Path, recording: Recording, blocks: list[Block]) -> list[Block]:
    """The blocks that only the tail holds."""
    data = path.read_bytes()
    if data[:8] != b"\x8bCTTAIL\n" or data[8:24] != recording.identifier:
        raise Damaged(f"{path} is no tail of this trace")
    slots, capacity = struct.unpack("<II", data[24:32])
    if slots > SLOTS_MAX or capacity > BLOCK_MAX or SLOTS + slots * capacity > len(data):
        raise Damaged(f"the slots of {path} do not fit in it")
    counters = struct.unpack(f"<{len(COUNTERS)}Q", data[64 : 64 + 8 * len(COUNTERS)])
    recording.counters = dict(zip(COUNTERS, counters, strict=True))
    held = {}
    for slot in range(slots):
        kind, number, committed, _ = struct.unpack_from(
            "<IIQI", data, SLOT_HEADERS + slot * SLOT_HEADER
        )
        least = {EVENTS: PRELUDE, DEFS: 0}.get(kind, capacity)
        if least < committed <= capacity:
            start = SLOTS + slot * capacity
            held[kind, number] = data[start : start + committed]
    found = []
    for kind in (DEFS, EVENTS):
        number = sum(block.kind == kind for block in blocks)
        while (kind, number) in held:
            found.append(Block(kind, number, held[kind, number]))
            number += 1
    return found
