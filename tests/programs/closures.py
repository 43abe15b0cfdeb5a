"""Closures: shared cells, nonlocal, late binding, a deleted free variable."""


def make_counter():
    count = 0
    history = []

    def increment(by=1):
        nonlocal count
        count += by
        history.append(count)
        return count

    def reset():
        nonlocal count
        count = 0

    return increment, reset, history


def late():
    functions = []
    for i in range(3):
        functions.append(lambda: i)
    return [function() for function in functions]


def unbound():
    value = 1

    def read():
        return value

    first = read()
    del value
    try:
        return first, read()
    except NameError as error:
        return first, type(error).__name__


increment, reset, history = make_counter()
increment()
increment(5)
reset()
increment(2)
print(history, late(), unbound())
