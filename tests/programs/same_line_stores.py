"""What one line stores before it calls."""

class B:
    def __init__(self):
        self.items = [0]
        self.n = 0
        self.peer = None

    @property
    def prop(self):
        total = len(self.items)
        return total + self.n

    def meth(self):
        total = len(self.items)
        return total

    def turn(self):
        self.items += [1]; self.prop
        self.n += 1; self.peer = self; self.prop
        self.items[0] = 5; self.meth()
        self.peer = None; self.n = self.prop
        self.n, self.peer = self.prop, [self.prop]
        self.items[self.prop % 2] = self.meth()
        for self.n in self.each(): self.prop
        return self.n

    def each(self):
        yield 1
        k = 2
        yield k

b = B()
for turn in range(3):
    b.items += [1]; b.prop
    b.items += [2]; b.n = turn; x = b.prop
    b.n, b.items[0] = b.prop, b.prop
    b.turn()
    b.items[0] += 1
