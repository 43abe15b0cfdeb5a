"""Recursion into the limit: how deep a program gets must not depend on who watches."""

import sys


def bottomless(n):
    deepest.append(n)
    return bottomless(n + 1)


deepest = []
sys.setrecursionlimit(150)
try:
    bottomless(0)
except RecursionError as error:
    caught = type(error).__name__
print(caught, deepest[-1])
