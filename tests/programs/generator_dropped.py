"""Generators that are closed, dropped or never started."""


def plain():
    yield 1
    yield 2


def with_finally(log):
    try:
        yield 1
    finally:
        log.append("finally")


def use():
    log = []
    never = plain()
    half = plain()
    first = next(half)
    half.close()
    kept = with_finally(log)
    next(kept)
    del kept
    again = plain()
    total = first + next(again) + next(again)
    never = None
    return total, log, never


print(use())
