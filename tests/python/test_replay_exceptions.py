"""Which exceptions continue stops at: by example, and on whole programs against a model."""

from pathlib import Path

import pytest
from engine import Probe, events_of, record

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
RAISED, LEAVES_CALL, LEAVES_RECORDED, UNCAUGHT = FATES = range(4)


def stops(probe, backwards=False):
    """The moments at which continue stops, from one end to the other."""
    probe.ask("end" if backwards else "start")
    found = []
    if not backwards:
        first = probe.ask("continue", "back")  # nothing is before the first moment
        assert first["end"] == "not found"
    while (at := probe.ask("continue", *(["back"] if backwards else [])))["end"] == "moved":
        assert at["exception"]
        found.append((at["step"], at["left"], at["function"], at["line"]))
    return found


def both_ways(probe):
    """The same moments from either side, in their order."""
    forth = stops(probe)
    back = stops(probe, backwards=True)
    at_end = [moment for moment in forth if moment not in back]  # where one stood already
    assert [m for m in forth if m not in at_end] == back[::-1]
    assert len(at_end) <= 1
    return forth


def lines(probe, fate, types=""):
    probe.ask("exceptions", "off")
    answer = probe.ask("exceptions", fate, "stop", f"|{types}" if types else "")
    assert "error" not in answer, answer
    return [line for _, _, _, line in both_ways(probe)]


JOURNEYS = """\
import threading

class Odd(ValueError):
    pass

def here():
    try:
        raise KeyError("here")
    except KeyError:
        pass

def tidy(n):
    try:
        raise Odd(n)
    finally:
        n = -1

def again():
    try:
        tidy(1)
    except KeyError:
        pass

def caller():
    try:
        again()
    except ValueError as problem:
        kept = problem
        try:
            raise
        except ValueError:
            pass

def replaced():
    try:
        int("x")
    except ValueError:
        raise OSError("instead")

def held():
    try:
        raise LookupError("outer")
    except LookupError:
        try:
            raise IndexError("inner")
        except IndexError:
            pass
        raise

def key(n):
    raise TypeError(n)

class Once:
    def __getattr__(self, name):
        raise AttributeError(name)

class Three:
    left = 1
    def __iter__(self):
        return self
    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left -= 1

def in_thread():
    {}["lost"]

here()
caller()
for call in (replaced, held):
    try:
        call()
    except Exception:
        pass
try:
    sorted([1], key=key)
except TypeError:
    pass
hasattr(Once(), "x")
for _ in Three():
    pass
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
here()
1 / 0
"""


def line_of(text, nth=0):
    found = [i for i, line in enumerate(JOURNEYS.splitlines(), 1) if text in line]
    return found[nth]


def test_how_far_an_exception_comes(replayed):
    probe = replayed(JOURNEYS)
    raised = [
        'KeyError("here")',
        "Odd(n)",
        'int("x")',
        'OSError("instead")',
        'LookupError("outer")',
        'IndexError("inner")',
        "TypeError(n)",
        "AttributeError(name)",
        "raise StopIteration",
        '{}["lost"]',
        'KeyError("here")',
        "1 / 0",
    ]
    handled = {'KeyError("here")', 'int("x")', 'IndexError("inner")'}
    leaves = [text for text in raised if text not in handled - {"1 / 0"}]
    assert lines(probe, RAISED) == [line_of(text) for text in raised]
    assert lines(probe, LEAVES_CALL) == [line_of(text) for text in leaves]
    lost = ["AttributeError(name)", '{}["lost"]', "1 / 0"]
    assert lines(probe, LEAVES_RECORDED) == [line_of(text) for text in lost]
    assert lines(probe, UNCAUGHT) == [line_of(text) for text in lost[1:]]


def test_types(replayed):
    probe = replayed(JOURNEYS)
    here = line_of('KeyError("here")')
    lost, odd, zero = line_of('{}["lost"]'), line_of("Odd(n)"), line_of("1 / 0")
    outer, inner = line_of('LookupError("outer")'), line_of('IndexError("inner")')
    assert lines(probe, RAISED, "KeyError") == [here, lost, here]
    assert lines(probe, RAISED, " LookupError ") == [here, outer, inner, lost, here]
    assert lines(probe, RAISED, "builtins.LookupError, !KeyError") == [outer, inner]
    assert lines(probe, RAISED, "ArithmeticError,Odd") == [odd, zero]
    assert lines(probe, RAISED, "__main__.Odd") == [odd]
    assert lines(probe, UNCAUGHT, "!ZeroDivisionError") == [lost]
    assert lines(probe, RAISED, "Exception") == lines(probe, RAISED, "BaseException")
    assert lines(probe, RAISED, "ValueError") == [line_of('int("x")')]  # Odd's base is not known
    assert lines(probe, LEAVES_CALL, "StopIteration") == [line_of("raise StopIteration")]
    probe.ask("exceptions", 0, "stop", "|ZeroDivisionError")
    probe.ask("exceptions", 0, "never", "|StopIteration")
    assert both_ways(probe)[-1][-1] == zero
    probe.ask("exceptions", 0, "never")
    assert both_ways(probe) == []


@pytest.mark.parametrize(
    ("types", "at"),
    [
        ("Key Error", 4),
        ("KeyError,", 9),
        (",KeyError", 0),
        ("!", 1),
        ("1x", 0),
        ("a..b, c.", 8),
        ("x=1", 1),
    ],
)
def test_types_that_make_no_sense_are_refused(replayed, types, at):
    probe = replayed("try:\n    1 / 0\nexcept ArithmeticError:\n    pass\n")
    answer = probe.ask("exceptions", 0, "stop", f"|{types}")
    assert (answer["status"], answer["at"]) == ("usage", at)
    assert stops(probe) == []
    assert not probe.ask("exceptions", 0, "stop", "|Wanted, !KeyError")["any"]
    assert probe.ask("exceptions", 0, "stop", "|!KeyError")["any"]


def origins(events):
    """Of each exception that is raised how far it comes, from all events."""
    latest, found = {}, []
    for index, event in enumerate(events):
        thread = event.get("thread")
        before = latest.get(thread)
        if event["event"] in ("output", "input", "thread", "thread end", "fork"):
            continue
        if event["event"] == "raise" and not (before and before["event"] == "unwind"):
            found.append((index, event))
        latest[thread] = event
    return [(event, fate(events, index)) for index, event in found]


def fate(events, index):
    raised = events[index]
    name = raised["value"]["type"]
    reached = LEAVES_CALL if name in ("StopIteration", "GeneratorExit") else UNCAUGHT
    far = RAISED
    while True:
        own = [
            (i, e)
            for i, e in enumerate(events)
            if i > index and e.get("call") == events[index]["call"]
        ]
        end = next((i for i, e in own if e["event"] in ("return", "unwind")), None)
        if end is None or events[end]["event"] == "return":
            return min(far, reached)
        text = events[end]["value"]["repr"]
        others = [i for i, e in own if i < end and e["event"] == "raise"]
        if text != events[index]["value"]["repr"] or any(
            events[i]["value"]["repr"] == text for i in others
        ):
            return min(far, reached)
        far = LEAVES_CALL
        kinds = ("output", "input", "thread", "thread end", "fork")
        behind = [
            i
            for i, e in enumerate(events)
            if i > end and e["thread"] == raised["thread"] and e["event"] not in kinds
        ]
        if behind and events[behind[0]]["event"] == "raise":
            index = behind[0]
            continue
        is_bottom = events[end]["depth"] == 0
        is_program = events[end]["function"] == "<module>"
        uncaught = is_bottom and (is_program or not behind)
        return min(UNCAUGHT if uncaught else LEAVES_RECORDED, reached)


@pytest.mark.parametrize(
    "name",
    [
        "exceptions_chained",
        "exceptions_dropped",
        "exception_groups",
        "finally_flow",
        "unhandled_exception",
        "sys_exit",
        "generators",
        "coroutines",
        "contextmanagers",
        "threads",
    ],
)
def test_continue_stops_where_a_model_does_from_both_sides(ct, tmp_path, name):
    folder = record(ct, PROGRAMS / f"{name}.py", tmp_path / "recording")
    expected = origins(events_of(ct, folder))
    with Probe(folder) as probe:
        last = len(both_ways(probe))
        assert last == 0
        before = None
        for wanted in FATES:
            probe.ask("exceptions", "off")
            probe.ask("exceptions", wanted, "stop")
            found = both_ways(probe)
            # An exception of the first step is where one starts; two may have one moment.
            steps = {event["step"] for event, far in expected if far >= wanted} - {0}
            assert {step for step, *_ in found} == steps
            assert before is None or set(found) <= set(before)
            before = found
