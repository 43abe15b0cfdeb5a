"""Objects and methods: a task scheduler that hands linked packets around."""

import sys


class Packet:
    def __init__(self, link, ident, kind):
        self.link = link
        self.ident = ident
        self.kind = kind
        self.datum = 0

    def append_to(self, queue):
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class Task:
    def __init__(self, ident, priority, scheduler):
        self.ident = ident
        self.priority = priority
        self.scheduler = scheduler
        self.queue = None
        self.ready = True
        self.handled = 0

    def receive(self, packet):
        self.queue = packet.append_to(self.queue)
        self.ready = True

    def take(self):
        packet = self.queue
        if packet is not None:
            self.queue = packet.link
            packet.link = None
        return packet


class Worker(Task):
    def run(self):
        packet = self.take()
        if packet is None:
            self.ready = False
            return
        packet.datum = packet.datum + self.priority
        self.handled += 1
        self.scheduler.post(packet)


class Device(Task):
    def run(self):
        packet = self.take()
        if packet is None:
            self.ready = False
            return
        packet.kind = 1 - packet.kind
        self.handled += 1
        self.scheduler.post(packet)


class Scheduler:
    def __init__(self):
        self.tasks = []
        self.posted = 0

    def add(self, task):
        self.tasks.append(task)

    def post(self, packet):
        self.posted += 1
        target = (packet.ident * 5 + packet.kind + packet.datum) % len(self.tasks)
        packet.ident = target
        self.tasks[target].receive(packet)

    def turn(self):
        for task in self.tasks:
            if task.ready:
                task.run()


def main(scale):
    scheduler = Scheduler()
    for i in range(6):
        kind = Worker if i % 2 else Device
        scheduler.add(kind(i, i + 1, scheduler))
    for i in range(12):
        scheduler.post(Packet(None, i, i % 2))
    limit = int(55_000 * scale)
    while scheduler.posted < limit:
        scheduler.turn()
    total = 0
    for task in scheduler.tasks:
        total = total * 31 + task.handled
    return total % 1_000_003


if __name__ == "__main__":
    print("oo", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
