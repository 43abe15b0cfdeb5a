"""Numbers: big ints, special floats, complex, bools, small changes."""

import math


def integers():
    value = 2**62
    value += value
    value *= value
    negative = -value
    small = negative // value
    huge = 7**400
    digits = len(str(huge))
    limit = (1 << 63) - 1
    limit += 1
    return small, digits, limit, -limit - 1


def floats():
    zero = -0.0
    infinite = math.inf
    missing = math.nan
    tiny = 5e-324
    third = 1 / 3
    third *= 3
    mixed = [zero, infinite, tiny]
    mixed.append(missing != missing)
    return mixed, third, 1e308 * 10


def others():
    point = 3 + 4j
    point *= 1j
    size = abs(point)
    flag = True
    flag = flag + flag
    flag = not flag
    return point, size, flag, complex(0.0, -0.0)


print(integers(), floats(), others())
