"""Read trace.json and trace.bin, and bring event streams into a form in which two can be compared.

Both readers are written from the formats' description alone.
"""

import json
import re
import struct
from pathlib import Path
from typing import Any, NamedTuple

Event = dict[str, Any]

# ---- trace.bin -----------------------------------------------------------------------------------

MAGIC = bytes([0xC0, 0xDE, 0x72, 0xAC, 0xE2, 0, 0, 0])
STRUCT, LIST = 0, 1
BYTES, COMPOSITE = 2, 7


def unpack(packed: bytes) -> bytes:
    """Undo Cap'n Proto's packing."""
    out = bytearray()
    at = 0
    while at < len(packed):
        flags = packed[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                out.append(packed[at])
                at += 1
            else:
                out.append(0)
        if flags == 0:
            out.extend(bytes(8 * packed[at]))
            at += 1
        elif flags == 0xFF:
            count = packed[at] * 8
            out.extend(packed[at + 1 : at + 1 + count])
            at += 1 + count
    return bytes(out)


class Struct(NamedTuple):
    """A struct in a message of one segment."""

    segment: bytes
    data: int  # byte where its data begins
    pointers: int  # word where its pointers begin
    data_words: int
    pointer_count: int

    def u16(self, offset: int = 0) -> int:
        """Return a number of its data, by byte."""
        return int(struct.unpack_from("<H", self.segment, self.data + offset)[0])

    def i64(self) -> int:
        """Return its first data word."""
        return int(struct.unpack_from("<q", self.segment, self.data)[0])

    def follow(self, index: int) -> Any:
        """Return what one of its pointers leads to."""
        assert index < self.pointer_count
        return follow(self.segment, self.pointers + index)

    def number(self, index: int) -> int:
        """Return the number that is all of a struct it points to."""
        inner = self.follow(index)
        return 0 if inner is None else int(inner.i64())


def make_struct(segment: bytes, word: int, size: int) -> Struct:
    data_words = size & 0xFFFF
    assert (word + data_words + (size >> 16)) * 8 <= len(segment)
    return Struct(segment, word * 8, word + data_words, data_words, size >> 16)


def follow(segment: bytes, word: int) -> Any:
    """Return the struct, the list of structs or the text that a pointer leads to."""
    offset, size = struct.unpack_from("<iI", segment, word * 8)
    if offset == 0 and size == 0:
        return None
    target = word + 1 + (offset >> 2)
    assert 0 <= target <= len(segment) // 8
    if offset & 3 == STRUCT:
        return make_struct(segment, target, size)
    assert offset & 3 == LIST
    count = size >> 3
    if size & 7 == BYTES:
        text = segment[target * 8 : target * 8 + count]
        assert text[-1:] == b"\0"
        return text[:-1].decode("utf-8")
    assert size & 7 == COMPOSITE
    tag, element = struct.unpack_from("<iI", segment, target * 8)
    step = (element & 0xFFFF) + (element >> 16)
    assert (tag >> 2) * step == count
    return [make_struct(segment, target + 1 + step * i, element) for i in range(tag >> 2)]


def int_value(value: Struct) -> Event:
    return {"kind": "Int", "i": value.i64(), "type_id": value.number(0)}


def bool_value(value: Struct) -> Event:
    return {"kind": "Bool", "b": bool(value.i64() & 1), "type_id": value.number(0)}


def string_value(value: Struct) -> Event:
    return {"kind": "String", "text": value.follow(0), "type_id": value.number(1)}


def sequence_value(value: Struct) -> Event:
    elements = [value_of(element) for element in value.follow(0)]
    is_slice = bool(value.i64() & 1)
    return {
        "kind": "Sequence",
        "elements": elements,
        "is_slice": is_slice,
        "type_id": value.number(1),
    }


def tuple_value(value: Struct) -> Event:
    elements = [value_of(element) for element in value.follow(0)]
    return {"kind": "Tuple", "elements": elements, "type_id": value.number(1)}


def raw_value(value: Struct) -> Event:
    return {"kind": "Raw", "r": value.follow(0), "type_id": value.number(1)}


def error_value(value: Struct) -> Event:
    return {"kind": "Error", "msg": value.follow(0), "type_id": value.number(1)}


def none_value(value: Struct) -> Event:
    return {"kind": "None", "type_id": value.number(0)}


VALUES = {
    0: int_value,
    2: bool_value,
    3: string_value,
    4: sequence_value,
    5: tuple_value,
    9: raw_value,
    10: error_value,
    11: none_value,
}


def value_of(value: Struct) -> Event:
    return VALUES[value.u16(8)](value)


def full_value(record: Struct) -> Event:
    return {"variable_id": record.number(0), "value": value_of(record.follow(1))}


def type_of(record: Struct) -> Event:
    assert record.follow(1).u16() == 0
    return {"kind": record.u16(), "lang_type": record.follow(0), "specific_info": {"kind": "None"}}


def function_of(record: Struct) -> Event:
    return {"path_id": record.number(0), "line": record.number(1), "name": record.follow(2)}


# The numbers of event kinds in trace.bin, and those of trace.json.
EVENT_KINDS = {0: 0, 1: 1, 2: 3, 9: 11, 11: 2, 12: 5}


def output_of(record: Struct) -> Event:
    kind = EVENT_KINDS[record.u16()]
    return {"kind": kind, "metadata": record.follow(1), "content": record.follow(0)}


def event_of(element: Struct) -> Event:
    payload = element.follow(0)
    match element.u16():
        case 0:
            return {"Step": {"path_id": payload.number(0), "line": payload.number(1)}}
        case 1:
            return {"Path": payload.follow(0)}
        case 2:
            return {"VariableName": payload}
        case 4:
            return {"Type": type_of(payload)}
        case 5:
            return {"Value": full_value(payload)}
        case 6:
            return {"Function": function_of(payload)}
        case 7:
            arguments = [full_value(argument) for argument in payload.follow(1) or []]
            return {"Call": {"function_id": payload.number(0), "args": arguments}}
        case 8:
            return {"Return": {"return_value": value_of(payload.follow(0))}}
        case 9:
            return {"Event": output_of(payload)}
    raise AssertionError(f"unknown kind of event {element.u16()}")


def read_binary(path: Path) -> list[Event]:
    """Read a trace.bin of one segment."""
    data = path.read_bytes()
    assert data[:8] == MAGIC
    message = unpack(data[8:])
    segments, words = struct.unpack_from("<II", message)
    assert segments == 0
    assert len(message) == 8 + 8 * words
    return [event_of(element) for element in follow(message[8:], 0).follow(0)]


def read_json(path: Path) -> list[Event]:
    """Read a trace.json."""
    events = json.loads(path.read_bytes().decode("utf-8"))
    assert isinstance(events, list)
    return events


# ---- normal form ---------------------------------------------------------------------------------

ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class Row(NamedTuple):
    """One thing that happened, with names for ids."""

    kind: str  # step, call, return, output
    what: Any
    values: Any


class Names:
    """The tables that ids point into."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.variables: list[str] = []
        self.types: list[str] = []
        self.functions: list[str] = []

    def learn(self, event: Event) -> bool:
        """Take in an event that only defines something."""
        match event:
            case {"Path": path}:
                self.paths.append(path)
            case {"VariableName": name}:
                self.variables.append(name)
            case {"Type": about}:
                self.types.append(about["lang_type"])
            case {"Function": about}:
                self.functions.append(about["name"])
            case _:
                return False
        return True

    def value(self, value: Event) -> Any:
        """Return a value as nested tuples without ids and addresses."""
        kind, type_name = value["kind"], self.types[value["type_id"]]
        if "elements" in value:
            return (kind, type_name, tuple(self.value(element) for element in value["elements"]))
        content = next((value[key] for key in ("i", "b", "text", "r", "msg") if key in value), None)
        if kind == "Raw":
            content = ADDRESS.sub("0x", content)
        return (kind, type_name, content)


class Reading:
    """Collects rows: a step with its variables, the pieces of one step's output joined."""

    def __init__(self) -> None:
        self.names = Names()
        self.rows: list[Row] = []
        self.output: dict[int, str] = {}

    def end_output(self) -> None:
        self.rows.extend(Row("output", kind, self.output[kind]) for kind in sorted(self.output))
        self.output = {}

    def variable(self, about: Event) -> tuple[str, Any]:
        return self.names.variables[about["variable_id"]], self.names.value(about["value"])

    def add(self, event: Event) -> None:
        names = self.names
        if names.learn(event):
            return
        if "Event" not in event:
            self.end_output()
        match event:
            case {"Step": step}:
                self.rows.append(Row("step", (names.paths[step["path_id"]], step["line"]), {}))
            case {"Value": about}:
                self.add_value(*self.variable(about))
            case {"Call": call}:
                arguments = dict(self.variable(argument) for argument in call["args"])
                self.rows.append(Row("call", names.functions[call["function_id"]], arguments))
            case {"Return": back}:
                self.rows.append(Row("return", None, names.value(back["return_value"])))
            case {"Event": about}:
                kind = about["kind"]
                self.output[kind] = self.output.get(kind, "") + about["content"]
            case _:
                raise AssertionError(f"unknown event {event}")

    def add_value(self, name: str, value: Any) -> None:
        """Add a variable to the latest step; those before a call repeat its arguments."""
        step = next(row for row in reversed(self.rows) if row.kind == "step")
        step.values[name] = value


def rows(events: list[Event]) -> list[Row]:
    """Return what happened, in order."""
    reading = Reading()
    for event in events:
        reading.add(event)
    reading.end_output()
    return reading.rows
