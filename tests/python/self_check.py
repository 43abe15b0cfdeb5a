"""What the self-check build of the recorder leaves beside a trace."""

from pathlib import Path


def self_check_findings(recording: Path) -> tuple[dict[str, int], list[str]]:
    """Return how much of each kind it found, and a line for each place."""
    report = (recording / "self_check.txt").read_text("utf-8", "replace")
    summary, *found = report.splitlines()
    words = summary.split()
    counts = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert counts["moments"] > 0
    return counts, found
