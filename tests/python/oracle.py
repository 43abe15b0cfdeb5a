"""The ground truth: what a program did, read by a slow and simple recorder in pure Python.

`record(program)` runs `python program` as it is, with callbacks on `sys.monitoring` that a
`sitecustomize` starts before `__main__`, so that stack, `sys.argv` and `__main__` are the
program's own. Every event in the program's own files becomes one JSON line:

    {"event": "line", "step": 7, "thread": 0, "function": "Box.area", "file": "/…/p.py",
     "line": 12, "locals": {"width": VALUE}}

Events are line (also for each turn of a loop statement written on one line, where sys.monitoring
has a jump only), call, return, yield, resume, throw, unwind, raise and handled. All carry the
state of the frame's locals; return and yield also "value", the four kinds of exception events
"type". In a module and a class body the locals are its namespace without dunder names. A step
shows the state before its line; what the last line did is in the return or unwind event.

VALUE, the normal form, is a list [kind, type name, payload, attributes]:

| kind | payload |
|---|---|
| none bool int complex … | text, as `repr` gives it for the built-in base type |
| float | `float.hex`, so that equal means bit-exact (every nan is "nan") |
| str | the text itself; a lone surrogate travels as JSON's \\udxxx |
| bytes | hexadecimal digits (bytearray too; the type name tells) |
| list tuple deque | values |
| set | values sorted by their JSON text (frozenset too) |
| dict | [key, value] pairs in order |
| exception | its args |
| object | null; attributes from `__dict__` and slots |
| opaque | null: only the type is known (functions, modules, generators, …) |
| deep cycle | null: below the depth limit, or on the way to itself |

Attributes are {name: VALUE} or {} where there are none. No code of the program runs while a
value is read, and nothing of it is kept: locals are fetched one by one with `PyFrame_GetVar`,
not with `f_locals`, which on 3.12 would keep them alive.
"""

import ast
import atexit
import collections
import ctypes
import datetime
import decimal
import fractions
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import types
import uuid
from pathlib import Path

DEPTH = 3
TOOL = 4
OPTIMIZED = 0x1  # co_flags of a function: its locals are slots, not a namespace
HERE = Path(__file__).resolve().parent

# Types whose own repr runs no code of the program and says all there is.
TEXT_TYPES = {
    complex: "complex",
    range: "range",
    slice: "slice",
    type(...): "ellipsis",
    decimal.Decimal: "decimal",
    fractions.Fraction: "fraction",
    datetime.date: "date",
    datetime.time: "time",
    datetime.datetime: "datetime",
    datetime.timedelta: "timedelta",
    uuid.UUID: "uuid",
    pathlib.PurePosixPath: "path",
    pathlib.PosixPath: "path",
}


def mro_of(kind):
    return type.__dict__["__mro__"].__get__(kind)


def attributes_of(value):
    """What an instance holds in its dict and its slots, without asking the instance."""
    found = {}
    for base in reversed(mro_of(type(value))):
        for name, member in type.__dict__["__dict__"].__get__(base).items():
            if type(member) is types.MemberDescriptorType:
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
            elif name == "__dict__" and type(member) is types.GetSetDescriptorType:
                found.update(member.__get__(value))
    return found


def float_text(value):
    return "nan" if value != value else float.hex(value)


def ordered_items(value):
    is_ordered = collections.OrderedDict in mro_of(type(value))
    return list((collections.OrderedDict if is_ordered else dict).items(value))


class Normalizer:
    """Turns one live value into its normal form."""

    def __init__(self, depth, folder):
        self.depth = depth
        self.folder = folder
        self.path = set()

    def is_plain(self, base):
        """Whether a class is the program's own: others hold clocks, locks and addresses."""
        if base is object:
            return True
        module = type.__dict__["__dict__"].__get__(base).get("__module__")
        file = getattr(sys.modules.get(module), "__file__", None) or ""
        return module in PLAIN_MODULES or file.startswith(self.folder)

    def items(self, values, depth):
        return [self.value(item, depth) for item in values]

    def payload(self, value, base, depth):
        """The payload of a container whose built-in base is `base`."""
        if base is dict:
            pairs = ordered_items(value)
            return [[self.value(k, depth), self.value(v, depth)] for k, v in pairs]
        items = self.items(base.__iter__(value), depth)
        if base in (set, frozenset):
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items

    def container(self, value, kind, base, depth):
        name = type(value).__name__
        if depth == 0:
            return ["deep", name, None, {}]
        if id(value) in self.path:
            return ["cycle", name, None, {}]
        self.path.add(id(value))
        try:
            payload = self.payload(value, base, depth - 1) if base else None
            return [kind, name, payload, self.attributes(value, depth - 1)]
        finally:
            self.path.discard(id(value))

    def attributes(self, value, depth):
        if type(value) in EXACT:
            return {}
        return {str(k): self.value(v, depth) for k, v in attributes_of(value).items()}

    def exception(self, value, depth):
        form = self.container(value, "exception", None, depth)
        if form[0] == "exception":
            form[2] = self.items(BaseException.args.__get__(value), depth - 1)
        return form

    def value(self, value, depth=None):
        depth = self.depth if depth is None else depth
        kind = type(value)
        if kind in TEXT_TYPES:
            return [TEXT_TYPES[kind], kind.__name__, kind.__repr__(value), {}]
        bases = mro_of(kind)
        for base, (name, text) in SCALARS.items():
            if base in bases:
                return [name, kind.__name__, text(value), self.attributes(value, depth - 1)]
        for base, name in CONTAINERS.items():
            if base in bases:
                return self.container(value, name, base, depth)
        if BaseException in bases:
            return self.exception(value, depth)
        if type in bases or not all(self.is_plain(base) for base in bases):
            return ["opaque", kind.__name__, None, {}]
        return self.container(value, "object", None, depth)


# bool before int: the first base that matches decides.
SCALARS = {
    type(None): ("none", lambda value: "None"),
    bool: ("bool", bool.__repr__),
    int: ("int", int.__repr__),
    float: ("float", float_text),
    str: ("str", lambda value: str.__str__(value)[:]),
    bytes: ("bytes", bytes.hex),
    bytearray: ("bytes", bytearray.hex),
}
CONTAINERS = {
    list: "list",
    tuple: "tuple",
    dict: "dict",
    set: "set",
    frozenset: "set",
    collections.deque: "deque",
}
EXACT = {*SCALARS, *CONTAINERS}
# Bases from these modules add attributes that mean the same in every run.
PLAIN_MODULES = {"enum", "abc", "typing"}


get_variable = ctypes.pythonapi.PyFrame_GetVar
get_variable.argtypes = [ctypes.py_object, ctypes.py_object]
get_variable.restype = ctypes.py_object


def is_dunder(name):
    return name.startswith("__") and name.endswith("__")


def locals_of(frame, normalizer):
    code = frame.f_code
    if not code.co_flags & OPTIMIZED:
        namespace = dict(frame.f_locals)
        return {k: normalizer.value(v) for k, v in namespace.items() if not is_dunder(k)}
    found = {}
    for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
        try:
            found[name] = normalizer.value(get_variable(frame, name))
        except NameError:
            continue
    return found


def write_lines(output, lines):
    with open(output, "w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)


@functools.cache
def code_positions(code):
    return list(code.co_positions())


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@functools.cache
def comprehensions(file):
    """Where a file has comprehensions: (line, column), (end line, end column)."""
    with open(file, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    return [
        ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
        for node in ast.walk(tree)
        if isinstance(node, COMPREHENSIONS)
    ]


def is_in_comprehension(code, position):
    line, end_line, column, end_column = position
    return any(
        first <= (line, column) and (end_line, end_column) <= last
        for first, last in comprehensions(code.co_filename)
    )


class Oracle:
    """The callbacks, and what they saw."""

    def __init__(self, output, folder, depth):
        self.output = output
        self.lines = []  # in memory: writing would let another thread in
        self.folder = folder
        self.normalizer = Normalizer(depth, folder)
        self.threads = {}
        self.steps = 0

    def owns(self, code):
        return code.co_filename.startswith(self.folder)

    def thread(self):
        # The object, not its ident: idents are used again.
        current = threading.current_thread()
        return self.threads.setdefault(current, len(self.threads))

    def write(self, event, frame, **facts):
        record = {
            "event": event,
            "thread": self.thread(),
            "function": frame.f_code.co_qualname,
            "file": frame.f_code.co_filename,
            **facts,
            "locals": locals_of(frame, self.normalizer),
        }
        self.lines.append(json.dumps(record))

    def line(self, code, line):
        if not self.owns(code):
            return sys.monitoring.DISABLE
        self.write("line", sys._getframe(1), line=line, step=self.steps)
        self.steps += 1
        return None

    def jump(self, code, start, end):
        """Another turn of a loop on one line: a step that sys.monitoring has no LINE for."""
        if not self.owns(code):
            return sys.monitoring.DISABLE
        lines = code_positions(code)
        line = lines[start // 2][0]
        if end >= start or line is None or line != lines[end // 2][0]:
            return None
        if not is_in_comprehension(code, lines[start // 2]):
            self.write("line", sys._getframe(1), line=line, step=self.steps)
            self.steps += 1
        return None

    def moment(self, event, code):
        """PY_START and PY_RESUME."""
        if not self.owns(code):
            return sys.monitoring.DISABLE
        self.write(event, sys._getframe(2))
        return None

    def result(self, event, code, value):
        """PY_RETURN and PY_YIELD."""
        if not self.owns(code):
            return sys.monitoring.DISABLE
        self.write(event, sys._getframe(2), value=self.normalizer.value(value))
        return None

    def exception(self, event, code, error):
        """The four events of an exception, which cannot be disabled."""
        if self.owns(code):
            self.write(event, sys._getframe(2), type=type(error).__name__)

    def start(self):
        monitoring = sys.monitoring
        monitoring.use_tool_id(TOOL, "oracle")
        callbacks = {
            "LINE": self.line,
            "JUMP": self.jump,
            "PY_START": lambda code, _offset: self.moment("call", code),
            "PY_RESUME": lambda code, _offset: self.moment("resume", code),
            "PY_RETURN": lambda code, _offset, value: self.result("return", code, value),
            "PY_YIELD": lambda code, _offset, value: self.result("yield", code, value),
            "PY_THROW": lambda code, _offset, error: self.exception("throw", code, error),
            "PY_UNWIND": lambda code, _offset, error: self.exception("unwind", code, error),
            "RAISE": lambda code, _offset, error: self.exception("raise", code, error),
            "EXCEPTION_HANDLED": lambda code, _o, error: self.exception("handled", code, error),
        }
        mask = 0
        for name, callback in callbacks.items():
            event = getattr(monitoring.events, name)
            monitoring.register_callback(TOOL, event, callback)
            mask |= event
        monitoring.set_events(TOOL, mask)

    def stop(self):
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.free_tool_id(TOOL)
        write_lines(self.output, self.lines)


class LineTracer:
    """The older interface, as a second witness of which lines ran: `sys.settrace`."""

    def __init__(self, output, folder, _depth):
        self.output = output
        self.lines = []
        self.folder = folder

    def trace(self, frame, event, _argument):
        if not frame.f_code.co_filename.startswith(self.folder):
            return None
        if event == "line":
            record = {"event": "line", "function": frame.f_code.co_qualname, "line": frame.f_lineno}
            self.lines.append(json.dumps(record))
        return self.trace

    def start(self):
        sys.settrace(self.trace)

    def stop(self):
        sys.settrace(None)
        write_lines(self.output, self.lines)


WITNESSES = {"monitoring": Oracle, "settrace": LineTracer}


def install(witness, output, folder, depth):
    """Start a witness in this process; it stops when the program's own exit functions have run."""
    # Threads change places where they wait and nowhere else, so that runs can be compared.
    sys.setswitchinterval(1000)
    observer = WITNESSES[witness](output, folder, depth)
    atexit.register(observer.stop)
    observer.start()


SITE = """\
import sys
sys.path[:] = [entry for entry in sys.path if entry != {site!r}]
sys.path.insert(0, {here!r})
import oracle
sys.path.remove({here!r})
oracle.install({witness!r}, {output!r}, {folder!r}, {depth!r})
"""


class Run:
    """One run of a program: what it printed, how it ended, and what was seen."""

    def __init__(self, done, events):
        self.stdout = done.stdout
        self.stderr = done.stderr
        self.status = done.returncode
        self.events = events


def environment(**extra):
    """An environment in which two runs of a program do the same."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"} | extra


def run(program, python=sys.executable):
    """Run a program without any witness."""
    done = subprocess.run([python, str(program)], capture_output=True, env=environment())
    return Run(done, [])


def record(program, python=sys.executable, depth=DEPTH, witness="monitoring"):
    """Run a program under a witness and return the run with its events."""
    program = Path(program).resolve()
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        output = os.path.join(scratch, "events.jsonl")
        site = SITE.format(
            site=scratch,
            here=str(HERE),
            witness=witness,
            output=output,
            folder=str(program.parent) + os.sep,
            depth=depth,
        )
        Path(scratch, "sitecustomize.py").write_text(site, encoding="utf-8")
        done = subprocess.run(
            [python, str(program)], capture_output=True, env=environment(PYTHONPATH=scratch)
        )
        with open(output, encoding="ascii") as file:
            return Run(done, [json.loads(line) for line in file])


if __name__ == "__main__":
    for seen in record(sys.argv[1]).events:
        print(json.dumps(seen))
