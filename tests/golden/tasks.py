"""Threads and tasks: several stacks in one order. See README.md."""

import asyncio
import threading

results = []


def work(name, ready, done):
    ready.wait(10)
    results.append(name)
    done.set()


def threads():
    first, second, third = (threading.Event() for _ in range(3))
    workers = [
        threading.Thread(target=work, args=("a", first, second)),
        threading.Thread(target=work, args=("b", second, third)),
    ]
    for worker in workers:
        worker.start()
    first.set()
    third.wait(10)
    for worker in workers:
        worker.join()


async def task(name, turns):
    for turn in range(turns):
        results.append((name, turn))
        await asyncio.sleep(0)
    return name


async def numbers():
    for number in range(2):
        yield number


async def main():
    done = await asyncio.gather(task("x", 2), task("y", 1))
    async for number in numbers():
        done.append(number)
    return done


threads()
asyncio.run(main())
print(results)
