"""A small poet: learns which word follows which, then walks the chain until a line is full."""

import random
from collections import defaultdict
from collections.abc import Iterator

CORPUS = """
the moon forgets the river and the river keeps the moon
a lamp remembers the road and the road forgets the lamp
the night keeps a lamp and a river for the moon
"""


def words(text: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        yield from line.split()
        yield "."


def pairs(items: Iterator[str]) -> Iterator[tuple[str, str]]:
    before = "."
    for item in items:
        yield before, item
        before = item


def learn(text: str) -> dict[str, list[str]]:
    follows = defaultdict(list)
    for before, after in pairs(words(text)):
        follows[before].append(after)
    return dict(follows)


def walk(follows: dict[str, list[str]], luck: random.Random) -> Iterator[str]:
    word = "."
    while True:
        word = luck.choice(follows[word])
        if word == ".":
            return
        yield word


def poem(follows: dict[str, list[str]], lines: int) -> dict[int, str]:
    luck = random.Random(7)
    return {number: " ".join(walk(follows, luck)) for number in range(1, lines + 1)}


if __name__ == "__main__":
    follows = learn(CORPUS)
    for number, line in poem(follows, 4).items():
        print(number, line)
    favourite = max(follows, key=lambda word: (len(follows[word]), word))
    print("favourite word:", favourite, "x", len(follows[favourite]))
