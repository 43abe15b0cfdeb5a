"""The filters of a recording, one after the other, and the table the native recorder takes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from ..frameworks import PACKAGES
from . import find_project_filter
from .document import ACTIONS, Capture, Document, Rule, read
from .mistake import mistake
from .selector import SCOPE_KINDS, Selector, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

COMMAND_LINE = "command-line"
_UNSET = -1
_STANDARD = ("stdin", "stdout", "stderr")  # by descriptor
_BUILT_IN = -1  # the number of the built-in filter; those of a chain count from 0


@dataclass(frozen=True)
class Chain:
    """Filters in the order of their evaluation; the built-in one stands before them."""

    documents: tuple[Document, ...]

    @property
    def rules(self) -> list[tuple[Document, int, Rule]]:
        """Each rule with its file and its number there, in the order of the table."""
        return [(d, i, rule) for d in self.documents for i, rule in enumerate(d.rules)]

    @property
    def capture(self) -> Capture | None:
        """What the last file with an [io] table says."""
        said = [d.capture for d in self.documents if d.capture is not None]
        return said[-1] if said else None

    def _streams(self) -> int:
        if self.capture is None:
            return _UNSET
        named = self.capture.streams if self.capture.is_on else ()
        return sum(1 << number for number, stream in enumerate(_STANDARD) if stream in named)

    def default_exec(self) -> str:
        return next((d.default_exec for d in reversed(self.documents) if d.default_exec), "trace")

    def default_value(self) -> tuple[str, int]:
        """The action, and the number of the file that set it."""
        for number, document in reversed(list(enumerate(self.documents))):
            if document.default_value is not None:
                return document.default_value, number
        return "allow", _BUILT_IN

    def table(self) -> tuple[Any, ...]:
        """Plain data for the native recorder; src/recorder/filter.h says what stands where."""
        action, action_filter = self.default_value()
        rules = tuple(
            _rule_row(number, rule)
            for number, document in enumerate(self.documents)
            for rule in document.rules
        )
        filters = tuple((d.name, d.path, d.sha256, d.version) for d in self.documents)
        roots = tuple(dict.fromkeys(d.root.rstrip("/") for d in self.documents if d.root))
        return (
            int(self.default_exec() == "skip"),
            ACTIONS.index(action),
            rules,
            filters,
            roots,
            action_filter,
            self._streams(),
        )


def _rule_row(number: int, rule: Rule) -> tuple[object, ...]:
    patterns = tuple((*p.selector.row(), ACTIONS.index(p.action)) for p in rule.patterns)
    return (
        *rule.selector.row(),
        _UNSET if rule.exec is None else int(rule.exec == "skip"),
        _UNSET if rule.value is None else ACTIONS.index(rule.value),
        number,
        patterns,
    )


def compose(
    files: Iterable[str],
    *,
    near: str | None = None,
    framework: str | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> Chain:
    """The chain of a recording: the test framework's filter, the project's own, these files, the
    patterns.

    files: absolute paths.
    near: the folder from which the project's filter is looked for; None: it is not.
    framework: one of `frameworks.FRAMEWORKS`.
    """
    project = None if near is None else find_project_filter(near)
    paths = [*([project] if project else []), *files]
    documents = [_of_framework(framework)] if framework else []
    documents += [read(path) for path in paths]
    if only or skip:
        documents.append(_from_patterns(only, skip))
    return Chain(tuple(documents))


def _of_framework(framework: str) -> Document:
    """What the framework brings with it, wherever it is installed."""
    names = "|".join(name.replace("*", "[^/]*") for name in PACKAGES)
    pattern = rf"file:regex:(^|/)(site|dist)-packages/({names})(/|\.py$)"
    rule = Rule(parse(pattern, SCOPE_KINDS, ""), "skip", None)
    return _inline(f"builtin-{framework}", pattern, (rule,))


def _from_patterns(only: Sequence[str], skip: Sequence[str]) -> Document:
    """`--only` and `--skip`: nothing else is recorded; then some of it is not, either."""
    everything = parse("file:**", SCOPE_KINDS, "")
    rules = [Rule(everything, "skip", None)] if only else []
    rules += [Rule(s, "trace", None) for pattern in only for s in _selectors("--only", pattern)]
    rules += [Rule(s, "skip", None) for pattern in skip for s in _selectors("--skip", pattern)]
    return _inline(COMMAND_LINE, repr((only, skip)), tuple(rules), os.getcwd())


def _inline(name: str, text: str, rules: tuple[Rule, ...], root: str = "") -> Document:
    """A filter without a file."""
    return Document(
        name=name,
        path=f"<inline:{name}>",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        version=1,
        root=root,
        default_exec=None,
        default_value=None,
        rules=rules,
    )


def _selectors(option: str, pattern: str) -> list[Selector]:
    root = os.getcwd()
    try:
        kind, colon, _ = pattern.partition(":")
        if colon and "/" not in kind:
            return [parse(pattern, SCOPE_KINDS, root)]
        texts = _guess(pattern)
        return [parse(text, SCOPE_KINDS, root) for text in texts]
    except ValueError as error:
        raise mistake(f"{option} '{pattern}': {error}") from None


def _guess(pattern: str) -> list[str]:
    """A package with its modules; or files, where it looks like one."""
    if "/" in pattern:
        folder = pattern.rstrip("/")
        return [f"file:glob:{folder}", f"file:glob:{folder}/**"]
    if pattern.endswith(".py"):
        return [f"file:glob:**/{pattern}"]
    return [f"pkg:glob:{pattern}", f"pkg:glob:{pattern}.*"]
