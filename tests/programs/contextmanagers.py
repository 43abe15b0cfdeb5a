"""contextlib: contextmanager, suppress, ExitStack."""

from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def opened(name, log):
    log.append(f"open {name}")
    try:
        yield name.upper()
    except ZeroDivisionError:
        log.append(f"saw division in {name}")
    finally:
        log.append(f"close {name}")


def work():
    log = []
    with opened("a", log) as handle:
        log.append(handle)
    with opened("b", log):
        log.append(1 / 0)
    with suppress(KeyError):
        log.append({}["absent"])
    with ExitStack() as stack:
        names = [stack.enter_context(opened(name, log)) for name in "xy"]
        log.append(names)
    return log


for line in work():
    print(line)
