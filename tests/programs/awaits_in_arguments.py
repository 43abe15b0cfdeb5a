"""Other tasks lead a path elsewhere while an argument is awaited."""

import asyncio
class R:
    def __init__(self):
        self.results = []
        self.old = []
    async def fetch(self):
        await asyncio.sleep(0)
        return 1
    async def work(self):
        self.results.append(await self.fetch())
        return 0
    async def rebind(self):
        self.old.append(self.results)
        self.results = []
async def main():
    r = R()
    await asyncio.gather(r.work(), r.rebind())
    return r.old
asyncio.run(main())
