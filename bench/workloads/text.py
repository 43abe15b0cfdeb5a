"""Text: a hand-written tokenizer, string building and word counts."""

import sys

SAMPLE = "let total = price * 12 + (rate - 0.5) ; print ( total )"


def classify(word, counts):
    kind = "name"
    if word[0].isdigit():
        kind = "number"
    counts[word] = counts.get(word, 0) + 1
    return kind


def tokenize(line, counts):
    pieces = []
    word = ""
    for char in line:
        if char == " ":
            if word:
                pieces.append(word)
            word = ""
        elif char in "()+-*/=;,":
            if word:
                pieces.append(word)
                word = ""
            pieces.append(char)
        else:
            word += char
    if word:
        pieces.append(word)
    return pieces


def main(scale):
    counts = {}
    output = ""
    total = 0
    for number in range(int(2_600 * scale)):
        pieces = tokenize(SAMPLE, counts)
        kind = classify(pieces[number % len(pieces)], counts)
        output += kind[0]
        total = (total * 31 + len(pieces)) % 1_000_003
        for piece in pieces:
            if piece in counts:
                total += len(piece)
                counts[piece] += 1
            total = total % 1_000_003
    return total + len(output) + len(counts)


if __name__ == "__main__":
    print("text", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
