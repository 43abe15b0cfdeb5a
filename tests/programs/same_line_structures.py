"""The same in linked lists, parsers and tables."""

class Node:
    def __init__(self, v):
        self.v = v
        self.prev = self.next = None
class LRU:
    def __init__(self):
        self.head, self.tail = Node("H"), Node("T")
        self.head.next, self.tail.prev = self.tail, self.head
    def push(self, node):
        node.prev, node.next = self.head, self.head.next
        self.head.next.prev, self.head.next = node, node
        done = 1
        return done
def parse(text):
    stack = [[]]
    for ch in text:
        if ch == "(":
            stack.append([])
        elif ch == ")":
            stack[-2].append(stack.pop())
            ok = True
        else:
            stack[-1].append(ch)
    return stack[0]
def rows():
    r = [[1], [2], [3]]
    last = r[-1]
    first = r[0]
    r[-1].extend(r.pop(0))
    n = 1
    r[0].append(r.pop(0))
    n = 2
    r[0].append(len(r)); r.insert(0, [])
    n = 3
    return last
def slide(tree):
    while tree["left"]:
        tree["left"]["seen"] = True; tree = tree["left"]
        depth = 1
    return tree
def tables():
    t = {"cur": [1], "old": []}
    cur = t["cur"]
    t["cur"].append(2); t["old"], t["cur"] = t["cur"], []
    n = 1
    n = 2
    o = LRU()
    o.head.v = 0; o.head = o.tail
    n = 3
    return cur
l = LRU()
tail = l.tail
l.push(Node(1))
l.push(Node(2))
parse("a(b(c)d)")
rows()
slide({"left": {"left": {"left": None}}})
tables()
