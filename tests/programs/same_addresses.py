"""New objects at the addresses of dead ones, after the cycle collector ran."""

import gc


class Node:
    def __init__(self, parent, name):
        self.me = self
        self.parent = parent
        self.kids = []
        self.path = ["root", name]
        if parent:
            parent.kids.append(self)


def tree(count):
    root = Node(None, "r")
    for i in range(count):
        Node(root, str(i))
    return root


def load(i):
    return {"user": {"profile": {"tags": [], "ids": [i]}}}


def main():
    for i in range(10):
        node = tree(3)
        n = len(node.kids)
    node = None
    gc.collect()
    docs = []
    for i in range(40):
        loaded = load(i)
        profile = loaded["user"]["profile"]
        n = 1
        docs.append(profile)
    return docs


def short():
    for i in range(10):
        node = Node(None, i)
        n = 1
    node = None
    gc.collect()
    docs = []
    for i in range(10):
        docs.append({"user": {"tags": [i]}})
        profile = docs[-1]["user"]
    return docs, n, profile


main()
short()
