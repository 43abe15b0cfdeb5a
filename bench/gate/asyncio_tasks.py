"""Ten thousand asyncio tasks alive at once, each resumed several times."""

import asyncio
import sys


async def worker(ident, turns, totals):
    local = ident
    for turn in range(turns):
        await asyncio.sleep(0)
        local = (local * 31 + turn) % 1009
    totals[ident % 16] += local
    return local


async def run(count):
    totals = [0] * 16
    tasks = []
    for ident in range(count):
        tasks.append(asyncio.create_task(worker(ident, 5, totals)))
    results = await asyncio.gather(*tasks)
    return sum(totals) - sum(results)


def main(scale):
    count = int(10_000 * scale)
    return asyncio.run(run(count)) + count


if __name__ == "__main__":
    print("asyncio_tasks", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
