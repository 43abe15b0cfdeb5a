"""Iterators over a method written in C, put into lists."""

import itertools
def main():
    s = [1, 2, 3, 4]
    a = []
    it = itertools.islice(iter(s.pop, 0), 1)
    a[:] = it
    x = 1
    it = itertools.islice(iter(s.pop, 0), 1)
    a += it
    x = 2
    return x
main()
