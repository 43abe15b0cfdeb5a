"""An exception that nobody handles, raised three calls deep."""


class Broken(Exception):
    pass


def inner(values):
    total = 0
    for value in values:
        if value < 0:
            raise Broken("negative", value)
        total += value
    return total


def middle(values):
    extended = [*values, -1]
    return inner(extended)


def outer():
    print("about to fail")
    return middle([1, 2])


outer()
