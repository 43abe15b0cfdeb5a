"""Every way to change a dict in place."""


def edit():
    table = {"a": 1}
    table["b"] = 2
    table["a"] += 10
    table.update({"c": 3}, d=4)
    table |= {"e": 5}
    known = table.setdefault("a", 0)
    added = table.setdefault("f", [])
    added.append(known)
    popped = table.pop("b")
    absent = table.pop("zz", None)
    last = table.popitem()
    del table["c"]
    table[(1, 2)] = {"deep": [1]}
    table[(1, 2)]["deep"].append(2)
    table[None] = 1.5
    table["a"] = table["a"]
    merged = table | {"x": 0}
    table.clear()
    return table, merged, popped, absent, last


def churn():
    counts = {}
    for i in range(60):
        counts[i % 7] = counts.get(i % 7, 0) + i
        if i % 5 == 4:
            counts.pop(i % 7)
    return counts


def order():
    table = {"x": 1, "y": 2}
    table["x"] = table.pop("x")
    return list(table)


print(edit(), churn(), order())
