"""What a line calls moves what the line works on."""

class P:
    def __init__(self):
        self.root = {"kids": []}
        self.cur = self.root
        self.buf = [0]
        self.pos = 0
        self.arr = [0, 0, 0]
    def nxt(self):
        old = self.cur
        self.cur = {"kids": []}
        return self.cur
    def flush(self):
        r, self.buf = len(self.buf), []
        return r
    def step(self):
        self.pos += 1
        return 5
    def run(self):
        self.cur["kids"].append(self.nxt())
        n = 1
        self.cur["kids"].append(self.nxt())
        n = 2
        b = self.buf
        self.buf.append(self.flush())
        n = 3
        self.arr[self.pos] += self.step()
        n = 4
        arr = self.arr
        arr[self.pos] += self.step()
        n = 5
        n = 6
        return b
class Q:
    def __init__(self):
        self.kids = []
        self.parent = None
    def child(self):
        c = Q()
        self.kids.append(c)
        c.parent = self
        return c
out = [1]
pos = 0
arr = [0, 0, 0]
def reset():
    global out
    out = []
    return 1
def adv():
    global pos
    pos += 1
    return 7
def g():
    o = out
    out.append(reset())
    n = 1
    n = 2
    arr[pos] += adv()
    n = 3
    arr[pos] += adv()
    n = 4
    return o
def nl():
    k = 0
    xs = [0, 0, 0]
    rows = [[], [], []]
    r0, r1, r2 = rows
    cur = [1]
    first = cur
    def bump():
        nonlocal k, cur
        k += 1
        cur = []
        return 9
    xs[k] += bump()
    n = 1
    rows[k].append(bump())
    n = 2
    k = 0
    cur.append(bump())
    n = 3
    cur = first
    first.append(2)
    cur.append(bump())
    n = 4
    xs = [0] * 9; xs[k] = bump()
    n = 5
    return xs
def tails():
    st = [1, 2, 3, 4]
    st.append(st.pop() + st.pop())
    n = 1
    st.append(st.pop() * 2)
    n = 2
    a, b = st.pop(), st.pop()
    n = 3
    st.append(a); st.append(b)
    n = 4
    st.pop(); st.pop(); st.append(1)
    n = 5
    [st.append(i) for i in range(5)]
    n = 6
    [st.pop() for _ in range(3)]
    n = 7
    [st.append(st.pop() * 2) for _ in range(3)]
    n = 8
    def f():
        st.sort(reverse=True)
        return 0
    st.append(f())
    n = 9
    def h():
        st[0] = "h"
        st.pop()
        return 5
    st.append(h())
    n = 10
    st.append(st[:] and st.pop())
    n = 11
    s = {1, 2}
    s.add(3); s.discard(1)
    n = 12
    s.add(s.pop())
    n = 13
    def sf():
        s.remove(3)
        return 8
    s.add(sf())
    n = 14
    [s.add(i) for i in range(5)]
    n = 15
    [s.add(s.pop() + 10) for i in range(3)]
    n = 16
    t = [[1], [2]]
    u = t[-1]
    t[-1].append(t.pop())
    n = 17
    d = {"x": 1}
    def df():
        d["x"] = 100
        return 1
    d["x"] += df()
    n = 18
    class O: pass
    o = O(); o.v = 1; o.l = []
    keep = o
    def of():
        nonlocal o
        o = O()
        o.v = "new"; o.l = []
        return 1
    o.v += of()
    n = 19
    keep2 = o
    o.l.append(of())
    n = 20
    o.z = of()
    n = 21
    return st
P().run(); g(); nl(); tails()
import threading
class Root:
    def __init__(self): self.cur = Q(); self.top = self.cur
    def down(self):
        self.cur = self.cur.child()
        return 1
    def go(self):
        t = self.cur
        self.cur.val = self.down()
        n = 1
        c = self.cur
        self.cur.kids.append(self.down())
        n = 2
        c = self.cur
        self.cur.parent.val += self.down()
        n = 3
        return self
Root().go()
