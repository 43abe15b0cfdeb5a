"""Items of dicts worked on in place, and put back with other changes."""

def u1():
    d = {"n": 0, "l": [1]}
    l = d["l"]
    d["n"] += 1; d["l"] += [2]
    a = 1
    d["l"] += [3]
    a = 2
    return l
def u2():
    d = {"n": 0, "l": [1]}
    l = d["l"]
    def f(): return d.update(n=5) or [7]
    d["l"] += f()
    a = 1
    return l
def u3():
    d = {"a": [1], "b": [2]}
    p, q = d.values()
    for k in d: d[k] += [k]
    a = 1
    for k in d: d[k].append(k); d["n" + k[:0]] = 1 if "n" in d else 1; break
    a = 2
    return p
class C:
    def __init__(self): self.l = [1]; self.s = {1}; self.n = 0; self.d = {"k": [1]}
    def f(self): self.n += 1; return [9]
def u4():
    c = C(); l = c.l; s = c.s; k = c.d["k"]
    c.l += c.f()
    a = 1
    c.n += 1; c.l += [5]; c.s |= {7}
    a = 2
    c.d["k"] += c.f()
    a = 3
    c.d["k"] += [1]; c.d["z"] = 1
    a = 4
    c.l *= 2; c.n = 0
    a = 5
    c.l[0], c.n = "z", 1
    a = 6
    c.l[0] += "y"; c.l[1] = "w"; c.l[-1] = "v"
    a = 7
    c.l[c.n] = 5; c.n += 1
    a = 8
    c.__dict__["l"].append(3); c.n = 9
    a = 9
    c.l.append(1); c.l.append(2); c.l.append(3)
    a = 10
    c.l.pop(); c.l.pop()
    a = 11
    l.append(1); c.l.append(2)
    a = 12
    l.append(1); c.l.pop()
    a = 13
    m = l
    l.pop(); m.append("m")
    a = 14
    l.append("l"); m.pop()
    a = 15
    l.append(m.pop() * 2)
    a = 16
    l.append(l.sort(key=str) or 0)
    a = 17
    l.append(sorted(l, key=str)[0] if not l.reverse() else 0)
    a = 18
    s.add(3); s.clear(); s.add(4)
    a = 19
    s.add("q"); s.remove(4)
    a = 20
    s.add("r") or s.discard("q") or s.add("t")
    a = 21
    return c
def u5():
    rows = [[1, 2], [3, 4]]
    r = rows[0]
    for i, rows[0][1] in enumerate("ab"): pass
    a = 1
    rows[0][0], rows[0] = 5, rows[1]
    a = 2
    x = [1, 2, 3]
    x[0] = x[1] = x[2] = 9
    a = 3
    x[0], x[1], x[2] = x[2], 7, x[0]
    a = 4
    i = 0
    x[i] = i = 2
    a = 5
    x[i], i = "i", 0
    a = 6
    for i in range(3): x[i] = i * 5
    a = 7
    while i: x[i] = "w"; i -= 1
    a = 8
    [x.__setitem__(j, j) for j in range(3)]
    a = 9
    x[i:=1] = "wal"
    a = 10
    x[(i := i + 1)], i = "z", 0
    a = 11
    x[i - 1] = "neg"; i = 1
    a = 12
    del x[i]; i = 0
    a = 13
    try: x[i] = 1; i = 7; x[i] = 2
    except IndexError: a = 14
    a = 15
    return x
for f in (u1, u2, u3, u4, u5): f()
