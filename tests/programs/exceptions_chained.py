"""Chained exceptions: implicit context, explicit cause, suppressed context, notes."""


class ConfigError(Exception):
    def __init__(self, key, reason):
        super().__init__(key, reason)
        self.key = key


def lookup(table, key):
    try:
        return table[key]
    except KeyError as error:
        raise ConfigError(key, "missing") from error


def convert(text):
    try:
        return int(text)
    except ValueError as error:
        error.add_note(f"while reading {text!r}")
        return len(text) / 0


def quiet(text):
    try:
        return float(text)
    except ValueError:
        raise LookupError(text) from None


outcomes = []
for action, argument in [(convert, "abc"), (quiet, "x"), (lambda k: lookup({}, k), "port")]:
    try:
        action(argument)
    except Exception as error:
        context = type(error.__context__).__name__
        cause = type(error.__cause__).__name__
        outcomes.append((type(error).__name__, context, cause))
print(outcomes)
