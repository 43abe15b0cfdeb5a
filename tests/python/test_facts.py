"""Static facts of code, against Python's own dis, co_positions and ast."""

import ast
import dis
import itertools
import json
import random
import re
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import oracle
import pytest
from trace_maker import TraceMaker
from tracefmt import Damaged, Recording, printed_functions

PROGRAMS = sorted(Path(__file__).resolve().parent.parent.joinpath("programs").glob("*.py"))
MODULES = ["argparse", "asyncio.tasks", "dataclasses", "difflib", "inspect", "tarfile", "typing"]

# Runs all code of a module up to its first instruction: another tool raises at each start.
STARTER = """\
import sys
import types

MONITORING = sys.monitoring
TOOL = 3


class Stop(BaseException):
    pass


def stop(code, offset):
    if code.co_filename == sys.argv[1]:
        raise Stop


def begin(code):
    cells = tuple(types.CellType() for _ in code.co_freevars)
    function = types.FunctionType(code, {}, "f", None, cells)
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    try:
        made = function(*[None] * code.co_argcount, **dict.fromkeys(names))
        if hasattr(made, "asend"):
            made = made.asend(None)
        made.send(None)
    except Stop:
        return
    raise AssertionError(code)


def every(code):
    begin(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            every(constant)


MONITORING.use_tool_id(TOOL, "starter")
MONITORING.register_callback(TOOL, MONITORING.events.PY_START, stop)
MONITORING.set_events(TOOL, MONITORING.events.PY_START)
with open(sys.argv[1], encoding="utf-8") as file:
    every(compile(file.read(), sys.argv[1], "exec"))
MONITORING.set_events(TOOL, 0)
"""

VARIABLE = {
    "LOAD_FAST": ["read"],
    "LOAD_FAST_CHECK": ["read"],
    "LOAD_DEREF": ["read"],
    "LOAD_FROM_DICT_OR_DEREF": ["read"],
    "STORE_FAST": ["write"],
    "STORE_DEREF": ["write"],
    "DELETE_FAST": ["delete"],
    "DELETE_DEREF": ["delete"],
    "LOAD_FAST_LOAD_FAST": ["read", "read"],
    "STORE_FAST_LOAD_FAST": ["write", "read"],
    "STORE_FAST_STORE_FAST": ["write", "write"],
}
NAMED = {
    "LOAD_NAME": "read name",
    "LOAD_GLOBAL": "read name",
    "LOAD_FROM_DICT_OR_GLOBALS": "read name",
    "STORE_NAME": "write name",
    "STORE_GLOBAL": "write name",
    "DELETE_NAME": "delete name",
    "DELETE_GLOBAL": "delete name",
    "LOAD_ATTR": "read attribute",
    "LOAD_SUPER_ATTR": "read attribute",
    "STORE_ATTR": "write attribute",
    "DELETE_ATTR": "delete attribute",
}
NAMELESS = {
    "BINARY_SUBSCR": "read item",
    "BINARY_SLICE": "read item",
    "STORE_SUBSCR": "write item",
    "STORE_SLICE": "write item",
    "DELETE_SUBSCR": "delete item",
    "CALL": "call",
    "CALL_KW": "call",
    "CALL_FUNCTION_EX": "call",
}
SENSES = {
    "POP_JUMP_IF_FALSE": "false",
    "POP_JUMP_IF_TRUE": "true",
    "POP_JUMP_IF_NONE": "none",
    "POP_JUMP_IF_NOT_NONE": "not none",
}


def place_of(instruction, with_columns=True):
    line, end_line, column, end_column = instruction.positions
    if column is None or not with_columns:
        return {"line": line, "end_line": end_line if with_columns else line}
    return {"line": line, "end_line": end_line, "column": column, "end_column": end_column}


def variable_uses(code, instruction, saved):
    """The uses of an instruction that loads or stores variables."""
    uses = VARIABLE[instruction.opname]
    numbers = [instruction.arg]
    if len(uses) == 2:
        numbers = [instruction.arg >> 4, instruction.arg & 15]
    is_restored = instruction.positions in saved
    for i, (use, number) in enumerate(zip(uses, numbers, strict=True)):
        name = code._varname_from_oparg(number)
        is_cell = name in code.co_cellvars or name in code.co_freevars
        if use == "write" and is_restored and instruction.opname != "STORE_DEREF":
            continue
        if instruction.opname == "LOAD_FAST" and is_cell:
            continue
        yield {"use": use, "name": name} | place_of(instruction, with_columns=i == 0)


def uses_of(code):
    saved = []
    for instruction in dis.get_instructions(code):
        if instruction.positions.lineno is None:
            continue
        name, place = instruction.opname, place_of(instruction)
        if name == "LOAD_FAST_AND_CLEAR":
            saved.append(instruction.positions)
        elif name in VARIABLE:
            yield from variable_uses(code, instruction, saved)
        elif name in NAMED:
            # 3.12's dis says "NULL|self + append" where the call's self is loaded with it.
            bare = str(instruction.argval)
            yield {"use": NAMED[name], "name": bare} | place
        elif name in NAMELESS:
            yield {"use": NAMELESS[name]} | place
        elif name == "LOAD_CONST" and isinstance(instruction.argval, types.CodeType):
            nested = instruction.argval
            head = {"use": "code", "name": nested.co_qualname, "first_line": nested.co_firstlineno}
            yield head | place


def branches_of(code):
    instructions = list(dis.get_instructions(code))
    lines = {}
    below = None
    for instruction in reversed(instructions):
        below = instruction.positions.lineno or below
        lines[instruction.offset] = below
    for instruction, following in itertools.pairwise(instructions):
        if instruction.opname in SENSES and instruction.positions.lineno is not None:
            line = instruction.positions.lineno
            yield place_of(instruction) | {
                "next_line": lines[following.offset] or line,
                "jumps_if": SENSES[instruction.opname],
                "jump_line": lines[instruction.argval] or line,
            }


STATEMENTS = {ast.For: "for", ast.While: "while", ast.AsyncFor: "async for"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def loops_in(tree):
    """Every loop of a source: kind, the lines it may begin on, its last line."""
    for node in ast.walk(tree):
        if type(node) in STATEMENTS:
            first = range(node.lineno, node.body[0].lineno + 1)
            yield STATEMENTS[type(node)], first, node.body[-1].end_lineno
        elif isinstance(node, COMPREHENSIONS):
            for _ in node.generators:
                lines = range(node.lineno, node.end_lineno + 1)
                yield "comprehension", lines, node.end_lineno


def finally_lines(tree):
    """Lines that the compiler writes twice: for the end of a `try` without and with exception."""
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.finalbody:
            lines |= set(range(node.finalbody[0].lineno, node.finalbody[-1].end_lineno + 1))
    return lines


def printed(ct, folder):
    command = [str(ct), "print", str(folder), "--functions", "--format", "json"]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return [json.loads(line) for line in done.stdout.decode("utf-8", "surrogatepass").splitlines()]


def record(ct, out, *command):
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    subprocess.run(
        [str(ct), "record", "--format", "ctr", "-o", str(out), *map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environ,
    )
    return printed(ct, out)


def every_code(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from every_code(constant)


def check_code(shown, code):
    """One function's facts are what dis finds in its code object."""
    assert shown["uses"] == list(uses_of(code))
    assert Counter(map(str, shown["branches"])) == Counter(map(str, branches_of(code)))
    counts = Counter(parameter["kind"] for parameter in shown["parameters"])
    assert counts["positional-only"] == code.co_posonlyargcount
    assert counts["positional-only"] + counts["positional"] == code.co_argcount
    assert counts["keyword-only"] == code.co_kwonlyargcount
    assert counts["star"] == bool(code.co_flags & 4)
    assert counts["double star"] == bool(code.co_flags & 8)
    names = [parameter["name"] for parameter in shown["parameters"]]
    assert names == list(code.co_varnames[: len(names)])


def check_loops(functions, tree):
    """Every loop is one of the source's, and no statement is taken for two loops."""
    expected = list(loops_in(tree))
    doubled = [known for known in expected if known[1][0] in finally_lines(tree)]
    found = 0
    for loop in (loop for function in functions for loop in function["loops"]):
        kind, first, last = loop["kind"], loop["first_line"], loop["last_line"]
        matching = [
            known
            for known in expected + doubled
            if known[0] == kind and first in known[1] and last <= known[2]
        ]
        assert matching, loop
        if matching[0] in expected:
            expected.remove(matching[0])
        found += 1
    return found, expected


def check_source(functions, path):
    source = path.read_text(encoding="utf-8")
    mine = [function for function in functions if function["file"] == str(path)]
    by_name = {}
    for code in every_code(compile(source, str(path), "exec", dont_inherit=True)):
        by_name.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    for function in mine:
        codes = by_name[function["function"], function["line"]]
        if len(codes) == 1:  # not two lambdas on a line
            check_code(function, codes[0])
        assert "cut" not in function
    return mine, check_loops(unique(mine), ast.parse(source))


def unique(functions):
    """Code that ran under several modules' globals is listed once for each."""
    return list({json.dumps(f | {"code": 0, "module": ""}): f for f in functions}.values())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_facts_of_the_corpus_are_those_of_dis(ct, out, program):
    functions = record(ct, out, program)
    mine, _ = check_source(functions, program)
    assert mine
    assert functions == printed_functions(Recording.open(out).definitions)


@pytest.mark.parametrize("module", MODULES)
def test_facts_of_the_standard_library_are_those_of_dis(ct, tmp_path, out, module):
    source = Path(
        sys.modules[module].__file__
        if module in sys.modules
        else __import__(module, fromlist=["x"]).__file__
    )
    copy = tmp_path / f"{module}.py"  # outside the standard library, which is not recorded
    copy.write_bytes(source.read_bytes())
    starter = tmp_path / "starter.py"
    starter.write_text(STARTER)
    functions = record(ct, out, starter, copy)
    mine, (found, missing) = check_source(functions, copy)
    codes = list(every_code(compile(copy.read_text(encoding="utf-8"), str(copy), "exec")))
    assert len(mine) == len(codes)
    # Loops that never come back to their top (each turn ends in a return) are none in the code.
    assert found >= 10 * len(missing), missing
    assert functions == printed_functions(Recording.open(out).definitions)


SHORT = """\
def f(a, b):
    total = a
    for i in b: total += i
    return total


f(1, [2])
"""


def test_functions_as_text_name_lines_and_columns(ct, tmp_path, out):
    program = tmp_path / "short.py"
    program.write_text(SHORT)
    record(ct, out, program)
    command = [str(ct), "print", "--functions", "--function", "f", str(out)]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    assert text.splitlines()[:3] == [
        "short.py:1  f(a, b)",
        "       2  reads a 12-13; writes total 4-9",
        text.splitlines()[2],
    ]
    assert text.splitlines()[2].startswith("       3  for loop to 3; ")
    assert "<module>" not in text


def both_readers(ct, folder, facts):
    """What both readers make of a function with these facts; None where they are damaged."""
    maker = TraceMaker()
    path = maker.path("short.py", SHORT)
    plan = maker.plan(path, "f", 1, tuple((name, 0) for name in "ab"), 2, {})
    maker.define(7, bytes([plan]) + facts)
    maker.save(folder)
    command = [str(ct), "print", "--functions", "--salvage", "--format", "json", str(folder)]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr
    verified = subprocess.run([str(ct), "verify", str(folder)], capture_output=True, text=True)
    is_damaged = "the facts of code 0 are damaged" in verified.stdout
    assert is_damaged == (b"the facts of code 0 are damaged" in done.stderr)
    theirs = None if is_damaged else [json.loads(line) for line in done.stdout.splitlines()]
    try:
        return theirs, printed_functions(Recording.open(folder).definitions)
    except Damaged:
        return theirs, None
    except UnicodeDecodeError:  # ct shows such names as well as it can
        return theirs, theirs


def test_no_bytes_of_facts_are_trusted(ct, tmp_path, out):
    program = tmp_path / "short.py"
    program.write_text(SHORT + "for i in ([1]):\n  print(i,\n    f)\nclass C: x: int = 1\n")
    record(ct, out, program)
    facts = Recording.open(out).definitions.facts[0]
    names = [b"\0\0\0\0\0", facts]
    generator = random.Random(8)
    for turn in range(150):
        changed = bytearray(generator.choice(names))
        for _ in range(1 + turn % 3):
            changed[generator.randrange(len(changed))] = generator.choice([0, 1, 0x7F, 0xFF, turn])
        if turn % 7 == 0:
            del changed[generator.randrange(1, len(changed)) :]
        theirs, mine = both_readers(ct, tmp_path / f"{turn}.ctr", bytes(changed))
        assert theirs == mine, bytes(changed).hex()


def test_functions_are_not_csv(ct, out):
    done = subprocess.run(
        [str(ct), "print", "--functions", "--format", "csv", str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "text or json" in done.stderr


def test_facts_of_a_huge_function_say_that_they_are_cut(ct, tmp_path, out):
    program = tmp_path / "huge.py"
    body = "\n".join(f"    value_{i} = a[{i}].b.c(a, a)" for i in range(6000))
    program.write_text(f"def f(a):\n    if not a:\n        return\n{body}\n\nf(0)\n")
    huge, *_ = (f for f in record(ct, out, program) if f["function"] == "f")
    assert huge["cut"] is True
    assert len(huge["uses"]) > 10000
    assert printed(ct, out) == printed_functions(Recording.open(out).definitions)
    done = subprocess.run([str(ct), "verify", str(out)], capture_output=True, text=True)
    assert re.match("ok: ", done.stdout), done.stdout
