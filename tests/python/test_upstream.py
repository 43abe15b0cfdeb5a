"""Our exports beside those of upstream's recorder 0.3.0: the same program, event by event.

docs/reference/compatibility.md says why each mask here is there; a mask is a function below, by the
same name. What is not masked must be equal.
"""

import ast
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from event_stream import Row, read_binary, read_json, rows

VERSION = "codetracer-python-recorder==0.3.0"
PATIENCE = 120  # seconds; upstream takes a fifth of one for most of these programs

# What upstream cannot record, or changes by recording.
LEFT_OUT = {
    "cycles": "a cyclic list overflows its stack and kills the process",
    "threads": "its lock and the interpreter's lock each other out",
    "imports_sibling": "the program's folder is not on its sys.path",
    "lifetimes": "it keeps objects alive",
    "generator_dropped": "it keeps objects alive",
    "recursion_limit": "its own calls count against the recursion limit",
    "output_streams": "it does not see what goes to a redirected sys.stdout",
}

# What our recording lacks. A program that agrees again has to leave this list.
DIFFERENT = {
    "collections_used": "upstream does not see the order of an OrderedDict's moved keys",
}
QUICK = ("generators", "exceptions_chained", "closures", "class_bodies", "set_mutations")

PROGRAMS = sorted((Path(__file__).parent.parent / "programs").glob("*.py"))
COMPARED = [path for path in PROGRAMS if path.stem not in LEFT_OUT]

Mask = Callable[["Comparison", Any, Any], bool]


# ---- recording -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def upstream(request: pytest.FixtureRequest) -> Path:
    """Return an interpreter with upstream's recorder, installed once into pytest's cache."""
    name = f"upstream-{sys.version_info[0]}.{sys.version_info[1]}"
    place = request.config.cache.mkdir(name)
    python = place / "bin" / "python"
    is_ready = place / "installed"
    if not is_ready.exists():
        venv.create(place, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "--retries", "1", VERSION]
        installed = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if installed.returncode != 0:
            pytest.skip(f"{VERSION} cannot be installed: {installed.stderr.strip()[-300:]}")
        is_ready.touch()
    return python


def record(python: Path | str, program: Path, out: Path, form: str = "json") -> None:
    """Record with whichever recorder that interpreter has."""
    environment = {name: os.environ[name] for name in os.environ if "CODETRACER" not in name}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    command = [python, "-m", "codetracer_python_recorder", "--trace-dir", out, "--format", form]
    done = subprocess.run(
        [*command, program],
        cwd=out.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
    )
    name = "trace.json" if form == "json" else "trace.bin"
    assert (out / name).is_file(), done.stderr.decode()


# ---- what the program itself tells ---------------------------------------------------------------


class Source:
    """Facts about a program that some masks need."""

    def __init__(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        functions = [node.name for node in nodes if isinstance(node, ast.FunctionDef)]
        self.classes = {node.name for node in classes}
        self.classes_with_text = {node.name for node in classes if self.has_text(node)}
        self.repeated = {name for name in functions if functions.count(name) > 1}

    @staticmethod
    def has_text(node: ast.ClassDef) -> bool:
        """Whether a class has a text of its own; what it may inherit counts, too."""
        methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        return bool(methods & {"__str__", "__repr__"}) or bool(node.bases)


# ---- masks: differences between two values that are meant to be ----------------------------------

DEFAULT_TEXT = re.compile(r"<(?:(?P<module>[\w.]+)\.)?(?P<name>\w+) object at 0x>")
MODULE_TEXT = re.compile(r"<module '([^']+)'.*>")
LIMIT_MARK = "\N{HORIZONTAL ELLIPSIS} ("


def is_raw(value: Any) -> bool:
    return isinstance(value, tuple) and value[0] == "Raw"


def is_container(value: Any) -> bool:
    return isinstance(value, tuple) and value[0] in ("Sequence", "Tuple")


def user_text(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """Ours is the default text of an instance whose class has another, which upstream ran."""
    if not is_raw(ours) or theirs[0] not in ("Raw", "Error"):
        return False
    found = DEFAULT_TEXT.fullmatch(ours[2])
    if found is None or (is_raw(theirs) and DEFAULT_TEXT.fullmatch(theirs[2])):
        return False
    name = found["name"]
    is_program = name in comparison.source.classes
    return not is_program or name in comparison.source.classes_with_text


def enum_class(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """Ours names the class; upstream ran its metaclass's `__repr__`."""
    return (
        is_raw(ours)
        and is_raw(theirs)
        and re.fullmatch(r"<(enum|flag) '\w+'>", ours[2]) is not None
    )


def module_text(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """The same module, with or without the file it is from."""
    if not (is_raw(theirs) and is_raw(ours)):
        return False
    found = [MODULE_TEXT.fullmatch(value[2]) for value in (theirs, ours)]
    return all(found) and found[0][1] == found[1][1]  # type: ignore[index]


def parts_of_partial(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """Text made of the texts of its parts; an instance among them reads as it does elsewhere."""
    start = "functools.partial("
    both = is_raw(theirs) and is_raw(ours)
    return both and theirs[2].startswith(start) and ours[2].startswith(start)


def no_text(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """`str()` failed in upstream."""
    return bool(theirs == ("Error", "Object", "<unrepr>") and is_raw(ours))


def limit(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """A limit of the recording left something out, and ours says so."""
    return isinstance(ours, tuple) and LIMIT_MARK in str(ours[2])


def redaction(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """Upstream takes parts of words for secrets, we take words."""
    hidden = ("Error", "Redacted", "<redacted>")
    return hidden in (theirs, ours)


def deep_lag(comparison: "Comparison", theirs: Any, ours: Any) -> bool:
    """Containers inside the containers that a variable holds may be some steps old."""
    return comparison.depth >= 2 and is_container(theirs) and is_container(ours)


MASKS: tuple[Mask, ...] = (
    user_text,
    enum_class,
    module_text,
    parts_of_partial,
    no_text,
    limit,
    redaction,
    deep_lag,
)


# ---- the comparison ------------------------------------------------------------------------------


class Comparison:
    """Compares values, descending as long as both are the same kind of container."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.depth = 0
        self.before: dict[str, list[Any]] = {}  # upstream's earlier values of each variable

    def agree(self, theirs: Any, ours: Any) -> bool:
        if theirs == ours:
            return True
        if any(mask(self, theirs, ours) for mask in MASKS):
            return True
        is_same = is_container(theirs) and is_container(ours) and theirs[:2] == ours[:2]
        if not is_same or len(theirs[2]) != len(ours[2]):
            return False
        self.depth += 1
        agreed = all(map(self.agree, theirs[2], ours[2]))
        self.depth -= 1
        return agreed

    def global_lag(self, name: str, ours: Any) -> bool:
        """A container that the running line does not name may be some steps old."""
        earlier = self.before.get(name, [])
        return is_container(ours) and any(self.agree(value, ours) for value in earlier)

    def differences(self, theirs: Row, ours: Row) -> Iterator[str]:
        if not isinstance(theirs.values, dict):
            if not self.agree(theirs.values, ours.values):
                yield f"{theirs.values} / {ours.values}"
            return
        for name in sorted(theirs.values.keys() | ours.values.keys()):
            one, other = theirs.values.get(name), ours.values.get(name)
            is_in_both = one is not None and other is not None
            agreed = is_in_both and (self.agree(one, other) or self.global_lag(name, other))
            if not agreed:
                yield f"{name}: {one} / {other}"
            if one is not None:
                self.before.setdefault(name, []).append(one)


# ---- masks: rows that are meant to differ --------------------------------------------------------

MODULE_NAMES = {
    "__name__",
    "__doc__",
    "__package__",
    "__loader__",
    "__spec__",
    "__file__",
    "__cached__",
    "__builtins__",
    "__annotations__",
}


def without_module_names(row: Row) -> Row:
    """Module dunders differ: upstream runs the program by runpy, we run it as Python does."""
    if isinstance(row.values, dict):
        values = {name: row.values[name] for name in row.values.keys() - MODULE_NAMES}
        return row._replace(values=values)
    return row


def without_first_step(found: list[Row]) -> list[Row]:
    """<toplevel> has a step of its own in our stream."""
    assert found[0].kind == "call"
    assert found[1].kind == "step"
    return [found[0], *found[2:]]


def end_as_upstream(found: list[Row]) -> list[Row]:
    """What happens after the program's last line, and the way it ended, is only in ours."""
    last = max(index for index, row in enumerate(found) if row.kind != "output")
    before = max(index for index, row in enumerate(found[:last]) if row.kind != "output")
    return [*found[: before + 1], found[last]]


def with_output_behind_calls(found: list[Row]) -> list[Row]:
    """Upstream puts what a line wrote behind the calls the line then makes."""
    found = list(found)
    for at in range(len(found) - 2):
        if [row.kind for row in found[at : at + 3]] == ["output", "step", "call"]:
            found[at : at + 3] = [*found[at + 1 : at + 3], found[at]]
    return found


def is_repeated_function(found: list[Row], at: int, source: Source) -> bool:
    """Upstream knows functions by name alone, and takes the first one's line for all."""
    is_definition = found[at].kind == "step" and found[at + 1].kind == "call"
    if not is_definition:
        return False
    name = found[at + 1].what.rsplit(".", 1)[-1]
    return name in source.repeated or name.startswith("<")


def is_exit_status(theirs: Row, ours: Row) -> bool:
    """After an exception upstream knows no exit status; we do."""
    return theirs.values == ("String", "String", "<exit>") and ours.values == ("Int", "Int", 1)


def normal(found: list[Row]) -> list[Row]:
    return with_output_behind_calls([without_module_names(row) for row in found])


def compare(theirs: list[Row], ours: list[Row], source: Source) -> list[str]:
    theirs = normal(theirs)
    ours = normal(end_as_upstream(without_first_step(ours)))
    comparison = Comparison(source)
    found: list[str] = []
    for at, (one, other) in enumerate(zip(theirs, ours, strict=False)):
        if one[:2] != other[:2] and not is_repeated_function(theirs, at, source):
            found.append(f"{at}: {one.kind} {one.what} / {other.kind} {other.what}")
            break
        if at == len(theirs) - 1 and is_exit_status(one, other):
            continue
        found.extend(
            f"{at}: {one.kind} {one.what}: {text}" for text in comparison.differences(one, other)
        )
    if len(theirs) != len(ours):
        found.append(f"{len(theirs)} rows / {len(ours)} rows")
    return found


def parameter(path: Path) -> Any:
    marks = [] if path.stem in QUICK else [pytest.mark.long]
    if path.stem in DIFFERENT:
        marks.append(pytest.mark.xfail(reason=DIFFERENT[path.stem], strict=True))
    return pytest.param(path, id=path.stem, marks=marks)


def test_enough_programs_are_compared() -> None:
    assert len(COMPARED) >= 25
    assert {path.stem for path in PROGRAMS} >= {*LEFT_OUT, *DIFFERENT, *QUICK}


@pytest.mark.parametrize("program", [parameter(path) for path in COMPARED])
def test_same_events(program: Path, upstream: Path, python: str, ct: Path, tmp_path: Path) -> None:
    record(upstream, program, tmp_path / "theirs")
    record(python, program, tmp_path / "ours")
    binary = tmp_path / "trace.bin"
    subprocess.run([ct, "export", tmp_path / "ours", "-o", binary], check=True, timeout=PATIENCE)

    theirs = rows(read_json(tmp_path / "theirs" / "trace.json"))
    events = read_json(tmp_path / "ours" / "trace.json")
    assert read_binary(binary) == events
    differences = compare(theirs, rows(events), Source(program))
    assert not differences, "theirs / ours\n" + "\n".join(differences[:20])


@pytest.mark.parametrize("program", [path for path in COMPARED if path.stem in QUICK[:2]])
def test_their_files_become_recordings(
    program: Path, upstream: Path, python: str, ct: Path, tmp_path: Path
) -> None:
    """`ct import` reads what upstream itself writes, and finds the steps our own export has."""

    def imported(folder: Path) -> list[tuple[str, int, int]]:
        out = folder.with_name(folder.name + "-imported")
        command = [ct, "import", "--unlisted", folder / "trace.json", out]
        if (folder / "trace.bin").exists():
            command[3] = folder / "trace.bin"
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        subprocess.run([ct, "verify", out], check=True, capture_output=True, timeout=PATIENCE)
        shown = subprocess.run(
            [ct, "print", out, "--format", "json", "--steps"],
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        lines = [json.loads(line) for line in shown.stdout.splitlines()]
        return [(line["file"], line["line"], line["depth"]) for line in lines]

    record(python, program, tmp_path / "ours")
    record(upstream, program, tmp_path / "theirs")
    record(upstream, program, tmp_path / "binary", "binary")
    ours = imported(tmp_path / "ours")
    assert len(ours) > 20
    assert imported(tmp_path / "theirs") == ours
    assert imported(tmp_path / "binary") == ours
