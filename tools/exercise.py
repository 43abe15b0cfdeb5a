#!/usr/bin/env python3
"""A program that keeps the recorder as busy as programs do, for the profile of a wheel.

Python programs of all kinds lie in the standard library: readers, writers, parsers, arithmetic,
classes, generators, coroutines. With exercise.toml beside this file as filter they are recorded.
"""

import _pydecimal
import argparse
import ast
import asyncio
import calendar
import configparser
import copy
import difflib
import email
import fractions
import graphlib
import html.parser
import io
import ipaddress
import json
import pickle
import pprint
import random
import re
import shlex
import statistics
import string
import textwrap
import tokenize
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(textwrap.__file__).read_text(encoding="utf-8")
LINES = SOURCE.splitlines()[:60]
RECORDS = [{"name": f"n{i}", "size": i, "parts": [i, str(i), None, i / 7]} for i in range(80)]


def read_sources() -> None:
    """Scan, parse and write Python."""
    list(tokenize.generate_tokens(io.StringIO(SOURCE).readline))
    ast.unparse(ast.parse(SOURCE))


def write_texts() -> None:
    """Lay out texts and values."""
    json.dumps(RECORDS, indent=1)
    pprint.pformat(RECORDS[:20])
    textwrap.fill(SOURCE[:3000], 60)
    string.Template("$a ${b} $$").substitute(a=1, b=2)
    calendar.TextCalendar().formatyear(2024)


def compare() -> None:
    """Compare texts line by line."""
    changed = [line[::-1] if i % 7 == 0 else line for i, line in enumerate(LINES)]
    list(difflib.unified_diff(LINES, changed))
    list(difflib.ndiff(LINES[:12], changed[:12]))


def parse() -> None:
    """Read formats that are not Python's."""
    config = configparser.ConfigParser()
    config.read_string("[a]\nb = 1\nc = %(b)s\n[d]\n" + "".join(f"k{i}=v\n" for i in range(80)))
    dict(config["d"])
    email.message_from_string("Subject: x\nTo: a@b\n\n" + SOURCE[:400]).as_string()
    html.parser.HTMLParser().feed("<p class='x'>text <b>bold</b> &amp; more</p>" * 30)
    shlex.split("a 'b c' \"d e\" f\\ g " * 20)
    for i in range(30):
        re._compiler.compile(rf"(a|b{i})*[^x-z]+(?P<name>\d{{2,3}})?$")


def compute() -> None:
    """Work with numbers."""
    sum((fractions.Fraction(1, i) for i in range(1, 120)), fractions.Fraction())
    statistics.pstdev([i * 0.25 for i in range(200)])
    _pydecimal.Decimal(2).sqrt(_pydecimal.Context(prec=30))
    [ipaddress.ip_address(f"10.0.{i}.1") in ipaddress.ip_network("10.0.0.0/20") for i in range(40)]
    shuffled = list(range(400))
    random.Random(1).shuffle(shuffled)
    primes = [n for n in range(2, 300) if all(n % d for d in range(2, int(n**0.5) + 1))]
    total = 0
    for turn in range(3000):
        total = (total * 31 + primes[turn % 50]) & 0xFFFF
        if total % 3:
            total += turn


def copy_objects() -> None:
    """Make, change and walk objects."""
    copy.deepcopy(RECORDS)
    pickle._Pickler(io.BytesIO()).dump(RECORDS)
    graph = graphlib.TopologicalSorter({i: {i // 2, i // 3} - {i} for i in range(60)})
    list(graph.static_order())
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int)
    parser.add_argument("names", nargs="*")
    parser.parse_args(["--size", "3", "a", "b"])


def fibonacci(n: int) -> int:
    """Return a number of the sequence, the slow way."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def raise_and_handle() -> None:
    """Lose some exceptions on the way."""
    for i in range(300):
        try:
            if i % 3 == 0:
                raise ValueError(i)
            [][i]
        except (ValueError, IndexError) as error:
            str(error)


async def serve() -> None:
    """Hand things from task to task."""
    queue: asyncio.Queue[int] = asyncio.Queue(2)

    async def put() -> None:
        for i in range(60):
            await queue.put(i)

    task = asyncio.create_task(put())
    for _ in range(60):
        await queue.get()
    await task


def main() -> None:
    """Run all of it once."""
    parts: list[Callable[[], object]] = [
        *(read_sources, write_texts, compare, parse, compute, copy_objects, raise_and_handle),
        lambda: fibonacci(13),
        lambda: asyncio.run(serve()),
    ]
    for part in parts:
        part()


if __name__ == "__main__":
    main()
