"""Does every call of a `trace.json` have its return?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "TraceBalanceError",
    "TraceBalanceResult",
    "load_trace_events",
    "summarize_trace_balance",
]


class TraceBalanceError(RuntimeError):
    """The file is not a list of trace events."""


@dataclass(frozen=True)
class TraceBalanceResult:
    call_count: int
    return_count: int
    first_negative_index: int | None  # of the first Return that has no open Call

    @property
    def is_balanced(self) -> bool:
        return self.delta == 0 and self.first_negative_index is None

    @property
    def delta(self) -> int:
        """Calls minus returns."""
        return self.call_count - self.return_count


def load_trace_events(path: str | os.PathLike[str]) -> list[Mapping[str, Any]]:
    """The events of a `trace.json`."""
    try:
        with open(path, encoding="utf-8") as file:
            events = json.load(file)
    except FileNotFoundError as error:
        raise TraceBalanceError(f"trace file '{path}' does not exist") from error
    except OSError as error:
        raise TraceBalanceError(f"cannot read trace file '{path}': {error.strerror}") from error
    except ValueError as error:
        raise TraceBalanceError(f"trace file '{path}' is not valid JSON: {error}") from error
    if not isinstance(events, list):
        raise TraceBalanceError(f"trace file '{path}' does not hold a JSON array of events")
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            raise TraceBalanceError(f"event {index} of trace file '{path}' is not an object")
    return events


def summarize_trace_balance(events: Iterable[Mapping[str, Any]]) -> TraceBalanceResult:
    """Count calls and returns, and find the first return too many."""
    calls = returns = 0
    first_negative_index = None
    for index, event in enumerate(events):
        is_call, is_return = "Call" in event, "Return" in event
        if is_call and is_return:
            raise TraceBalanceError(f"event {index} is both a Call and a Return")
        calls += is_call
        returns += is_return
        if returns > calls and first_negative_index is None:
            first_negative_index = index
    return TraceBalanceResult(calls, returns, first_negative_index)
