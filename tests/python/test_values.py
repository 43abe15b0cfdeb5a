"""What the recorder says of values it reads natively: each kind, its changes, hostile look-alikes.

Each program keeps what it makes in variables of `f`, and the state at the return of `f` is what is
looked at. Where Python's own `repr` says all there is, the recording must read the same.
"""

import ast
import json
import re
import textwrap

import pytest
from side_by_side import SideBySide
from test_second_reader import agree
from tracefmt import Recording
from tracefmt.objects import BASE, NEW
from tracefmt.player import Player
from tracefmt.values import Values

ADDRESS = re.compile(r"0x[0-9a-f]+")


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


WITHOUT_NUMPY = """
[meta]
name = "without-numpy"
version = 1

[scope]
default_exec = "trace"
default_value_action = "allow"

[[scope.rules]]
selector = "pkg:glob:numpy*"
exec = "skip"

[[scope.rules]]
selector = "pkg:glob:pandas*"
exec = "skip"
"""


@pytest.fixture
def arrays(sides):
    """The same, where the code of numpy and pandas, of which much runs, is not recorded."""
    sides.write(WITHOUT_NUMPY, ".codetracer/trace-filter.toml")
    return sides


def states(sides, source, depth=3, limits=()):
    """The events of `f`, those with its variables."""
    sides.write(textwrap.dedent(source))
    done = sides.recorded("program.py", limits=limits)
    assert done.status == 0, done
    sides.verify()
    rows = map(json.loads, sides.printed("--format", "json", "--depth", str(depth)).splitlines())
    return [row for row in rows if row.get("function") == "f" and "locals" in row]


def at_return(sides, source, **options):
    """The variables of `f` when it returns."""
    rows = states(sides, source, **options)
    return next(row["locals"] for row in rows if row["event"] == "return")


def history(rows, name):
    """What a variable of `f` read as, one after another."""
    seen = [row["locals"][name]["repr"] for row in rows if name in row["locals"]]
    return [text for at, text in enumerate(seen) if at == 0 or seen[at - 1] != text]


# Python's own repr says all there is: (expression, kind).
AS_REPR = {
    "re.compile(r'a(b)?', re.I | re.M)": "pattern",
    "re.compile(b'x+')": "pattern",
    "re.match(r'(a)(?P<n>b)?', 'ac')": "match",
    "re.search(rb'b+', b'abbc')": "match",
    "re.search('b', Text('abc'))": "match",
    "re.search('é+', 'caféé')": "match",
    "collections.deque([1, 2], maxlen=3)": "deque",
    "Ring([1], 2)": "deque",
    "types.MappingProxyType({'a': [1]})": "mappingproxy",
    "types.SimpleNamespace(a=1, b='x')": "namespace",
    "Moment(2020, 1, 2, 3, 4)": "datetime",
    "Price('1.50')": "decimal",
    "array.array('i', [1, -2])": "buffer",
    "array.array('d', [0.5, -0.0])": "buffer",
    "array.array('Q', [2**64 - 1])": "buffer",
    "array.array('b')": "buffer",
    "list.append": "function",
    "list.__add__": "function",
    "dict.fromkeys": "function",
    "types.FunctionType.__code__": "function",
    "Slotted.x": "function",
    "int.__dict__['real']": "function",
    "[].append": "function",
    "(1).__add__": "function",
    "{'a': 1, 'b': [2]}.keys()": "object",
    "{'a': 1, 'b': [2]}.values()": "object",
    "{'a': 1, 'b': [2]}.items()": "object",
    "{}.keys()": "object",
    "collections.OrderedDict(a=1).items()": "object",
    "list[int]": "object",
    "dict[str, list[Text]]": "object",
    "tuple[int, ...]": "object",
    "tuple[()]": "object",
    "list[None]": "object",
    "int | None | list[Text]": "object",
    "functools.partial(len)": "object",
    "functools.partial(print, 1, 'a', end='')": "object",
    "functools.partial(functools.partial(len), [1])": "object",
    "staticmethod(len)": "object",
    "classmethod(Text)": "object",
    "ExceptionGroup('m', [ValueError(1), TypeError()])": "exception",
}
CLASSES = """
    import array, collections, datetime, decimal, enum, functools, re, types
    class Text(str): pass
    class Ring(collections.deque): pass
    class Moment(datetime.datetime): pass
    class Price(decimal.Decimal): pass
    class Slotted: __slots__ = ("x",)
"""


def test_values_read_as_their_repr(sides):
    lines = [f"    v{i} = {expression}" for i, expression in enumerate(AS_REPR)]
    shown = [f"    print(repr(v{i}))" for i in range(len(AS_REPR))]
    body = "\n".join(["def f():", *lines, *shown, "f()"])
    seen = at_return(sides, textwrap.dedent(CLASSES) + body)
    expected = sides.plain("program.py").out.splitlines()
    for i, (expression, kind) in enumerate(AS_REPR.items()):
        value = seen[f"v{i}"]
        assert value["kind"] == kind, expression
        assert ADDRESS.sub("0x...", value["repr"]) == expected[i], expression


HOLDERS = {
    "iter([1, 2])": "[1, 2]",
    "reversed([1, 2])": "[1, 2]",
    "iter((1, 'a'))": "(1, 'a')",
    "iter('ab')": "'ab'",
    "iter('é')": "'é'",
    "iter(b'ab')": "b'ab'",
    "iter(bytearray(b'ab'))": "bytearray(b'ab')",
    "iter({'a': 1})": "{'a': 1}",
    "iter({'a': 1}.values())": "{'a': 1}",
    "iter({'a': 1}.items())": "{'a': 1}",
    "reversed({'a': 1})": "{'a': 1}",
    "iter({1})": "{1}",
    "iter(Old())": "<Old>",
    "reversed(Old())": "<Old>",
    "iter(len, None)": "<built-in function len>",
    "iter(collections.deque([1]))": "deque([1])",
    "enumerate([1])": "<list_iterator object over [1] at 0x...>",
    "zip([1], 'a')": "(<list_iterator object over [1] at 0x...>, "
    "<str_ascii_iterator object over 'a' at 0x...>)",
    "map(str, [1])": "(<list_iterator object over [1] at 0x...>,)",
    "filter(None, [1])": "<list_iterator object over [1] at 0x...>",
    "itertools.chain([1])": "<tuple_iterator object over ([1],) at 0x...>",
    "itertools.cycle([1])": "<list_iterator object over [1] at 0x...>",
    "itertools.islice([1], 1)": "<list_iterator object over [1] at 0x...>",
}


def test_iterators_tell_what_they_iterate_over(sides):
    """Python's repr gives a type and an address; what is iterated over stands between them."""
    lines = [f"    v{i} = {expression}" for i, expression in enumerate(HOLDERS)]
    head = """
        import collections, itertools
        class Old:
            def __getitem__(self, index): raise IndexError
            def __len__(self): return 0
        """
    body = "\n".join(["def f():", *lines, "    return 1", "f()"])
    seen = at_return(sides, textwrap.dedent(head) + body)
    for i, (expression, over) in enumerate(HOLDERS.items()):
        text = ADDRESS.sub("0x...", seen[f"v{i}"]["repr"])
        assert text.endswith(f" object over {over} at 0x...>"), (expression, text)


def test_an_iterator_at_the_address_of_another_is_told_apart(sides):
    rows = states(
        sides,
        """
        def f():
            for i in range(50):
                one = iter([i])
                two = iter((i,))
                three = zip((i,), [i])
                del three, two, one
            return 1
        f()
        """,
    )
    for name in ("one", "two", "three"):
        texts = [row["locals"][name]["repr"] for row in rows if name in row["locals"]]
        indices = [row["locals"]["i"]["repr"] for row in rows if name in row["locals"]]
        assert len(texts) >= 50
        for text, index in zip(texts, indices, strict=True):
            assert f"[{index}]" in text or f"({index},)" in text, (text, index)


def test_weak_references_tell_what_they_refer_to(sides):
    rows = states(
        sides,
        """
        import weakref
        class Thing: pass
        def f():
            thing = Thing()
            thing.name = "x"
            reference = weakref.ref(thing)
            alive = reference
            dead = weakref.ref(Thing())
            thing = None
            print(reference())
            return 1
        f()
        """,
    )
    assert history(rows, "alive")[0].startswith("<ReferenceType object to <Thing name='x'> at 0x")
    (dead,) = history(rows, "dead")
    assert re.fullmatch(r"<ReferenceType object at 0x[0-9a-f]+>", dead)
    assert re.fullmatch(r"<ReferenceType object at 0x[0-9a-f]+>", history(rows, "reference")[-1])


def test_descriptors_streams_and_caches_tell_their_parts(sides):
    seen = at_return(
        sides,
        """
        import functools, sys
        class Size(property): pass
        class Late(functools.partial): pass
        def get(self): return 1
        def f():
            plain = property(get)
            derived = Size(get, doc="d")
            late = Late(get, 1, x=2)
            late.note = "n"
            cached = functools.lru_cache(get)
            with open(sys.argv[0], encoding="utf-8") as file:
                buffer = file.buffer
                return 1
        f()
        """,
    )
    parts = {name: seen[name]["attrs"] for name in ("plain", "derived", "late", "cached")}
    assert parts["plain"]["fget"]["repr"].startswith("<function get")
    assert [parts["plain"][name]["repr"] for name in ("fset", "fdel")] == ["None", "None"]
    assert parts["derived"]["fget"]["kind"] == "function"
    assert {name: parts["late"][name]["repr"] for name in ("args", "keywords", "note")} == {
        "args": "(1,)",
        "keywords": "{'x': 2}",
        "note": "'n'",
    }
    assert parts["cached"]["__wrapped__"]["kind"] == "function"
    file = seen["file"]["attrs"]
    assert (file["encoding"]["repr"], file["mode"]["repr"]) == ("'utf-8'", "'r'")
    assert seen["buffer"]["attrs"]["raw"]["attrs"]["name"]["repr"] == "'program.py'"


def shown(sides, source):
    """What `f` holds at each of its lines, as text, by the line's own text."""
    lines = textwrap.dedent(source).splitlines()
    sides.compare("\n".join(lines))
    rows = map(json.loads, sides.printed("--format", "json", "--function", "f").splitlines())
    return {
        lines[row["line"] - 1].strip(): {
            name: value["repr"] for name, value in row["locals"].items()
        }
        for row in rows
        if row["event"] == "line"
    }


def test_streams_in_memory_tell_their_content(sides):
    seen = shown(
        sides,
        """
        import contextlib, io
        class Mine(io.StringIO):
            pass
        def f():
            made = io.BytesIO(b"hello")
            made.read(2)
            made.write(b"XY")
            text = io.StringIO()
            text.write("a\u20ac")
            print("\U0001f600", file=text)
            text.seek(1)
            own = Mine("start")
            own.name = "mine"
            own.truncate(2)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                print("hidden")
                print(end="")
            long = io.BytesIO(b"ab" * 50_000)
            address = io.StringIO("postgres://me:hunter2@host/db")
            made.close(), text.close()
            return 1
        f()
        """,
    )
    assert seen["made.read(2)"]["made"] == "<BytesIO b'hello' position=0>"
    assert seen['made.write(b"XY")']["made"] == "<BytesIO b'hello' position=2>"
    assert seen["text = io.StringIO()"]["made"] == "<BytesIO b'heXYo' position=4>"
    assert seen['print("😀", file=text)']["text"] == "<StringIO 'a€' position=2>"
    assert seen["text.seek(1)"]["text"] == "<StringIO 'a€😀\\n' position=4>"
    assert seen['own = Mine("start")']["text"] == "<StringIO 'a€😀\\n' position=1>"
    assert seen["own.truncate(2)"]["own"] == "<Mine 'start' position=0, name='mine'>"
    assert seen["with contextlib.redirect_stdout(io.StringIO()) as out:"]["own"] == (
        "<Mine 'st' position=0, name='mine'>"
    )
    assert seen['print("hidden")']["out"] == "<StringIO '' position=0>"
    assert seen['print(end="")']["out"] == "<StringIO 'hidden\\n' position=7>"
    assert "(95904 more)" in seen["made.close(), text.close()"]["long"]
    assert seen["made.close(), text.close()"]["address"] == "<StringIO <redacted> position=0>"
    assert seen["return 1"]["made"].startswith("<BytesIO position=")


def test_a_stream_in_memory_moves_on_with_a_loop_over_it(sides):
    rows = states(
        sides,
        """
        import csv, io
        def f():
            s = io.StringIO("a\\nb\\n")
            for line in s:
                x = line
            s.seek(0)
            for row in csv.reader(s):
                x = row
            return x
        f()
        """,
    )
    texts = history(rows, "s")
    assert [text.split("position=")[1] for text in texts] == ["0>", "2>", "4>", "0>", "2>", "4>"]


def test_elements_tell_their_fields_and_children(sides):
    seen = shown(
        sides,
        """
        import xml.etree.ElementTree as ET
        class Own(ET.Element):
            pass
        def f():
            root = ET.fromstring("<a>x &amp; y<b k='1'><c/></b>&lt;<d/></a>")
            child = root[0]
            child.set("k", "2")
            child.tail = None
            child.text = "long " * 20
            root.remove(root[1])
            root.append(Own("own", {"n": "0"}))
            root[1].attrib["n"] = "1"
            root[1].mine = [1]
            for each in root: each.tag += "!"
            for each in root.iter("c"): each.text = "deep"
            del root[0][0]
            root[:] = []
            return 1
        f()
        """,
    )
    a = "<Element tag='a', text='x & y', tail=None ["
    first = (
        "<Element tag='b', attrib={'k': '1'}, text=None, tail='<' [<Element tag='c', text=None, "
    )
    assert seen["child = root[0]"]["root"].startswith(a + first)
    c = " [<Element tag='c', text=None, tail=None>]>"
    assert seen['child.set("k", "2")']["child"] == (
        "<Element tag='b', attrib={'k': '1'}, text=None, tail='<'" + c
    )
    assert seen["child.tail = None"]["child"] == (
        "<Element tag='b', attrib={'k': '2'}, text=None, tail='<'" + c
    )
    text = seen['child.text = "long " * 20']["child"]
    assert text == "<Element tag='b', attrib={'k': '2'}, text=None, tail=None" + c
    assert ("long " * 20) in seen["root.remove(root[1])"]["child"]
    assert "<Element tag='d'" in seen["root.remove(root[1])"]["root"]
    assert "<Element tag='d'" not in seen['root.append(Own("own", {"n": "0"}))']["root"]
    own = seen['root[1].attrib["n"] = "1"']["root"]
    assert "<Own tag='own', attrib={'n': '0'}, text=None, tail=None>" in own
    assert "attrib={'n': '1'}, text=None, tail=None>" in seen["root[1].mine = [1]"]["root"]
    assert "mine=[1]>" in seen['for each in root: each.tag += "!"']["root"]
    assert "tag='b!'" in seen['for each in root.iter("c"): each.text = "deep"']["root"]
    assert "text='deep'" in seen["del root[0][0]"]["child"]
    assert seen["root[:] = []"]["child"].endswith("tail=None>")
    assert seen["return 1"]["root"] == "<Element tag='a', text='x & y', tail=None>"


def test_slots_of_what_derives_from_a_sequence_are_seen_to_change(sides):
    locals_ = at_return(
        sides,
        """
        from collections import deque
        class L(list):
            __slots__ = ("x",)
        class D(deque):
            __slots__ = ("x",)
        def f():
            made = [L([1]), D([1])]
            for each in made:
                each.x = 5
                each.x = [6]
                each.x.append(7)
            return made
        f()
        """,
    )
    for each in locals_["made"]["items"]:
        assert each["attrs"]["x"]["repr"] == "[6, 7]"


def test_a_generator_tells_where_it_is_while_a_loop_goes_through_it(sides):
    rows = states(
        sides,
        """
        def made():
            yield 1
            yield 2
        def f(source):
            for x in source:
                y = x
            z = 1
            return z
        f(made())
        """,
    )
    texts = history(rows, "source")
    assert [text.split(", ")[1] for text in texts] == [
        "created>",
        "suspended at line 3>",
        "suspended at line 4>",
        "closed>",
    ]
    behind = next(row for row in rows if row["event"] == "line" and row["line"] == 8)
    assert behind["locals"]["source"]["repr"].endswith("closed>")


def test_what_a_defaultdict_makes_may_change(sides):
    rows = states(
        sides,
        """
        from collections import defaultdict
        def f():
            d = defaultdict(list)
            d["a"].append(1)
            d.default_factory = None
            n = 1
            return n
        f()
        """,
    )
    assert history(rows, "d")[-2:] == [
        "defaultdict(<class 'list'>, {'a': [1]})",
        "defaultdict(None, {'a': [1]})",
    ]


def test_what_a_slice_holds_may_change(sides):
    rows = states(
        sides,
        """
        def f():
            sl = slice(1, 2, [3])
            sl.step.append(4)
            n = 1
            return n
        f()
        """,
    )
    assert history(rows, "sl") == ["slice(1, 2, [3])", "slice(1, 2, [3, 4])"]
    behind = next(row for row in rows if row["event"] == "line" and row["line"] == 5)
    assert behind["locals"]["sl"]["repr"] == "slice(1, 2, [3, 4])"


def test_what_c_keeps_in_fields_is_told(sides):
    seen = shown(
        sides,
        """
        import asyncio, contextvars, operator, os, sqlite3, struct, threading, time
        async def work(number):
            await asyncio.sleep(0)
            return number
        async def f():
            lock, again = threading.Lock(), threading.RLock()
            with lock, again:
                held = 1
            name = contextvars.ContextVar("name", default=3)
            before = name.set(4)
            item, attribute = operator.itemgetter(1, "a"), operator.attrgetter("x.y")
            layout = struct.Struct("<ii")
            with sqlite3.connect(":memory:") as database:
                database.row_factory = sqlite3.Row
                row = database.execute("select 1 as x, 'a' as y").fetchone()
            future = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(work(5), name="named")
            await task
            future.set_exception(ValueError("no"))
            gone = asyncio.get_running_loop().create_future()
            gone.cancel(), future.exception()
            moment, size = time.gmtime(0), os.terminal_size((80, 24))
            return 1
        asyncio.run(f())
        """,
    )
    last = seen["return 1"]
    assert seen["held = 1"]["lock"] == "<lock locked=True>"
    assert "count=1>" in seen["held = 1"]["again"]
    assert last["lock"] == "<lock locked=False>"
    assert last["again"] == "<RLock owner=0, count=0>"
    assert last["before"] == "<Token var=<ContextVar name='name', default=3>>"
    assert last["item"] == "<itemgetter item=(1, 'a')>"
    assert last["attribute"].startswith("<attrgetter attr=(('x', 'y')")
    assert last["layout"] == "<Struct format=b'<ii', size=8>"
    assert last["row"].startswith("<Row data=(1, 'a'), description=(('x', None")
    assert seen["await task"]["task"].startswith("<Task name='named', state='pending', coro=<")
    assert last["task"].startswith("<Task name='named', state='finished', coro=<")
    assert last["task"].endswith(", result=5>")
    assert last["future"] == "<Future state='finished', exception=ValueError('no')>"
    assert last["gone"] == "<Future state='cancelled'>"
    assert last["moment"].startswith("struct_time(tm_year=1970, tm_mon=1, tm_mday=1, ")
    assert last["size"] == "terminal_size(columns=80, lines=24)"


def test_a_class_that_is_called_like_an_iterator_is_the_programs(sides):
    seen = at_return(
        sides,
        """
        def f():
            names = ["list_iterator", "zip", "dict_keys", "property", "weakref.ReferenceType"]
            made = [type(name, (), {"__slots__": ("a",)})() for name in names]
            made += [type(name, (), {})() for name in names]
            return made
        f()
        """,
    )
    for item in seen["made"]["items"]:
        assert " over " not in item["repr"]
        assert item["kind"] == "object"
        assert item.get("attrs", {}) == {}


def test_an_instance_that_is_not_filled_in_yet_is_no_value(sides):
    rows = states(
        sides,
        """
        import fractions, pathlib, uuid
        class Id(uuid.UUID):
            def __init__(self, text):
                note = text
                super().__init__(text)
        def f():
            bare = object.__new__(uuid.UUID)
            half = object.__new__(fractions.Fraction)
            held = [bare, (half, bare), {1: half}]
            path = object.__new__(pathlib.PurePosixPath)
            whole = Id("12345678123456781234567812345678")
            half._numerator, half._denominator = 1, 2
            again = half
            return whole
        f()
        """,
    )
    seen = rows[-1]["locals"]
    assert ADDRESS.sub("", seen["bare"]["repr"]) == "<uuid.UUID object at >"
    assert seen["again"]["repr"] == "Fraction(1, 2)"
    assert "<fractions.Fraction object at " in history(rows, "half")[0]
    assert seen["path"]["repr"] == "PurePosixPath('')"
    assert [item["kind"] for item in seen["held"]["items"]] == ["opaque", "tuple", "dict"]


def test_equal_keys_of_other_types_mean_one_pair(sides):
    rows = states(
        sides,
        """
        import enum
        class Text(str):
            pass
        class Octets(bytes):
            pass
        class Color(enum.Enum):
            RED = "r"
            BLUE = "b"
        class Alike:
            def __init__(self, n): self.n = n
            def __hash__(self): return 7
            def __eq__(self, other): return self.n == other.n
        def f():
            made = {("k", True): 1, ("k", 2.0): 2, Text("s"): 3, Octets(b"b"): 4, 1: 5, 2.5: 6,
                    Color.RED: 7, ("c", Color.BLUE): 8, Alike(1): 9, (None, b"b"): 10}
            made["k", 1] += 10
            made["k", 2] += 10
            made["s"] += 10
            made[b"b"] += 10
            made[True] += 10
            made[2.5] += 10
            made[Color.RED] += 10
            made["c", Color.BLUE] += 10
            made[Alike(1)] += 10
            made[None, b"b"] += 10
            left = dict(made)
            for key in [("k", 1.0), ("k", 2), "s", b"b", 1.0, 2.5, Color.RED]:
                del made[key]
            del made["c", Color.BLUE]
            made.pop(Alike(1))
            del made[None, b"b"]
            return left
        f()
        """,
        depth=4,
    )
    texts = history(rows, "made")
    assert [re.findall(r": (\d+)", text) for text in (texts[0], texts[10])] == [
        [str(n) for n in range(1, 11)],
        [str(n) for n in range(11, 21)],
    ]
    assert texts[-1] == "{}"
    assert len(texts) == 21
    assert texts[1].startswith("{('k', True): 11, ('k', 2.0): 2, 's': 3")


def test_keys_that_read_the_same_are_pairs_of_their_own(sides):
    rows = states(
        sides,
        """
        long, secret = "x" * 5000, "ghp_" + "a1B2" * 8
        def f():
            texts = {long + "1": 1}
            texts[long + "2"] = 2
            del texts[long + "1"]
            tuples = {}
            tuples["k", long + "1"] = 1
            tuples["k", long + "2"] = 2
            del tuples["k", long + "1"]
            del tuples["k", long + "2"]
            shaped = {}
            shaped[secret + "1"] = 1
            shaped[secret + "2"] = 2
            shaped[secret + "2"] = 3
            del shaped[secret + "1"]
            pairs = {("k", secret + "1"): 1}
            pairs["k", secret + "2"] = 2
            pairs.pop(("k", secret + "1"))
            octets = {b"y" * 5000 + b"1": 1}
            octets[b"y" * 5000 + b"2"] = 2
            del octets[b"y" * 5000 + b"1"]
            return
        f()
        """,
        depth=0,  # their texts are told whole
    )

    def values(name):
        seen = [re.findall(r": (\d)", text) for text in history(rows, name)]
        return [text for at, text in enumerate(seen) if at == 0 or seen[at - 1] != text]

    assert values("texts") == [["1"], ["1", "2"], ["2"]]
    assert values("tuples") == [[], ["1"], ["1", "2"], ["2"], []]
    assert values("shaped") == [[], ["1"], ["1", "2"], ["1", "3"], ["3"]]
    assert values("pairs") == [["1"], ["1", "2"], ["2"]]
    assert values("octets") == [["1"], ["1", "2"], ["2"]]


def test_a_key_that_reads_otherwise_by_now_is_its_pair(sides):
    rows = states(
        sides,
        """
        import weakref
        class Thing:
            pass
        def f():
            things = [Thing() for i in range(3)]
            made = {weakref.ref(thing): i + 1 for i, thing in enumerate(things)}
            keys = list(made)
            things.clear()
            made[keys[0]] = 4
            del made[keys[1]]
            left = len(made)
            return left
        f()
        """,
        depth=4,
    )
    texts = [re.findall(r">: (\d)", text) for text in history(rows, "made")]
    assert texts[0] == ["1", "2", "3"]
    assert texts[-1] == ["4", "3"]


GARBAGE = """
import collections, functools, gc, itertools, re, types, weakref
class Plain:
    pass
def closure(a):
    def inner(): return a
    return inner
def begun(loop):
    def run(): yield loop
    generator = run()
    next(generator)
    return generator
def raised(loop):
    try:
        raise ValueError(loop)
    except ValueError as error:
        return error
def module(loop):
    made = types.ModuleType("made")
    made.loop = loop
    return made
makers = [
    module, closure, begun, raised,
    lambda loop: type("Made", (Plain,), {"loop": loop}),
    lambda loop: type("Made", (Plain, list), {"loop": loop})(),
    lambda loop: functools.partial(closure, loop), lambda loop: property(closure(loop)),
    lambda loop: staticmethod(closure(loop)), lambda loop: types.MethodType(closure, loop["keep"]),
    lambda loop: re.compile("(a)" + str(id(loop))), lambda loop: re.match("(a)", "abc"),
    lambda loop: memoryview(bytearray(b"abc")), lambda loop: iter([loop]),
    lambda loop: map(closure, [loop]), lambda loop: zip([loop]),
    lambda loop: itertools.chain([loop]), lambda loop: weakref.ref(loop["keep"]),
    lambda loop: collections.deque([loop]), lambda loop: collections.OrderedDict(a=loop),
    lambda loop: collections.defaultdict(closure(loop), a=loop),
    lambda loop: types.SimpleNamespace(a=loop), lambda loop: types.MappingProxyType({"a": loop}),
    lambda loop: types.CellType(loop), lambda loop: super(Plain, loop["keep"]),
    lambda loop: functools.lru_cache(closure(loop)), lambda loop: frozenset([loop["keep"]]),
    lambda loop: slice(loop["keep"], [loop]), lambda loop: collections.namedtuple("N", "a")(loop),
]
gc.disable()
def make(held):
    for maker in makers:
        keep = Plain()
        early = {"keep": keep}
        value = maker(early)
        late = {"value": value, "early": early}  # is cleared when the value has been
        early["late"] = keep.late = late
        late["more"] = [value, late]
        held.append(late)
def fill():
    for i in range(30000):
        text = "%d%d" % (i, i)
for turn in range(2):
    held = []
    make(held)
    fill()
    del held
    print(gc.collect() > 100)
    fill()
"""


def test_what_the_collector_takes_apart_is_recorded(sides):
    sides.write(GARBAGE)
    done = sides.recorded("program.py")
    assert (done.status, str(done)) == (0, str(sides.plain("program.py")))
    sides.verify()


def test_numbers_of_numpy(arrays):
    made = {
        "numpy.int64(-7)": ("int", "-7"),
        "numpy.int8(-3)": ("int", "-3"),
        "numpy.uint64(2**64 - 1)": ("int", str(2**64 - 1)),
        "numpy.longlong(2**62)": ("int", str(2**62)),
        "numpy.float16(-1.5)": ("float", "-1.5"),
        "numpy.float32(0.5)": ("float", "0.5"),
        "numpy.float64(0.1)": ("float", "0.1"),
        "numpy.complex64(1+2j)": ("complex", "(1+2j)"),
        "numpy.bool_(True)": ("int", "True"),
    }
    lines = "".join(f"            v{i} = {text}\n" for i, text in enumerate(made))
    source = f"""
        import numpy
        def f():
{lines}
            return 1
        f()
        """
    seen = at_return(arrays, source)
    for i, expected in enumerate(made.values()):
        assert (seen[f"v{i}"]["kind"], seen[f"v{i}"]["repr"]) == expected


def test_views_of_an_array_change_with_it(arrays):
    seen = shown(
        arrays,
        """
        import numpy as np
        def f():
            grid = np.zeros((2, 2))
            row = grid[0]
            row += 1
            a = 1
            flat = grid.ravel()
            flat *= 10
            b = 1
            return b
        f()
        """,
    )
    assert "[1.0, 1.0, 0.0, 0.0]" in seen["a = 1"]["grid"]
    assert "[10.0, 10.0]" in seen["b = 1"]["row"]
    assert "[10.0, 10.0, 0.0, 0.0]" in seen["b = 1"]["grid"]


def test_what_pandas_holds(arrays):
    rows = states(
        arrays,
        """
        import pandas
        def f():
            moment = pandas.Timestamp("2024-02-29 10:00:01.5")
            span = pandas.Timedelta(days=1, seconds=3)
            nothing = pandas.NaT
            frame = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": ["x", "y"]})
            frame["day"] = pandas.to_datetime(["2024-01-01", "2024-01-02"])
            frame["kind"] = pandas.Categorical(["p", "q"])
            column = frame["a"]
            frame.loc[1, "a"] = 20
            frame.loc[0, "c"] = "changed"
            frame.columns = ["a", "other", "c", "day", "kind"]
            return 1
        f()
        """,
        depth=0,
    )
    seen = rows[-1]["locals"]
    assert seen["moment"]["repr"] == "Timestamp(2024, 2, 29, 10, 0, 1, 500000)"
    assert (seen["moment"]["kind"], seen["span"]["kind"]) == ("datetime", "timedelta")
    assert seen["span"]["repr"] == "Timedelta(days=1, seconds=3)"
    assert seen["nothing"]["repr"].startswith("<NaTType")  # none of a datetime
    assert "<ndarray dtype=int64 shape=(2,) [1, 2]>" in seen["column"]["repr"]
    frames = history(rows, "frame")
    first = frames[0]
    for part in ("(1, 2) [1, 2]", "(1, 2) [0.5, 1.5]", "['x', 'y']", "['a', 'b', 'c']"):
        assert part in first, part
    assert "[2024-01-01T00:00:00.000000, 2024-01-02T00:00:00.000000]" in frames[-1]
    assert "(1, 2) [1, 20]" in frames[-1]
    assert "['changed', 'y']" in frames[-1]
    assert "['a', 'other', 'c', 'day', 'kind']" in frames[-1]


def test_a_match_holds_its_groups(sides):
    seen = at_return(
        sides,
        """
        import re
        def f():
            whole = re.search(r"(\\d+)(x)?(?P<word>[a-z]*)", "ab 12cd")
            part = bytearray(b"key=value")
            found = re.match(rb"(\\w+)=(\\w+)", part)
            other = re.match("a", "a")
            return 1
        f()
        """,
    )
    items = [item["repr"] for item in seen["whole"]["items"]]
    assert items == ["3", "7", "'12cd'", r"'(\\d+)(x)?(?P<word>[a-z]*)'", "('12', None, 'cd')"]
    assert [item["repr"] for item in seen["found"]["items"]][4] == "(b'key', b'value')"
    assert [item["repr"] for item in seen["other"]["items"]][4] == "()"


def test_a_match_in_other_memory_is_not_read(sides):
    seen = at_return(
        sides,
        """
        import mmap, re
        def f():
            memory = mmap.mmap(-1, 4096)
            memory[:3] = b"abc"
            found = re.match(b"(a)", memory)
            return 1
        f()
        """,
    )
    assert [item["kind"] for item in seen["found"]["items"]][:3] == ["int", "int", "dropped"]


def test_generators_tell_their_state_and_line(sides):
    rows = states(
        sides,
        """
        def numbers():
            yield 1
            yield 2
        async def waits():
            await Later()
        class Later:
            def __await__(self):
                yield 3
        async def both():
            yield 4
        def f():
            g = numbers()
            next(g)
            next(g)
            g.close()
            c = waits()
            c.send(None)
            a = both()
            later = a.__anext__()
            c.close()
            return 1
        f()
        """,
    )
    assert history(rows, "g") == [
        "<generator object numbers, created>",
        "<generator object numbers, suspended at line 3>",
        "<generator object numbers, suspended at line 4>",
        "<generator object numbers, closed>",
    ]
    assert history(rows, "c") == [
        "<coroutine object waits, created>",
        "<coroutine object waits, suspended at line 6>",
        "<coroutine object waits, closed>",
    ]
    assert history(rows, "a") == ["<async_generator object both, created>"]


def test_a_running_generator_says_so(sides):
    rows = states(
        sides,
        """
        def f():
            g = inner()
            next(g)
            return f
        def inner():
            global f
            def f():
                g = me
                return g
            me = g0
            f()
            yield 1
        first = f
        g0 = None
        def outer():
            global g0
            g0 = inner()
            next(g0)
        outer()
        """,
    )
    assert history(rows, "g")[-1] == "<generator object inner, running>"


def test_generators_far_down_a_file_keep_their_line(sides):
    blank = "\n" * 3000
    rows = states(
        sides,
        f"{blank}def numbers():\n    yield 1\n    yield 2\n"
        "def f():\n    gs = [numbers() for _ in range(20)]\n"
        "    for g in gs: next(g)\n    for g in gs: next(g)\n    return g\nf()\n",
    )
    assert rows[-1]["locals"]["g"]["attrs"]["line"]["repr"] == "3003"


BUFFERS = """
    import array, mmap
    def f():
        data = bytearray(b"abcdef")
        view = memoryview(data)
        every = view[::-2]
        table = memoryview(bytes(range(6))).cast("B", (2, 3))
        view[0] = 90
        data[1] = 89
        numbers = array.array("h", [1, 2])
        cast = memoryview(numbers).cast("B")
        numbers[1] = 258
        memory = mmap.mmap(-1, 4096)
        mapped = memoryview(memory)
        class Own:
            def __buffer__(self, flags): return memoryview(b"own")
        own = memoryview(Own())
        gone = memoryview(b"x")
        gone.release()
        return 1
    f()
"""


def test_buffers(sides):
    rows = states(sides, BUFFERS)
    seen = rows[-1]["locals"]
    texts = {name: value["repr"] for name, value in seen.items()}
    assert texts["view"] == "<memoryview dtype=B shape=(6,) [90, 89, 99, 100, 101, 102]>"
    assert texts["every"] == "<memoryview dtype=B shape=(3,) [102, 100, 89]>"
    assert texts["table"] == "<memoryview dtype=B shape=(2, 3) [0, 1, 2, 3, 4, 5]>"
    assert texts["cast"] == "<memoryview dtype=B shape=(4,) [1, 0, 2, 1]>"
    assert texts["numbers"] == "array('h', [1, 258])"
    assert history(rows, "data") == [
        f"bytearray(b'{text}')" for text in ("abcdef", "Zbcdef", "ZYcdef")
    ]
    assert seen["every"]["attrs"]["strides"]["repr"] == "(-2,)"


def test_memory_of_unknown_owners_is_not_read(sides):
    seen = at_return(sides, BUFFERS)
    assert seen["mapped"]["repr"] == "<memoryview dtype=B shape=(4096,) [… (4096 more)]>"
    assert seen["own"]["repr"] == "<memoryview dtype=B shape=(3,) [… (3 more)]>"
    assert seen["gone"]["repr"] == "<memoryview []>"


def test_a_long_buffer_is_cut(sides):
    seen = at_return(
        sides,
        """
        import array
        def f():
            numbers = array.array("i", range(10_000))
            numbers[3] = -1
            return 1
        f()
        """,
        limits=("--max-items", "5"),
    )
    assert seen["numbers"]["repr"] == "array('i', [0, 1, 2, -1, 4, … (9995 more)])"


def test_numpy_arrays(arrays):
    rows = states(
        arrays,
        """
        import tempfile
        import numpy as np
        def f():
            a = np.arange(6).reshape(2, 3)
            column = a[:, 1]
            a[1, 1] = -9
            b = np.array([0.5, float("inf")], ">f4")
            c = np.array([True, False])
            d = np.array([1 + 2j])
            e = np.array([object()])
            g = np.full((), 2**63 + 5, "u8")
            h = np.zeros(2, [("x", "i4"), ("y", "u1")])
            day = np.array(["2020-01-01"], "M8[D]")
            with tempfile.TemporaryFile() as file:
                file.write(bytes(16))
                mapped = np.memmap(file, "u1", "r", shape=(4,))
                part = np.asarray(mapped)[1:]
            bytes_ = np.frombuffer(b"ab", "u1")
            return 1
        f()
        """,
    )
    seen = {name: value["repr"] for name, value in rows[-1]["locals"].items()}
    assert history(rows, "column") == [
        "<ndarray dtype=int64 shape=(2,) [1, 4]>",
        "<ndarray dtype=int64 shape=(2,) [1, -9]>",
    ]
    assert seen["a"] == "<ndarray dtype=int64 shape=(2, 3) [0, 1, 2, 3, -9, 5]>"
    assert seen["b"] == "<ndarray dtype=>float32 shape=(2,) [0.5, inf]>"
    assert seen["c"] == "<ndarray dtype=bool shape=(2,) [True, False]>"
    assert seen["d"] == "<ndarray dtype=complex128 shape=(1,) [(1+2j)]>"
    assert ADDRESS.sub("0x", seen["e"]) == (
        "<ndarray dtype=object shape=(1,) [<object object at 0x>]>"
    )
    assert seen["g"] == "<ndarray dtype=uint64 shape=() [9223372036854775813]>"
    zeros = repr(bytes(5))
    assert seen["h"].endswith(f"i:x:B:y:}} shape=(2,) [{zeros}, {zeros}]>")
    assert seen["day"] == "<ndarray dtype=datetime64[D] shape=(1,) [2020-01-01]>"
    assert seen["mapped"] == "<memmap dtype=uint8 shape=(4,) [… (4 more)]>"
    assert seen["part"] == "<ndarray dtype=uint8 shape=(3,) [… (3 more)]>"
    assert seen["bytes_"] == "<ndarray dtype=uint8 shape=(2,) [97, 98]>"


# What the buffer protocol has no word for: (expression, text).
NUMPY_ARRAYS = {
    "np.array(['2020-01-01', 'NaT'], 'M8[D]')": (
        "dtype=datetime64[D] shape=(2,) [2020-01-01, NaT]"
    ),
    "np.array([5], 'm8[10us]')": "dtype=timedelta64[10us] shape=(1,) [5]",
    "np.array([[5], [6]], '>M8[s]')": (
        "dtype=>datetime64[s] shape=(2, 1) [1970-01-01T00:00:05, 1970-01-01T00:00:06]"
    ),
    "np.array([3], 'm8')": "dtype=timedelta64 shape=(1,) [3]",
    "np.array(['a', 'é🐍', '', 'longer than the others'])": (
        "dtype=U22 shape=(4,) ['a', 'é🐍', '', 'longer than the others']"
    ),
    "np.array(['a', 'é🐍'], '>U3')": "dtype=>U3 shape=(2,) ['a', 'é🐍']",
    "np.array([['ab', 'c']] * 2)[:, 1]": "dtype=U2 shape=(2,) ['c', 'c']",
    "np.array('whole')": "dtype=U5 shape=() ['whole']",
    "np.array([0xffffffff, 0xd800, 0], 'u4').view('U1')": (
        "dtype=U1 shape=(3,) ['\ufffd', '\\ud800', '']"
    ),
    "np.array([b'ab', b'', b'\\0x', b'x\\0'])": (
        "dtype=S2 shape=(4,) [b'ab', b'', b'\\x00x', b'x']"
    ),
    "np.frombuffer(b'abcdef', 'S3')": "dtype=S3 shape=(2,) [b'abc', b'def']",
    "np.zeros((2, 0), 'S5')": "dtype=S5 shape=(2, 0) []",
    "np.array([1, 'x', None, [1, 2], (1, [2]), 2.5, 2**80], object)": (
        "dtype=object shape=(7,) [1, 'x', None, [1, 2], (1, [2]), 2.5, 1208925819614629174706176]"
    ),
    "np.empty(2, object)": "dtype=object shape=(2,) [None, None]",
    "np.zeros(2, [('x', 'i1'), ('o', 'O')])['o']": "dtype=object shape=(2,) [0, 0]",
    "np.zeros(2, [('x', 'i1'), ('o', 'O')])": "dtype=T{b:x:O:o:} shape=(2,) [… (2 more)]",
    "np.zeros(2, [('x', 'i4'), ('d', 'M8[D]')])": "dtype=V12 shape=(2,) [… (2 more)]",
    # The rest of a text, in memory that is lent by an object of Python code.
    "np.lib.stride_tricks.as_strided(np.array(['ab', 'cd']), (1,), (4,))": (
        "dtype=U2 shape=(1,) [… (1 more)]"
    ),
    "np.array(['a', 'b'], np.dtypes.StringDType())": "dtype=StringDType shape=(2,) [… (2 more)]",
}


def test_numpy_arrays_of_other_things_than_numbers(arrays):
    lines = "".join(f"            v{i} = {text}\n" for i, text in enumerate(NUMPY_ARRAYS))
    source = f"""
        import numpy as np
        def f():
{lines}
            return 1
        f()
        """
    seen = at_return(arrays, source)
    read = [seen[f"v{i}"]["repr"] for i in range(len(NUMPY_ARRAYS))]
    assert read == [f"<ndarray {text}>" for text in NUMPY_ARRAYS.values()]
    agree(arrays.ct, arrays.recording)


DATES = """
import json
import random
import numpy as np

chance = random.Random(4)
units = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "10us", "7D", "15m", "3M"]
said = {}

def show(unit, moments):
    said[unit] = [str(moment) for moment in moments]

for unit in units:
    most = 10_000 if unit[-1] in "YMWD" else 2**62 if unit == "ns" else 2**33
    numbers = [chance.randrange(-most, most) for _ in range(300)]
    numbers += [0, 1, -1, 59, 365, 366, -719468, -719469, 11016]
    show(unit, np.array(numbers, f"M8[{unit}]"))
print(json.dumps(said))
"""


def test_dates_of_numpy_read_as_numpy_writes_them(arrays):
    """Random ones of all units, of years before and after those that datetime has."""
    arrays.write(DATES)
    done = arrays.recorded("program.py")
    assert done.status == 0, done.err
    lines = arrays.printed("--function", "show", "--format", "json", "--depth", "0").splitlines()
    calls = [row["args"] for row in map(json.loads, lines) if row["event"] == "call"]
    shown = {
        ast.literal_eval(call["unit"]["repr"]): call["moments"]["repr"].partition(" [")[2][:-2]
        for call in calls
    }
    assert shown == {unit: ", ".join(texts) for unit, texts in json.loads(done.out).items()}


def test_changes_of_numpy_arrays_of_other_things_than_numbers(arrays):
    rows = states(
        arrays,
        """
        import numpy as np
        def f():
            days = np.zeros(2, "M8[D]")
            words = np.array(["a", "bc"])
            mixed = np.array([1.5, "x"], object)
            days[1] = "1970-01-03"
            words[0] = "long"
            mixed[0] = 2.5
            mixed[1] = [1]
            days.dtype = "M8[s]"
            return 1
        f()
        """,
    )
    assert history(rows, "days") == [
        "<ndarray dtype=datetime64[D] shape=(2,) [1970-01-01, 1970-01-01]>",
        "<ndarray dtype=datetime64[D] shape=(2,) [1970-01-01, 1970-01-03]>",
        "<ndarray dtype=datetime64[s] shape=(2,) [1970-01-01T00:00:00, 1970-01-01T00:00:02]>",
    ]
    assert history(rows, "words")[-1] == "<ndarray dtype=U2 shape=(2,) ['lo', 'bc']>"
    texts = ["[1.5, 'x']", "[2.5, 'x']", "[2.5, [1]]"]
    assert history(rows, "mixed") == [f"<ndarray dtype=object shape=(2,) {text}>" for text in texts]


def test_limits_and_secrets_in_numpy_arrays(arrays):
    source = """
        import numpy as np
        class Loud:
            def __repr__(self):
                raise SystemExit("own code ran")
            __eq__ = __hash__ = __str__ = __repr__
        def f():
            words = np.array(["abcdefghij", "abcdefghijklmnop", "ab"])
            raw = np.array([b"abcdefghij", b"ab"])
            card = "4111 1111 1111 1111"
            hidden = np.array([card, "x"]), np.array([card.encode(), b"x"])
            many = np.array([Loud(), *range(5)], object)
            return 1
        f()
        """
    limits = ["--max-text", "8", "--max-items", "3"]
    seen = {name: value["repr"] for name, value in at_return(arrays, source, limits=limits).items()}
    words = "['abcdefgh'… (2 more), 'abcdefgh'… (8 more), 'ab']"
    assert seen["words"] == f"<ndarray dtype=U16 shape=(3,) {words}>"
    assert seen["raw"] == "<ndarray dtype=S10 shape=(2,) [b'abcdefgh'… (2 more), b'ab']>"
    assert seen["many"] == "<ndarray dtype=object shape=(6,) [<Loud>, 0, 1, … (3 more)]>"
    agree(arrays.ct, arrays.recording)
    seen = at_return(arrays, source)
    assert seen["hidden"]["repr"] == (
        "(<ndarray dtype=U19 shape=(2,) [<redacted>, 'x']>,"
        " <ndarray dtype=S19 shape=(2,) [<redacted>, b'x']>)"
    )
    assert seen["words"]["repr"].endswith("['abcdefghij', 'abcdefghijklmnop', 'ab']>")
    agree(arrays.ct, arrays.recording)


def test_exceptions_tell_where_they_passed(sides):
    seen = at_return(
        sides,
        """
        def inner():
            raise ValueError("low")
        def outer():
            try:
                inner()
            except ValueError as error:
                error.add_note("a note")
                raise RuntimeError("high") from error
        def f():
            try:
                outer()
            except RuntimeError as error:
                kept = error
            trace = kept.__traceback__
            return 1
        f()
        """,
        depth=6,
    )
    attrs = seen["kept"]["attrs"]
    places = [ast.literal_eval(item["repr"]) for item in attrs["__traceback__"]["items"]]
    assert [place[1:] for place in places] == [(12, "f"), (9, "outer")]
    assert all(place[0].endswith("program.py") for place in places)
    cause = attrs["__cause__"]["attrs"]
    places = [ast.literal_eval(item["repr"]) for item in cause["__traceback__"]["items"]]
    assert [place[1:] for place in places] == [(6, "outer"), (3, "inner")]
    assert cause["__notes__"]["repr"] == "['a note']"
    assert attrs["__suppress_context__"]["repr"] == "True"
    assert seen["trace"]["kind"] == "traceback"


def test_a_long_traceback_is_cut_and_cheap(sides):
    rows = states(
        sides,
        """
        def down(n):
            if n == 0: raise KeyError("deep")
            down(n - 1)
        def f():
            try:
                down(900)
            except KeyError as error:
                kept = error
            return 1
        f()
        """,
    )
    shown = rows[-1]["locals"]["kept"]["attrs"]["__traceback__"]
    assert len(shown["items"]) == 32
    assert (sides.recording / "trace.ctr").stat().st_size < 200_000


def test_members_of_enums_that_are_values_hold_them(sides):
    seen = at_return(
        sides,
        """
        import enum
        class Plain(enum.Enum): LOW = 1
        class Number(enum.IntEnum): LOW = 1
        class Flags(enum.IntFlag): R = 4; W = 2
        class Word(enum.StrEnum): A = "a"
        def f():
            plain, number, flags, word = Plain.LOW, Number.LOW, Flags.R | Flags.W, Word.A
            return 1
        f()
        """,
    )
    texts = {name: value["repr"] for name, value in seen.items()}
    assert texts == {
        "plain": "<Plain.LOW: 1>",
        "number": "<Number.LOW: 1>",
        "flags": "<Flags.R|W: 6>",
        "word": "<Word.A: 'a'>",
    }
    held = {name: [item["repr"] for item in value.get("items", [])] for name, value in seen.items()}
    assert held == {"plain": [], "number": ["1"], "flags": ["6"], "word": ["'a'"]}


def test_cells_and_their_content(sides):
    rows = states(
        sides,
        """
        def f():
            x = [1]
            def put():
                nonlocal x
                x = 3
            cell = put.__closure__[0]
            x.append(2)
            put()
            return 1
        f()
        """,
    )
    assert history(rows, "cell") == ["<cell: [1]>", "<cell: [1, 2]>", "<cell: 3>"]


def test_a_cell_that_is_a_value_follows_its_variable(sides):
    rows = states(
        sides,
        """
        def f():
            x = 0
            def put(value):
                nonlocal x
                x = value
            cell = put.__closure__[0]
            for i in range(1, 4):
                put(i)
            return 1
        f()
        """,
    )
    assert history(rows, "cell") == ["<cell: 0>", "<cell: 1>", "<cell: 2>", "<cell: 3>"]


def test_bound_methods_at_one_address_are_told_apart(sides):
    rows = states(
        sides,
        """
        class Box:
            def a(self): pass
            def b(self): pass
        def f():
            box, found = Box(), []
            for i in range(6):
                m = box.a if i % 2 else box.b
                n = found.append if i % 2 else found.pop
                k = i
                m = n = None
            return 1
        f()
        """,
    )
    kept = [row["locals"] for row in rows if "k" in row["locals"] and row["event"] == "line"]
    kept = [each for each in kept if each["m"]["kind"] != "none"]
    for each in kept:
        if each["i"]["repr"] == each["k"]["repr"]:
            odd = int(each["k"]["repr"]) % 2
            assert ("Box.a" if odd else "Box.b") in each["m"]["repr"]
            assert (" append " if odd else " pop ") in each["n"]["repr"]


# Where the one class keeps an object, the other keeps the digits of a number.
FOREIGN_SLOT = """
    class Wide:
        __slots__ = ("first", "second", "third")
    class Number(int):
        last = Wide.third
    def f():
        number, wide = Number(0x123456789ABCDEF << 100), Wide()
        wide.third = []
        for owner in number, wide:
            try:
                owner.last.append(1)
            except (AttributeError, TypeError) as error:
                print(type(error).__name__)
        wide.third.append(2)
        return wide.third
    print(f())
"""


def test_a_slot_of_another_class_is_not_read(sides):
    assert "[2]" in sides.compare(textwrap.dedent(FOREIGN_SLOT)).out


HOSTILE = """
    def say(self): print("the program's own code ran"); return "x"
    def f():
        names = [
            "collections.deque", "decimal.Decimal", "datetime.date", "datetime.datetime",
            "datetime.time", "datetime.timedelta", "datetime.timezone", "re.Pattern", "re.Match",
            "array.array", "numpy.ndarray", "types.SimpleNamespace", "method-wrapper",
            "_io.BytesIO", "_io.StringIO", "_thread.lock", "_thread.RLock", "_asyncio.Task",
            "sqlite3.Row", "_contextvars.ContextVar", "operator.itemgetter", "_struct.Struct",
        ]
        made = []
        for name in names:
            slots = ("string", "re", "pattern", "flags", "pos", "endpos")
            kind = type(name, (), {"__str__": say, "__repr__": say, "__slots__": slots})
            value = kind()
            value.string = value.endpos = value
            made.append(value)
        own = type("collections.defaultdict", (dict,), {})()
        own["a"] = 1
        import datetime
        class Zone(datetime.tzinfo):
            utcoffset = dst = tzname = say
        zoned = datetime.datetime(2020, 1, 1, tzinfo=type("datetime.timezone", (Zone,), {})())
        return len(made)
    f()
"""


def test_a_class_with_the_name_of_a_known_one_is_a_class_of_the_program(sides):
    run = sides.compare(textwrap.dedent(HOSTILE))
    assert "own code ran" not in run.out


def test_odd_values_do_no_harm(sides):
    source = """
        import re, types, sys
        def gen(): yield 1
        def f():
            tb = types.TracebackType(None, sys._getframe(), 1 << 20, -1)
            endless = types.TracebackType(tb, sys._getframe(), -7, 2**31 - 1)
            g = gen()
            g.__qualname__ = type("T", (str,), {"x": 1})("name")
            data = bytearray(b"abcdef")
            match = re.match(b"(abc)(def)", data)
            del data[2:]
            m = re.match("(a)" * 99 + "(b)?", "a" * 99)
            proxy = types.MappingProxyType(types.MappingProxyType({1: 2}))
            cell = types.CellType()
            cell.cell_contents = cell
            return 1
        f()
        """
    sides.compare(textwrap.dedent(source))


# ---- objects that come back ----------------------------------------------------------------------

# More than the recorder remembers of objects, while `old` is not looked at.
RETURNING = """
    def f():
        old = [1]
        keep = []
        for n in range(300):
            keep.append([n % 50] * 4000)
            fresh = keep[-1]
        old.append(2)
        return old
    f()
"""


def test_an_object_that_comes_back_is_new_once(sides):
    sides.write(textwrap.dedent(RETURNING))
    assert sides.recorded("program.py").status == 0
    recording = Recording.open(sides.recording)
    assert recording.counters["objects_forgotten"] > 0
    opened = []
    player = Player(recording)
    open_object = player.objects.open

    def noting(values, block):
        ahead = Values(values.data, values.at, values.earlier, values.types)
        ahead.objects = list(values.objects)
        number, _kind, flags = ahead.object(), ahead.type(), ahead.u8()
        opened.append((number, flags))
        open_object(values, block)

    player.objects.open = noting
    for _event in player.events():
        pass
    news = [number for number, flags in opened if flags & NEW]
    again = [number for number, flags in opened if flags & BASE and not flags & NEW]
    assert len(news) == len(set(news))
    assert set(again) & set(news), "none came back"
