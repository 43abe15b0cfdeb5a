"""Strings: building, slicing, formatting, unusual characters."""


def build():
    text = ""
    for char in "héllo":
        text += char
        text += "."
    wide = "日本" + "\N{GRINNING FACE}"
    lone = "\ud800x"
    escaped = "tab\tquote'\"\\\x00\x7f\n"
    parts = text.split(".")
    joined = "-".join(parts[:-1])
    table = joined.translate({ord("l"): "L"})
    formatted = f"{len(text):>5}|{wide!r}|{3.14159:.2f}|{255:#x}"
    reverse = text[::-1]
    long = "ab" * 600
    return joined, wide, len(lone), escaped, table, formatted, reverse, len(long)


def same_length(text):
    text = text.replace("a", "b")
    text = text.replace("b", "c")
    return text


print(build(), same_length("banana"))
