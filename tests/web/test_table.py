"""Big values as tables: cells by window, by keyboard, what changed; 100,000 rows of them."""

import json
import re

import pytest
from playwright.sync_api import expect
from test_window import violations

AT = "pairs[2000] ="


def grid(window):
    return window.page.get_by_role("grid")


def open_table(window, name):
    row = window.list("variables").filter(has_text=re.compile(f"{name} = "))
    row.hover()
    row.get_by_role("button", name=f"Table of {name}").click()
    expect(grid(window)).to_be_visible()
    window.settle()
    return row


def cell(window, row, column):
    return window.page.locator(f"#cell-{row}-{column}")


@pytest.fixture
def tables(open_window):
    window = open_window("tables")
    window.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return window.find_line(AT)


def test_a_list_of_rows_is_a_table_as_long_as_one_wants(tables):
    row = open_table(tables, "grid")
    tab = tables.page.locator("#tab-table")
    expect(tab).to_have_text("Table of grid")
    expect(tables.panel("History and breakpoints")).to_contain_text("40 rows of 60 columns")
    expect(cell(tables, 1, 3)).to_have_text("3")
    pressed = row.get_by_role("button", name="Table of grid")
    expect(pressed).to_have_attribute("aria-pressed", "true")
    pressed.click()
    expect(tab).to_have_count(0)


def test_the_keyboard_opens_it_goes_through_it_and_copies(tables):
    tables.press("Alt+3", "ArrowDown", "t", "Alt+g").settle()
    expect(grid(tables)).to_be_focused()
    expect(grid(tables)).to_have_attribute("aria-activedescendant", "cell-0-0")
    tables.press("End", "ArrowDown").settle()
    expect(grid(tables)).to_have_attribute("aria-activedescendant", "cell-1-59")
    expect(cell(tables, 1, 59)).to_be_in_viewport()
    tables.press("Control+End", "Control+c")
    expect(tables.page.locator(".notices")).to_contain_text("Copied.")
    assert tables.page.evaluate("navigator.clipboard.readText()") == str(39 * 59 % 97)
    tables.press("Control+Home", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight", "Control+c")
    expect(tables.page.locator(".grid-cell.chosen")).to_have_count(4)
    tables.page.wait_for_function("async () => (await navigator.clipboard.readText()).length > 4")
    assert tables.page.evaluate("navigator.clipboard.readText()") == "0\t1\n0\t2"
    tables.press("Escape", "t")
    expect(tables.page.locator("#tab-table")).to_have_count(0)


def test_what_is_no_table_says_so(open_window):
    window = open_window("turns")
    window.press("Control+End").settle()
    window.press("Alt+3", "Home", "ArrowDown", "t")
    expect(window.page.locator(".notices")).to_contain_text("this is none")


def test_records_have_names_and_a_copy_has_them_on_top(tables):
    open_table(tables, "readings")
    names = tables.page.get_by_role("columnheader").all_inner_texts()
    assert names[1:] == ["station", "degrees", "is_good"]
    cell(tables, 4, 1).click()
    cell(tables, 3, 0).click(modifiers=["Shift"])
    tables.press("Control+c")
    expect(tables.page.locator(".notices")).to_contain_text("Copied.")
    copied = tables.page.evaluate("navigator.clipboard.readText()")
    assert copied == "station\tdegrees\n'station 3'\t4.5\n'station 4'\t99.25"


def test_it_follows_the_moment_and_marks_what_changed(tables):
    open_table(tables, "cube")
    expect(tables.panel("History and breakpoints")).to_contain_text(re.compile("B 3 . 4 . 5"))
    changed = tables.page.locator(".grid-cell.changed")
    expect(changed).to_have_text("255")
    expect(changed).to_have_attribute("id", "cell-6-3")
    expect(changed).to_have_css("font-weight", "700")
    assert tables.page.get_by_role("rowheader").nth(6).inner_text() == "1, 2"
    tables.press("Shift+F10").settle()
    expect(cell(tables, 6, 3)).to_have_text("33")
    expect(changed).to_have_count(0)
    tables.press("Control+Home").settle()
    expect(tables.panel("History and breakpoints")).to_contain_text("measure does not run")
    tables.find_line(AT)
    expect(changed).to_have_text("255")


def test_a_row_of_another_shape_is_told_as_a_whole(tables):
    open_table(tables, "late")
    other = tables.page.locator(".grid-cell.other")
    expect(other).to_have_text("'no row'")
    assert other.bounding_box()["y"] < cell(tables, 4, 0).bounding_box()["y"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_table(open_window, scheme):
    window = open_window("tables", color_scheme=scheme)
    window.find_line(AT)
    for name in ("cube", "late"):
        open_table(window, name)
        window.press("Alt+g", "Shift+ArrowDown").settle()
        window.page.wait_for_timeout(300)
        assert violations(window.page) == "[]", name


def requests_of(window):
    """The requests for cells that the window sends from now on, as (start, count)."""
    asked = []

    def note(request):
        if request.method == "POST" and (body := request.post_data):
            message = json.loads(body)
            inner = message.get("arguments", {}).get("requests", [message])
            asked.extend(r["arguments"] for r in inner if r.get("command") == "ct/load-table")

    window.page.on("request", note)
    return asked


def test_a_hundred_thousand_rows_ask_for_what_is_seen(open_window):
    window = open_window("many_rows")
    window.find_line("return rows")
    asked = requests_of(window)
    open_table(window, "rows")
    expect(window.panel("History and breakpoints")).to_contain_text("100,000 rows of 2 columns")
    window.press("Alt+g", "Control+End").settle()
    expect(cell(window, 99_999, 1)).to_have_text("199998")
    expect(cell(window, 99_999, 1)).to_be_in_viewport()
    grid(window).evaluate("element => { element.scrollTop = 50_000 * 22 }")
    window.settle()
    expect(window.page.locator(".grid-cell.changed")).to_have_text("-7")
    assert window.page.locator(".grid-row").count() < 60
    assert sum(part["count"] for part in asked) < 1000
