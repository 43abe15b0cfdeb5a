"""The same where only another object still holds what was worked on."""

import asyncio
class Hub:
    """Minimal F3: property, call after, and comprehension."""
    def __init__(self):
        self.buf = []
        self.sent = []
    @property
    def stamp(self):
        self.sent.append(self.buf)
        self.buf = []
        return 1
    def flush(self):
        self.sent.append(self.buf)
        self.buf = []
    def __len__(self):
        self.flush()
        return 3
    def __eq__(self, o):
        self.flush()
        return False
def a(h):
    h.buf.append(h.stamp)
    return 1
def b(h):
    h.buf.append(1); h.flush()
    return 1
def c(h):
    h.buf.append(len(h))
    return 1
def d(h):
    h.buf.append(f"{h.stamp}")
    return 1
def e(h):
    h.buf.append(1); h.stamp
    return 1
def f(h):
    h.buf.append([h.stamp for _ in "a"])
    return 1
def g(h):
    h.buf.append(h == 1)
    return 1
def i(h):
    h.buf.extend(h.stamp for _ in "a")
    return 1
def j(h):
    h.buf.append(next(h.stamp for _ in "a"))
    return 1
def k(h):
    h.buf.append(sorted([2, 1], key=lambda q: h.stamp))
    return 1
def l(h):
    for _ in "ab": h.buf.append(h.stamp)
    return 1
def m(h):
    h.buf.append(1) or len(h)
    return 1
def n(h):
    h.buf[0:0] = [h.stamp]
    return 1
def o(h):
    h.buf += [h.stamp]
    return 1
def p(h):
    try: h.buf.append(h.stamp)
    finally: h.flush()
    return 1
def q(h):
    h.buf.sort(key=lambda q: h.stamp)
    return 1
def r(h):
    h.buf.append(h.stamp if h else 0)
    return 1
def main():
    h = Hub()
    for fn in (a, b, c, d, e, f, g, i, j, k, l, m, n, o, p, q, r):
        h.sent = []
        h.buf = [0]
        fn(h)
        z = 1
main()
