"""finally, else, break, continue and return in all their order."""


def order(mode):
    log = []
    for turn in range(3):
        try:
            log.append(f"try{turn}")
            if mode == "continue":
                continue
            if mode == "break":
                break
            if mode == "return":
                return log
            if mode == "raise" and turn == 1:
                raise RuntimeError(turn)
        except RuntimeError as error:
            log.append(error.args[0])
        else:
            log.append("else")
        finally:
            log.append("finally")
    else:
        log.append("loop else")
    return log


def override():
    try:
        return 1
    finally:
        value = 2
        return value  # noqa: B012


for mode in ("continue", "break", "return", "raise", "plain"):
    print(mode, order(mode))
print(override())
