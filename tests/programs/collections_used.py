"""deque, OrderedDict, defaultdict, Counter, ChainMap."""

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque


def queues():
    line = deque([1, 2, 3], maxlen=4)
    line.append(4)
    line.append(5)
    line.appendleft(0)
    left = line.popleft()
    line.rotate(1)
    line[0] = "first"
    line.extend("ab")
    return list(line), left


def dicts():
    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    ordered["c"] = 3
    groups = defaultdict(list)
    for word in ["apple", "avocado", "bean"]:
        groups[word[0]].append(word)
    counts = Counter("mississippi")
    counts.update("ms")
    counts["z"] -= 1
    chain = ChainMap({"x": 1}, ordered)
    chain["y"] = 2
    return list(ordered.items()), dict(groups), counts.most_common(2), chain.maps[0]


print(queues(), dicts())
