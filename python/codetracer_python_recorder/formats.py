"""Which files a recording leaves beside `trace.ctr`."""

from __future__ import annotations

TRACE_BINARY = "binary"  # trace.ctr and trace.bin
TRACE_JSON = "json"  # trace.ctr and trace.json
TRACE_CTR = "ctr"  # trace.ctr alone
DEFAULT_FORMAT = TRACE_BINARY
SUPPORTED_FORMATS = (TRACE_BINARY, TRACE_JSON, TRACE_CTR)


def normalize_format(value: str | None) -> str:
    """The lower-case name of a format; None means the default."""
    return DEFAULT_FORMAT if value is None else value.lower()


def is_supported(value: str) -> bool:
    return value in SUPPORTED_FORMATS


def unsupported_message(value: object) -> str:
    return f"unsupported trace format '{value}'. Expected one of: {', '.join(SUPPORTED_FORMATS)}"
