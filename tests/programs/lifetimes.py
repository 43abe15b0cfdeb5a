"""Weak references, finalisers and __del__: the moment an object dies is part of the program."""

import sys
import weakref


class Mortal:
    def __init__(self, name, log):
        self.name = name
        self.log = log

    def __del__(self):
        self.log.append(f"del {self.name}")


def scope(log):
    first = Mortal("first", log)
    weak = weakref.ref(first)
    weakref.finalize(first, log.append, "finalized first")
    second = Mortal("second", log)
    holder = [second]
    count = sys.getrefcount(second)
    del second
    log.append("before clear")
    holder.clear()
    log.append("after clear")
    first = None
    log.append(weak() is None)
    return count


log = []
count = scope(log)
table = weakref.WeakValueDictionary()
mortal = Mortal("third", log)
table["k"] = mortal
mortal = None
print(count, log, len(table))
