"""del of names, items, slices and attributes, and what reading them later does."""


class Box:
    pass


def unbind():
    value = 1
    del value
    try:
        return value
    except UnboundLocalError:
        value = "rebound"
    return value


def remove():
    numbers = list(range(10))
    del numbers[0]
    del numbers[2:5]
    del numbers[::2]
    table = {"a": 1, "b": 2}
    del table["a"]
    box = Box()
    box.left, box.right = 1, 2
    del box.left
    return numbers, table, vars(box)


name = "global"
del name
print(unbind(), remove(), "name" in globals())
