"""The values of an EVENTS block.

A value is a tuple that starts with its name: ("int", 3), ("tuple", (value, ...)), ("object", 7).
Two values are the same when the tuples are equal; object numbers are those of the trace.
"""

import struct
from typing import Any

from tracefmt.cursor import Cursor, Damaged

Value = tuple[Any, ...]

UNBOUND: Value = ("unbound",)
NEST_MAX = 64
CONSTANTS: dict[int, Value] = {
    0x00: UNBOUND,
    0x01: ("none",),
    0x02: ("true",),
    0x03: ("false",),
    0x04: ("ellipsis",),
    0x05: ("notimplemented",),
    0x15: ("redacted",),
    0x16: ("dropped",),
}


def wrap(number: int) -> int:
    """Numbers wrap at 64 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class Values(Cursor):
    """Reads an EVENTS block, and numbers its nodes and objects."""

    def __init__(self, raw: bytes, at: int, earlier: list["Values"], types: int) -> None:
        super().__init__(raw, at)
        self.earlier = earlier
        self.types = types
        self.nodes: list[Value | None] = []  # None: its end was not reached yet
        self.objects: list[int] = []

    def object(self) -> int:
        """An object reference: the object's number in the trace."""
        reference = self.varint()
        if reference == 0:
            self.objects.append(self.varint())
            return self.objects[-1]
        if reference > len(self.objects):
            raise Damaged(f"object {reference - 1} of a block that has {len(self.objects)}")
        return self.objects[reference - 1]

    def type(self) -> int:
        number = self.varint()
        if number >= self.types:
            raise Damaged(f"type {number} of {self.types}")
        return number

    def slot_value(self, before: Value) -> Value:
        """The value of a SET, which may continue what the slot held."""
        tag = self.data[self.at] if self.left else 0
        if tag != 0x1A and not 0x20 <= tag <= 0x3F:
            return self.value()
        self.at += 1
        if before[0] != "int":
            raise Damaged("a change of what is no number")
        change = self.zigzag() if tag == 0x1A else tag - 0x30
        return ("int", wrap(before[1] + change))

    def value(self, level: int = 1) -> Value:
        if level > NEST_MAX:
            raise Damaged("a value nested too deep")
        tag = self.u8()
        if tag in CONSTANTS:
            return CONSTANTS[tag]
        if tag >= 0xA0:
            return ("int", tag - 0xC0)
        if 0x80 <= tag <= 0x87:
            return ("text", self.take(tag - 0x80))
        if tag in SHORT:
            return SHORT[tag](self)
        if tag not in NODES:
            raise Damaged(f"no value begins with {tag:#04x}")
        number = len(self.nodes)
        self.nodes.append(None)
        node = NODES[tag](self, level)
        self.nodes[number] = node
        return node

    def several(self, count: int, level: int) -> tuple[Value, ...]:
        return tuple(self.value(level + 1) for _ in range(count))

    # ---- short ones

    def int(self) -> Value:
        return ("int", self.zigzag())

    def float(self) -> Value:
        return ("float", self.take(8))

    def named(self, number: int) -> Value:
        node = self.nodes[number] if number < len(self.nodes) else None
        if node is None:
            raise Damaged(f"node {number} is not there yet")
        return node

    def node(self) -> Value:
        return self.named(self.varint())

    def node_far(self) -> Value:
        back, number = self.varint(), self.varint()
        if not 1 <= back <= len(self.earlier):
            raise Damaged(f"a node {back} blocks back of {len(self.earlier)}")
        return self.earlier[-back].named(number)

    def reference(self) -> Value:
        return ("object", self.object())

    # ---- nodes

    def complex(self, _level: int) -> Value:
        return ("complex", self.take(16))

    def big(self, _level: int) -> Value:
        size = self.varint()
        magnitude = int.from_bytes(self.take(size >> 1), "little")
        return ("big", -magnitude if size & 1 else magnitude)

    def long_text(self, _level: int) -> Value:
        return ("text", self.text())

    def bytes(self, _level: int) -> Value:
        return ("bytes", self.text())

    def tuple(self, level: int) -> Value:
        return ("tuple", self.several(self.count(), level))

    def frozenset(self, level: int) -> Value:
        return ("frozenset", self.several(self.count(), level))

    def as_type(self, level: int) -> Value:
        return ("as", self.type(), self.value(level + 1))

    def thing(self, level: int) -> Value:
        return ("thing", self.type(), self.varint(), self.value(level + 1))

    def opaque(self, _level: int) -> Value:
        return ("opaque", self.type(), self.varint())

    def cut(self, level: int) -> Value:
        return ("cut", self.varint(), self.value(level + 1))

    def grow(self, _level: int) -> Value:
        before = self.node()
        if before[0] != "text":
            raise Damaged("what grows is no text")
        return ("text", before[1] + self.text())

    def slice(self, level: int) -> Value:
        return ("slice", self.several(3, level))

    def range(self, level: int) -> Value:
        return ("range", self.several(3, level))


SHORT = {
    0x06: Values.int,
    0x07: Values.float,
    0x0E: Values.node,
    0x0F: Values.node_far,
    0x10: Values.reference,
}
NODES = {
    0x08: Values.complex,
    0x09: Values.big,
    0x0A: Values.long_text,
    0x0B: Values.bytes,
    0x0C: Values.tuple,
    0x0D: Values.frozenset,
    0x11: Values.as_type,
    0x12: Values.thing,
    0x13: Values.opaque,
    0x14: Values.cut,
    0x17: Values.grow,
    0x18: Values.slice,
    0x19: Values.range,
}


def float_of(bits: bytes) -> float:
    return struct.unpack("<d", bits)[0]
