"""Cycles: a list in itself, objects that refer to each other, a self-referring dict."""

import gc
import weakref


class Node:
    def __init__(self, name):
        self.name = name
        self.peer = None


def build():
    loop = [1]
    loop.append(loop)
    table = {}
    table["self"] = table
    left, right = Node("left"), Node("right")
    left.peer = right
    right.peer = left
    ref = weakref.ref(left)
    loop[0] = 2
    names = left.peer.peer.name, len(loop[1])
    del left, right
    gc.collect()
    return names, ref() is None, len(table)


print(build())
