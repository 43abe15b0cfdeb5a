"""Glob patterns, as the Rust crate globset 0.4 reads them with a literal separator.

A pattern covers the whole text. `?` and `*` stop at `/`; `**` crosses it where it is a whole
component; `[a-z]`, `[!a]`, `{a,b}` (nested, too) and the backslash do what they do in a shell.
"""

from __future__ import annotations

import re

_ANY = "[^/]*"
_PREFIX, _SUFFIX, _MIDDLE = "(?:/?|.*/)", "/.*", "(?:/|/.*/)"
SPECIAL = frozenset("?*[]{}\\")


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.before = ""  # the character read before the current one
        self.now = ""
        # Open braces, each a list of alternatives, each a list of parts. The outermost has one.
        self.stack: list[list[list[str]]] = [[[]]]

    def next(self) -> str:
        """The next character, or nothing at the end."""
        self.before, self.now = self.now, self.pattern[self.at : self.at + 1]
        self.at += 1
        return self.now

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    @property
    def parts(self) -> list[str]:
        return self.stack[-1][-1]

    def parse(self) -> str:
        while char := self.next():
            self.take(char)
        if len(self.stack) > 1:
            raise ValueError("a '{' without its '}'")
        return ".*" if self.parts == [_PREFIX] else "".join(self.parts)

    def take(self, char: str) -> None:
        if char == "?":
            self.parts.append("[^/]")
        elif char == "*":
            self.take_star()
        elif char == "[":
            self.parts.append(self.read_class())
        elif char == "{":
            self.stack.append([[]])
        elif char == "}":
            self.close()
        elif char == "," and len(self.stack) > 1:
            self.stack[-1].append([])
        elif char == "\\":
            escaped = self.next()
            if not escaped:
                raise ValueError("a '\\' at the end escapes nothing")
            self.parts.append(re.escape(escaped))
        else:
            self.parts.append(re.escape(char))

    def close(self) -> None:
        if len(self.stack) == 1:
            raise ValueError("a '}' without its '{'")
        written = ["".join(parts) for parts in self.stack.pop()]
        alternatives = [text for text in written if text]
        if alternatives:
            self.parts.append(f"(?:{'|'.join(alternatives)})")

    def take_star(self) -> None:
        before = self.before
        if self.peek() != "*":
            self.parts.append(_ANY)
            return
        self.next()
        is_at_end = self.peek() == "" or (len(self.stack) > 1 and self.peek() in ",}")
        is_component = (before == "/" or not self.parts) and (is_at_end or self.peek() == "/")
        if not is_component:
            self.parts.append(_ANY)
            return
        if not is_at_end:
            self.next()
        if not self.parts:
            self.parts.append(_PREFIX)
            return
        # The separator before it is part of what it stands for.
        last = self.parts.pop()
        is_wild = last in (_PREFIX, _SUFFIX)
        self.parts.append(last if is_wild else _SUFFIX if is_at_end else _MIDDLE)

    def read_class(self) -> str:
        text, members = "[", ""
        if self.peek() in ("!", "^"):
            self.next()
            text += "^"
        while (char := self.next()) != "]" or not members:
            if not char:
                raise ValueError("a '[' without its ']'")
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("", "]"):
                self.next()
                end = self.next()
                if end < char:
                    raise ValueError(f"the range '{char}-{end}' is the wrong way round")
                members += f"{_in_class(char)}-{_in_class(end)}"
            else:
                members += _in_class(char)
        return f"{text}{members}]"


def _in_class(char: str) -> str:
    return char if char.isalnum() else f"\\{char}"


def translate(pattern: str) -> str:
    """The regular expression of a glob, for `search`. Raises ValueError."""
    return rf"(?s:\A(?:{_Parser(pattern).parse()})\Z)"
