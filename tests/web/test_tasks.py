"""The tasks of a moment, below the stack."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def room(open_window):
    """Stand where every guest of chatter.py waits, with the stack in front."""
    window = open_window("chatter")
    window.go(120).press("Alt+a").settle()
    expect(window.page.get_by_role("listbox", name="Tasks")).to_be_focused()
    return window


def frames(window):
    return [text.split()[0] for text in window.list("stack").all_inner_texts()]


def test_every_task_tells_where_it_waits(room):
    tasks = room.page.get_by_role("region", name="Tasks")
    expect(tasks.locator("h3")).to_contain_text("14")
    texts = [" ".join(text.split()) for text in room.list("tasks").all_inner_texts()]
    assert re.fullmatch(r"main #1 pause chatter.py:10 \d+", texts[0])
    assert re.fullmatch(r"talk #3 pause chatter.py:10 \d+", texts[1])
    running = [text for text in texts if "running" in text]
    assert len(running) <= 1


def test_a_click_shows_the_frames_of_a_task_and_their_variables(room):
    now = room.step()
    before = frames(room)
    room.list("tasks").nth(2).click()
    room.settle()
    assert frames(room) == ["pause", "talk"]
    expect(room.panel("Variables and stack")).to_contain_text("Suspended: talk #5")
    assert room.step() == now
    room.list("stack").nth(1).click()
    room.press("Alt+3").settle()
    expect(room.panel("Variables and stack")).to_contain_text("'guest 1'")
    room.press("Alt+4").settle()
    room.page.get_by_role("button", name="back to now").click()
    room.settle()
    assert frames(room) == before


def test_tasks_with_the_keyboard(room):
    room.press("ArrowDown", "ArrowDown", "Enter").settle()
    assert frames(room) == ["pause", "talk"]
    wanted = room.list("tasks").nth(2).locator("button").inner_text()
    room.press("g").settle()
    assert room.step() == wanted
    room.press("Alt+Shift+a")
    expect(room.page.get_by_label("Find tasks by name")).to_be_focused()
    room.page.keyboard.type("isten")
    heading = room.page.get_by_role("region", name="Tasks").locator("h3")
    expect(heading).to_contain_text("1 of 14")
    expect(room.list("tasks")).to_have_count(1)
    room.page.get_by_label("Find tasks by name").fill("nobody")
    expect(heading).to_contain_text("0 of 14")


def test_a_program_without_coroutines_has_no_list_of_tasks(open_window):
    window = open_window("turns")
    window.press("Alt+4").settle()
    assert window.page.get_by_role("region", name="Tasks").count() == 0
