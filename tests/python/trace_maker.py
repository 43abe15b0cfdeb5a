"""Write small traces by hand, byte by byte, for tests of what reads them.

Made from the format's description, not from its C code. A trace made here has no index, no end
block and no trailer: a reader takes it for one whose recorder died, so `ct print` wants --salvage.
"""

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import struct
import types
import uuid
from typing import Any

MASK = 0xFFFFFFFFFFFFFFFF
PRIMES = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)

EVENTS, DEFS = 1, 2
FAMILY_NAMES = """
    OBJECT INT FLOAT COMPLEX TEXT BYTES BYTEARRAY LIST TUPLE NAMEDTUPLE SET FROZENSET DICT DEQUE
    EXCEPTION FUNCTION METHOD CLASS MODULE ENUM DATACLASS GENERATOR BUFFER DATE DATETIME TIME
    TIMEDELTA DECIMAL FRACTION PATH UUID PATTERN MATCH MAPPINGPROXY CELL NAMESPACE
    TRACEBACK
"""
FAMILIES = {name: number for number, name in enumerate(FAMILY_NAMES.split())}
BLOCK_BYTES = 200_000


def rotate(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & MASK


def xxh64(data: bytes) -> int:
    """Return the XXH64 checksum with seed 0."""
    p1, p2, p3, p4, p5 = PRIMES
    at = 0
    if len(data) >= 32:
        v1, v2, v3, v4 = (p1 + p2) & MASK, p2, 0, -p1 & MASK
        end = len(data) - len(data) % 32
        for a, b, c, d in struct.iter_unpack("<4Q", data[:end]):
            v1 = rotate((v1 + a * p2) & MASK, 31) * p1 & MASK
            v2 = rotate((v2 + b * p2) & MASK, 31) * p1 & MASK
            v3 = rotate((v3 + c * p2) & MASK, 31) * p1 & MASK
            v4 = rotate((v4 + d * p2) & MASK, 31) * p1 & MASK
        at = end
        total = (rotate(v1, 1) + rotate(v2, 7) + rotate(v3, 12) + rotate(v4, 18)) & MASK
        for v in (v1, v2, v3, v4):
            total ^= rotate(v * p2 & MASK, 31) * p1 & MASK
            total = (total * p1 + p4) & MASK
    else:
        total = p5
    total = (total + len(data)) & MASK
    while at + 8 <= len(data):
        (lane,) = struct.unpack_from("<Q", data, at)
        total ^= rotate(lane * p2 & MASK, 31) * p1 & MASK
        total = (rotate(total, 27) * p1 + p4) & MASK
        at += 8
    if at + 4 <= len(data):
        (lane,) = struct.unpack_from("<I", data, at)
        total ^= lane * p1 & MASK
        total = (rotate(total, 23) * p2 + p3) & MASK
        at += 4
    for byte in data[at:]:
        total ^= byte * p5 & MASK
        total = rotate(total, 11) * p1 & MASK
    total ^= total >> 33
    total = total * p2 & MASK
    total ^= total >> 29
    total = total * p3 & MASK
    return total ^ total >> 32


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> bytes:
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def text(value: str) -> bytes:
    encoded = value.encode("utf-8", "surrogatepass")
    return varint(len(encoded)) + encoded


class Raw:
    """Stands for a value that is given as its bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data


UNBOUND, REDACTED, DROPPED = Raw(b"\x00"), Raw(b"\x15"), Raw(b"\x16")


class Cut:
    """Stands for a value that a limit cut to `kept`."""

    def __init__(self, kept: Any, true_length: int) -> None:
        self.kept = kept
        self.true_length = true_length


class TraceMaker:
    """Collects definitions and records, and writes the file."""

    def __init__(self) -> None:
        self.definitions = bytearray()
        self.blocks: list[tuple[bytes, bytes]] = []  # prelude, records
        self.types: dict[tuple[Any, ...], int] = {}
        self.plans = 0
        self.paths = 0
        self.steps = self.calls = self.tick = 0
        self.known: list[Any] = []  # keeps every object alive, so that ids stay unique
        self.numbers: dict[int, int] = {}  # id -> object number
        self.start_block()

    # ---- definitions

    def define(self, kind: int, payload: bytes) -> None:
        self.definitions += bytes([kind]) + varint(len(payload)) + payload

    def run(self, key: str, value: str) -> None:
        self.define(1, text(key) + text(value))

    def path(self, name: str, source: str) -> int:
        self.define(2, text(name))
        number, self.paths = self.paths, self.paths + 1
        self.define(3, varint(number) + b"\0" + source.encode())
        return number

    def type(self, family: str, module: str, name: str, fields: tuple[str, ...] = ()) -> int:
        key = (family, module, name, fields)
        if key not in self.types:
            self.types[key] = len(self.types)
            payload = bytes([FAMILIES[family]]) + text(module) + text(name) + varint(len(fields))
            self.define(4, payload + b"".join(map(text, fields)))
        return self.types[key]

    def type_of(self, value: Any, family: str) -> int:
        kind = type(value)
        fields = getattr(kind, "_fields", ()) if family == "NAMEDTUPLE" else ()
        if family == "DATACLASS":
            fields = tuple(f.name for f in kind.__dataclass_fields__.values() if f.repr)
        return self.type(family, kind.__module__, kind.__qualname__, fields)

    def plan(
        self,
        path: int,
        name: str,
        first_line: int,
        variables: tuple[tuple[str, int], ...] = (),
        arguments: int = 0,
        global_object: Any = None,
    ) -> int:
        payload = varint(path) + text(name.rpartition(".")[2]) + text(name) + text("__main__")
        payload += varint(first_line) + varint(0) + varint(0) + varint(arguments) + varint(0)
        payload += varint(0 if global_object is None else self.number(global_object) + 1)
        payload += varint(len(variables))
        for variable, kind in variables:
            payload += text(variable) + bytes([kind, 0])
        self.define(5, payload)
        number, self.plans = self.plans, self.plans + 1
        return number

    def thread(self, number: int, name: str) -> None:
        self.define(6, varint(number) + varint(1000 + number) + varint(0) + text(name))

    # ---- blocks

    def start_block(self) -> None:
        self.records = bytearray()
        self.local: dict[int, int] = {}  # object number -> the block's own number
        self.opened: set[int] = set()
        self.prelude = struct.pack("<QQQI12x", self.steps, self.calls, self.tick, 0)

    def end_block(self) -> None:
        self.blocks.append((self.prelude, bytes(self.records)))
        self.start_block()

    def save(self, path: pathlib.Path) -> None:
        self.end_block()
        header = b"\x8bCTRACE\n" + struct.pack("<II", 0, 4711) + uuid.uuid4().bytes
        header += struct.pack("<Q16x", 1_700_000_000_000_000_000)
        out = bytearray(header + struct.pack("<Q", xxh64(header)))
        out += self.block(DEFS, 0, bytes(self.definitions))
        for number, (prelude, records) in enumerate(self.blocks):
            out += self.block(EVENTS, number, prelude + records)
        path.write_bytes(out)

    @staticmethod
    def block(kind: int, number: int, raw: bytes) -> bytes:
        header = struct.pack("<IBBHIII", 0x4B425443, kind, 0, 0, number, len(raw), len(raw))
        header += struct.pack("<IQ", 0, xxh64(raw))
        return header + struct.pack("<Q", xxh64(header)) + raw

    # ---- objects

    def number(self, value: Any) -> int:
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.numbers)
            self.known.append(value)
        return self.numbers[id(value)]

    def reference(self, value: Any) -> bytes:
        number = self.number(value)
        if number in self.local:
            return varint(self.local[number] + 1)
        self.local[number] = len(self.local)
        self.waiting.append(value)
        return b"\0" + varint(number)

    def open_objects(self, value: Any) -> bytes:
        """Return the encoded value, having written the state of every object in it."""
        self.waiting: list[Any] = []
        probe_local = dict(self.local)
        self.encode(value)  # finds the objects
        found, self.waiting, self.local = self.waiting, [], probe_local
        while found:
            item = found.pop()
            if id(item) in self.opened:
                continue
            self.opened.add(id(item))
            self.waiting = []
            self.records += b"\xd1" + self.reference(item) + self.state(item)
            found += self.waiting
        return self.encode(value)

    def base(self, **sections: Any) -> bytes:
        flags = 0
        out = b""
        for bit, name in ((1, "items"), (2, "pairs"), (4, "attrs")):
            if name not in sections:
                continue
            flags |= bit
            children = sections[name]
            true_length = sections.get("length", len(children)) if bit != 4 else len(children)
            out += varint(true_length) + varint(len(children))
            if bit == 1:
                out += b"".join(self.encode(child) for child in children)
            else:
                out += b"".join(self.encode(k) + self.encode(v) for k, v in children.items())
        return bytes([flags]) + out

    def state(self, value: Any) -> bytes:
        """Return type, flags and base of an object, as the recorder stores its family."""
        family, sections = object_state(value)
        type_id = varint(self.type_of(value, family))
        return type_id + b"\x03" + self.base(**sections)

    # ---- values

    def encode(self, value: Any) -> bytes:
        plain = self.encode_builtin(value)
        if plain is not None:
            return plain
        wrapped = immutable_state(value)
        if wrapped is not None:
            family, inner = wrapped
            return b"\x11" + varint(self.type_of(value, family)) + self.encode(inner)
        thing = thing_state(value)
        if thing is not None:
            family, inner = thing
            kind = varint(self.type_of(value, family))
            return b"\x12" + kind + varint(id(value)) + self.encode(inner)
        return b"\x10" + self.reference(value)

    def encode_builtin(self, value: Any) -> bytes | None:
        kind = type(value)
        if kind is Raw:
            return value.data
        if kind is Cut:
            return b"\x14" + varint(value.true_length) + self.encode(value.kept)
        constants = {type(None): 1, type(...): 4, type(NotImplemented): 5}
        if kind in constants:
            return bytes([constants[kind]])
        if kind is bool:
            return b"\x02" if value else b"\x03"
        if kind is int:
            return encode_int(value)
        if kind is float:
            return b"\x07" + struct.pack("<d", value)
        if kind is complex:
            return b"\x08" + struct.pack("<dd", value.real, value.imag)
        if kind is str:
            data = value.encode("utf-8", "surrogatepass")
            return bytes([0x80 + len(data)]) + data if len(data) <= 7 else b"\x0a" + text(value)
        if kind is bytes:
            return b"\x0b" + varint(len(value)) + value
        if kind is tuple or kind is frozenset:
            tag = b"\x0c" if kind is tuple else b"\x0d"
            return tag + varint(len(value)) + b"".join(map(self.encode, value))
        if kind is slice:
            return b"\x18" + b"".join(map(self.encode, (value.start, value.stop, value.step)))
        if kind is range:
            return b"\x19" + b"".join(map(self.encode, (value.start, value.stop, value.step)))
        return None

    # ---- records

    def note(self, value: Any) -> None:
        """Append a note that carries the value, and the states of the objects in it."""
        if len(self.records) > BLOCK_BYTES:
            self.end_block()
        encoded = self.open_objects(value)
        self.records += b"\xdd\0" + encoded

    def event(self, tag: int, numbers: tuple[int, ...] = (), *values: Any) -> None:
        encoded = b"".join([self.open_objects(value) for value in values])
        self.records += bytes([tag]) + b"".join(map(varint, numbers)) + encoded

    def line(self, change: int) -> None:
        self.records += b"\xc0" + zigzag(change)
        self.steps += 1

    def set(self, slot: int, value: Any) -> None:
        self.event(0xC1, (slot,), value)

    def call(self, plan: int) -> None:
        self.event(0xC2, (plan,))
        self.calls += 1

    def ticks(self, milliseconds: int) -> None:
        self.event(0xCC, (milliseconds,))
        self.tick += milliseconds

    def object_event(self, tag: int, value: Any, numbers: tuple[int, ...], *values: Any) -> None:
        """Append an operation on an object that was opened before."""
        encoded = b"".join([self.open_objects(child) for child in values])
        self.records += bytes([tag]) + self.reference(value) + b"".join(map(varint, numbers))
        self.records += encoded


def encode_int(value: int) -> bytes:
    if -32 <= value <= 63:
        return bytes([0xA0 + 32 + value])
    if -(2**63) <= value < 2**63:
        return b"\x06" + zigzag(value)
    size = (abs(value).bit_length() + 7) // 8
    return b"\x09" + varint(size << 1 | (value < 0)) + abs(value).to_bytes(size, "little")


def zone_text(value: Any) -> str | None:
    return None if value.tzinfo is None else repr(value.tzinfo)


def immutable_state(value: Any) -> tuple[str, Any] | None:
    """Return family and inner value of what is stored as AS."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return "ENUM", (value._name_, value._value_)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return "NAMEDTUPLE", tuple(value)
    for base, family in (
        (int, "INT"), (float, "FLOAT"), (complex, "COMPLEX"), (str, "TEXT"), (bytes, "BYTES"),
        (tuple, "TUPLE"), (frozenset, "FROZENSET"),
    ):  # fmt: skip
        if isinstance(value, base):
            return family, base.__new__(base, value)
    if isinstance(value, datetime.datetime):
        clock = (value.hour, value.minute, value.second, value.microsecond)
        date = (value.year, value.month, value.day)
        return "DATETIME", (*date, *clock, zone_text(value), value.fold)
    if isinstance(value, datetime.date):
        return "DATE", (value.year, value.month, value.day)
    if isinstance(value, datetime.time):
        clock = (value.hour, value.minute, value.second, value.microsecond)
        return "TIME", (*clock, zone_text(value), value.fold)
    if isinstance(value, datetime.timedelta):
        return "TIMEDELTA", (value.days, value.seconds, value.microseconds)
    if isinstance(value, decimal.Decimal):
        return "DECIMAL", str(value)
    if isinstance(value, fractions.Fraction):
        return "FRACTION", (value.numerator, value.denominator)
    if isinstance(value, pathlib.PurePath):
        return "PATH", str(value)
    if isinstance(value, uuid.UUID):
        return "UUID", value.int
    if isinstance(value, re.Pattern):
        return "PATTERN", (value.pattern, value.flags)
    if isinstance(value, re.Match):
        return "MATCH", (*value.span(), value.group())
    return None


def thing_state(value: Any) -> tuple[str, Any] | None:
    """Return family and inner value of what is stored as THING."""
    if isinstance(value, type):
        module = "" if value.__module__ == "builtins" else value.__module__ + "."
        return "CLASS", module + value.__qualname__
    if isinstance(value, types.MethodType):
        return "METHOD", (value.__func__.__qualname__, value.__self__)
    if isinstance(value, types.ModuleType):
        spec = value.__spec__
        return "MODULE", (value.__name__, None if spec is None else spec.origin)
    callables = (
        types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType,
        types.WrapperDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
    )  # fmt: skip
    if isinstance(value, callables):
        return "FUNCTION", value.__qualname__
    if isinstance(value, types.GeneratorType | types.CoroutineType | types.AsyncGeneratorType):
        return "GENERATOR", value.__qualname__
    return None


def object_state(value: Any) -> tuple[str, dict[str, Any]]:
    """Return family and sections of an object."""
    attrs = {"attrs": vars(value)} if vars_of(value) else {}
    if isinstance(value, bytearray):
        return "BYTEARRAY", {"items": [bytes(value)], **attrs}
    if isinstance(value, list):
        return "LIST", {"items": value, **attrs}
    if isinstance(value, set):
        return "SET", {"items": value, **attrs}
    if isinstance(value, collections.deque):
        return "DEQUE", {"items": value, "attrs": {"maxlen": value.maxlen}}
    if isinstance(value, collections.defaultdict):
        return "DICT", {"pairs": value, "attrs": {"default_factory": value.default_factory}}
    if isinstance(value, dict):
        return "DICT", {"pairs": value, **attrs}
    if isinstance(value, types.MappingProxyType):
        return "MAPPINGPROXY", {"pairs": dict(value)}
    if isinstance(value, BaseException):
        return "EXCEPTION", {"attrs": {"args": value.args}}
    if isinstance(value, types.SimpleNamespace):
        return "NAMESPACE", {"attrs": vars(value)}
    if hasattr(type(value), "__dataclass_fields__"):
        return "DATACLASS", {"attrs": vars(value)}
    return "OBJECT", {"attrs": vars(value)}


def vars_of(value: Any) -> dict[str, Any]:
    return getattr(value, "__dict__", {})
