"""A Markdown renderer: a block parser, an inline parser and an HTML writer with a small cache."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

DOCUMENT = """\
# A report *in brief*

Every **measurement** was repeated; see `bench/run.py` and [the table](results.html).
The second line of the paragraph has <angles> & ampersands.

## Numbers

- first item with `code`
- second item, **bold *and nested* text**
- third item

> quoted text
> over two lines

1. one
2. two
3. three

```python
def f(x):
    return x < 2
```

Name | Value
--- | ---
alpha | 1
beta | **2**

Last paragraph with an unclosed *star and a \\*literal\\* one.
"""


class Kind(Enum):
    HEADING = "h"
    PARAGRAPH = "p"
    BULLETS = "ul"
    NUMBERS = "ol"
    QUOTE = "blockquote"
    CODE = "pre"
    TABLE = "table"


@dataclass
class Block:
    kind: Kind
    lines: list = field(default_factory=list)
    level: int = 0


class UnclosedSpan(Exception):
    pass


ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def escape(text):
    out = ""
    for char in text:
        out += ESCAPES.get(char, char)
    return out


def is_number_item(line):
    head, dot, _ = line.partition(".")
    return bool(dot) and head.isdigit()


def kind_of(line):
    match line[:2]:
        case "# " | "##":
            return Kind.HEADING
        case "- ":
            return Kind.BULLETS
        case "> ":
            return Kind.QUOTE
        case "``":
            return Kind.CODE
    if is_number_item(line):
        return Kind.NUMBERS
    if " | " in line:
        return Kind.TABLE
    return Kind.PARAGRAPH


def blocks(text):
    current = None
    for line in text.split("\n"):
        if current is not None and current.kind is Kind.CODE:
            if line.startswith("```"):
                yield current
                current = None
            else:
                current.lines.append(line)
            continue
        if not line.strip():
            if current is not None:
                yield current
                current = None
            continue
        kind = kind_of(line)
        if current is not None and current.kind is kind:
            current.lines.append(line)
            continue
        if current is not None:
            yield current
        current = Block(kind)
        if kind is Kind.HEADING:
            current.level = len(line) - len(line.lstrip("#"))
        if kind is not Kind.CODE:
            current.lines.append(line)
    if current is not None:
        yield current


class Inline:
    """A recursive parser of emphasis, code and links."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def until(self, mark):
        end = self.text.find(mark, self.at)
        if end < 0:
            raise UnclosedSpan(mark)
        inner = self.text[self.at : end]
        self.at = end + len(mark)
        return inner

    def span(self, mark, tag):
        start = self.at
        self.at += len(mark)
        try:
            inner = self.until(mark)
        except UnclosedSpan:
            self.at = start + len(mark)
            return mark
        return f"<{tag}>{Inline(inner).render()}</{tag}>"

    def link(self):
        start = self.at
        self.at += 1
        try:
            label = self.until("](")
            target = self.until(")")
        except UnclosedSpan:
            self.at = start + 1
            return "["
        return f'<a href="{escape(target)}">{Inline(label).render()}</a>'

    def render(self):
        out = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\" and self.at + 1 < len(self.text):
                out.append(self.text[self.at + 1])
                self.at += 2
            elif self.text.startswith("**", self.at):
                out.append(self.span("**", "strong"))
            elif char == "*":
                out.append(self.span("*", "em"))
            elif char == "`":
                out.append(self.span("`", "code"))
            elif char == "[":
                out.append(self.link())
            else:
                out.append(escape(char))
                self.at += 1
        return "".join(out)


class Writer:
    def __init__(self):
        self.lines = []
        self.depth = 0
        self.cache = {}

    def put(self, text):
        self.lines.append("  " * self.depth + text)

    @contextmanager
    def element(self, tag):
        self.put(f"<{tag}>")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self.put(f"</{tag}>")

    def inline(self, text):
        known = self.cache.get(text)
        if known is None:
            known = Inline(text).render()
            if len(self.cache) > 6:
                self.cache.pop(next(iter(self.cache)))
            self.cache[text] = known
        return known

    def items(self, tag, lines, strip):
        with self.element(tag):
            for line in lines:
                self.put(f"<li>{self.inline(strip(line))}</li>")

    def block(self, block):
        match block:
            case Block(kind=Kind.HEADING, level=level, lines=[line, *_]):
                self.put(f"<h{level}>{self.inline(line[level:].strip())}</h{level}>")
            case Block(kind=Kind.BULLETS, lines=lines):
                self.items("ul", lines, lambda line: line[2:])
            case Block(kind=Kind.NUMBERS, lines=lines):
                self.items("ol", lines, lambda line: line.partition(".")[2].strip())
            case Block(kind=Kind.CODE, lines=lines):
                self.put("<pre>" + "\n".join(escape(line) for line in lines) + "</pre>")
            case Block(kind=Kind.TABLE, lines=[head, _rule, *rows]):
                with self.element("table"):
                    for row in [head, *rows]:
                        cells = [self.inline(cell.strip()) for cell in row.split("|")]
                        self.put("<tr><td>" + "</td><td>".join(cells) + "</td></tr>")
            case Block(kind=kind, lines=lines):
                text = " ".join(line.lstrip("> ") for line in lines)
                self.put(f"<{kind.value}>{self.inline(text)}</{kind.value}>")


def main(scale):
    checksum = 0
    for _ in range(max(1, int(75 * scale))):
        writer = Writer()
        for block in blocks(DOCUMENT):
            writer.block(block)
        for line in writer.lines:
            checksum = (checksum * 31 + len(line) + ord(line.strip()[0])) % 1_000_003
    return checksum


if __name__ == "__main__":
    print("markdown", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
