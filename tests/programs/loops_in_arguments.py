"""Comprehensions, awaits and loops between a path and what is done there."""

import asyncio
class Box:
    def __init__(self):
        self.items = []
class R:
    def __init__(self):
        self.rows = [Box() for _ in range(300)]
        for i in range(60):
            setattr(self, f"a{i}", [])
    async def fetch(self):
        await asyncio.sleep(0)
        return 1
    async def work(self):
        i = 200
        x = 0
        self.a50.append(await self.fetch())
        x = 1
        n = [x for x in self.a50]
        x = 2
        self.rows[i].items.append(await self.fetch())
        x = 3
        n = self.rows[i].items
        x = 4
        return x
    def plain(self):
        i = 210
        x = 0
        self.a51.append([q for q in (1, 2)])
        x = 1
        n = self.a51
        x = 2
        self.rows[i].items.append([q for q in (1, 2)])
        x = 3
        n = self.rows[i].items
        x = 4
        self.rows[i + 1].items.append([q for q in (1, 2)][0] if x else 5)
        x = 5
        n = self.rows[i + 1].items
        x = 6
        self.rows[i + 2].items.append({q: 1 for q in (1, 2)})
        x = 7
        n = self.rows[i + 2].items
        x = 8
        self.rows[i + 3].items.extend(q for q in (1, 2))
        x = 9
        n = self.rows[i + 3].items
        x = 10
        return x
    def gen(self):
        i = 220
        self.rows[i].items.append((yield 1))
        x = 1
        n = self.rows[i].items
        x = 2
        self.rows[i + 1].items.append((yield from (1, 2)))
        x = 3
        n = self.rows[i + 1].items
        x = 4
r = R()
asyncio.run(r.work())
r.plain()
for _ in r.gen(): pass
