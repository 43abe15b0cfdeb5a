"""Objects live and die when they do without the recorder: counts, finalisers, the collector."""

# ruff: noqa: E501 (the programs are data: their lines are as long as what they try)

import textwrap

import pytest
from side_by_side import SideBySide, cases


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


PROGRAMS = {
    "tuples that share": """
        def go():
            t = ()
            for i in range(12):
                t = (t,) * 10
            u = [t]
            d = {1: t}
            return len(u), len(d)
        print(go())
        """,
    "values replaced in a dict": """
        def go():
            d = {}
            for i in range(3000):
                d["k"] = [[i], {i: i}, "x" * i]
                d["k"] = None
                junk = ["y%d" % i] * 5
                len(d)
            return len(junk)
        print(go())
        """,
    "reference counts": """
        import sys, types, collections, datetime, decimal
        count = sys.getrefcount
        class A:
            def __init__(self): self.x = [1]
        class S:
            __slots__ = ("p", "q")
        def go(arg, *rest, **named):
            a = A(); s = S(); s.p = a; l = [a, a, s]; t = (a, l, 1.5, "text" * 3)
            d = {"k": a, "l": l, 3: t}; st = {1, t[3]}; fs = frozenset((t[3],))
            b = b"bytes" * 3; ba = bytearray(b); n = 10 ** 40; f = 2.5 * 3; c = 1j * f
            g = (i for i in l); r = range(n); sl = slice(n, f); e = ValueError(a, l)
            dq = collections.deque(l); od = collections.OrderedDict(d); dt = datetime.datetime(2020, 1, 1)
            dec = decimal.Decimal("1.5") * 3; m = types.SimpleNamespace(a=a); mp = types.MappingProxyType(d)
            def inner(): return a, n
            bound = l.append; fn = inner; mod = sys; mv = memoryview(ba)
            names = [k for k in sorted(locals())]
            first = {k: count(v) for k, v in locals().items() if k not in ("names", "first", "second")}
            x = 1
            y = x + 1
            inner()
            l.append(1)
            s.q = l
            d["z"] = s
            second = {k: count(v) for k, v in locals().items() if k not in ("names", "first", "second", "x", "y")}
            print(first)
            print(second)
            for v in (a, s, l, t, d, st, fs, b, ba, n, f, c, g, e, dq, od, dt, dec, m, inner, S, A):
                print(type(v).__name__, count(v), count(type(v)) if type(v) in (A, S) else "")
            return count(a), count(arg), count(rest), count(named)
        big = [1, [2]]
        print(go(big, big, 3, k=big), count(big), count(go), count(go.__code__), count(A), count(S))
        print(count(go.__globals__), count(go.__code__.co_consts), count(go.__code__.co_varnames))
        """,
    "storage of others in code objects": """
        import ctypes, gc
        freed = []
        free = ctypes.CFUNCTYPE(None, ctypes.c_ssize_t)(freed.append)
        index = ctypes.pythonapi.PyUnstable_Eval_RequestCodeExtraIndex(free)
        set_extra = ctypes.pythonapi.PyUnstable_Code_SetExtra
        set_extra.argtypes = (ctypes.py_object, ctypes.c_ssize_t, ctypes.c_void_p)
        def make(name):
            names = {}
            exec(compile(f"def {name}(): return 1", "program.py", "exec"), names)
            names[name]()
            return names[name]
        with_theirs, without = make("a"), make("b")
        print(index >= 0, set_extra(with_theirs.__code__, index, 7))
        with_theirs()
        del without, with_theirs
        gc.collect()
        print(freed)
        """,
    "reference counts line by line": """
        import sys
        def go():
            x = ["a" * 50]
            seen = []
            seen.append(sys.getrefcount(x))
            seen.append(sys.getrefcount(x))
            y = x
            seen.append(sys.getrefcount(x))
            del y
            seen.append(sys.getrefcount(x))
            z = (x, {1: x}, [x])
            seen.append(sys.getrefcount(x))
            z = None
            seen.append(sys.getrefcount(x))
            for i in range(5): seen.append(sys.getrefcount(x[0]))
            return seen
        print(go(), go())
        """,
    "weakrefs and finalisers": """
        import weakref
        log = []
        class A:
            def __init__(self, n): self.n = n
            def __del__(self): log.append(("del", self.n))
        def go():
            a = A(1); r = weakref.ref(a, lambda _: log.append("ref a"))
            log.append("before"); del a; log.append("after")
            a = A(2); a = A(3); log.append("replaced")
            l = [A(4), A(5)]; l.pop(0); log.append("popped"); l.clear(); log.append("cleared")
            d = {"k": A(6)}; d["k"] = A(7); log.append("overwritten"); d.clear()
            t = (A(8),); t = None; log.append("tuple")
            A(9); log.append("temporary")
            [A(10) for _ in range(2)]; log.append("comprehension")
            w = weakref.WeakValueDictionary(); o = A(11); w[1] = o; del o; log.append(len(w))
            f = A(12); fin = weakref.finalize(f, log.append, "finalize"); f = None
            s = {A(13)}; s.pop(); log.append("set")
            def closure():
                c = A(14)
                def inner(): return c
                return inner
            q = closure(); q(); q = None; log.append("closure")
            def returns(): return A(15)
            returns(); log.append("returned")
            def gen():
                g = A(16)
                yield g
                yield 2
            h = gen(); next(h); h = None; log.append("generator")
            for x in gen(): pass
            x = None; log.append("loop")
            try: raise ValueError(A(17))
            except ValueError: log.append("handling")
            log.append("handled")
            try:
                z = A(18)
                raise KeyError(z)
            except KeyError as e: del z
            log.append("gone")
            with_default = A(19)
            def fun(a=with_default): pass
            del with_default, fun; log.append("default")
            return A(20)
        log.append(type(go()).__name__)
        m = A(21); del m; log.append("global")
        print(*log, sep="\\n")
        """,
    "resurrection": """
        saved = []
        class A:
            def __del__(self): saved.append(self)
        def go():
            a = A(); a.x = [1]
            del a
            b = saved.pop(); b.x.append(2)
            c = b.x
            del b
            return c, len(saved)
        print(go())
        """,
    "cycles": """
        import gc
        log = []
        class A:
            def __del__(self): log.append(self.n)
        def go():
            for n in range(30):
                a = A(); b = A(); a.o = b; b.o = a; a.n = n; b.n = -n
                l = [a]; l.append(l)
                if n % 7 == 0: log.append(("collect", gc.collect()))
            return len(log)
        gc.disable(); gc.collect()
        print(go(), gc.collect(), log)
        """,
    "nothing to collect at the start": """
        import gc
        print(gc.collect())
        """,
    "collector's count at the start": """
        import gc
        print(gc.get_count(), [s["collections"] for s in gc.get_stats()])
        """,
    "collector counts": """
        import gc
        gc.collect(); gc.disable()
        def go():
            seen = []
            for i in range(40):
                x = [i]; y = {"k": x}; z = (x, y); o = object()
                seen.append(gc.get_count()[0])
            return seen
        first = go()
        second = go()
        print(second[-1] - second[0])
        print([b - a for a, b in zip(second, second[1:])])
        """,
    "collector runs": """
        import gc
        runs = []
        def note(phase, info): runs.append((phase, info["generation"], info["collected"]))
        gc.collect(); gc.callbacks.append(note)
        class N: pass
        def go():
            keep = []
            for i in range(6000):
                n = N(); n.me = n; n.l = [i]
                keep.append([n])
                if len(keep) > 50: keep.clear()
            return len(keep)
        go(); go()
        print(len(runs), gc.get_stats()[0]["collections"] > 5)
        """,
    "tracked objects": """
        import gc; gc.collect(); gc.disable()
        def go():
            a = [1]; d = {"k": (1, 2)}; t = (1, a); c = type("C", (), {}); o = c()
            before = len(gc.get_objects())
            x = [a]; y = [d]
            after = len(gc.get_objects())
            return after - before, [len(gc.get_referrers(v)) for v in (a, d, t, o)], \\
                [gc.is_tracked(v) for v in (a, d, t, c, o, {}, {"a": 1}, (1, 2))], \\
                [len(gc.get_referents(v)) for v in (a, d, t, o)]
        print(go(), go())
        print(sorted({type(o).__name__ for o in gc.get_objects() if "codetracer" in type(o).__module__}))
        """,
    "instances keep their shape": """
        import sys, gc
        class A:
            def __init__(self): self.x = 1; self.y = [2]
        def go():
            a = A(); sizes = [sys.getsizeof(a)]
            a.z = 3; sizes.append(len(gc.get_referents(a)))
            for i in range(20): setattr(a, f"n{i}", i)
            sizes.append(sys.getsizeof(a)); sizes.append(sys.getsizeof(a.__dict__))
            b = A(); sizes.append(len(gc.get_referents(b)))
            d = b.__dict__; d["q"] = 1; sizes.append(sys.getsizeof(d)); sizes.append(list(d))
            b.__dict__ = {"other": 1}; sizes.append(sorted(vars(b)))
            del b.other; sizes.append(vars(b)); b.__dict__ = {}; b.back = 1; sizes.append(vars(b))
            del a.x, a.z; a.x = 9; sizes.append(list(vars(a))[:4])
            e = {}; e["k"] = 1; del e["k"]; sizes.append(sys.getsizeof(e))
            return sizes
        print(go())
        """,
    "memory the program can see": """
        import tracemalloc
        def go():
            x = [i * 1.5 for i in range(1000)]
            y = {i: [i] for i in range(1000)}
            return len(x) + len(y)
        go()
        tracemalloc.start()
        a = tracemalloc.get_traced_memory()[0]
        for i in range(5): go()
        b = tracemalloc.get_traced_memory()[0]
        print(b - a < 6000)
        """,
    "interned strings and small values": """
        import sys
        def go(n):
            s = "".join(["p", "q", str(n)]); t = sys.intern(s); u = sys.intern("pq" + str(n))
            a, b = 256, 257
            c = int("257")
            return s is t, t is u, a is 256 + 0, b is c, sys.getrefcount(t) < 10
        print(go(1), go(2))
        """,
    "allocated blocks do not pile up": """
        import sys
        class A:
            def __init__(self, n): self.n = [n]
        def go(n):
            last = None
            for i in range(n): last = [A(i), {"k": i}, (i, str(i))]
            return len(last)
        go(1000)
        before = sys.getallocatedblocks()
        go(20000)
        print(sys.getallocatedblocks() - before < 100)
        """,
    "class finalisation": """
        import weakref, gc
        log = []
        class Meta(type):
            def __del__(cls): log.append("class " + cls.__name__)
        def go():
            for i in range(4):
                C = Meta(f"C{i}", (), {"__slots__": ("a",) * (i % 2)})
                weakref.finalize(C, log.append, f"ref {i}")
                c = C(); l = [c]; del C, c, l; gc.collect(); log.append(i)
        gc.disable()
        go(); print(log)
        """,
    "function and code lifetimes": """
        import weakref, gc
        log = []
        def go():
            for i in range(3):
                space = {}
                exec(compile(f"def f(x):\\n  y = [x]\\n  return y\\nq = f({i})", __file__, "exec"), space)
                code = space["f"].__code__
                weakref.finalize(code, log.append, f"code {i}"); weakref.finalize(space["f"], log.append, f"f {i}")
                space["f"](1)
                space = code = None; gc.collect(); log.append(i)
        gc.disable()
        go(); print(log)
        """,
    "frames die": """
        import sys, weakref
        class A: pass
        def f():
            a = A(); refs.append(weakref.ref(a)); frames.append(sys._getframe())
            return 1
        refs, frames = [], []
        f(); print(refs[0]() is None); frames.clear(); print(refs[0]() is None)
        def g():
            try: 1 / 0
            except ZeroDivisionError as e: return e
        e = g(); tb = e.__traceback__; print(sys.getrefcount(e), sys.getrefcount(tb.tb_frame)); tb.tb_frame.clear()
        def h():
            a = A(); refs.append(weakref.ref(a)); raise ValueError
        try: h()
        except ValueError: print(refs[1]() is None)
        print(refs[1]() is None)
        """,
}
BUGS = {
    "nothing to collect at the start": "the start hook leaves a module in a cycle",
    "collector's count at the start": "objects made before the start count",
}


@pytest.mark.parametrize("name", cases(PROGRAMS, BUGS))
def test_objects_live_and_die_the_same(sides, name):
    sides.compare(textwrap.dedent(PROGRAMS[name]), variables={"PYTHONHASHSEED": "7"})


# No user code may run to look at a value: every method counts its calls.

HOSTILE = """
calls = []
METHODS = '''repr str eq ne lt hash bool len iter next index int float complex bytes getitem setitem
contains missing call format sizeof reduce reduce_ex dir get set delete enter exit await aiter anext
instancecheck subclasscheck buffer copy deepcopy fspath length_hint reversed trunc getstate'''.split()
def counting(name):
    def method(self, *args, **kwargs):
        calls.append(name)
        if name == "hash": return 1
        if name == "eq": return False
        raise TypeError(name)
    return method
space = {f"__{name}__": counting(name) for name in METHODS}
def attribute(self, name):
    calls.append("getattribute " + name)
    return object.__getattribute__(self, name)
def computed(name):
    def get(self): calls.append("property " + name); return name
    return property(get)
space["__getattribute__"] = attribute
space["__getattr__"] = attribute
for name in ("__class__", "prop", "__doc__", "__module__x", "args", "name"): space[name] = computed(name)
def kinds():
    class Meta(type):
        def __getattribute__(cls, name): calls.append("meta " + name); return type.__getattribute__(cls, name)
        def __repr__(cls): calls.append("meta repr"); return "M"
        def __eq__(cls, o): calls.append("meta eq"); return cls is o
        def __hash__(cls): calls.append("meta hash"); return 1
        def __instancecheck__(cls, o): calls.append("meta instance"); return False
        def __subclasscheck__(cls, o): calls.append("meta subclass"); return False
        @property
        def __mro__(cls): calls.append("meta mro"); return ()
        @property
        def __dict__(cls): calls.append("meta dict"); return {}
        @property
        def __name__(cls): calls.append("meta name"); return "x"
        @property
        def _fields(cls): calls.append("meta fields"); return ()
    for base in (object, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset,
                 Exception, collections.OrderedDict, collections.defaultdict, collections.Counter,
                 collections.deque, datetime.datetime, datetime.date, datetime.timedelta, decimal.Decimal,
                 pathlib.PurePosixPath, fractions.Fraction, uuid.UUID, types.SimpleNamespace):
        for extra in ({}, {"__slots__": ("slot",)}):
            try: yield base, Meta("Hostile", (base,), {**space, **extra})
            except TypeError: pass
import collections, datetime, decimal, pathlib, fractions, uuid, types, enum
ARGS = {datetime.datetime: (2020, 1, 1), datetime.date: (2020, 1, 1), pathlib.PurePosixPath: ()}
"""

HOSTILE_USES = {
    "as locals": """
        def use(o):
            a = o
            b = a
            del a
            c = 1
            return b
        """,
    "in containers": """
        def use(o):
            l = [o]
            l.append(o)
            t = (o, (o,))
            d = {"k": o, 1: l}
            d["j"] = t
            l[0] = d
            x = [l, t, d]
            l.clear()
            return x
        """,
    "as attributes": """
        class Plain: pass
        class Slots: __slots__ = ("s",)
        def use(o):
            p = Plain()
            p.o = o
            s = Slots()
            s.s = o
            p.more = [o]
            p.o = None
            try: object.__setattr__(o, "extra", [1])
            except AttributeError: pass
            q = o
            del p, s
            return q
        """,
    "as keys": """
        def use(o):
            try: d = {o: 1}; s = {o}; f = frozenset([o])
            except TypeError: return
            n = len(calls)
            e = d
            f = (d, s, f)
            g = 1
            later.extend(calls[n:])
            calls.clear()
            return e
        """,
    "in exceptions and generators": """
        def gen(o):
            got = yield o
            yield got
        def thrower(o):
            try: raise ValueError(o)
            except ValueError as e:
                e.extra = o
                return e
        def use(o):
            g = gen(o)
            next(g)
            g.send(o)
            del g
            return thrower(o)
        """,
    "in closures and globals": """
        def use(o):
            global shared
            shared = o
            def inner():
                x = o
                return shared
            return inner()
        """,
}


@pytest.mark.parametrize("use", HOSTILE_USES)
def test_no_code_of_the_program_runs_to_look_at_its_values(sides, use):
    drive = """
later = []
if True:
    for base, kind in kinds():
        try: o = object.__new__(kind) if base is object else base.__new__(kind, *ARGS.get(base, ()))
        except Exception as e: print(base, type(e)); continue
        calls.clear()
        use(o)
        print(base.__name__, len(calls), sorted(set(calls)), sorted(set(later)))
"""
    sides.compare(HOSTILE + textwrap.dedent(HOSTILE_USES[use]) + drive)


COLLIDING = """
class Key:
    def __init__(self, text): self.hash = hash(text)
    def __hash__(self): return self.hash
    def __eq__(self, other):
        seen.append(other)
        return False
seen = []
"""


def test_globals_with_a_colliding_key(sides):
    sides.compare(
        COLLIDING
        + """
globals()[Key("data")] = 1
data = [1]
def use():
    data.append(1)
    data.append(2)
use()
seen.clear()
use()
print(len(seen) <= 4)  # once or twice for each of two look-ups, as the bytecode is specialised
"""
    )


def test_an_ordered_dict_with_a_colliding_key(sides):
    sides.compare(
        COLLIDING
        + """
from collections import OrderedDict
def use():
    d = OrderedDict()
    d[Key("abc")] = 1
    d["abc"] = 2
    d["def"] = 3
    seen.clear()
    x = 1
    d.move_to_end("def")
    n = len(seen)
    y = d
    z = d
    return n, len(seen)
print(use())
"""
    )
