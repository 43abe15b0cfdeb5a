#!/usr/bin/env python3
"""Measure the window in Debian's Chromium: opening a recording, a step from key to paint, frames
while one drags and scrolls, the heap after many keys.

Interactive is the window in the frame behind the one that has the current line, the calls and the
variables. A key pressed in that frame is measured, too: how long until its step is painted.

`make bench-web` runs it. Times are of one machine and browser; requests, bytes and the milliseconds
of scripts and of the page's main thread say more where the machine is busy. Several `--ct` are
measured in turns: of two builds on one machine the ratio holds.

    python bench/web.py [--ct VENV/bin/ct ...] [--scales 0.01 1] [--recordings DIR] [--minutes 30]
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from long_run import recorded
from playwright.sync_api import sync_playwright

KEYS_PER_MINUTE = 120  # of somebody who looks at what comes
MOVES = {"into": [["F11", False]], "over, forth and back": [["F10", False], ["F10", True]]}

# In the page before its own scripts: when the window is interactive, and what a key then takes.
OPENING = """
(() => {
    const frame = () => new Promise(requestAnimationFrame);
    const there = "body:has(.code .now):has([aria-label=Calls] .row.call) #panel-variables .row";
    const press = async () => {
        const footer = document.querySelector("footer");
        const before = footer.textContent;
        const start = performance.now();
        const event = {key: "F11", code: "F11", bubbles: true};
        document.body.dispatchEvent(new KeyboardEvent("keydown", event));
        while (footer.textContent === before) await frame();
        await frame();
        return performance.now() - start;
    };
    const look = async () => {
        if (!document.querySelector(there)) return;
        observer.disconnect();
        await frame();
        await frame();
        window.interactive = performance.now();
        window.firstKey = press();
    };
    const observer = new MutationObserver(look);
    observer.observe(document, {subtree: true, childList: true, attributes: true});
})()
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
        while (document.documentElement.hasAttribute("data-busy")) await frame();
    }
    return times;
}"""
# Milliseconds between frames while something is done in each.
FRAMES = """async ([what, count]) => {
    const strip = document.querySelector(".strip");
    const list = document.querySelector(".list[aria-label=Calls]");
    const point = (name, x) => strip.dispatchEvent(new PointerEvent(name, {
        clientX: x, clientY: strip.getBoundingClientRect().top + 20, bubbles: true, pointerId: 1}));
    strip.setPointerCapture = () => {};
    strip.hasPointerCapture = () => what === "drag";
    const { left, width } = strip.getBoundingClientRect();
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    for (let i = 0; i < count; i++) {
        if (what === "drag") point("pointermove", left + width * (0.2 + 0.6 * i / count));
        else list.scrollTop += 30;
        const now = await new Promise(requestAnimationFrame);
        times.push(now - last);
        last = now;
    }
    return times;
}"""


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def spread(times):
    return "p50 {:.0f}, p95 {:.0f}, p99 {:.0f} ms".format(
        *(percentile(times, share) for share in (0.5, 0.95, 0.99))
    )


@contextmanager
def serving(ct, folder, runtime):
    environ = os.environ | {"XDG_DATA_HOME": runtime, "XDG_RUNTIME_DIR": runtime}
    command = [ct, "replay", "-t", str(folder), "--no-browser"]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    server = subprocess.Popen(command, env=environ, **quiet)
    try:
        yield server.stdout.readline().strip()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


class Page:
    """A window of its own, with counts of what it costs."""

    def __init__(self, browser):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page = self.context.new_page()
        self.cdp = self.context.new_cdp_session(self.page)
        self.requests = self.bytes = 0
        for domain in ("Network", "Performance"):
            self.cdp.send(f"{domain}.enable")
        self.cdp.on("Network.requestWillBeSent", self._sent)
        self.cdp.on("Network.loadingFinished", self._loaded)

    def _sent(self, _event):
        self.requests += 1

    def _loaded(self, event):
        self.bytes += event["encodedDataLength"]

    def cost(self):
        """Requests, bytes, and milliseconds of scripts and of the main thread, so far."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        of = {metric["name"]: metric["value"] * 1000 for metric in metrics}
        return self.requests, self.bytes, of["ScriptDuration"], of["TaskDuration"]

    def open(self, address):
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_selector(".cm-line.now")

    def go(self, step):
        self.page.keyboard.press("Control+g")
        self.page.wait_for_selector("[role=combobox]:focus")
        self.page.keyboard.type(str(step))
        self.page.keyboard.press("Enter")
        self.page.wait_for_timeout(500)

    def heap(self):
        self.cdp.send("HeapProfiler.collectGarbage")
        return self.cdp.send("Runtime.getHeapUsage")["usedSize"] / 2**20


def told(cost, share=1):
    requests, size, script, task = (value / share for value in cost)
    return (
        f"{requests:.1f} requests, {size / 1024:.1f} KiB, scripts {script:.0f}, page {task:.0f} ms"
    )


def opening(browser, address):
    """First paint, interactive, the first key, and what it all cost until nothing moves."""
    window = Page(browser)
    window.page.add_init_script(OPENING)
    window.open(address)
    window.page.wait_for_timeout(700)
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    times = [window.page.evaluate(what) for what in (paint, "interactive", "firstKey")]
    result = *times, window.cost()
    window.context.close()
    return result


def walking(browser, address, steps, minutes):
    window = Page(browser)
    page = window.page
    window.open(address)
    window.go(5001)
    for name, keys in MOVES.items():
        before = window.cost()
        times = page.evaluate(STEPS, [keys, steps])
        cost = [after - old for after, old in zip(window.cost(), before, strict=True)]
        print(f"  {name}: {spread(times)} (target p95 50 ms); each {told(cost, steps)}")
    for what in ("drag", "scroll"):
        times = page.evaluate(FRAMES, [what, 200])
        print(f"  frames, {what}: {spread(times)} (target 17 ms)")
    first = window.heap()
    for turn in range(minutes):  # other places each minute: what was seen there must go again
        window.go(5001 + turn * 20_011)
        keys = [*MOVES["into"] * 2, *MOVES["over, forth and back"]]
        page.evaluate(STEPS, [keys, KEYS_PER_MINUTE])
    print(
        f"  heap {first:.1f} MiB, after {minutes} minutes of {KEYS_PER_MINUTE} keys"
        f" {window.heap():.1f} MiB (target 150 MiB)"
    )
    window.context.close()


def measure(browser, addresses, options):
    results = {ct: [] for ct in addresses}
    for _ in range(options.openings):
        for ct, address in addresses.items():
            results[ct].append(opening(browser, address))
    for ct, rows in results.items():
        paint, interactive, key, _ = zip(*rows, strict=True)
        print(f" {ct}")
        print(f"  first paint {spread(paint)} (target 500)")
        print(f"  interactive {spread(interactive)} (target 800); {told(rows[-1][-1])}")
        print(f"  a key at once {spread(key)}")
        walking(browser, addresses[ct], options.steps, options.minutes)


def ct_path():
    path = Path(sys.executable).parent / "ct"
    return str(path) if path.exists() else shutil.which("ct")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ct", nargs="+", default=[ct_path()])
    parser.add_argument("--scales", type=float, nargs="+", default=[0.01])
    parser.add_argument("--recordings", help="a folder for the recordings, which then stay")
    parser.add_argument("--openings", type=int, default=7)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--minutes", type=int, default=10, help="of a session, two keys a second")
    options = parser.parse_args()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--disable-gpu", *sandbox]
        )
        for scale in options.scales:
            folder = recorded(options.ct[0], sys.executable, options.recordings or made, scale)
            print(f"{scale * 100:g} million steps")
            measure_builds(browser, folder, made, options)
        browser.close()


def measure_builds(browser, folder, made, options):
    with ExitStack() as servers:
        addresses = {}
        for number, ct in enumerate(options.ct):  # none finds the other's server
            runtime = Path(made) / str(number)
            runtime.mkdir(mode=0o700, exist_ok=True)
            addresses[ct] = servers.enter_context(serving(ct, folder, str(runtime)))
        measure(browser, addresses, options)


if __name__ == "__main__":
    main()
