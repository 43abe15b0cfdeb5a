"""Expressions over several lines: calls, chains, conditions, literals."""


def add(a, b, c=0):
    return a + b + c


def compute(flag):
    result = add(
        add(1, 2),
        add(
            3,
            4,
        ),
        c=add(5, 6),
    )
    text = (
        "some words"
        .title()
        .replace(" ", "_")
    )
    chosen = (
        result
        if flag
        else -result
    )
    table = {
        "a": add(1, 1),
        "b": [
            add(2, 2),
            add(3, 3),
        ],
    }
    if (
        flag
        and table["a"] == 2
        and table["b"]
    ):
        chosen += 1
    return text, chosen, table


print(compute(True), compute(False))
