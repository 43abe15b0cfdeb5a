"""Iterators and builtins that call C functions which change something."""

import collections, functools, itertools, io, contextlib, sys, csv, re, types
def f_iter_sentinel():
    q = collections.deque([1, 2, 3, 0])
    s = [0, 5, 6]
    out = []
    for x in iter(q.popleft, 0):
        out.append(x)
        y = x
    for x in iter(s.pop, 0):
        y = x
        z = y
    b = io.BytesIO(b"abcdefgh")
    for chunk in iter(functools.partial(b.read, 3), b""):
        y = chunk
        z = y
    return 1
def f_map_later():
    ys = []
    seen = set()
    zs = [1, 2]
    m = map(ys.append, zs)
    w = 1
    list(m)
    w = 2
    m = filter(seen.add, zs)
    w = 1
    u = tuple(m)
    w = 2
    g = (ys.append(z) for z in zs)
    u = set(g)
    w = 3
    t = sum(map(lambda v: v, zs))
    k = sorted([0,0], key=ys.pop)
    w = 4
    k = max([5], key=seen.discard)
    t = max([7], key=ys.append)
    w = 5
    p = functools.partial(ys.append, 9)
    p()
    w = 6
    cb = {"k": ys.append}
    cb["k"](4)
    w = 7
    cbs = [ys.append, seen.add]
    for c in cbs:
        c(w)
    h = ys.append
    h(1)
    w = 8
    def call(fn, v):
        fn(v)
    call(ys.append, 5)
    w = 9
    call(h, 6)
    w = 10
    it = iter(zs)
    r = functools.reduce(lambda a, b: a.append(b) or a, [1, 2], ys)
    w = 11
    r = functools.reduce(list.__iadd__, [[1], [2]], ys)
    w = 12
    collections.deque(map(ys.append, zs), maxlen=0)
    w = 13
    any(map(ys.append, zs))
    w = 14
    def gen():
        for a in zs:
            ys.append(a)
            yield a
    gg = gen()
    first, *rest = gg
    w = 15
    ys[:] = (a + 1 for a in zs)
    ys += (a for a in zs)
    zs.extend(map(ys.pop, [0, 0]))
    zs = [1, 2]
    a, b = map(ys.append, "ab")
    w = 16
    d = dict(zip(zs, map(ys.append, zs)))
    w = 17
    "".join(map(str, map(ys.append, zs)))
    w = 18
    print(*map(ys.append, zs))
    w = 19
    s = {*map(ys.append, zs)}
    w = 20
    l = [*map(ys.append, zs)]
    w = 21
    if 5 in map(ys.append, zs):
        pass
    w = 22
    m2 = map(ys.append, zs)
    w = 23
    if 5 in m2:
        w = 1
    w = 24
    m3 = map(ys.append, zs)
    w = 25
    l = [*m3]
    w = 26
    m4 = map(ys.append, zs)
    w = 27
    for _ in m4:
        w += 1
    m5 = map(ys.append, zs)
    w = 28
    a, *b = m5
    w = 29
    m6 = enumerate(map(ys.append, zs))
    w = 30
    for i, e in m6:
        w = 31
    m7 = zip(map(ys.append, zs), zs)
    w = 32
    for i, e in m7:
        w = 33
        w = 34
    for i, e in enumerate(map(ys.append, zs)):
        w = 33
        w = 34
    for e in map(ys.pop, [0, 0]):
        w = 33
        w = 34
    for e in itertools.starmap(ys.insert, [(0, 1), (0, 2)]):
        w = 33
        w = 34
    for e in [ys.append(v) for v in zs]:
        w = 33
    return w
def f_print_redirect():
    buf = io.StringIO()
    with contextlib.redirect_stdout(buf):
        w = 0
        print("captured")
        w = 1
        print("more")
        w = 2
    old = sys.stdout
    sys.stdout = b2 = io.StringIO()
    print("x")
    w = 3
    sys.stdout = old
    w = 4
    w = 5
    class W:
        def __init__(self): self.l = []
        def write(self, s): self.l.append(s)
    sys.stdout = c = W()
    print("hi")
    w = 6
    sys.stdout = old
    return w
def f_dict_upd():
    s = io.StringIO("a=1\nb=2\nc=3\n")
    it = iter([1, 2, 3])
    d = dict(line.strip().split("=") for line in s)
    w = 1
    s.seek(0)
    r = csv.reader(s)
    w = 1
    for row in r:
        w = row
        w = 3
    s.seek(0)
    w = 1
    x = "".join(s)
    w = 2
    s.seek(0)
    w = 1
    x = list(s)
    w = 2
    s.seek(0)
    w = 1
    x = sorted(s)
    w = 2
    s.seek(0)
    w = 1
    a, *b = s
    w = 2
    s.seek(0)
    w = 1
    x = max(s)
    w = 2
    s.seek(0)
    w = 1
    x = "b=2\n" in s
    w = 2
    s.seek(0)
    x = [l for l in s]
    w = 2
    h = {"f": s}
    s.seek(0)
    for line in h["f"]:
        w = 5
        w = 6
    s.seek(0)
    x = next(s)
    w = 7
    bio = io.BytesIO(b"1\n2\n")
    for line in bio:
        w = 1
        w = 2
    bio.seek(0)
    x = b"".join(bio)
    w = 2
    return w
f_iter_sentinel()
f_map_later()
f_print_redirect()
f_dict_upd()
