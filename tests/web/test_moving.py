"""Moving through the run: buttons, keys, breakpoints, the timeline, the address."""

import re

import pytest
from conftest import ROOT
from playwright.sync_api import expect

MIRRORED = [("F10", "Shift+F10"), ("F11", "Shift+F11")]


def test_the_window_opens_on_the_first_step(shop):
    assert shop.step() == "0"
    expect(shop.page).to_have_title(re.compile("shop.py"))
    for panel in (
        "Calls and files",
        "Code",
        "Variables and stack",
        "History and breakpoints",
        "Output",
        "Timeline",
    ):
        expect(shop.panel(panel)).to_be_visible()
    assert "token" not in shop.page.url


def test_five_controls_each_way_around_the_middle(shop):
    buttons = shop.page.get_by_role("toolbar").get_by_role("button")
    names = [button.get_attribute("aria-label") for button in buttons.all()]
    assert len(names) == 10
    for back, forth in zip(names[:5], reversed(names[5:]), strict=True):
        assert forth.split(",")[0].split(" ")[0] == back.split(",")[0].split(" ")[0]
    shop.page.get_by_role("button", name="Step into", exact=True).click()
    shop.settle()
    assert shop.step() == "1"
    shop.page.get_by_role("button", name="Step into, backwards").click()
    shop.settle()
    assert shop.step() == "0"
    shop.page.get_by_role("button", name="To the end of the recording").click()
    shop.settle()
    assert int(shop.step()) > 1000
    shop.page.get_by_role("button", name="To the start of the recording").click()
    shop.settle()
    assert shop.step() == "0"


def test_no_key_of_a_held_down_key_is_lost(shop):
    hold = """shift => { for (let i = 0; i < 60; i++) document.body.dispatchEvent(
        new KeyboardEvent("keydown",
            {key: "F11", code: "F11", bubbles: true, repeat: i > 0, shiftKey: shift})) }"""
    shop.page.evaluate(hold, False)
    shop.settle()
    there = shop.step()
    shop.page.evaluate(hold, True)
    shop.settle()
    assert shop.step() == "0"
    for _ in range(60):
        shop.press("F11")
    shop.settle()
    assert shop.step() == there


def test_backwards_is_the_mirror_of_forwards(shop):
    shop.find_line("total = sum(")
    start = shop.step()
    for forth, back in MIRRORED:
        shop.press(*[forth] * 4).settle()
        assert shop.step() != start
        shop.press(*[back] * 4).settle()
        assert shop.step() == start


def test_out_lands_at_the_call_site_and_says_what_was_returned(shop):
    shop.find_line("return part / whole")
    shop.press("F12").settle()
    assert "." in shop.step()
    expect(shop.page.locator(".cm-line.site")).to_contain_text("used = share(off, total)")
    expect(shop.page.locator(".cm-line.site .pill").first).to_contain_text("returned")
    expect(shop.page.locator("footer")).to_contain_text("returned")


def test_the_ends_are_told(shop):
    shop.press("Shift+F11")
    expect(shop.page.locator(".notices")).to_contain_text(
        "Nothing of this thread is before this moment."
    )
    shop.press("F8")
    expect(shop.page.locator(".notices")).to_contain_text("No breakpoint is hit after this moment.")


def test_breakpoints_by_click_with_a_condition_and_back_again(shop):
    shop.find_line("used = share(")
    shop.press("Control+Home").settle()
    shop.page.locator(".g-numbers .cm-gutterElement", has_text=re.compile(r"^44$")).click()
    expect(shop.page.locator(".g-points .set")).to_have_count(1)
    shop.press("F8").settle()
    assert shop.line() == 44
    shop.press("Shift+F9")
    shop.page.get_by_label("Only if").fill("order.id == 20")
    shop.press("Enter")
    expect(shop.page.locator(".g-points .conditional")).to_have_count(1)
    shop.press("F8").settle()
    assert "id=20" in shop.pills("def discount(")[0]
    shop.press("F8")
    expect(shop.page.locator(".notices")).to_contain_text("No breakpoint is hit after")
    shop.press("Control+End").settle()
    shop.press("Shift+F8").settle()
    assert "id=20" in shop.pills("def discount(")[0]


def test_a_condition_that_makes_no_sense_is_refused_with_the_reason(shop):
    shop.find_line("used = share(")
    shop.press("Shift+F9")
    shop.page.get_by_label("Only if").fill("order.id ==")
    shop.press("Enter")
    expect(shop.page.locator(".g-points .problem")).to_have_count(1)
    shop.press("Alt+7")
    expect(shop.list("breakpoints")).to_contain_text("44")
    expect(shop.list("breakpoints").locator(".bad")).not_to_be_empty()
    shop.press("Delete")
    expect(shop.page.locator(".g-points .set")).to_have_count(0)


def test_breakpoints_are_kept_switched_off_and_listed(shop):
    shop.find_line("return part / whole")
    shop.press("F9")
    expect(shop.page.locator(".g-points .set")).to_have_count(1)
    shop.press("Alt+7", "Space")
    expect(shop.page.locator(".g-points .disabled")).to_have_count(1)
    shop.press("Control+Home").settle()
    shop.press("F8")
    expect(shop.page.locator(".notices")).to_contain_text("No breakpoint is hit")
    shop.page.reload()
    expect(shop.page.locator(".cm-line.now")).to_be_visible()
    expect(shop.page.locator("#tab-breakpoints")).to_have_text("Breakpoints 1")


def test_log_points_tell_and_do_not_stop(shop):
    shop.find_line("used = share(")
    shop.press("Shift+F9")
    shop.page.get_by_label("Do not stop, log").fill("order {order.id}")
    shop.press("Enter")
    shop.press("Control+Home").settle()
    shop.press("F8").settle()
    expect(shop.list("log").last).to_contain_text("order 35")


def test_stopping_at_exceptions(shop):
    shop.press("Alt+x").settle()
    shop.press("F8").settle()
    assert shop.line() == 51
    expect(shop.page.locator(".cm-line.now .pill.error")).to_contain_text("ZeroDivisionError")
    expect(shop.page.locator("footer")).to_contain_text("an exception is raised here")


def test_visits_of_a_line_both_ways(shop):
    shop.find_line("saved += off")
    first = int(shop.step())
    shop.press("Alt+ArrowDown").settle()
    assert int(shop.step()) > first
    shop.press("Alt+ArrowUp").settle()
    assert int(shop.step()) == first


def test_into_a_call_on_the_line(shop):
    shop.find_line("off = discount(order, coupon)")
    shop.page.locator(".cm-line.now .pill.call").click()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("total = sum(")
    shop.press("F12").settle()
    shop.find_line("total = sum(")
    shop.press("Control+F11").settle()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("total = sum(")


def test_the_timeline_seeks_zooms_and_tells_what_is_there(shop):
    strip = shop.page.get_by_role("slider", name="Moment in the run")
    box = strip.bounding_box()
    shop.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    expect(shop.page.locator(".tip")).to_contain_text("step")
    shop.page.mouse.down()
    shop.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 30, steps=12)
    shop.page.mouse.up()
    shop.settle()
    assert int(shop.step()) == pytest.approx(
        0.7 * int(strip.get_attribute("aria-valuemax")), abs=20
    )
    shop.page.mouse.wheel(0, -600)
    expect(shop.page.get_by_role("button", name="show all")).to_be_visible()
    strip.focus()
    before = int(shop.step())
    shop.press("ArrowRight").settle()
    assert int(shop.step()) > before
    shop.press("0")
    expect(shop.page.get_by_role("button", name="show all")).to_have_count(0)
    shop.press("End").settle()
    assert int(shop.step()) > 1000


def test_ctrl_g_goes_to_a_moment_wherever_the_keyboard_is(shop):
    shop.find_line("return part / whole")
    shop.press("Alt+0")
    expect(shop.page.locator(".cm-content")).to_be_focused()
    shop.go(7)
    expect(shop.page.locator(".cm-search")).to_have_count(0)
    shop.press("Alt+0", "Control+f")
    expect(shop.page.locator(".cm-search input[name=search]")).to_be_focused()
    shop.go(9)


@pytest.mark.parametrize("wrong", ["-1", "abc", "999999"])
def test_an_address_that_leads_nowhere_is_set_right(shop, wrong):
    shop.go(25)
    shop.page.wait_for_url(re.compile("/25$"))
    shop.page.evaluate("wrong => { location.hash = location.hash.replace(/25$/, wrong) }", wrong)
    shop.page.wait_for_url(re.compile("/25$"))
    assert shop.settle().step() == "25"
    shop.press("F10").settle()
    shop.page.wait_for_url(re.compile(f"/{shop.step()}$"))


def test_an_address_with_a_key_is_not_taken_for_a_recording(shop, addresses):
    asked = []
    shop.page.on("request", lambda request: asked.append((request.method, request.post_data)))
    token = addresses(ROOT / "examples/shop.py").split("#")[1]
    shop.page.evaluate("token => { location.hash = token }", token)
    shop.page.wait_for_url(lambda url: "token" not in url)
    expect(shop.page.locator(".cm-line.now")).to_be_visible()
    assert not [body for method, body in asked if method == "POST" and "token=" in (body or "")]


def test_back_goes_where_one_was_and_links_lead_to_a_moment(shop, addresses):
    shop.find_line("total = sum(")
    there = shop.step()
    shop.press("Control+End").settle()
    link = shop.page.url
    shop.page.go_back()
    shop.settle()
    assert shop.step() == there
    assert shop.page.url.endswith(f"/{there}")
    other = shop.page.context.new_page()
    other.goto(link)
    expect(other.locator("footer")).to_contain_text("step 1,4")
    other.close()


def test_the_palette_finds_commands_files_and_moments(shop):
    shop.palette("Control+k")
    shop.page.keyboard.type("end of the rec")
    shop.press("Enter").settle()
    assert int(shop.step()) > 1000
    shop.palette("Control+k")
    shop.page.keyboard.type("5")
    expect(shop.page.get_by_role("dialog").get_by_role("option").first).to_contain_text(
        "Go to step 5"
    )
    shop.press("Enter").settle()
    assert shop.step() == "5"
    shop.palette("Control+p")
    shop.page.keyboard.type("shop")
    expect(shop.page.get_by_role("dialog").get_by_role("option").first).to_contain_text("shop.py")
    shop.press("Escape")
    expect(shop.page.get_by_role("dialog")).to_have_count(0)


def test_every_command_stands_in_the_help_with_its_key(shop):
    shop.press("F1")
    help_text = shop.page.get_by_role("dialog").inner_text()
    for word in ("Step over", "F10", "Shift F11", "Continue, backwards", "Alt ↑", "Find a file"):
        assert word in help_text
    shop.press("Escape")
    expect(shop.page.get_by_role("dialog")).to_have_count(0)


def test_threads_have_stacks_of_their_own(shop):
    shop.find_line("into[word] = ")
    expect(shop.page.locator("footer")).to_contain_text("stock-counter")
    expect(shop.page.locator(".lanes")).to_contain_text("stock-counter")
    shop.press("Alt+4")
    select = shop.page.get_by_label("Thread")
    names = select.locator("option").all_inner_texts()
    assert any("stock-counter (now)" in name for name in names)
    select.select_option(index=0)
    expect(shop.list("stack").last).to_contain_text("<module>")


def test_exceptions_stop_by_how_far_they_come_and_by_type(shop):
    shop.press("Alt+7")
    panel = shop.panel("History and breakpoints")
    which = panel.get_by_label("Which exceptions")
    types = panel.get_by_label("Types of exceptions")
    stops = panel.get_by_label("stop at exceptions")
    assert not stops.is_checked()
    which.select_option("uncaught")
    expect(stops).to_be_checked()
    shop.settle().press("F8").settle()
    expect(shop.page.locator("footer")).to_contain_text("an exception is raised here")
    raised = shop.step()
    shop.go(0)
    types.fill("!ArithmeticError")
    types.press("Enter")
    shop.settle()
    which.select_option("raised")
    shop.settle().page.locator(".cm-content").focus()
    shop.press("F8").settle()
    assert shop.step() != raised
    shop.press("Alt+Shift+x")
    expect(types).to_be_focused()
    types.fill("Key Error")
    shop.press("Enter").settle()
    expect(panel).to_contain_text("(column 5)")
    types.fill("NobodyRaisesThis")
    shop.press("Enter").settle()
    expect(panel).to_contain_text("No exception of such a type was recorded")
    types.fill("")
    shop.press("Enter").settle()
    expect(panel.locator(".exception-stops .bad")).to_have_text("")
    shop.press("Alt+x").settle()
    expect(stops).not_to_be_checked()
