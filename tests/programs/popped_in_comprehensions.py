"""Comprehensions that take from a list their line appends to."""

class T:
    def __init__(self):
        self.stack = list(range(10))
def run(t):
    vals = [t.stack.pop() for _ in range(3)]; t.stack.append(sum(vals)); t.stack.append(1)
    x = 1
    x = 2
    return x
def go():
    t = T()
    run(t)
    s = [1, 2, 3, 4, 5]
    args = [s.pop() for _ in range(2)]; s.append(args); s.append(0)
    x = 1
    s.append(9)
    x = 2
    len(s)
    return x
go()
