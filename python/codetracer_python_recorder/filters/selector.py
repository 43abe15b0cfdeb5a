"""Selectors: `KIND:PATTERN` or `KIND:MATCH:PATTERN`."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass

from . import glob, regex

SCOPE_KINDS = ("pkg", "file", "obj")
NAME_KINDS = ("arg", "attr", "global", "local", "ret")
MATCHES = ("glob", "regex", "literal")
EQUAL, PREFIX, ANY, SEARCH = range(4)  # enum filter_how


@dataclass(frozen=True)
class Selector:
    """One selector, ready to be matched."""

    text: str  # as written
    kind: str
    how: int
    what: str | None  # of SEARCH: a pattern for `re.search`

    @property
    def kind_number(self) -> int:
        kinds = SCOPE_KINDS if self.kind in SCOPE_KINDS else NAME_KINDS
        return kinds.index(self.kind)

    def row(self) -> tuple[int, int, object]:
        """Its part of the table."""
        what = _compiled(self.what) if self.how == SEARCH and self.what is not None else self.what
        return self.kind_number, self.how, what


def parse(text: str, kinds: tuple[str, ...], root: str) -> Selector:
    """Read a selector of one of these kinds; files are below `root`. Raises ValueError."""
    if not text:
        raise ValueError("selector string is empty")
    kind, separator, rest = text.partition(":")
    if not separator:
        raise ValueError(f"selector missing pattern: '{text}' is no KIND:PATTERN")
    if kind not in SCOPE_KINDS + NAME_KINDS:
        raise ValueError(f"unsupported selector kind '{kind}'")
    if kind not in kinds:
        raise ValueError(
            f"selector kind '{kind}' is not allowed in this context (one of {', '.join(kinds)} is)"
        )
    match, separator, pattern = rest.partition(":")
    if not separator:
        match, pattern = "glob", rest
    elif not match:
        raise ValueError("selector match type cannot be empty")
    elif match not in MATCHES:
        raise ValueError(
            f"unsupported selector match type '{match}' (one of {', '.join(MATCHES)}; "
            f"a glob with a colon is written {kind}:glob:{rest})"
        )
    if not pattern:
        raise ValueError("selector pattern cannot be empty")
    if kind == "file" and match != "regex":
        pattern = _below_root(pattern, root)
    return Selector(text, kind, *_compile(kind, match, pattern))


def _compile(kind: str, match: str, pattern: str) -> tuple[int, str | None]:
    if match == "literal":
        return EQUAL, pattern
    if match == "regex":
        return SEARCH, _translated(regex.translate, "regex", pattern)
    if not glob.SPECIAL.intersection(pattern):
        return EQUAL, pattern
    # No other text has a '/' for `*` to stop at.
    if kind != "file" and not glob.SPECIAL.intersection(pattern[:-1]) and pattern[-1] == "*":
        return (PREFIX, pattern[:-1]) if pattern != "*" else (ANY, None)
    return SEARCH, _translated(glob.translate, "glob", pattern)


def _translated(translate: object, kind: str, pattern: str) -> str:
    assert callable(translate)
    try:
        text = translate(pattern)
    except ValueError as error:
        raise ValueError(f"invalid {kind} pattern '{pattern}': {error}") from None
    assert isinstance(text, str)
    return text


def _below_root(pattern: str, root: str) -> str:
    """The path relative to the root, with nothing in it that needs resolving."""
    if pattern.startswith("/"):
        below = os.path.relpath(pattern, root)
        if pattern.startswith("/**"):
            return pattern
    else:
        below = posixpath.normpath(pattern)
    if below == ".." or below.startswith("../"):
        raise ValueError(f"file selector '{pattern}' must reside within project root '{root}'")
    return below


def _compiled(pattern: str) -> tuple[object, ...]:
    """What `_sre.compile` makes the pattern from, as plain data."""
    from re import _compiler, _parser  # type: ignore[attr-defined]

    parsed = _parser.parse(pattern)
    code = [int(word) for word in _compiler._code(parsed, 0)]
    state = parsed.state
    names = [None] * state.groups
    for name, number in state.groupdict.items():
        names[number] = name
    groups = dict(state.groupdict)
    return pattern, int(state.flags), code, state.groups - 1, groups, tuple(names)
