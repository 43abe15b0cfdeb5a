"""A string that grows by one character per line up to one megabyte, and a bytearray beside it."""

import sys


def main(scale):
    text = ""
    buffer = bytearray()
    for index in range(int(1_000_000 * scale)):
        char = "abcdefgh"[index & 7]
        text += char
        if index % 16 == 0:
            buffer += b"x"
    return len(text) + len(buffer)


if __name__ == "__main__":
    print("str_growth", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
