"""Regular expressions of filter files: written for the Rust crate regex, matched by Python's re.

The common part of the two is large. What Rust spells otherwise is translated; what Python's `re`
does not have, or takes for something else, is refused with the reason.
"""

from __future__ import annotations

import re
import warnings

_NO_SET_ALGEBRA = "Python's re has no sets inside sets, and no '&&', '--' or '~~' between them"
_NAMED_GROUP = re.compile(r"\(\?<([A-Za-z_]\w*)>")
_HEX = re.compile(r"([xuU])\{([0-9A-Fa-f]{1,8})\}")
_FLAGS = re.compile(r"\(\?([A-Za-z]*)(?:-([A-Za-z]*))?([:)])")
_KNOWN_FLAGS = frozenset("imsxu")
_QUANTIFIERS = frozenset("*+?}")


class _Translator:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []

    def rest(self) -> str:
        return self.pattern[self.at :]

    def translate(self) -> str:
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            if char == "\\":
                self.take_escape()
            elif char == "[":
                self.take_class()
            elif self.rest().startswith("(?"):
                self.take_group()
            elif char == "+" and self.out and self.out[-1] in _QUANTIFIERS:
                raise ValueError("a '+' after a quantifier means something else in Python's re")
            else:
                self.put(char)
        return "".join(self.out)

    def put(self, text: str, size: int = 1) -> None:
        self.out.append(text)
        self.at += size

    def take_escape(self) -> None:
        char = self.pattern[self.at + 1 : self.at + 2]
        number = _HEX.match(self.pattern, self.at + 1)
        if number:
            self.put(re.escape(_character(number.group(2))), 1 + len(number.group(0)))
        elif char in ("p", "P"):
            raise ValueError(rf"Python's re has no classes of Unicode properties (\{char})")
        elif char == "z":
            self.put(r"\Z", 2)
        elif char in ("<", ">") or self.rest().startswith((r"\b{", r"\B{")):
            raise ValueError(rf"Python's re has no '\{char}' at the edge of a word, only \b and \B")
        elif char == "Z":
            raise ValueError(r"the end of the text is '\z' in this syntax")
        else:
            self.put(self.pattern[self.at : self.at + 2], 2)

    def take_class(self) -> None:
        """A set is copied: Python reads it in the same way, or warns where it does not."""
        start, self.at = self.at, self.at + 1
        text = "["
        for prefix in ("^", "]"):
            if self.rest().startswith(prefix):
                text += prefix
                self.at += 1
        while self.at < len(self.pattern) and self.pattern[self.at] != "]":
            if self.rest().startswith("[:"):
                raise ValueError("Python's re has no named classes such as [:alpha:]")
            if self.pattern[self.at] == "[":
                raise ValueError(_NO_SET_ALGEBRA)
            if self.pattern[self.at] == "\\":
                keep, self.out = self.out, []
                self.take_escape()
                text += "".join(self.out)
                self.out = keep
            else:
                text += self.pattern[self.at]
                self.at += 1
        if self.at >= len(self.pattern):
            raise ValueError(f"the set at position {start} has no end")
        self.put(text + "]")

    def take_group(self) -> None:
        named = _NAMED_GROUP.match(self.pattern, self.at)
        flags = _FLAGS.match(self.pattern, self.at)
        if named:
            self.put(f"(?P<{named.group(1)}>", len(named.group(0)))
        elif flags:
            unknown = set(flags.group(1) + (flags.group(2) or "")) - _KNOWN_FLAGS
            if unknown:
                raise ValueError(f"Python's re has no flag '{min(unknown)}'")
            if flags.group(3) == ")" and (self.at != 0 or flags.group(2) is not None):
                raise ValueError(
                    "Python's re takes flags for the whole pattern at its start, "
                    "and others around a group: (?i:...)"
                )
            self.put(flags.group(0), len(flags.group(0)))
        elif self.rest().startswith(("(?=", "(?!", "(?<=", "(?<!")):
            raise ValueError("the syntax has no look-around")
        else:
            self.put("(?", 2)


def _character(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except (ValueError, OverflowError):
        raise ValueError(f"there is no character {digits}") from None


def translate(pattern: str) -> str:
    """The same expression for Python's `re.search`. Raises ValueError with the reason."""
    text = _Translator(pattern).translate()
    with warnings.catch_warnings():
        # Where Python's set syntax may change it warns: there Rust's means something else already.
        warnings.simplefilter("error")
        try:
            re.compile(text)
        except FutureWarning:
            raise ValueError(_NO_SET_ALGEBRA) from None
        except (re.error, OverflowError, RecursionError, DeprecationWarning) as error:
            raise ValueError(f"Python's re does not accept it: {error}") from None
    return text
