#!/usr/bin/env python3
"""Measure the window in Debian's Chromium: opening a recording, and a step from key to paint.

Usage: web.py [TURNS [STEPS]]: turns of the recorded loop (eight steps each), steps to take.
`make bench-web` runs it; the numbers are of one machine and browser, and of no use elsewhere.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

PROGRAM = """\
def leaf(n):
    value = n % 7
    value += 1
    return value

def branch(n):
    return leaf(n) + leaf(n + 1)

total = 0
for number in range({turns}):
    total += branch(number)
"""
# A step counts as painted in the frame after the one whose footer tells the new moment.
STEPS = """async ([keys, count]) => {
    const footer = document.querySelector("footer");
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    for (let i = 0; i < count; i++) {
        const before = footer.textContent;
        const [key, shiftKey] = keys[i % keys.length];
        const start = performance.now();
        const event = {key, code: key, shiftKey, bubbles: true};
        document.body.dispatchEvent(new KeyboardEvent("keydown", event));
        while (footer.textContent === before && performance.now() - start < 5000) await frame();
        await frame();
        times.push(performance.now() - start);
    }
    return times;
}"""


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def ct_path():
    path = Path(sys.executable).parent / "ct"
    return str(path) if path.exists() else shutil.which("ct")


def measure(page, address, steps):
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".cm-line.now")
    interactive = time.perf_counter() - start
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"first paint {paint:.0f} ms (target 500)")
    print(f"interactive {interactive * 1000:.0f} ms (target 800)")
    page.keyboard.press("Control+g")
    page.keyboard.type("5001")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1000)
    moves = {"into": [["F11", False]], "over, forth and back": [["F10", False], ["F10", True]]}
    for name, keys in moves.items():
        times = page.evaluate(STEPS, [keys, steps])
        p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
        print(f"{name}: p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms (target p95 50 ms)")
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    print(f"heap {heap / 2**20:.1f} MiB after {steps * len(moves)} steps (target 150 MiB)")


def main():
    turns, steps = (int(word) for word in [*sys.argv[1:], "125000", "300"][:2])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        program = Path(folder) / "program.py"
        program.write_text(PROGRAM.format(turns=turns), encoding="utf-8")
        environ = os.environ | {
            "CODETRACER_PYTHON_INTERPRETER": sys.executable,
            "XDG_DATA_HOME": folder,
            "XDG_RUNTIME_DIR": folder,
        }
        command = [ct_path(), "record", "-o", f"{folder}/recording", str(program)]
        subprocess.run(command, env=environ, check=True, capture_output=True)
        command = [ct_path(), "replay", "-t", f"{folder}/recording", "--no-browser"]
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        server = subprocess.Popen(command, env=environ, **quiet)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--disable-gpu", *sandbox]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        print(f"{turns * 8:,} steps")
        measure(page, server.stdout.readline().strip(), steps)
        browser.close()
        server.send_signal(signal.SIGTERM)
        server.wait(30)


if __name__ == "__main__":
    main()
