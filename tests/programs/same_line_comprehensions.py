"""Lines that change what they go through, in comprehensions and by several names."""

class N:
    def __init__(self, v): self.v = v; self.next = None; self.l = []
def comp():
    a = [[0], [1], [2]]
    x, y, z = a
    [a[i].append(i) for i in range(3)]
    n = 1
    [r.append(9) for r in a]
    n = 2
    [a[-1].append(a.pop(0)) for _ in range(1)]
    n = 3
    [a.pop().append(7) for _ in range(2)]
    n = 4
    d = {"a": [1], "b": [2]}
    p, q = d.values()
    [d[k].append(1) for k in d]
    n = 5
    [d.pop(k).append(5) for k in list(d)]
    n = 6
    os = [N(1), N(2)]
    o1, o2 = os
    {o.l.append(3) for o in os}
    n = 7
    any(o.l.append(4) for o in os)
    n = 8
    [o.__dict__.update(v=7) for o in os]
    n = 9
    [setattr(o, "v", 8) for o in os]
    n = 10
    for o in os: o.v = 9
    n = 11
    for o.v in "ab": pass
    n = 12
    [o1.l.append(v) or o2.l.append(v) for v in range(2) if not o1.l.append("c")]
    n = 13
    (o1 if n > 50 else o2).v = 99
    n = 14
    os[0].v, os[0] = "zero", None
    n = 15
    del o2.l[:]; os.pop().v = "popped"
    n = 16
    return a
def alias():
    h = N("h"); h.next = N("a"); a = h.next
    h.next.v = "changed"; h.next = None
    n = 1
    d = {"cur": [1]}
    cur = d["cur"]
    d["cur"].append(2); d["cur"] = []
    n = 2
    d["cur"].append(5); d.clear()
    n = 3
    h.next = a
    h.next.v, h.next = "t", None
    n = 4
    st = [[1], [2]]
    below, top = st
    st[-2].append(st.pop())
    n = 5
    from collections import deque
    q = deque([[1], [2], [3]])
    b = q[1]
    q[1].append(q.popleft())
    n = 6
    c = q[0]
    q[0].append(1); q.rotate(1)
    n = 7
    a1 = [[1], [2]]
    e = a1[0]
    a1[0].append(3); a1.reverse()
    n = 8
    e2 = a1[0]
    a1[0] += [a1.pop()]
    n = 9
    s = N("s"); s.cfg = {"k": [1]}; kk = s.cfg["k"]; cf = s.cfg
    s.cfg["k"].append(2); s.cfg = {}
    n = 10
    s.cfg, s.cfg["j"] = cf, 1
    n = 11
    s.l.append(1); s.l = s.l + [2]
    n = 12
    w = s.l
    s.l.append(s.__dict__.pop("l"))
    n = 13
    return n
comp()
alias()
