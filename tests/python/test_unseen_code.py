"""What the interpreter, or code that is not recorded, does to a program's variables between lines.

The lines of these programs say nothing of it: an exception that is raised again, trace functions,
variables set through the frame, a property that keeps what it worked out.
"""

import ast
import json
import sys
import textwrap

import pytest
from side_by_side import SideBySide


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def steps(sides, source, depth=5):
    """The variables of `f` before each of its lines, by the line's text."""
    lines = textwrap.dedent(source).splitlines()
    sides.write("\n".join(lines))
    done = sides.recorded("program.py")
    assert done.status == 0, done
    sides.verify()
    rows = map(json.loads, sides.printed("--format", "json", "--depth", str(depth)).splitlines())
    return {
        lines[row["line"] - 1].strip(): row["locals"]
        for row in rows
        if row["event"] == "line" and row["function"] == "f"
    }


def places(exception):
    trace = exception["attrs"].get("__traceback__", {})
    return [ast.literal_eval(item["repr"])[1:] for item in trace.get("items", ())]


def test_an_exception_raised_again_shows_where_it_passed(sides):
    seen = steps(
        sides,
        """
        def thrower(error):
            raise error
        def f():
            error = ValueError("kept")
            try:
                raise error
            except ValueError:
                first = 1
            try:
                thrower(error)
            except ValueError:
                second = 2
            return 3
        f()
        """,
    )
    assert places(seen["raise error"]["error"]) == []
    assert places(seen["first = 1"]["error"]) == [(7, "f")]
    assert places(seen["second = 2"]["error"]) == [(11, "f"), (3, "thrower"), (7, "f")]


def test_a_context_that_would_close_a_circle_is_gone(sides):
    seen = steps(
        sides,
        """
        def f():
            a, b = ValueError("a"), ValueError("b")
            try:
                try:
                    raise a
                except ValueError:
                    raise b
            except ValueError:
                first = 1
                try:
                    raise a
                except ValueError:
                    second = 2
            return 3
        f()
        """,
    )
    context = seen["first = 1"]["b"]["attrs"]["__context__"]
    assert context["attrs"]["args"]["repr"] == "('a',)"
    assert "__context__" not in seen["second = 2"]["b"]["attrs"]
    context = seen["second = 2"]["a"]["attrs"]["__context__"]
    assert context["attrs"]["args"]["repr"] == "('b',)"


def test_an_exception_thrown_into_a_generator_shows_where_it_was(sides):
    seen = steps(
        sides,
        """
        def generator():
            try:
                yield 1
            except ValueError:
                yield 2
        def f():
            error = ValueError("thrown")
            steps = generator()
            next(steps)
            steps.throw(error)
            return 2
        f()
        """,
    )
    assert places(seen["steps.throw(error)"]["error"]) == []
    assert places(seen["return 2"]["error"]) == [(4, "generator")]


FOLLOWED = """
import sys
def follow(frame, event, arg):
    if event == "line" and frame.f_code.co_name in ("f", "g"):
        seen.append(frame.f_lineno)
    return follow
def g():
    n = 1
    return n
def f():
    seen = made
    seen.append(0)
    sys.SETTER(follow)
    first = 1
    g()
    second = 2
    sys.SETTER(None)
    return 3
seen = made = []
f()
"""


def test_what_a_trace_function_does_is_seen_at_each_step(sides):
    seen = steps(sides, FOLLOWED.replace("SETTER", "settrace"))
    assert seen["first = 1"]["seen"]["repr"] == "[0]"
    assert seen["second = 2"]["seen"]["repr"] == "[0, 8, 9]"


def test_what_a_profile_function_does_is_seen_at_each_step(sides):
    source = FOLLOWED.replace("SETTER", "setprofile").replace('"line"', '"return"')
    seen = steps(sides, source)
    assert seen["g()"]["seen"]["repr"] == "[0]"
    assert seen["second = 2"]["seen"]["repr"] == "[0, 9]"


def test_variables_a_trace_function_sets_are_seen(sides):
    seen = steps(
        sides,
        """
        import sys
        def follow(frame, event, arg):
            if event == "return" and frame.f_code.co_name == "g":
                frame.f_back.f_locals["x"] = 10
            if event == "line" and frame.f_code.co_name == "f":
                frame.f_locals["y"] += 1
            return follow
        def g():
            return 1
        def f():
            x, y = 0, 0
            g()
            sys._getframe().f_trace = follow
            sys.settrace(follow)
            first = 1
            second = 2
            sys.settrace(None)
            return 3
        f()
        """,
    )
    assert seen["first = 1"]["y"]["repr"] == "1"
    assert seen["second = 2"]["y"]["repr"] == "2"
    assert seen["return 3"]["y"]["repr"] == "3"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="f_locals was a copy before 3.13")
def test_variables_set_through_the_frame_are_seen(sides):
    seen = steps(
        sides,
        """
        import sys
        def setter(name, value):
            sys._getframe(1).f_locals[name] = value
        def f():
            x = 1
            setter("x", 2)
            mine = sys._getframe().f_locals
            mine["x"] = 3
            mine |= {"x": [4]}
            return x
        f()
        """,
    )
    assert seen['setter("x", 2)']["x"]["repr"] == "1"
    assert seen["mine = sys._getframe().f_locals"]["x"]["repr"] == "2"
    assert seen['mine |= {"x": [4]}']["x"]["repr"] == "3"
    assert seen["return x"]["x"]["repr"] == "[4]"


def test_a_property_that_keeps_its_value_is_seen(sides):
    seen = steps(
        sides,
        """
        import functools
        class Box:
            @functools.cached_property
            def size(self):
                return 10
        def f():
            box = Box()
            size = box.size
            return size
        f()
        """,
    )
    assert "size" not in seen["size = box.size"]["box"]["attrs"]
    assert seen["return size"]["box"]["attrs"]["size"]["repr"] == "10"


# A class whose code is not recorded, as those of the standard library: whatever is done with its
# objects changes them.
RESTLESS = """
class Restless:
    def __init__(self):
        self.n = 0
    def count(self, *_):
        self.n += 1
        return self.n
    def __next__(self):
        if self.n >= 4:
            raise StopIteration
        return self.count()
    def __iter__(self):
        self.n += 1
        return self
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.count()
    def __getitem__(self, index):
        if self.n >= 4:
            raise IndexError
        return self.count()
    def __repr__(self):
        return str(self.count())
    def __hash__(self):
        return self.count()
    def __bool__(self):
        return bool(self.count())
    def __len__(self):
        return self.count()
    @property
    def size(self):
        return self.count()
    __str__ = __repr__
    __eq__ = __lt__ = __contains__ = __add__ = __radd__ = __neg__ = __setitem__ = count
    __delitem__ = __int__ = __index__ = __float__ = __call__ = __enter__ = __exit__ = count
    __format__ = lambda self, _: str(self.count())
"""

RESTLESS_USES = [
    "x = r.size",
    "x = r.missing",
    "x = r[0]",
    "r[0] = 1",
    "del r[0]",
    "x = r == 1",
    "x = r < 1",
    "x = 1 in r",
    "x = r + 1",
    "x = 1 + r",
    "x = -r",
    "x = not r",
    "x = 1 if r else 2",
    "x = r and 1",
    "x = {r: 1}",
    "x = {r}",
    "x = f'{r}'",
    "x = f'{r!r}'",
    "x = len(r)",
    "x = str(r)",
    "x = bool(r)",
    "x = list(r)",
    "x = sum(r)",
    "x = isinstance(r, int), repr(r)",
    "x = r()",
    "x = next(r)",
    "x, *y = r",
    "x = [*r]",
    "x = [0, 1, 2][r]",
    "with r: pass",
    "for x in r: pass",
    "for x in enumerate(r): pass",
    "for x in zip([1, 2, 3], r): pass",
    "for x in map(str, r): pass",
    "x = [y for y in r]",
    "x = sum(y for y in r)",
    "x = max(1, 2, key=r)",
    "x = ''.join([str(r)])",
]


BINDINGS = {
    "local": ("", "r = Restless()"),
    "argument": ("r=Restless()", "pass"),
    "cell": ("", "r = Restless(); g = lambda: r"),
    "global": ("", "global r; r = kept = Restless()"),
}


@pytest.mark.parametrize("place", BINDINGS)
def test_an_object_whose_class_is_not_recorded_is_right_after_any_use(sides, place):
    parameter, bind = BINDINGS[place]
    source = f"exec(compile({RESTLESS!r}, '<made>', 'exec'))\n"
    for i, use in enumerate(RESTLESS_USES):
        source += f"def f{i}({parameter}):\n    {bind}\n    {use}\n    was = None\n"
        source += f"    return vars(r)['n']\nf{i}()\n"
    sides.write(source)
    assert sides.recorded("program.py").status == 0
    rows = [json.loads(line) for line in sides.printed("--format", "json").splitlines()]
    name = "kept" if place == "global" else "r"
    steps = {  # the state before the line after the use
        row["function"]: row["locals"][name]
        for row in rows
        if row["event"] == "line" and name in row["locals"] and "was" not in row["locals"]
    }
    ends = {row["function"]: row["value"]["repr"] for row in rows if row["event"] == "return"}
    wrong = {
        use: (steps[f"f{i}"]["attrs"]["n"]["repr"], ends[f"f{i}"])
        for i, use in enumerate(RESTLESS_USES)
        if steps[f"f{i}"]["attrs"]["n"]["repr"] != ends[f"f{i}"]
    }
    assert wrong == {}


GIVEN_EARLIER = """
import threading

class Box:
    def __init__(self):
        self.items = []

names = {{f"name_{{n}}": [n] for n in range(40)}}
globals().update(names)
results, box, deep = [], Box(), {{"a": {{"b": [()]}}}}

def work():
    for give in (results.append, box.items.append, deep["a"]["b"].append):
        thread = threading.Thread(target=give, args=([7],))
        thread.start()
        thread.join()

work()
{end}
"""


@pytest.mark.parametrize("end", ["done = True", "raise SystemExit(3)", "1 / 0"])
def test_what_unseen_code_did_to_globals_is_seen_when_the_program_ends(sides, end):
    """No line names the lists that code which is not recorded works on."""
    sides.write(GIVEN_EARLIER.format(end=end))
    sides.recorded("program.py")
    sides.verify()
    rows = map(json.loads, sides.printed("--format", "json", "--depth", "5").splitlines())
    last = [row for row in rows if row.get("function") == "<module>"][-1]
    assert last["event"] in ("return", "unwind")
    shown = {name: last["locals"][name] for name in ("results", "box", "deep")}
    assert shown["results"]["repr"] == "[[7]]"
    assert shown["box"]["attrs"]["items"]["repr"] == "[[7]]"
    assert shown["deep"]["repr"] == "{'a': {'b': [(), [7]]}}"


def test_stores_through_properties_that_are_not_recorded_go_deep(sides):
    seen = steps(
        sides,
        """
        exec('''
        class Hidden:
            def __init__(self):
                self.held = ({"a": {"b": {"c": [1, 2]}}},)
            @property
            def view(self):
                return self.held[0]["a"]["b"]["c"]
            @property
            def last(self):
                return self.view[-1]
            @last.setter
            def last(self, number):
                self.view[-1] = number
        ''')
        def f():
            box = Hidden()
            first = 1
            box.view[0] = 10
            second = 2
            box.last = 20
            third = 3
            return box
        f()
        """,
        depth=8,
    )
    held = {line: at["box"]["attrs"]["held"]["repr"] for line, at in seen.items() if "box" in at}
    assert held["first = 1"] == held["box.view[0] = 10"] == "({'a': {'b': {'c': [1, 2]}}},)"
    assert held["second = 2"] == held["box.last = 20"] == "({'a': {'b': {'c': [10, 2]}}},)"
    assert held["third = 3"] == "({'a': {'b': {'c': [10, 20]}}},)"


def test_stores_through_recorded_descriptors_are_seen(sides):
    """What they do stands in their own lines."""
    seen = steps(
        sides,
        """
        class Field:
            def __set__(self, owner, value):
                owner.held = [value]
        class Box:
            field = Field()
        def f():
            box = Box()
            box.field = 1
            second = 2
            box.field = 3
            return box
        f()
        """,
    )
    assert seen["second = 2"]["box"]["attrs"]["held"]["repr"] == "[1]"
    assert seen["return box"]["box"]["attrs"]["held"]["repr"] == "[3]"
