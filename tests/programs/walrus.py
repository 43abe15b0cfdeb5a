"""Assignment expressions in conditions, loops and comprehensions."""


def chunks(text, size):
    parts = []
    while chunk := text[:size]:
        parts.append(chunk)
        text = text[size:]
    return parts


def find(numbers):
    if (count := len(numbers)) > 3:
        doubled = [half for n in numbers if (half := n // 2) > 0]
        return count, doubled, half
    return count, [], None


print(chunks("abcdefgh", 3), find([1, 2, 3, 4]), find([1]))
