"""What tests must know of a run under ASan and UBSan (`make sanitize`)."""

import os

import pytest

SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "") or "TSAN_OPTIONS" in os.environ
SLOWER = 8 if SANITIZED else 1  # what takes a second may take so many

# For tests that count what a process has in memory.
own_memory = pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory has no such limit")

# What a process needs that gets an environment of its own.
ENVIRONMENT = {
    name: os.environ[name]
    for name in ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS")
    if SANITIZED and name in os.environ
}
