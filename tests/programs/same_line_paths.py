"""Lines whose own stores and calls lead their paths elsewhere."""

class N:
    def __init__(self, n):
        self.n = n
        self.kids = []
def main():
    a = [[], [], []]
    i = 0
    a[i].append(1); i += 1
    x = 1
    i += 1; a[i].append(2)
    x = 2
    j = 0
    a[j].append(3); j = 2
    x = 3
    root = N("r")
    stack = [root]
    c = N("c")
    stack[-1].kids.append(c); stack.append(c)
    x = 4
    d = N("d")
    stack[-1].kids.append(stack.append(d) or d)
    x = 5
    x = 6
    cur = root
    cur.n = "changed"; cur = cur.kids[0]
    x = 7
    p, q = [1], [2]
    p.append(5); p = q
    x = 8
    while cur is not None: cur.n = cur.n * 2; cur = cur.kids[0] if cur.kids else None
    x = 9
    for b in a: b.append(9)
    x = 10
    for k, b in enumerate(a): a[k].append(k); b = None
    x = 11
    t = root
    t.kids, t = [], t.kids[0]
    x = 12
    h = t; h.n = "h"; h = None
    x = 13
    z = [5]
    z.append(z)
    x = 14
    if a: a[0].append(10); del a[0]
    e = a[0]
    a[0].append(7); a.pop(0)
    x = 15
    f = {"k": [1]}
    g = f["k"]
    f["k"].append(2); f["k"] = None
    x = 16
    f["k"] = g
    f.pop("k").append(5)
    x = 17
    f["k"] = g
    f["k"].append(f.pop("k"))
    x = 18
    l = [g, [1]]
    l[-1], m = l[0], l[-1]; l[-1].append("w")
    x = 19
    l[0].append(l.clear())
    x = 20
    n1 = N(1); n2 = N(2); n1.next = n2; keep = n2
    n1.next.n = 50; n1 = n1.next
    x = 21
    n1.kids.append(1); n1.kids = []
    x = 22
    n1.kids += [n1.kids]; x = n1.kids; n1 = None
    x = 23
    return x
main()
