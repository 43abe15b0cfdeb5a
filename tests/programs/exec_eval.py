"""exec and eval with their own and with borrowed namespaces."""

SOURCE = """
total = 0
for item in items:
    total += item
"""


def run(items):
    namespace = {"items": items}
    exec(SOURCE, namespace)
    doubled = eval("total * 2", namespace)
    return namespace["total"], doubled


def define():
    scope = {}
    exec("def triple(n):\n    return n * 3\n", scope)
    triple = scope["triple"]
    return triple(7)


print(run([1, 2, 3]), define(), eval("[n for n in range(3)]"))
