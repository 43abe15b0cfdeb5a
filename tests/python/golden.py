"""Make the golden traces again (tests/golden/README.md): golden.py [--text]"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import xxhash
import zstandard
from tracefmt.container import DEFS, END, EVENTS, INDEX, SEGMENT, UNKNOWN_STATUS, read_end, walk
from tracefmt.cursor import Cursor, text_of

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
DEPTH = "2"
OF_THE_MACHINE = {"executable", "cwd", "argument"}


def printed(trace: Path) -> str:
    """What `ct print` shows of a trace."""
    ct = Path(sysconfig.get_path("scripts")) / "ct"
    command = [str(ct), "print", str(trace), "--format", "json", "--depth", DEPTH]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogatepass")


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


def checksum(data: bytes) -> bytes:
    return number(xxhash.xxh64_intdigest(data, 0), 8)


def block(kind: int, index: int, raw: bytes) -> bytes:
    stored = zstandard.ZstdCompressor(level=19).compress(raw)
    header = b"CTBK" + bytes([kind, 1, 0, 0]) + number(index, 4)
    header += number(len(raw), 4) + number(len(stored), 4) + bytes(4) + checksum(stored)
    return header + checksum(header) + stored


def without_machine(raw: bytes) -> bytes:
    """A DEFS block without the RUN definitions that tell of the machine."""
    cursor, kept = Cursor(raw), b""
    while cursor.left:
        start = cursor.at
        kind, content = cursor.u8(), Cursor(cursor.text())
        if kind != 1 or text_of(content.text()) not in OF_THE_MACHINE:
            kept += raw[start : cursor.at]
    return kept


def clean(data: bytes) -> bytes:
    """The same trace, its blocks written anew."""
    blocks = list(walk(data))
    end = read_end(blocks[-1].raw)
    out = bytearray(data[:64])
    offsets: dict[int, list[int]] = {DEFS: [], EVENTS: [], INDEX: []}
    entries: list[bytes] = []

    def append(kind: int, raw: bytes) -> None:
        offsets[kind].append(len(out))
        out.extend(block(kind, len(offsets[kind]) - 1, raw))

    for each in blocks:
        if each.kind == DEFS:
            append(DEFS, without_machine(each.raw))
        elif each.kind == EVENTS:
            append(EVENTS, each.raw)
            prelude = Cursor(each.raw)
            stored = len(out) - offsets[EVENTS][-1] - 40
            fields = [offsets[EVENTS][-1], len(each.raw), stored]
            fields += [prelude.u64(), prelude.u64(), prelude.u64(), prelude.u32(), 0, 0]
            entries.append(b"".join(map(varint, fields)))
    assert 0 < len(entries) <= SEGMENT, "a golden trace is small"
    append(INDEX, varint(len(entries)) + b"".join(entries))

    status = UNKNOWN_STATUS if end.exit_status is None else end.exit_status
    status = status << 1 if status >= 0 else -status * 2 - 1
    fields = [end.reason, status, end.steps, end.calls, end.blocks, end.milliseconds]
    fields += [len(end.counters), *end.counters.values()]
    fields += [1, offsets[INDEX][0], 0, 0, len(offsets[DEFS]), *offsets[DEFS]]
    trailer = number(len(out), 8) + bytes(8) + b"ZCTR\0\0\0\0"
    out += block(END, 0, b"".join(map(varint, fields)))
    return bytes(out + trailer + checksum(trailer))


def record(program: Path) -> bytes:
    """Record a program as `python -c`, and return its trace, cleaned."""
    ct = Path(sysconfig.get_path("scripts")) / "ct"
    environment = os.environ | {"CODETRACER_PYTHON_INTERPRETER": sys.executable}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(ct), "record", "-o", folder, "-c", program.read_text("utf-8")]
        done = subprocess.run(command, cwd="/", env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return clean(Path(folder, "trace.ctr").read_bytes())


def main() -> None:
    for program in sorted(GOLDEN.glob("*.py")):
        trace = program.with_suffix(".ctr")
        if "--text" not in sys.argv[1:]:
            trace.write_bytes(record(program))
        text = printed(trace)
        program.with_suffix(".jsonl").write_text(text, "utf-8", "surrogatepass")
        print(f"{trace.name}: {trace.stat().st_size} bytes, {text.count(chr(10))} events")


if __name__ == "__main__":
    main()
