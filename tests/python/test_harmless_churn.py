"""Values of all kinds made, changed and dropped at random: the recorder must survive their deaths.

Every object's address is soon another object's, of another type: what the recorder remembers of an
address must never be taken for what lives there now.
"""

# ruff: noqa: E501 (the programs are data: their lines are as long as what they try)

import os

import pytest
from sanitizer import own_memory
from side_by_side import SideBySide

CHURN = """
import collections, enum, gc, random, sys, threading, types
pick = random.Random(int(sys.argv[1]))
CLASSES = "classes" in sys.argv
rand = pick.randrange
class N:
    def __init__(self, v): self.v = v; self.kids = []; self.m = {}
class S:
    __slots__ = ("a", "b", "c", "__weakref__")
class L(list): pass
class D(dict): pass
class T(tuple): pass
P = collections.namedtuple("P", "x y")
def fresh(i):
    slots = [("a", "b", "c", "d", "e", "f", "g"), (), None][rand(3)]
    bases = [(), (), (list,), (dict,), (Exception,), (int,), (N,)][rand(7)]
    space = {} if slots is None or bases == (int,) else {"__slots__": slots}
    c = type("A", bases, space)
    o = c.__new__(c) if bases == (N,) else c()
    for name in "ag":
        try: setattr(o, name, [i])
        except AttributeError: pass
    return o
def gen(x):
    got = [x]
    while True: got.append((yield got))
def started(i):
    g = gen(i)
    next(g)
    return g
def slotted(i):
    s = S()
    s.a = [i]
    if i % 2: s.b = {i: s}
    return s
def cyclic(i):
    n = N(i)
    n.me = n
    n.l = [n]
    return n
def raised(i):
    try: raise KeyError(i, [i])
    except KeyError as e: return e
def ordered(i):
    return (collections.OrderedDict if "ordered" in sys.argv else dict)(a=[i], b=i)
MAKERS = [
    lambda i: [i, [i + 1], {i: [i]}], lambda i: {i: [i], "a": N(i)}, N, lambda i: {i, i + 1},
    lambda i: (i, [i]), lambda i: bytearray(rand(100)), lambda i: "x" * rand(200), lambda i: None,
    lambda i: collections.deque([i, [i]], maxlen=3), ordered,
    lambda i: collections.defaultdict(list, {i: [i]}), lambda i: L([i]), lambda i: D(a=[i]),
    lambda i: T((i, [i])), lambda i: P([i], i), slotted, fresh, started, cyclic, raised,
    lambda i: types.SimpleNamespace(x=[i]), lambda i: frozenset([i, (i,)]), lambda i: 1 << rand(200),
    lambda i: (lambda: i), lambda i: MAKERS[rand(5)], lambda i: collections.Counter("ab" * rand(5)),
    lambda i: memoryview(bytearray(5)), lambda i: i * 1.5, lambda i: [None] * rand(150),
]
def thing(i):
    return MAKERS[rand(len(MAKERS))](i)
def change(x, i):
    kind = type(x)
    try:
        if isinstance(x, list):
            if rand(2): x.append(thing(i))
            elif x and rand(2): x.pop(rand(len(x)))
            elif rand(3) == 0: x.clear()
            elif x: x[rand(len(x))] = thing(i)
            else: x[:] = [thing(i)] * rand(90)
        elif isinstance(x, dict):
            if rand(3): x[rand(5)] = thing(i)
            elif rand(2) and x: x.popitem()
            elif rand(2): x.clear()
            else: x.update({rand(9): thing(i)})
        elif kind is started: next(x)
        elif isinstance(x, collections.deque): x.append(thing(i)); x.rotate(1)
        elif isinstance(x, set): x.add(rand(50)); x.discard(rand(50))
        elif isinstance(x, types.GeneratorType): x.send(thing(i))
        elif isinstance(x, bytearray): x.extend(b"x" * rand(9))
        elif isinstance(x, N):
            if rand(4) == 0: x.__dict__ = {"v": thing(i), "kids": [], "m": {}}
            elif CLASSES and rand(4) == 0: x.__class__ = Other
            elif rand(3) == 0 and hasattr(x, "kids"): del x.kids
            else: setattr(x, "n%d" % rand(12), thing(i))
        elif hasattr(x, "a"): x.a = thing(i)
    except (TypeError, AttributeError, IndexError): pass
class Other(N): pass
shared = [N(0)]
def go(rounds, l):
    d = {}
    n = N(0)
    a = b = c = None
    for i in range(rounds):
        j = rand(20)
        a, b, c = b, c, thing(i)
        d[j] = thing(i)
        change(a, i)
        change(d.get(rand(20)), i)
        if len(l) < 90: l.append(thing(i))
        k = rand(len(l))
        l[k] = b
        change(l[k], i)
        if j == 3: d.clear()
        if j == 4 and d: d.popitem()
        if j == 5: del l[rand(len(l)):]
        if not l: l.append(0)
        if j == 6: n = N(n if i % 50 else 0)
        change(n, i)
        if j == 8: gc.collect(0)
        if j == 9: shared[:] = [thing(i)]
        change(shared[0] if shared else n, i)
        (lambda: (a, b, change(c, i)))()
    return i
rounds = int(sys.argv[2])
go(rounds, [0])
ts = [threading.Thread(target=go, args=(rounds // 4, [0])) for _ in range(2)]
[t.start() for t in ts]; [t.join() for t in ts]
print("done")
"""


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def churn(sides, *words):
    sides.write(CHURN)
    done = sides.recorded("program.py", *map(str, words))
    assert (done.status, done.out.strip()) == (0, "done"), (words, done)
    sides.verify()


@pytest.mark.parametrize("seed", range(4))
def test_values_churn(sides, seed):
    churn(sides, seed, 1500)


def test_an_object_that_holds_itself_gets_another_class(sides):
    sides.compare(
        """
class N: pass
class Other(N): pass
def go(n):
    n.v = 1
    n.me = n
    n.l = [n]
    n.__class__ = Other
    return n
def more():
    m = N()
    m.v = m.me = m.l = m.extra = m.extra2 = 1
more()
print(type(go(N())).__name__)
"""
    )


def test_an_ordered_dict_loses_a_key_in_a_later_block(sides):
    sides.compare(
        """
import collections
def go():
    o = collections.OrderedDict(a=1, b=2)
    for i in range(300000):
        pass
    o.popitem()
    for i in range(300000):
        pass
    del o["a"]
    return o
print(go())
"""
    )


# Flags of the program that the quick runs leave out, because of the two bugs above.
@pytest.mark.parametrize("flag", ["classes", "ordered"])
def test_values_churn_with_everything(sides, flag):
    churn(sides, 1, 5000, flag)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_values_churn_for_long(sides, part):
    first = int.from_bytes(os.urandom(4))  # shown when it fails
    for seed in range(first, first + 10):
        churn(sides, seed, 6000)


@own_memory
def test_code_that_is_gone_leaves_nothing_behind(sides):
    """Less than the code objects themselves took, for those that ran and were let go."""
    sides.write(
        """
import gc, resource, types
def f(a):
    b = a + 1
    return b
def run(count):
    for i in range(count):
        code = f.__code__.replace(co_firstlineno=i % 30000 + 1)
        types.FunctionType(code, globals())(1)
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
run(2000)
gc.collect()
before = resident()
run(40000)
print((resident() - before) // 40000)
"""
    )
    done = sides.recorded("program.py")
    assert done.status == 0
    assert int(done.out) < 300
    sides.verify()
