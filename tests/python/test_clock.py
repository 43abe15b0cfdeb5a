"""The time of an event: the background's clock, a tick every millisecond."""

from engine import events_of, record

PROGRAM = """\
import time
a = 1
time.sleep(0.3)
b = 2
time.sleep(0.3)
for i in range(3):
    time.sleep(0.1)
"""


def test_a_line_behind_a_pause_has_its_time(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    events = events_of(ct, record(ct, program, tmp_path / "recording"))
    lines = [(event["line"], event["ms"]) for event in events if event["event"] == "line"]
    times = [ms for _, ms in lines]
    assert times == sorted(times)
    first = dict(reversed(lines))
    start = first[2]
    slack = 50  # milliseconds: while nothing happens the clock is read every ten
    assert first[4] - start >= 300 - slack
    assert first[6] - start >= 600 - slack
    turns = [ms - start for line, ms in lines if line == 7]
    assert turns[2] >= 800 - slack
