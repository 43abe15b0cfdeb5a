"""Every way to change a set in place, and frozen sets."""


def edit():
    items = {1, 2, 3}
    items.add(4)
    items.add(4)
    items.discard(9)
    items.remove(1)
    items |= {10, 11}
    items &= {2, 3, 4, 10}
    items -= {3}
    items ^= {4, 5}
    items.update([20, 21], (22,))
    items.difference_update({20})
    frozen = frozenset(items)
    joined = frozen | {0}
    size = len(items)
    while items:
        items.pop()
    return items, sorted(frozen), sorted(joined), size


def words(text):
    seen = set()
    repeated = set()
    for word in text.split():
        if word in seen:
            repeated.add(word)
        seen.add(word)
    return sorted(seen), sorted(repeated)


print(edit(), words("the cat and the dog and the bird"))
