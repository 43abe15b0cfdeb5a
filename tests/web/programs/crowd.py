"""More threads than the timeline has lanes for."""

import threading


def work(turns):
    total = 0
    for turn in range(turns):
        total += turn
    return total


threads = [
    threading.Thread(target=work, args=(turns,), name=f"a rather long name {turns}")
    for turns in (3, 50, 60, 70, 80, 90)
]
for thread in threads:
    thread.start()
    thread.join()
