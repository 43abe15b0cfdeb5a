"""An exception at the address of one that a generator dropped while it was closed."""


def at_one_address():
    def inner():
        try:
            yield 1
        finally:
            raise raised

    def outer():
        return (yield from inner())

    going = outer()
    next(going)
    raised = GeneratorExit()
    going.close()
    going = outer()
    next(going)
    raised = GeneratorExit()
    thrown = GeneratorExit()
    try:
        going.throw(thrown)
    except GeneratorExit as caught:
        return caught is thrown


for _ in range(3):
    print(at_one_address())
