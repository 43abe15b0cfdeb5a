"""Module globals: rebound, mutated from functions, created and deleted."""

counter = 0
log = []
settings = {"level": 1}


def bump():
    global counter
    counter += 1
    log.append(counter)


def configure(level):
    global created
    settings["level"] = level
    created = [level]
    globals()["made"] = level * 2


def forget():
    global created
    del created


bump()
bump()
configure(3)
created.append(4)
total = counter + made + settings["level"]  # noqa: F821
forget()
log[0] = "first"
print(total, log, settings, "created" in globals())
