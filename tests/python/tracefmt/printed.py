"""Events as `ct print --format json` shows them (docs/reference/print.md).

The text of a value ("repr") is given for the scalars whose text needs no knowledge of their type.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tracefmt.container import Recording
from tracefmt.cursor import text_of
from tracefmt.definitions import Type
from tracefmt.objects import ATTRIBUTES, ITEMS, PAIRS
from tracefmt.player import Event, Player
from tracefmt.values import UNBOUND, Value, float_of

Json = dict[str, Any]

# Kind and type of what says itself what it is.
BUILTINS = {
    "unbound": ("unbound", ""),
    "none": ("none", "NoneType"),
    "true": ("bool", "bool"),
    "false": ("bool", "bool"),
    "ellipsis": ("ellipsis", "ellipsis"),
    "notimplemented": ("notimplemented", "NotImplementedType"),
    "int": ("int", "int"),
    "float": ("float", "float"),
    "complex": ("complex", "complex"),
    "big": ("int", "int"),
    "text": ("str", "str"),
    "bytes": ("bytes", "bytes"),
    "tuple": ("tuple", "tuple"),
    "frozenset": ("frozenset", "frozenset"),
    "slice": ("slice", "slice"),
    "range": ("range", "range"),
    "redacted": ("redacted", ""),
    "dropped": ("dropped", ""),
}
BOXED_KINDS = """
    int float complex str bytes bytearray date datetime time timedelta decimal fraction path uuid
    pattern match
"""
BOXES = set(BOXED_KINDS.split())
SEQUENCES = {"tuple", "namedtuple", "frozenset", "match", "traceback"}
HAS_LOCALS = {"line", "return", "yield", "unwind"}
STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}
STREAM_FLAGS = {4: "mirror", 8: "redirected", 16: "foreign"}
INT_TEXT_BITS = 8192  # longer ones, Python may refuse to write in decimal


def complex_text(both: bytes) -> str:
    return repr(complex(float_of(both[:8]), float_of(both[8:])))


REPRS = {
    "none": lambda value: "None",
    "true": lambda value: "True",
    "false": lambda value: "False",
    "ellipsis": lambda value: "Ellipsis",
    "notimplemented": lambda value: "NotImplemented",
    "int": lambda value: repr(value[1]),
    "big": lambda value: repr(value[1]) if value[1].bit_length() < INT_TEXT_BITS else None,
    "float": lambda value: repr(float_of(value[1])),
    "complex": lambda value: complex_text(value[1]),
    "text": lambda value: repr(text_of(value[1])),
    "bytes": lambda value: repr(value[1]),
    "redacted": lambda value: "<redacted>",
    "dropped": lambda value: "<not recorded>",
}


@dataclass
class Shape:
    """A value without the wrappers around it."""

    content: Value = UNBOUND
    type: Type | None = None
    object: int | None = None
    length: int | None = None
    is_readable: bool = True

    @property
    def kind(self) -> str:
        if not self.is_readable:
            return "unreadable"
        if self.content[0] == "opaque":
            return "opaque"
        if self.type is not None and self.content[0] not in ("redacted", "dropped"):
            return self.type.kind
        return BUILTINS[self.content[0]][0]

    @property
    def type_name(self) -> str:
        if self.type is not None:
            return self.type.short_name
        return BUILTINS[self.content[0]][1] if self.is_readable else ""


@dataclass
class Printer:
    """Shows values at the player's moment."""

    player: Player
    depth: int
    around: list[int] = field(default_factory=list)

    def shape(self, value: Value) -> Shape:
        shape = Shape()
        types = self.player.recording.definitions.types
        while True:
            tag = value[0]
            if tag == "object":
                held = self.player.objects.get(value[1])
                if shape.object is not None:
                    shape.is_readable = False
                    return shape
                if held is None:
                    shape.content = ("dropped",)
                    return shape
                shape.object = value[1]
                shape.type = shape.type or types[held.type]
                if shape.type.kind not in BOXES or not held.items:
                    return shape
                value = held.items[0]
            elif tag == "cut":
                shape.length, value = value[1:]
            elif tag in ("as", "thing"):
                shape.type = shape.type or types[value[1]]
                value = value[-1]
            else:
                if tag == "opaque":
                    shape.type = shape.type or types[value[1]]
                shape.content = value
                return shape

    def value(self, value: Value, depth: int) -> Json:
        shape = self.shape(value)
        shown: Json = {"kind": shape.kind, "type": shape.type_name}
        if shape.object is not None:
            shown["object"] = shape.object
            if shape.object in self.around:
                return shown | {"seen": True}
        if shape.type is None and shape.length is None and shape.content[0] in REPRS:
            text = REPRS[shape.content[0]](shape.content)
            shown |= {"repr": text} if text is not None else {}
        if shape.length is not None:
            shown["length"] = shape.length
        return shown | (self.inside(shape, depth - 1) if depth > 0 else {})

    def inside(self, shape: Shape, depth: int) -> Json:
        shown: Json = {}
        if shape.object is not None:
            self.around.append(shape.object)
            shown = self.object(shape, depth)
            self.around.pop()
        elif shape.kind in SEQUENCES and shape.content[0] in ("tuple", "frozenset"):
            shown["items"] = [self.value(item, depth) for item in shape.content[1]]
        if shape.kind == "namedtuple" and shape.type is not None:
            shown["fields"] = shape.type.fields
        return shown

    def object(self, shape: Shape, depth: int) -> Json:
        shown: Json = {}
        if not shape.is_readable:
            return shown
        held = self.player.objects[shape.object]
        if held.sections & ITEMS and shape.content == UNBOUND:
            shown["items"] = [self.value(item, depth) for item in held.items]
            if held.true_items > len(held.items):
                shown["length"] = held.true_items
        if held.sections & PAIRS:
            shown["entries"] = [
                [self.value(key, depth), self.value(value, depth)] for key, value in held.pairs
            ]
            if held.true_pairs > len(held.pairs):
                shown["length"] = held.true_pairs
        if held.sections & ATTRIBUTES:
            shown["attrs"] = {
                self.name(name): self.value(value, depth)
                for name, value in held.attributes
                if value != UNBOUND
            }
        return shown

    def name(self, value: Value) -> str | None:
        """A text as a member's name; None for what is no text, whose name would be its repr."""
        content = self.shape(value).content
        if content[0] == "redacted":
            return "<redacted>"
        return text_of(content[1]) if content[0] == "text" else None

    def variables(self, event: Event) -> Iterator[tuple[str | None, Value, bool]]:
        plan = self.player.recording.definitions.plans[event.frame.plan]
        for variable, value in zip(plan.variables, event.frame.slots, strict=True):
            if value == UNBOUND:
                continue
            if not variable.is_namespace:
                yield variable.name, value, variable.is_argument
            elif value[0] == "object" and value[1] in self.player.objects:
                for key, held in self.player.objects[value[1]].pairs:
                    yield self.name(key), held, False

    def globals(self, event: Event) -> Json | None:
        plan = self.player.recording.definitions.plans[event.frame.plan]
        if plan.globals is None:
            return None
        held = self.player.objects.get(plan.globals)
        pairs = held.pairs if held is not None else []
        return {self.name(key): self.value(value, self.depth) for key, value in pairs}

    def event(self, event: Event, with_globals: bool) -> Json:
        shown: Json = {
            "step": event.step,
            "event": event.kind,
            "ms": event.tick,
            "thread": event.thread,
        }
        definitions = self.player.recording.definitions
        if event.frame is not None:
            plan = definitions.plans[event.frame.plan]
            shown |= {
                "file": definitions.paths[plan.path],
                "function": plan.qualified_name,
                "line": event.frame.line,
                **({"turn": True} if event.kind == "line" and event.number else {}),
                "call": event.frame.call,
                "depth": event.depth,
            }
        if event.kind in ("fork", "thread end", "note"):
            shown["number"] = event.number
        if event.kind in ("output", "input"):
            shown["stream"] = STREAMS[event.number & 3]
            flags = [name for bit, name in STREAM_FLAGS.items() if event.number & bit]
            shown |= {"flags": flags} if flags else {}
            content = self.shape(event.value).content
            is_bytes = content[0] == "bytes"
            text = content[1].decode("utf-8", "surrogateescape") if is_bytes else None
            shown["text"] = text if is_bytes else self.name(event.value)
        elif event.value is not None:
            shown["value"] = self.value(event.value, self.depth)
        if event.frame is None:
            return shown
        if event.kind == "call" or event.kind in HAS_LOCALS:
            shown["args" if event.kind == "call" else "locals"] = {
                name: self.value(value, self.depth)
                for name, value, is_argument in self.variables(event)
                if is_argument or event.kind != "call"
            }
            if with_globals and (held := self.globals(event)) is not None:
                shown["globals"] = held
        return shown


def printed_events(
    recording: Recording, depth: int = 3, with_globals: bool = False
) -> Iterator[Json]:
    """All events in the shape of `ct print`."""
    player = Player(recording)
    printer = Printer(player, depth)
    for event in player.events():
        yield printer.event(event, with_globals)
