"""Calls of all kinds, several on a line. Each tells where those around it wait, as Python knows it."""

import asyncio
import functools
import sys
from contextlib import contextmanager

TOLD = []


def where():
    """Remember the columns of all callers, from their next instructions."""
    frame, places = sys._getframe(1), []
    while frame is not None:
        code = frame.f_code
        if code.co_filename == __file__:
            line, end_line, column, end_column = list(code.co_positions())[frame.f_lasti // 2]
            places.append((code.co_name, line, end_line, column, end_column))
        frame = frame.f_back
    TOLD.append(places)


def f(x=0, *rest):
    where()
    return x


def g(x=0):
    where()
    return f(x)


@functools.lru_cache
def cached(n):
    where()
    return n


def fails(x):
    where()
    if x:
        raise ValueError(x)
    return x


class Base:
    def __init__(self, x=0):
        where()
        self.x = x

    def m(self, y=0):
        where()
        return self

    @property
    def p(self):
        where()
        return self.x

    def __add__(self, other):
        where()
        return self

    def __getitem__(self, key):
        where()
        return key

    def __call__(self, x=0):
        where()
        return x


class Child(Base):
    def __init__(self, x=0):
        super().__init__(x); self.m(x)


def gives():
    return f


def counted(n):
    for i in range(n):
        where()
        yield i


@contextmanager
def opened(x):
    where()
    yield x


def plain():
    f(1)
    f(1) + f(2)
    f(f(f(1)))
    g(1) + f(2) + g(3)
    f(g(1), f(2), g(3))
    größe = f(1); ä = g("ü"); f("😀" * f(2), f(3))
    return f(
        f(1),
        g(
            2,
        ),
    )


def choices(c):
    f(1) if c else f(2)
    c and f(1) or f(2)
    f(1) and f(0) and f(3)
    g(1) if c else f(2)


def caching():
    cached(1) + cached(2)
    cached(1) + cached(3)
    cached(1) + f(2) + cached(4)


def failing(n):
    try:
        fails(0) + fails(n) + fails(0)
    except ValueError:
        f(1), fails(0)
    try:
        fails(n) + fails(0) + f(3)
    except ValueError as error:
        f(error)


def methods():
    a, b = Base(1), Child(2)
    a.m(1).m(2).m(a.m(3))
    a.m(1); b.m(2)
    a.p + b.p + f(a.p)
    (a + b).m(f(1))
    a[f(1)], a[2]
    a(1), f(2)
    Base(f(1)).m(Child(3))
    return a.m(
        1
    ).m(2)


def handed():
    sorted([2, 1], key=f) and f(3)
    sorted([2, 1], key=g)
    list(map(f, [1])) + [f(2)]
    list(map(lambda x: g(x), [1]))
    gives()(1) + f(2)
    gives()(1)
    h = f
    h(1)
    functools.partial(f, 1)()
    max(1, 2, key=lambda x: f(x))


def comprehended():
    [f(x) for x in range(2)]
    [f(x) + f(x) for x in range(2)]
    {f(x): g(x) for x in range(2) if f(x) is not None}
    sum(f(x) for x in range(2))
    any(g(x) for x in range(2))


def generated():
    list(counted(2))
    for _ in counted(2): f(1)
    for i in counted(1):
        f(i)
    a, b = counted(2)
    c = counted(1); next(c); f(2)
    with opened(1) as x, opened(f(2)):
        f(x)


async def awaited(x):
    where()
    return x


async def asked():
    await awaited(1)
    await awaited(1) + await awaited(2)
    await asyncio.gather(awaited(1), awaited(2))


def recursive(n):
    where()
    return 1 if n < 2 else recursive(n - 1) + recursive(n - 2)


def looping():
    for i in range(80):
        f(i) + f(i)
    while f(0) or g(0):
        pass


plain()
choices(True)
choices(False)
caching()
failing(1)
methods()
handed()
comprehended()
generated()
asyncio.run(asked())
recursive(4)
looping()
print(len(TOLD))
