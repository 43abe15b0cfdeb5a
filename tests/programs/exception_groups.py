"""Exception groups and except*."""


def fail(kind):
    if kind == "value":
        raise ValueError(kind)
    if kind == "type":
        raise TypeError(kind)
    return kind


def collect(kinds):
    errors = []
    for kind in kinds:
        try:
            fail(kind)
        except (ValueError, TypeError) as error:
            errors.append(error)
    if errors:
        raise ExceptionGroup("several", errors)
    return "none"


def handle(kinds):
    handled = []
    try:
        handled.append(collect(kinds))
    except* ValueError as group:
        handled.append(("value", len(group.exceptions)))
    except* TypeError as group:
        handled.append(("type", len(group.exceptions)))
    return handled


print(handle(["value", "type", "value"]), handle(["ok"]), handle(["type"]))
