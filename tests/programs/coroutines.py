"""Coroutines driven by hand and by asyncio, with a task group."""

import asyncio
import types


@types.coroutine
def pause(value):
    received = yield value
    return received


async def two(base):
    first = await pause(base)
    second = await pause(base + first)
    return first * second


def drive(coroutine, answers):
    asked = []
    try:
        asked.append(coroutine.send(None))
        for answer in answers:
            asked.append(coroutine.send(answer))
    except StopIteration as stop:
        return asked, stop.value
    return asked, None


async def child(name, turns, log):
    for turn in range(turns):
        log.append((name, turn))
        await asyncio.sleep(0)
    return name * turns


async def parent():
    log = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child(name, 2, log)) for name in "ab"]
    return log, [task.result() for task in tasks]


print(drive(two(10), [3, 4]))
print(asyncio.run(parent()))
