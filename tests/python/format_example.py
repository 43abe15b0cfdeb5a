"""Write the example of docs/reference/trace-format.md again: the bytes, and what each means."""

import struct
from pathlib import Path

import xxhash

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "trace-format.md"
LINE = 12  # bytes of a line
SOURCE = "def f(n):\n    xs = [n]\n    n += 1\n    return xs\n"
FIRST_BLOCK = bytes([1, *[0] * 7])  # bits of a table
COUNTERS = bytes([3, 1, 1, *[0] * 12, 1, *[0] * 18])
ROWS = """\
| event | step | line | variables |
|---|---|---|---|
| call | 0 | 0 | n = 41 |
| line | 0 | 2 | n = 41 |
| line | 1 | 3 | n = 41, xs = [41] |
| line | 2 | 4 | n = 42, xs = [41] |
| return of xs | 2 | 4 | n = 42, xs = [41] |
"""

Part = tuple[bytes, str]  # some bytes, and what they mean


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(value: str) -> bytes:
    return varint(len(value)) + value.encode()


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def checksum(data: bytes) -> bytes:
    return u64(xxhash.xxh64_intdigest(data, 0))


def joined(parts: list[Part]) -> bytes:
    return b"".join(data for data, _ in parts)


def definition(kind: int, name: str, *parts: Part) -> list[Part]:
    size = len(joined(list(parts)))
    return [(bytes([kind]) + varint(size), f"{name}, {size} bytes"), *parts]


def table(name: str, *parts: Part) -> list[Part]:
    """A table of an INDEX block that knows all its blocks wholly."""
    size = 1 + len(joined(list(parts)))
    return [(varint(size), f"{name}, {size} bytes"), (b"\0", "nothing missing"), *parts]


HEADER: list[Part] = [
    (b"\x8bCTRACE\n", "magic"),
    (struct.pack("<I", 0), "version 0"),
    (struct.pack("<I", 4711), "process 4711"),
    (bytes.fromhex("0199f0a0b0c07d0e8f10111213141516"), "recording id"),
    (u64(1_700_000_000 * 10**9), "start: 1700000000 s"),
    (bytes(16), "zero"),
]
DEFINITIONS: list[Part] = [
    *definition(1, "RUN", (text("program"), 'key "program"'), (text("t.py"), 'value "t.py"')),
    *definition(2, "PATH", (text("t.py"), 'path 0 is "t.py"')),
    *definition(3, "SOURCE", (b"\0\0", "of path 0, no flags"), (SOURCE.encode(), "the source")),
    *definition(
        4,
        "TYPE",
        (b"\7", "type 0: family 7, LIST"),
        (text("builtins"), 'module "builtins"'),
        (text("list"), 'name "list"'),
        (b"\0", "no fields"),
    ),
    *definition(
        5,
        "PLAN",
        (b"\0", "plan 0: path 0"),
        (text("f"), 'name "f"'),
        (text("f"), 'qualified name "f"'),
        (text("__main__"), 'module "__main__"'),
        (b"\1", "first line 1"),
        (b"\3", "co_flags 3"),
        (b"\0\1\0", "no positional-only, 1 argument, no keyword-only"),
        (b"\0", "globals not known"),
        (b"\2", "2 variables"),
        (text("n") + b"\1\0", 'slot 0: "n", ARG, keep'),
        (text("xs") + b"\0\0", 'slot 1: "xs", LOCAL, keep'),
    ),
    *definition(
        6,
        "THREAD",
        (b"\0", "thread 0"),
        (varint(4711), "native id"),
        (varint(140000000000000), "identifier"),
        (b"\0", "no name"),
    ),
]
EVENTS: list[Part] = [
    (bytes(24), "prelude: first step 0, first call 0, tick 0"),
    (bytes(4), "thread 0"),
    (bytes(12), "zero"),
    (b"\xc2\0", "CALL of plan 0: call 0, frame 0"),
    (b"\x80\xe9", "SET n = 41: its argument"),
    (b"\x42", "LINE +2: step 0 is line 2. The call is complete before it: f(n=41)"),
    (b"\x81\x10\0\0", "SET xs = object 0, which becomes object 0 of the block"),
    (b"\xd1\1\0\3", "OPEN object 0 of the block: type 0, flags BASE and NEW"),
    (b"\1\1\1\xe9", "items only: true length 1, count 1, the item 41"),
    (b"\x41", "LINE +1: step 1 is line 3, with n = 41, xs = [41]"),
    (b"\x80\x31", "SET n: what it held plus 1, so 42"),
    (b"\x41", "LINE +1: step 2 is line 4"),
    (b"\xc3\x10\1", "RETURN of object 0 of the block: xs"),
]


class Listing:
    """The file as it grows, and the lines that show it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lines: list[str] = []

    def add(self, parts: list[Part]) -> None:
        for data, meaning in parts:
            for start in range(0, len(data), LINE):
                shown = data[start : start + LINE].hex(" ")
                offset = len(self.data) + start
                line = f"    {offset:04x}  {shown:<35}  {meaning if start == 0 else ''}"
                self.lines.append(line.rstrip())
            self.data += data

    def title(self, title: str) -> None:
        self.lines += ["", f"    {title}"]

    def block(self, kind: int, name: str, parts: list[Part]) -> int:
        self.title(f"{name} block 0")
        offset, raw = len(self.data), joined(parts)
        header: list[Part] = [
            (b"CTBK", "magic"),
            (bytes([kind, 0, 0, 0]), f"kind {kind} ({name}), codec 0"),
            (bytes(4), "number 0"),
            (struct.pack("<II", len(raw), len(raw)), f"raw size, stored size {len(raw)}"),
            (bytes(4), "zero"),
            (checksum(raw), "checksum of the stored bytes"),
        ]
        self.add([*header, (checksum(joined(header)), "checksum of this header"), *parts])
        return offset


def index(offset: int) -> list[Part]:
    return [
        (b"\1", "1 entry"),
        (varint(offset), f"block at byte {offset}"),
        (varint(len(joined(EVENTS))) * 2, "raw and stored size"),
        (bytes(4), "first step, first call, tick, thread"),
        (bytes(3), "outputs, inputs, raises"),
        (b"\0\0\1", "depth at the end 0, least 0, greatest 1"),
        (b"\1\0", "1 thread: 0"),
        *table(
            "LINES",
            (b"\3", "3 lines"),
            (b"\0\2" + FIRST_BLOCK + b"\1", "plan 0, line 2: in the first block, 1 visit"),
            (b"\0\1" + FIRST_BLOCK + b"\1", "the same plan, line +1: the same"),
            (b"\0\1" + FIRST_BLOCK + b"\1", "the same plan, line +1: the same"),
        ),
        *table(
            "SLOTS",
            (b"\2", "2 variables"),
            (b"\0\0" + FIRST_BLOCK, "plan 0, slot 0: set in the first block"),
            (b"\0\1" + FIRST_BLOCK, "the same plan, slot +1: the same"),
        ),
        *table("OBJECTS", (b"\1\0", "1 byte: object 0")),
        *table("ENDS", (b"\0", "0 bytes: no call of an earlier block ended")),
        *table("FRAMES", (b"\0", "0 bytes: none ran")),
    ]


def end(index_offset: int, definitions: int) -> list[Part]:
    return [
        (b"\0", "reason 0: the program ended"),
        (b"\0", "exit status 0"),
        (b"\3\1\1", "3 steps, 1 call, 1 EVENTS block"),
        (b"\5", "5 milliseconds"),
        (varint(len(COUNTERS)), f"{len(COUNTERS)} counters"),
        (COUNTERS, "lines 3, calls 1, returns 1, objects 1"),
        (b"\1", "1 INDEX block"),
        (varint(index_offset), f"at byte {index_offset}"),
        (bytes(4), "first block 0, first step, first call, tick"),
        (b"\1", "1 DEFS block"),
        (varint(definitions), f"at byte {definitions}"),
    ]


def listing() -> Listing:
    to = Listing()
    to.lines.append("    header")
    to.add([*HEADER, (checksum(joined(HEADER)), "checksum of the header")])
    definitions = to.block(2, "DEFS", DEFINITIONS)
    events = to.block(1, "EVENTS", EVENTS)
    index_offset = to.block(3, "INDEX", index(events))
    offset = to.block(4, "END", end(index_offset, definitions))
    to.title("trailer")
    trailer: list[Part] = [
        (u64(offset), f"END is at byte {offset}"),
        (bytes(8), "zero"),
        (b"ZCTR\0\0\0\0", "magic"),
    ]
    to.add([*trailer, (checksum(joined(trailer)), "checksum of the trailer")])
    return to


def main() -> None:
    shown = listing()
    page = PAGE.read_text("utf-8")
    source = "".join(f"    {line}\n" for line in SOURCE.splitlines())
    example = f"""\
## Example

A trace of {len(shown.data)} bytes, all its blocks stored as they are. The function of `t.py` was
called once, with 41; the code of the module was not recorded. `tests/python/format_example.py`
writes this section, and a test reads its bytes with both readers.

{source}
Numbers on the left are offsets in the file, in hexadecimal.

{chr(10).join(shown.lines)}

What a reader shows of it:

{ROWS}"""
    PAGE.write_text(page[: page.index("## Example\n")] + example, "utf-8")


if __name__ == "__main__":
    main()
