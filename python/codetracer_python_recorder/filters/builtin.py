"""`builtin-default`: the rules that hold before any file, described.

The native recorder applies them itself (src/recorder/scope.c), with filter files or without. What
stands here only tells of them.
"""

from __future__ import annotations

NAME = "builtin-default"

# By enum scope_reason.
CODE = (
    "recorded: it belongs to the program or an installed package",
    "skipped: it is the standard library's",
    "skipped: it only sets up an environment",
    "skipped, and no rule changes that: there is no such file",
    "skipped, and no rule changes that: it is the recorder's own",
)
