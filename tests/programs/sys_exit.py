"""sys.exit from inside nested calls and a finally, with status 3."""

import atexit
import sys


def leave(status):
    try:
        sys.exit(status)
    finally:
        print("leaving with", status)


def run(limit):
    for turn in range(limit):
        if turn == 2:
            leave(turn + 1)
    return "unreachable"


atexit.register(print, "atexit ran")
run(5)
