"""Static facts of code: what its lines read, write and call, its loops and branches."""

from typing import Any

from tracefmt.cursor import Cursor, Damaged, text_of

LOOPS = ["for", "while", "async for", "comprehension"]
SENSES = ["false", "true", "none", "not none"]
USES = """
    read,write,delete,read name,write name,delete name,read attribute,write attribute,
    delete attribute,read item,write item,delete item,call,code
"""
USE_NAMES = [use.strip() for use in USES.split(",")]
LINE, LINES, NO_COLUMNS = 0x10, 0x20, 0x40
VARIABLES, NAMES, CODE = range(3), range(3, 9), 13
STAR, DOUBLE_STAR = 4, 8
U32 = 1 << 32


def checked(number: int) -> int:
    if not 0 <= number < U32:
        raise Damaged(f"a line or column of {number}")
    return number


def word(words: list[str], number: int) -> str:
    if number >= len(words):
        raise Damaged(f"a fact of kind {number}")
    return words[number]


class Places:
    """The places of one section, each told by its difference to the one before."""

    def __init__(self, cursor: Cursor, first_line: int) -> None:
        self.cursor = cursor
        self.line, self.column = first_line, 0

    def head(self, words: list[str]) -> tuple[int, str]:
        head = self.cursor.u8()
        if head & 0x80:
            raise Damaged("a head with unknown flags")
        return head, word(words, head & 0x0F)

    def place(self, head: int) -> dict[str, int]:
        if head & LINE:
            self.line, self.column = checked(self.line + self.cursor.zigzag()), 0
        end_line = checked(self.line + (self.cursor.varint() if head & LINES else 0))
        place = {"line": self.line, "end_line": end_line}
        if not head & NO_COLUMNS:
            self.column = checked(self.column + self.cursor.zigzag())
            end = self.cursor.varint() + (0 if head & LINES else self.column)
            place |= {"column": self.column, "end_column": checked(end)}
        return place


def read_loops(cursor: Cursor, line: int) -> list[dict[str, Any]]:
    loops = []
    for _ in range(cursor.count()):
        kind = word(LOOPS, cursor.u8())
        line = checked(line + cursor.zigzag())
        last = checked(line + cursor.varint())
        loops.append({"kind": kind, "first_line": line, "last_line": last})
    return loops


def read_branches(cursor: Cursor, first_line: int) -> list[dict[str, Any]]:
    branches, places = [], Places(cursor, first_line)
    for _ in range(cursor.count()):
        head, sense = places.head(SENSES)
        branch: dict[str, Any] = places.place(head)
        branch["next_line"] = checked(places.line + cursor.zigzag())
        branch["jumps_if"] = sense
        branch["jump_line"] = checked(places.line + cursor.zigzag())
        branches.append(branch)
    return branches


def pick(items: list[Any], number: int) -> Any:
    if number >= len(items):
        raise Damaged(f"a use of name {number} of {len(items)}")
    return items[number]


def read_uses(
    cursor: Cursor,
    first_line: int,
    variables: list[str],
    names: list[str],
    codes: list[tuple[str, int]],
) -> list[dict[str, Any]]:
    uses, places = [], Places(cursor, first_line)
    for _ in range(cursor.count()):
        head, kind = places.head(USE_NAMES)
        use: dict[str, Any] = {"use": kind}
        number = head & 0x0F
        if number in VARIABLES:
            use["name"] = pick(variables, cursor.varint())
        elif number in NAMES:
            use["name"] = pick(names, cursor.varint())
        elif number == CODE:
            use["name"], use["first_line"] = pick(codes, cursor.varint())
        uses.append(use | places.place(head))
    return uses


def read_facts(content: bytes, first_line: int, variables: list[str]) -> dict[str, Any]:
    """The facts of one plan, in the words of `ct print --functions --format json`."""
    cursor = Cursor(content)
    flags = cursor.u8()
    names = [text_of(cursor.text()) for _ in range(cursor.count())]
    codes = [(text_of(cursor.text()), checked(cursor.varint())) for _ in range(cursor.count())]
    facts = {
        "loops": read_loops(cursor, first_line),
        "branches": read_branches(cursor, first_line),
        "uses": read_uses(cursor, first_line, variables, names, codes),
    }
    if cursor.left or flags > 1:
        raise Damaged("the facts are damaged")
    return facts | ({"cut": True} if flags else {})


def parameters(variables: list[str], counts: tuple[int, int, int], flags: int) -> list[Any]:
    """The parameters of a plan: its first variables."""
    positional_only, arguments, keyword_only = counts
    kinds = ["positional-only"] * positional_only
    kinds += ["positional"] * (arguments - positional_only) + ["keyword-only"] * keyword_only
    kinds += ["star"] * bool(flags & STAR) + ["double star"] * bool(flags & DOUBLE_STAR)
    return [{"name": name, "kind": kind} for name, kind in zip(variables, kinds, strict=False)]


def printed_functions(definitions: Any) -> list[dict[str, Any]]:
    """All code of a trace as `ct print --functions --format json` shows it."""
    printed = []
    for number, plan in enumerate(definitions.plans):
        names = [variable.name for variable in plan.variables]
        shown = {
            "code": number,
            "function": plan.qualified_name,
            "module": plan.module,
            "file": definitions.paths[plan.path],
            "line": plan.first_line,
            "parameters": parameters(names, plan.arguments, plan.flags),
        }
        nothing: dict[str, Any] = {"loops": [], "branches": [], "uses": []}
        content = definitions.facts.get(number)
        facts = nothing if content is None else read_facts(content, plan.first_line, names)
        printed.append(shown | facts)
    return printed
