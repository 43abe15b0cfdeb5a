"""A room of tasks that wait for one another."""

import asyncio

ROUNDS = 2


async def pause(turns):
    for _turn in range(turns):
        await asyncio.sleep(0)
    return turns


async def talk(name, told):
    for part in range(ROUNDS):
        waited = await pause(2 + len(name) % 3)
        told.append((name, part, waited))
    return len(told)


async def listen(told, enough):
    while len(told) < enough:
        await asyncio.sleep(0)


async def main():
    told = []
    names = [f"guest {number}" for number in range(12)]
    guests = [asyncio.create_task(talk(name, told)) for name in names]
    guests.append(asyncio.create_task(listen(told, len(names))))
    await pause(3)
    heard = len(told)
    await asyncio.gather(*guests)
    return heard


asyncio.run(main())
