"""Every way to change a list in place."""


def edit():
    items = [5, 3, 8]
    items.append(1)
    items.extend([9, 2])
    items.insert(0, 7)
    items.insert(-1, 6)
    popped = items.pop()
    popped = items.pop(0)
    items.remove(8)
    items[0] = -items[0]
    items[1] += 100
    items[1:3] = [10, 20, 30]
    items[::2] = [0] * len(items[::2])
    items[2:2] = ["in", "between"]
    items[2:4] = []
    items.sort()
    items.sort(reverse=True)
    items.reverse()
    items *= 2
    items += (4,)
    copy = items[:]
    items.clear()
    return items, copy, popped


def large():
    numbers = list(range(500))
    for i in range(0, 500, 50):
        numbers[i] = -i
        numbers[499 - i] += 1
    numbers[250:260] = []
    return sum(numbers)


def swap():
    pair = [1, 2]
    pair[0], pair[1] = pair[1], pair[0]
    pair[0] *= 1.5
    pair[0] *= 1.5
    return pair


print(edit(), large(), swap())
