"""What is wrong with a filter, and where."""

from __future__ import annotations

from ..errors import PyUsageError, UsageError


def mistake(message: str) -> PyUsageError:
    """The error of a filter that cannot be used; the message names the file and the rule."""
    return UsageError(message, "ERR_INVALID_POLICY_VALUE")
