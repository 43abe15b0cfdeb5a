"""Compare a recording, as `ct print --format json` shows it, with the oracle's events.

Two classes of difference: what is exact by contract (a variable's own value and one level into
it) fails the test; what lies deeper may lag behind by contract, and is counted.
"""

import ast
import json
from dataclasses import dataclass, field

from oracle import DEPTH

# A difference at this depth below a variable or deeper is lag: 0 is the variable itself.
LAG_LEVEL = 2
CONTEXT = 3
ALIASES = {
    "frozenset": "set",
    "bytearray": "bytes",
    "namedtuple": "tuple",
    "dataclass": "object",
}
SEQUENCES = {"list", "tuple", "set", "deque"}
HOLDERS = {*SEQUENCES, "dict", "object", "exception", "enum"}
# Where the recording need not go further, or only the type is known.
UNKNOWN = {"deep", "cycle", "opaque"}
SHALLOW = {"deep", "cycle", "truncated"}
WITH_VALUE = {"return", "yield"}
WITH_TYPE = {"throw", "unwind", "raise", "handled"}
KINDS = {"line", "call", "resume", *WITH_VALUE, *WITH_TYPE}


def scalar_payload(kind, text):
    """The oracle's payload from the text a value reads as."""
    if kind == "float":
        number = float(text)
        return "nan" if number != number else number.hex()
    if kind == "str":
        return ast.literal_eval(text)
    if kind == "bytes":
        return ast.literal_eval(text.removeprefix("bytearray(").removesuffix(")")).hex()
    return text


def normal_value(value, depth=DEPTH):
    """The oracle's normal form of one VALUE of `ct print`, printed with `depth` levels."""
    kind = ALIASES.get(value["kind"], value["kind"])
    name = value.get("type", "").rpartition(".")[2]
    shown = value.get("items", value.get("entries", ()))
    if value.get("length", 0) > len(shown):
        return ["truncated", name, None, {}]
    if value.get("seen"):
        return ["cycle", name, None, {}]
    if kind in HOLDERS and depth == 0:
        return ["deep", name, None, {}]
    attrs = value.get("attrs", {})
    # The oracle shows a deque by its items alone.
    attrs = {key: item for key, item in attrs.items() if key != "maxlen"}
    attributes = {key: normal_value(item, depth - 1) for key, item in attrs.items()}
    if kind == "enum" and value.get("items"):  # a member that is a built-in value, too
        held = value["items"][0]
        return [held["kind"], name, scalar_payload(held["kind"], held["repr"]), attributes]
    return [kind, name, normal_payload(kind, value, depth - 1), attributes]


def normal_payload(kind, value, depth):
    if kind == "dict":
        pairs = value.get("entries", [])
        return [[normal_value(k, depth), normal_value(v, depth)] for k, v in pairs]
    if kind in SEQUENCES or "items" in value:
        items = [normal_value(item, depth) for item in value.get("items", [])]
        if kind == "set":
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items
    return None if kind in HOLDERS else scalar_payload(kind, value.get("repr", ""))


def normal_event(event, depth=DEPTH):
    """The one adapter: an event of `ct print --format json` in the oracle's shape.

    Returns None for events the oracle does not have (output, threads, …).
    """
    kind = event["event"]
    if kind not in KINDS:
        return None
    shape = {"event": kind, "thread": event.get("thread", 0), "function": event["function"]}
    for key in ("file", "line", "step"):
        if key in event:
            shape[key] = event[key]
    state = event.get("locals", event.get("args"))
    if event["function"] == "<module>":
        state = event.get("locals") or event.get("globals")
    if state is not None:
        shape["locals"] = {
            name: normal_value(value, depth) for name, value in state.items() if not is_dunder(name)
        }
        shape["partial"] = "locals" not in event and event["function"] != "<module>"
    if "value" in event:
        shape["value"] = normal_value(event["value"], depth)
    if kind in WITH_TYPE and "value" in shape:
        shape["type"] = shape.pop("value")[1]
    return shape


def is_dunder(name):
    """Names a namespace has by itself; a method's `__class__` is a variable like any other."""
    return name.startswith("__") and name.endswith("__") and name != "__class__"


def read_print(text, depth=DEPTH):
    events = (normal_event(json.loads(line), depth) for line in text.splitlines() if line)
    return [event for event in events if event is not None]


@dataclass
class Difference:
    where: str
    level: int
    expected: object
    actual: object

    def __str__(self):
        return f"{self.where}: oracle {short(self.expected)}, recording {short(self.actual)}"


def short(form):
    text = json.dumps(form)
    return text if len(text) <= 160 else text[:157] + "…"


def compare_values(expected, actual, where, level):
    """Yield the differences of two normal forms."""
    kind, name, payload, attributes = expected
    if name != actual[1] and name and actual[1]:
        yield Difference(f"{where} (type)", level, name, actual[1])
    elif not is_comparable(kind, actual[0]):
        return
    elif kind not in ("object", "exception") and not is_same_kind(expected, actual):
        yield Difference(where, level, expected, actual)
    else:
        if isinstance(payload, list):
            yield from compare_items(kind, payload, actual[2], where, level + 1)
        found = actual[3]
        if kind == "exception":  # may show more than its dict: notes, cause, traceback
            found = {name: form for name, form in found.items() if name in attributes}
        yield from compare_tables(attributes, found, where + ".", level + 1)


def is_comparable(expected, actual):
    """Whether both sides went far enough to say more than the type."""
    if expected == "exception":
        return actual == "exception"
    if actual == "enum":
        return False  # shown by name; its members are constants
    return expected not in UNKNOWN and actual not in SHALLOW


def is_same_kind(expected, actual):
    """Kinds agree, and so do payloads unless they are compared item by item."""
    if isinstance(expected[2], list):
        return expected[0] == actual[0] and isinstance(actual[2], list)
    # A type that the recording groups differently still has to read the same.
    return expected[2] == actual[2]


def compare_items(kind, expected, actual, where, level):
    if not isinstance(actual, list):
        return
    if len(expected) != len(actual):
        yield Difference(f"len({where})", level - 1, len(expected), len(actual))
        return
    for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
        if kind == "dict":
            yield from compare_values(left[0], right[0], f"{where} key {index}", level)
            yield from compare_values(left[1], right[1], f"{where}[{short(left[0][2])}]", level)
        else:
            yield from compare_values(left, right, f"{where}[{index}]", level)


def compare_tables(expected, actual, prefix, level, partial=False):
    """Compare two {name: form}; with `partial` the recording need not have every name."""
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            if not partial:
                yield Difference(prefix + name, level, expected[name], "absent")
        elif name not in expected:
            yield Difference(prefix + name, level, "absent", actual[name])
        else:
            yield from compare_values(expected[name], actual[name], prefix + name, level)


def compare_states(expected, actual):
    if "locals" in actual:
        partial = actual.get("partial", False)
        yield from compare_tables(expected["locals"], actual["locals"], "", 0, partial)
    if "value" in expected and "value" in actual:
        yield from compare_values(expected["value"], actual["value"], "value", 0)
    if expected.get("type") != actual.get("type", expected.get("type")):
        yield Difference("exception type", 0, expected["type"], actual["type"])


def place(event):
    """What and where; the oracle knows the line of a step alone."""
    line = event.get("line") if event["event"] == "line" else None
    return event["event"], event["function"], event.get("file"), line


def by_thread(events):
    """The events of each thread in order, threads ordered by what they did."""
    threads = {}
    for event in events:
        threads.setdefault(event["thread"], []).append(event)
    return sorted(threads.values(), key=lambda sequence: str([place(e) for e in sequence]))


@dataclass
class Result:
    """What a comparison found: `failure` is None when all that must be exact is."""

    failure: str | None = None
    events: int = 0
    values: int = 0
    lagging: int = 0
    longest_lag: int = 0
    behind: dict = field(default_factory=dict)

    def note_lag(self, differences, event):
        """Count deeper differences, and for how many events in a row each has lasted."""
        self.lagging += len(differences)
        seen = {(event["function"], difference.where) for difference in differences}
        kept = {key: n for key, n in self.behind.items() if key[0] != event["function"]}
        self.behind = kept | {key: self.behind.get(key, 0) + 1 for key in seen}
        self.longest_lag = max(self.longest_lag, *self.behind.values(), 0)


def describe(events, index):
    lines = []
    for event in events[max(0, index - CONTEXT) : index + 1]:
        line = f":{event['line']}" if "line" in event else ""
        lines.append(f"    {event['event']:8} {event['function']}{line}")
    return "\n".join(lines)


def compare_sequences(expected, actual, result, with_values):
    for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
        if place(left) != place({"file": left["file"], **right}):
            return (
                f"event {index}: oracle {place(left)}, recording {place(right)}; before it:\n"
                + describe(expected, index)
            )
        result.events += 1
        if not with_values:
            continue
        result.values += len(left["locals"])
        found = list(compare_states(left, right))
        exact = [difference for difference in found if difference.level < LAG_LEVEL]
        result.note_lag([d for d in found if d.level >= LAG_LEVEL], left)
        if exact:
            return f"event {index}: {exact[0]}; at:\n" + describe(expected, index)
    if len(expected) != len(actual):
        index = min(len(expected), len(actual))
        if len(expected) > index:
            return f"only the oracle goes on at event {index}:\n" + describe(expected, index)
        return f"only the recording goes on at event {index}:\n" + describe(actual, index)
    return None


def compare(expected, actual, with_values=True):
    """Compare the oracle's events with a recording's, thread by thread."""
    result = Result()
    left, right = by_thread(expected), by_thread(actual)
    if len(left) != len(right):
        result.failure = f"{len(left)} threads in the oracle, {len(right)} in the recording"
    for one, other in zip(left, right, strict=False):
        result.failure = result.failure or compare_sequences(one, other, result, with_values)
    return result
