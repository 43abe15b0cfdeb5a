"""What the INDEX blocks say, against what the second reader finds by playing the EVENTS blocks."""

import struct
import subprocess
import sys
from pathlib import Path

import format_example
import oracle
import pytest
from tracefmt import Damaged, Recording
from tracefmt.container import BLOCK_HEADER, INDEX, checksum, walk
from tracefmt.facts import wrong_facts

GOLDEN = sorted((Path(__file__).resolve().parent.parent / "golden").glob("*.ctr"))

# Thousands of bytes a call fill a hundred blocks; many calls, generators and threads go on in each.
SEGMENTS = """\
import threading


def text(i):
    return chr(97 + i % 26) * 3900 + str(i)


def generate(count):
    for i in range(count):
        yield text(i)


def deep(depth):
    kept = depth * 3
    if depth:
        below = deep(depth - 1)
    else:
        below = sum(map(len, generate(60)))
    return below + kept


def waits(slow, count, barrier):
    total = 0
    for i in range(count):
        total += len(text(i))
        if i % 100 == 0:
            barrier.wait()
            next(slow)
    return total


def main():
    slow = generate(100)
    deep(400)
    barrier = threading.Barrier(3)
    threads = [
        threading.Thread(target=waits, args=(generate(30), 300, barrier)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        waits(slow, 3000, threading.Barrier(1))
        raise KeyError(text(1))
    except KeyError:
        print(next(slow)[0], flush=True)


main()
"""


def record(ct, tmp_path, out, end=""):
    program = tmp_path / "segments.py"
    program.write_text(SEGMENTS + end)
    command = [str(ct), "record", "-o", str(out), str(program)]
    environment = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment)
    return Recording.open(out)


@pytest.mark.parametrize("trace", GOLDEN, ids=lambda path: path.stem)
def test_the_index_of_a_golden_trace_says_what_is_there(trace):
    assert wrong_facts(Recording.open(trace)) == []


def test_the_index_of_several_segments_says_what_is_there(ct, tmp_path, out):
    recording = record(ct, tmp_path, out)
    assert len(recording.end.index) == 2
    assert wrong_facts(recording) == []
    said = [indexed.facts for indexed in recording.index]
    assert sum(len(facts.ends) for facts in said) > 400
    assert max(facts.thread_count for facts in said) >= 3
    beyond = [facts for facts in said if facts.missing]
    assert [facts.missing for facts in beyond] == [{"frames"}], "the one that 400 calls return in"
    assert len(beyond[0].frames) == 256


def test_the_index_of_a_finished_trace_says_what_is_there(ct, tmp_path, out):
    recording = record(ct, tmp_path, out, "import os\nos._exit(0)\n")
    assert recording.end is not None
    assert wrong_facts(recording, with_depths=False) == []


def with_index(data, change):
    """A trace whose blocks are stored as they are, with one byte of its INDEX block changed."""
    index = next(block for block in walk(data) if block.kind == INDEX)
    raw = bytearray(index.raw)
    raw[change] ^= 1
    header = data[index.offset : index.offset + 24] + struct.pack("<Q", checksum(raw))
    header += struct.pack("<Q", checksum(header))
    behind = index.offset + BLOCK_HEADER + len(raw)
    return data[: index.offset] + header + bytes(raw) + data[behind:]


def complaints(folder):
    try:
        return wrong_facts(Recording.open(folder))
    except Damaged as damage:
        return [str(damage)]


def knows_less(folder):
    """The index says that it does not know all of a block, which nobody can deny."""
    return any(indexed.facts.missing for indexed in Recording.open(folder).index)


def test_every_wrong_byte_of_an_index_is_noticed_by_both(ct, out):
    out.mkdir()
    data = bytes(format_example.listing().data)
    size = next(len(block.raw) for block in walk(data) if block.kind == INDEX)
    depths = (12, 13, 14)  # in the entry; ct verify leaves them out
    for at in range(size):
        (out / "trace.ctr").write_bytes(with_index(data, at))
        assert complaints(out) or knows_less(out), f"byte {at}"
        done = subprocess.run([str(ct), "verify", str(out)], capture_output=True)
        assert at in depths or done.returncode == 1, f"byte {at}: {done.stdout.decode()}"
