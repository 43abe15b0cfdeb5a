"""Pictures of the window: `make screenshots` writes those of the documents to docs/images, the
others, which are for looking at, to build/screenshots."""

import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHOWN = {"light", "dark", "exception", "loop"}  # in the documents
SIZES = {"small": (1024, 700), "large": (2560, 1440)}


@pytest.fixture(scope="session")
def record(record):
    """As conftest's; the folder a program runs in may be in a picture, and is nobody's."""

    def make(program):
        copy = Path(tempfile.gettempdir()) / "shop" / Path(program).name
        copy.parent.mkdir(exist_ok=True)
        return record(shutil.copy(program, copy))

    return make


def shop(open_window, scheme="light", size=(1440, 900)):
    """The shop, where a rule takes something off an order."""
    viewport = {"width": size[0], "height": size[1]}
    window = open_window("shop", color_scheme=scheme, viewport=viewport)
    window.find_line("off += total * rule.rate")
    for _ in range(18):  # some orders later
        window.press("Alt+ArrowDown")
    window.settle()
    window.row("off += total").locator(".pill.changed").click()
    window.add_watch("len(order.items)").add_watch("off / total")
    window.list("variables").filter(has_text="order = ").click()
    window.page.locator(".cm-content").focus()
    return window


def shoot(window, name):
    window.settle()
    window.page.mouse.move(700, window.page.viewport_size["height"] - 8)
    window.page.wait_for_timeout(900)  # charts and messages
    folder = ROOT / ("docs/images" if name in SHOWN else "build/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    window.page.screenshot(path=folder / f"window-{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_window(open_window, scheme):
    shoot(shop(open_window, scheme), scheme)


@pytest.mark.parametrize("size", sorted(SIZES))
def test_sizes(open_window, size):
    shoot(shop(open_window, "light" if size == "small" else "dark", SIZES[size]), size)


def test_an_exception(open_window):
    window = open_window("shop")
    window.page.get_by_role("button", name="ZeroDivisionError").click()
    window.settle().press("Alt+6", "Alt+4")
    shoot(window, "exception")


def test_a_long_loop(open_window):
    window = open_window("turns")
    window.find_line("square = turn * turn")
    window.page.get_by_label("Turn, of 10000").fill("6172")
    window.press("Enter").settle().press("F10", "F10", "F10").settle()
    window.page.locator(".cm-line.now .pill.changed").click()
    shoot(window, "loop")
