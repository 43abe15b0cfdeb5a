"""What a program writes to stdout and stderr, in pieces, in bulk and redirected."""

import io
import sys
from contextlib import redirect_stdout


def talk():
    print("first", "second", sep="|", end=";\n")
    sys.stdout.write("partial ")
    sys.stdout.write("line\n")
    print("to stderr", file=sys.stderr)
    sys.stderr.write("no newline")
    sys.stderr.write("\n")
    print("unicode é 日本")
    sys.stdout.writelines(["a\n", "b\n"])
    captured = io.StringIO()
    with redirect_stdout(captured):
        print("hidden")
    print(captured.getvalue().strip().upper())
    return captured.getvalue()


talk()
