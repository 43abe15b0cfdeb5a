"""What records refer to by number: paths, sources, types, code, threads, the run."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tracefmt.cursor import Cursor, Damaged, text_of

FAMILY_KINDS = """
    object int float complex str bytes bytearray list tuple namedtuple set frozenset dict deque
    exception function method class module enum dataclass generator buffer date datetime time
    timedelta decimal fraction path uuid pattern match mappingproxy cell namespace traceback stream
"""
FAMILIES = FAMILY_KINDS.split()

ARG, CELL, NAMESPACE = 1, 2, 5
ALSO_ARG = 0x10
KINDS, ACTIONS = 6, 3


@dataclass
class Type:
    """A Python type; `kind` is the word for how its values are stored and read."""

    kind: str
    module: str
    name: str
    fields: list[str]

    @property
    def short_name(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass
class Variable:
    """A variable slot of a plan."""

    name: str
    kind: int
    action: int

    @property
    def is_argument(self) -> bool:
        return self.kind & 0x0F == ARG or bool(self.kind & ALSO_ARG)

    @property
    def is_namespace(self) -> bool:
        return self.kind & 0x0F == NAMESPACE


@dataclass
class Plan:
    """A code object that ran."""

    path: int
    name: str
    qualified_name: str
    module: str
    first_line: int
    flags: int
    arguments: tuple[int, int, int]
    globals: int | None
    variables: list[Variable]


@dataclass
class Thread:
    """A thread of the program."""

    native_id: int
    identifier: int
    name: str


@dataclass
class Definitions:
    """All definitions of a trace."""

    run: list[tuple[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sources: dict[int, bytes] = field(default_factory=dict)
    source_flags: dict[int, int] = field(default_factory=dict)
    types: list[Type] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    threads: dict[int, Thread] = field(default_factory=dict)
    facts: dict[int, bytes] = field(default_factory=dict)
    open_source: int | None = None

    def add(self, raw: bytes) -> None:
        """Take the definitions of a DEFS block."""
        cursor = Cursor(raw)
        while cursor.left:
            kind = cursor.u8()
            content = Cursor(cursor.text())
            if kind not in READERS:
                raise Damaged(f"a definition of kind {kind}")
            READERS[kind](self, content)
            if content.left:
                raise Damaged(f"a definition of kind {kind} is too long")

    def add_run(self, content: Cursor) -> None:
        self.run.append((text_of(content.text()), text_of(content.text())))

    def add_path(self, content: Cursor) -> None:
        self.paths.append(text_of(content.text()))

    def add_source(self, content: Cursor) -> None:
        path, flags = content.varint(), content.u8()
        if path >= len(self.paths) or self.open_source not in (None, path):
            raise Damaged("a source of another path")
        before = self.sources[path] if self.open_source is not None else b""
        self.sources[path] = before + content.rest()
        self.source_flags[path] = flags & ~4
        self.open_source = path if flags & 4 else None

    def add_type(self, content: Cursor) -> None:
        family = content.u8()
        if family >= len(FAMILIES):
            raise Damaged(f"a type of family {family}")
        module, name = text_of(content.text()), text_of(content.text())
        fields = [text_of(content.text()) for _ in range(content.count())]
        self.types.append(Type(FAMILIES[family], module, name, fields))

    def add_plan(self, content: Cursor) -> None:
        path = content.varint()
        if path >= len(self.paths):
            raise Damaged("code of an undefined path")
        name, qualified, module = (text_of(content.text()) for _ in range(3))
        first_line, flags = content.varint(), content.varint()
        arguments = (content.varint(), content.varint(), content.varint())
        module_globals = content.varint()
        variables = [
            Variable(text_of(content.text()), content.u8(), content.u8())
            for _ in range(content.count())
        ]
        for variable in variables:
            if variable.kind & 0x0F >= KINDS or variable.kind & ~(0x0F | ALSO_ARG):
                raise Damaged(f"variable {variable.name!r} of kind {variable.kind}")
            if variable.action >= ACTIONS:
                raise Damaged(f"variable {variable.name!r} of action {variable.action}")
        self.plans.append(
            Plan(
                path,
                name,
                qualified,
                module,
                first_line,
                flags,
                arguments,
                module_globals - 1 if module_globals else None,
                variables,
            )
        )

    def add_thread(self, content: Cursor) -> None:
        number = content.varint()
        self.threads[number] = Thread(content.varint(), content.varint(), text_of(content.text()))

    def add_facts(self, content: Cursor) -> None:
        plan = content.varint()
        if plan >= len(self.plans) or plan in self.facts or not content.left:
            raise Damaged(f"facts of code {plan}")
        self.facts[plan] = content.rest()


READERS: dict[int, Callable[[Definitions, Cursor], None]] = {
    1: Definitions.add_run,
    2: Definitions.add_path,
    3: Definitions.add_source,
    4: Definitions.add_type,
    5: Definitions.add_plan,
    6: Definitions.add_thread,
    7: Definitions.add_facts,
}
