"""What the history of each variable of a program must be, told by `sys.settrace` as it runs.

An entry is a step and a text: the first step that shows it, as the recording counts steps, and
what it shows there. A variable has one where it is bound to something else, and where the object
it is bound to changed: what that holds itself, no deeper.
"""

import sys
from collections import Counter, defaultdict

CONTAINERS = (list, dict, set)
OPTIMIZED = 0x1
GONE = object()


def is_thing(value):
    return isinstance(value, CONTAINERS) or hasattr(value, "__dict__")


def inside(value):
    """What an object holds itself, to be compared later."""
    if isinstance(value, dict):
        held = [part for pair in value.items() for part in pair]
    elif isinstance(value, CONTAINERS):
        held = list(value)
    else:
        held = [part for pair in vars(value).items() for part in pair]
    return [id(part) if is_thing(part) else part for part in held]


def text_of(value):
    """As the recording writes it."""
    if value is GONE:
        return "<unbound>"
    if isinstance(value, CONTAINERS):
        if isinstance(value, list):
            return "[" + ", ".join(map(text_of, value)) + "]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {text_of(value[key])}" for key in value) + "}"
        return repr(value)
    if is_thing(value):
        attributes = ", ".join(f"{name}={text_of(part)}" for name, part in vars(value).items())
        return f"<{type(value).__name__} {attributes}>"
    return repr(value)


def is_same(a, b):
    return a is b if is_thing(a) or is_thing(b) or GONE in (a, b) else a == b


class Scope:
    """The variables of one activation, or of the module."""

    def __init__(self, name, number, variables):
        self.name = name
        self.number = number
        self.variables = variables  # a function: what they are now
        self.bound = {}
        self.seen = {}


class Oracle:
    def __init__(self, file, names):
        self.file = file
        self.names = set(names)
        self.steps = 0
        self.calls = 0
        self.scopes = []
        self.entries = defaultdict(list)  # by function and variable: step, object, text, kind, call
        self.open = []  # those whose step has not come yet

    def add(self, scope, name, value, kind):
        text = None if is_thing(value) else text_of(value)
        entry = [self.steps, value, text, kind, scope.number]
        self.entries[scope.name, name].append(entry)
        self.open.append(entry)

    def look_at_bindings(self, scope):
        now = {k: v for k, v in scope.variables().items() if k in self.names}
        for name in {*now, *scope.bound}:
            value, before = now.get(name, GONE), scope.bound.get(name, GONE)
            if is_same(value, before):
                continue
            self.add(scope, name, value, "bound")
            scope.bound[name] = value
            scope.seen[name] = inside(value) if is_thing(value) else None

    def look_inside(self, scope):
        for name, value in scope.bound.items():
            if is_thing(value) and inside(value) != scope.seen[name]:
                scope.seen[name] = inside(value)
                self.add(scope, name, value, "inside")

    def settle(self):
        for entry in self.open:
            entry[2] = entry[2] or text_of(entry[1])
        self.open = []

    def trace(self, frame, event, _argument):
        if frame.f_code.co_filename != self.file:
            return None
        if event == "call":
            is_function = frame.f_code.co_flags & OPTIMIZED
            is_module = frame.f_globals is frame.f_locals and not self.scopes
            name = frame.f_code.co_qualname
            variables = (lambda: frame.f_locals) if is_function or is_module else dict
            self.scopes.append(Scope(name, self.calls, variables))
            self.calls += 1
        self.look_at_bindings(self.scopes[0])
        self.look_at_bindings(self.scopes[-1])
        for scope in self.scopes:
            self.look_inside(scope)
        if event == "line":
            self.settle()
            self.steps += 1
        elif event == "return":
            self.scopes.pop()
        return self.trace

    def names_of(self, function):
        return sorted(name for owner, name in self.entries if owner == function)

    def first_call(self, function):
        return min(e[4] for (owner, _), of in self.entries.items() if owner == function for e in of)

    def history(self, function, name, call=None):
        """(step, text) in order; all that one step changed of one object is one."""
        steps = defaultdict(Counter)
        for step, value, text, kind, number in self.entries[function, name]:
            if call in (None, number):
                steps[step][id(value) if is_thing(value) else text, kind, text] += 1
        told = []
        for step, entries in steps.items():
            for (value, kind, text), count in entries.items():
                is_told = kind == "inside" and (value, "bound", text) in entries
                told += [] if is_told else [(step, text)] * (1 if kind == "inside" else count)
        return told


def histories_of(source, file, names):
    """Run a program, and return its oracle."""
    code = compile(source, file, "exec")
    oracle = Oracle(file, names)
    sys.settrace(oracle.trace)
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        sys.settrace(None)
    oracle.settle()
    return oracle
