"""What properties and operators of a line lead elsewhere."""

class B:
    def __init__(self):
        self.items = []
        self.old = []
    @property
    def prop(self):
        self.old = self.items
        self.items = []
        return 1
    def rotate(self):
        self.old = self.items
        self.items = []
        return 1
    def __add__(self, o):
        self.rotate()
        return 5
    def __getitem__(self, o):
        self.rotate()
        return 5
    def __format__(self, o):
        self.rotate()
        return "f"
    def __bool__(self):
        self.rotate()
        return True
    def __lt__(self, o):
        self.rotate()
        return True
    def __contains__(self, o):
        self.rotate()
        return True
    def __neg__(self):
        self.rotate()
        return 1
    def __iter__(self):
        self.rotate()
        return iter([1, 2])
    def __enter__(self):
        self.rotate()
        return 1
    def __exit__(self, *a):
        self.rotate()
def main():
    b = B()
    keep = b.items
    x = 0
    keep = b.items
    b.items.append(b.prop)
    x = 1
    keep = b.items
    b.items.append(b + 1)
    x = 2
    keep = b.items
    b.items.append(b[0])
    x = 3
    keep = b.items
    b.items.append(f"{b}")
    x = 4
    keep = b.items
    b.items.append(1 if b else 2)
    x = 5
    keep = b.items
    b.items.append(b < 1)
    x = 6
    keep = b.items
    b.items.append(1 in b)
    x = 7
    keep = b.items
    b.items.append(-b)
    x = 8
    keep = b.items
    b.items.append([*b])
    x = 9
    keep = b.items
    b.items.append([q for q in b])
    x = 10
    keep = b.items
    b.items.append(1); b.rotate()
    x = 11
    keep = b.items
    b.items.append(1) or b.rotate()
    x = 12
    keep = b.items
    b.items.append(not b)
    x = 13
    keep = b.items
    b.items.append(1); b.prop
    x = 14
    keep = b.items
    b.items.append(1); b + 1
    x = 15
    keep = b.items
    b.items.append(1); u, v = b
    x = 16
    keep = b.items
    b.items.append(b.rotate() if x else 0)
    x = 17
    keep = b.items
    b.items.append(b and b)
    x = 18
    keep = b.items
    b.items.append((b < 3) < 5)
    x = 19
    keep = b.items
    b.items.append((y := b.rotate()))
    x = 20
    keep = b.items
    with b: b.items.append(4)
    x = 21
    keep = b.items
    b.items.append(5); b[0] and 5
    x = 22
    keep = b.items
    b.items += [b.prop]
    x = 23
    keep = b.items
    x = 24
    keep = b.items
    b.items.append(1); [q for q in b]
    x = 25
    keep = b.items
    b.items.append(1); f"{b}"
    x = 26
    keep = b.items
    b.items.append(1); 1 if b else 3
    x = 27
    keep = b.items
    b.items.extend(b)
    x = 28
    keep = b.items
    b.items[:] = b
    x = 29
    keep = b.items
    b.items.append(1); assert b
    x = 30
    keep = b.items
    b.items.append(max(*b))
    x = 31
    keep = b.items
    return x
main()