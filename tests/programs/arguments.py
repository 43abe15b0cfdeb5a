"""Arguments of every kind: positional-only, keyword-only, star, defaults, rebinding."""


def everything(a, /, b, *rest, c=3, d, **extra):
    a = a + 1
    rest = [*rest, "end"]
    extra["seen"] = True
    return a, b, rest, c, d, extra


def shared(item, bag=[]):  # noqa: B006
    bag.append(item)
    return bag


def swap(a, b):
    a, b = b, a
    return a, b


def forward(*args, **kwargs):
    return everything(*args, **kwargs)


print(everything(1, 2, d=4))
print(forward(1, 2, 5, 6, d=4, e=7))
print(shared(1), shared(2), swap(1, [2]))
try:
    forward(1)
except TypeError as error:
    print(error)
