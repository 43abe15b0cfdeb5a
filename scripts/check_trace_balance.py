"""Check that every call of a trace.json has its return.

Exit status: 0 balanced, 1 not balanced, 2 the file cannot be read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from codetracer_python_recorder.trace_balance import (
    TraceBalanceError,
    TraceBalanceResult,
    load_trace_events,
    summarize_trace_balance,
)

USAGE = "usage: check_trace_balance.py TRACE_JSON"


def main(argv: Sequence[str] | None = None) -> int:
    args = list(sys.argv[1:] if argv is None else argv)
    if args in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(args) != 1:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        result = summarize_trace_balance(load_trace_events(args[0]))
    except TraceBalanceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(describe(result)))
    return 0 if result.is_balanced else 1


def describe(result: TraceBalanceResult) -> list[str]:
    counts = f"{result.call_count} call events, {result.return_count} return events."
    if result.is_balanced:
        return [f"Balanced trace: {counts}"]
    lines = ["Unbalanced trace detected.", counts]
    if result.delta > 0:
        lines.append(f"Missing {result.delta} return event(s).")
    elif result.delta < 0:
        lines.append(f"Unexpected {-result.delta} extra return event(s).")
    if result.first_negative_index is not None:
        lines.append(f"First unmatched return at event index {result.first_negative_index}.")
    return lines


if __name__ == "__main__":
    sys.exit(main())
