"""Generators in a pipeline with exceptions crossing them."""


class Skip(Exception):
    pass


def read(lines):
    for number, line in enumerate(lines, 1):
        yield number, line.strip()


def parse(rows):
    for number, line in rows:
        try:
            key, _, value = line.partition("=")
            if not value:
                raise Skip(number)
            yield key, int(value)
        except Skip as skip:
            yield "skipped", skip.args[0]


def total(pairs):
    sums = {}
    for key, value in pairs:
        sums[key] = sums.get(key, 0) + value
    return sums


print(total(parse(read(["a=1", "b=2", "nothing", "a=5"]))))
try:
    total(parse(read(["a=x"])))
except ValueError as error:
    print(type(error).__name__)
