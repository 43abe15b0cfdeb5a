"""Lines that take from a list and put back."""

def t1():
    st = [1, 2]
    st.append(-st.pop())
    a = 1
    return st
def t2():
    st = [1, 2, 3]
    st.append(st.pop()); st.append(9)
    a = 1
    return st
def t3():
    st = [1, 2, 3, 4]
    [st.append(st.pop() * 2) for _ in range(2)]
    a = 1
    return st
def t4():
    s = {1, 2}
    s.add(s.pop() + 10)
    a = 1
    return s
def t5():
    st = [1, 2, 3]
    if st.pop(): st.pop(); st.append(7)
    a = 1
    return st
def t6():
    st = [1, 2, 3]
    for _ in range(2): st.append(st.pop() * 2)
    a = 1
    return st
def t7():
    st = [[1], [2], [3]]
    st.append(st.pop() + st.pop())
    a = 1
    return st
class M:
    def __init__(self): self.st = [1, 2, 3]
    def add(self):
        self.st.append(self.st.pop() + self.st.pop())
        a = 1
        return self
    def mul(self):
        st = self.st
        st.append(st.pop() * st.pop())
        return st
    def swap(self):
        self.st.append(self.st.pop(0))
        a, b = self.st.pop(), self.st.pop()
        self.st.append(a), self.st.append(b)
        a = 1
        return self
G = [1, 2, 3]
def t8():
    G.append(G.pop() + G.pop())
    a = 1
    return G
def t9():
    h = [1, 2, 3]
    x = h.pop() - h.pop()
    h.append(x) or h.append(x)
    a = 1
    b = h.pop() and h.append(0)
    a = 2
    c = h.pop() if h.pop() else h.append(3)
    a = 3
    h.append(h.pop() or h.pop())
    return h
for f in (t1, t2, t3, t4, t5, t6, t7, M().add, M().mul, M().swap, t8, t9): f()
