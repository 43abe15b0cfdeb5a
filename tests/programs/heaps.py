"""Heaps and sorted lists, moved in place by C code, and items found by computed keys."""

import bisect
import heapq
import random
from collections import defaultdict
from heapq import heappop, heappush


class Job:
    def __init__(self, rank, name):
        self.rank = rank
        self.name = name

    def __lt__(self, other):
        return self.rank < other.rank


class Queue:
    def __init__(self):
        self.heap = []
        self.rows = [[] for _ in range(3)]
        self.at = 0

    def put(self, item):
        heapq.heappush(self.heap, item)
        self.rows[self.at].append(item)
        self.rows[(self.at + 1) % 3].append(len(self.heap))
        self.at = (self.at + 1) % len(self.rows)

    def take(self):
        item = heapq.heappop(self.heap)
        self.rows[-self.at].clear()
        return item


def numbers(chance, bound):
    heap = []
    for turn in range(40):
        heappush(heap, chance.randrange(bound))
        if len(heap) > 12:
            taken = heappop(heap)
        if turn % 7 == 6:
            taken = heapq.heapreplace(heap, chance.randrange(bound))
        if turn % 11 == 10:
            taken = heapq.heappushpop(heap, chance.randrange(bound))
        if turn == 20:
            heap.reverse()
            heapq.heapify(heap)
    return taken


def objects(chance):
    queue = Queue()
    for turn in range(8):
        queue.put(Job(chance.randrange(4), turn))
    first = queue.take()
    second = queue.take().name
    return first, second


def tuples(chance):
    queue = Queue()
    for turn in range(10):
        queue.put((chance.randrange(4), turn, [turn]))
        queue.heap[0][2].append(turn)
    first = queue.take()
    first[2].append(queue.take())
    return first


def ordered(chance):
    names = []
    for turn in range(12):
        bisect.insort(names, chance.randrange(6))
        bisect.insort_left(names, turn)
    return names


def computed(grid, rows, groups):
    width = len(grid)
    for turn in range(6):
        grid[turn % width][(turn + 1) % width].append(turn)
        grid[-(turn % width) - 1][~(turn % width)].append(-turn)
        rows[turn * 2 % 4]["tags"].append(turn)
        rows[turn & 3]["count"] += 1
        groups.setdefault(turn % 2, []).append(rows[turn // 2 % 4])
        groups.get(turn % 2, []).append(turn)
        groups[turn % 2][turn >> 2 << 0] = [turn ^ 1]
        rows[rows[turn % 4]["count"] % 4]["tags"].append("by another")
    return turn


numbers(random.Random(1), 1000)
numbers(random.Random(2), 4)
objects(random.Random(3))
tuples(random.Random(4))
ordered(random.Random(5))
grid = [[[] for _ in range(3)] for _ in range(3)]
rows = [{"tags": [], "count": 0} for _ in range(4)]
groups = {}
words = defaultdict(list)
computed(grid, rows, groups)
for turn in range(4):
    words[turn % 2].append(turn)
    grid[turn % 3][turn // 2].append(words[(turn + 1) % 2])
    heappush(rows[turn % 4]["tags"], "a") if turn < 0 else rows[turn % 4]["tags"].append("b")


def two_at_once(chance):
    heap = list(range(9))
    heapq.heapify(heap)
    for turn in range(6):
        heappush(heap, chance.randrange(12)); taken = heappop(heap)
        heapq.heapreplace(heap, 20 - turn); heapq.heapreplace(heap, 3 * turn)
        taken = [heapq.heapreplace(heap, turn + more) for more in (9, 2, 5)]
        heapq.heapreplace(heap, turn), heappush(heap, heappop(heap))
    return heap, taken


def spread(groups):
    pair = (groups[0], 4)
    for turn in range(3):
        heappush(*pair)
        bisect.insort(x=turn, a=groups[1])
        bisect.insort(groups[1], turn, key=lambda number: -number)
        groups.get(*(2, [])).append(turn)
    return pair


two_at_once(random.Random(6))
spread({0: [], 1: [], 2: []})


def nested(rows, ring):
    for turn in range(4):
        rows[ring[ring[0]]].append(turn)
        rows[ring[ring[ring[ring[ring[ring[turn % 3]]]]]]].append(turn)
    return rows


nested([[], [], []], [1, 2, 0])
