"""with: several managers, one that swallows, one that raises on exit."""


class Manager:
    def __init__(self, name, log, swallow=False):
        self.name = name
        self.log = log
        self.swallow = swallow

    def __enter__(self):
        self.log.append(("enter", self.name))
        return self

    def __exit__(self, kind, value, traceback):
        label = kind.__name__ if kind else None
        self.log.append(("exit", self.name, label))
        return self.swallow


def run(fail):
    log = []
    with Manager("outer", log, swallow=True) as outer, Manager("inner", log):
        log.append(outer.name)
        if fail:
            raise ValueError("inside")
        log.append("body done")
    with (
        Manager("a", log),
        Manager("b", log) as second,
    ):
        log.append(second.name)
    return log


print(run(False))
print(run(True))
