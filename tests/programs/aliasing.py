"""Several names for one object: changes seen through all of them."""


class Holder:
    def __init__(self, items):
        self.items = items


def change(items):
    items.append("changed")
    items = ["new"]
    items.append("local")
    return items


def run():
    first = [1]
    second = first
    pair = (first, second)
    second.append(2)
    holder = Holder(first)
    holder.items.append(3)
    rows = [[]] * 3
    rows[0].append("shared")
    result = change(first)
    first = first + [4]
    second += [5]
    return first, second, pair, rows, result, holder.items is second


shared = []
alias = shared
alias.append(1)
print(run(), shared)
