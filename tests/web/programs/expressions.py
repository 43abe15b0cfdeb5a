"""Calls that share a line, and values that are parts of others."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def moved(self, by):
        return Point(self.x + by, self.y + by)


def area(a, b):
    width = b.x - a.x
    return width * (b.y - a.y)


def walk(points, seen):
    for i in range(len(points)):
        seen[i] += points[i].x
        points[i].y = seen[i] * 2
    seen["last"] = points[-1].y
    return seen


corner = Point(0, 1)
both = area(corner, corner.moved(2)) + area(corner.moved(1), corner.moved(5))
walked = walk([corner, Point(7, 7)], {0: 1, 1: 0})
print(both, walked)
