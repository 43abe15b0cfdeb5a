"""The ten-minute tutorial, step by step: docs/tutorial/ten-minutes.md."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, ROOT, ct_path
from playwright.sync_api import expect
from window import Window

TEXT = (ROOT / "docs/tutorial/ten-minutes.md").read_text("utf-8")
KEYS = {"Alt 4": "Alt+4", "Shift F9": "Shift+F9", "Shift F8": "Shift+F8", "Enter": "Enter"}


def commands():
    return re.findall(r"^\$ (.*)$", TEXT, re.MULTILINE)


def key(name):
    """A key, as the tutorial names it."""
    assert f"`{name}`" in TEXT
    return KEYS[name]


def told(text):
    """Something the tutorial promises to be seen."""
    assert text in TEXT
    return text


@pytest.fixture
def checkout(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def run(command, folder, environment):
    program, *arguments = shlex.split(command)
    assert program == "ct"
    return subprocess.run(
        [ct_path(), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_every_step_of_the_tutorial(browser, serve, environment, checkout):
    record, replay, record_again = commands()
    failed = run(record, checkout, environment)
    assert failed.returncode == 1
    assert told("ZeroDivisionError: float division by zero") in failed.stderr

    assert replay == "ct replay -t shop"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with serve(checkout / "shop") as (address, _):
        window = Window(context.new_page())
        window.open(address)
        find(window)
        context.close()
    assert window.complaints == []

    fix(checkout / "examples/shop.py")
    fixed = run(record_again, checkout, environment)
    assert fixed.returncode == 0
    assert re.search(r"^saved \d", fixed.stdout, re.MULTILINE)


def find(window):
    page = window.page
    page.get_by_role("button", name=told("ZeroDivisionError")).click()
    window.settle()
    expect(page.locator(".cm-line.now")).to_contain_text(told("return part / whole"))
    expect(page.locator(".cm-line.now")).to_contain_text(told("whole = 0"))

    window.press(key("Alt 4"))
    window.list("stack").filter(has_text="discount").click()
    window.settle()
    assert any(told("total = 0") == pill for pill in window.pills("total = sum("))
    assert "id=35" in told("Order(id=35, …, items=[])")
    expect(window.row("def discount(")).to_contain_text("Order(id=35")

    window.row(told("orders.append(order)")).click()
    window.press(key("Shift F9"))
    expect(page.get_by_label("Only if")).to_be_focused()
    page.keyboard.type(told("not order.items"))
    window.press(key("Enter")).settle()
    window.press(key("Shift F8")).settle()
    expect(page.locator(".cm-line.now")).to_contain_text("orders.append(order)")
    expect(window.row("for number in range(")).to_contain_text("number = 34 → 35")
    expect(window.row("order.items.append(Item(f")).to_have_class(re.compile("off"))
    expect(window.row('order.items.append(Item("gift"')).to_have_class(re.compile("off"))

    there = window.step()
    window.press(key("Shift F8"))
    expect(page.locator(".notices")).to_contain_text("No breakpoint is hit before this moment.")
    assert window.step() == there


def fix(program: Path):
    (wanted,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    source = program.read_text("utf-8")
    head = wanted.splitlines()[0]
    start = source.index(head)
    end = source.index("\n\n", start)
    program.write_text(source[:start] + wanted.rstrip() + source[end:], "utf-8")
