"""Threads one after another and side by side, with a lock, a queue and thread locals."""

import queue
import threading

total = 0
lock = threading.Lock()
local = threading.local()


def add(amount, times):
    global total
    local.seen = 0
    for _ in range(times):
        with lock:
            total += amount
        local.seen += 1
    return local.seen


def consume(inbox, outbox):
    while True:
        item = inbox.get()
        if item is None:
            break
        outbox.append(item * 2)


def fail():
    raise SystemExit


first = threading.Thread(target=add, args=(2, 5))
first.start()
first.join()
inbox, outbox = queue.Queue(), []
workers = [threading.Thread(target=add, args=(1, 10)) for _ in range(3)]
consumer = threading.Thread(target=consume, args=(inbox, outbox))
for thread in [*workers, consumer, threading.Thread(target=fail)]:
    thread.start()
for number in range(5):
    inbox.put(number)
inbox.put(None)
for thread in [*workers, consumer]:
    thread.join()
print(total, outbox)
