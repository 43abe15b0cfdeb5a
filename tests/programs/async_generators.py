"""Async generators, async comprehensions, async with and cancellation."""

import asyncio
from contextlib import asynccontextmanager


async def ticks(count):
    for i in range(count):
        await asyncio.sleep(0)
        yield i * i


@asynccontextmanager
async def resource(log):
    log.append("open")
    try:
        yield "handle"
    finally:
        log.append("close")


async def sleeper(log):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        log.append("cancelled")
        raise


async def main():
    log = []
    values = [value async for value in ticks(4) if value != 1]
    async with resource(log) as handle:
        log.append(handle)
    async for value in ticks(2):
        log.append(value)
    task = asyncio.create_task(sleeper(log))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        log.append(task.cancelled())
    return values, log


print(asyncio.run(main()))
