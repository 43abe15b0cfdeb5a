"""Generators: send, throw, close, return values and delegation."""


def counter(start):
    step = 1
    value = start
    while value < 20:
        received = yield value
        if received is not None:
            step = received
        value += step
    return value


def delegate():
    result = yield from counter(3)
    yield result * 10


def guarded(log):
    try:
        yield 1
        yield 2
    except KeyError as error:
        log.append(str(error))
        yield 99
    finally:
        log.append("closed")


gen = counter(0)
seen = [next(gen), next(gen)]
seen.append(gen.send(5))
seen.extend(gen)
log = []
guard = guarded(log)
next(guard)
seen.append(guard.throw(KeyError("k")))
guard.close()
print(seen, list(delegate()), log)
