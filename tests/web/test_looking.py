"""What the panels show: code, variables, stack, calls, files, output, history."""

import re

from playwright.sync_api import expect
from window import Window


def inside(shop):
    """Stand in the second turn of the loop in discount(), where something is taken off."""
    shop.find_line("off += total * rule.rate")
    return shop


def test_a_line_tells_what_it_did(shop):
    inside(shop)
    assert any(re.match(r"off = 0\.0 → \d", pill) for pill in shop.pills("off += total"))
    assert shop.page.locator(".cm-line.now .pill.changed").count() == 1
    assert any("order=Order(id=1" in pill for pill in shop.pills("def discount("))
    # what has not happened yet is pale, what does not happen in this turn is dim
    assert shop.row("return round(").locator(".pill.future").count() > 0
    expect(shop.row("            continue")).to_have_class(re.compile("off"))
    expect(shop.row("off = total * LIMIT")).to_have_class(re.compile("off"))


def test_counts_stand_in_the_gutter(shop):
    inside(shop)
    counts = shop.page.locator(".g-counts .count").all_inner_texts()
    assert "35" in counts
    assert shop.page.locator(".g-counts .never").count() > 0


def test_the_loop_has_a_slider(shop):
    inside(shop)
    loop = shop.page.get_by_role("group", name=re.compile("Loop on line"))
    expect(loop).to_contain_text("of 3")
    field = loop.get_by_label("Turn, of 3")
    assert field.input_value() == "2"
    number = loop.get_attribute("aria-label").removeprefix("Loop on line ")
    for name in ("Previous turn", "Turn, of 3", "Next turn", "Turn"):
        expect(loop.get_by_label(f"{name}, line {number}", exact=True)).to_have_count(1)
    loop.get_by_label("Next turn").click()
    shop.settle()
    assert field.input_value() == "3"
    expect(shop.page.locator(".cm-line.now")).to_contain_text("for rule in RULES")
    field.fill("1")
    shop.press("Enter").settle()
    assert any("summer" in pill for pill in shop.pills("for rule in RULES"))
    slider = loop.get_by_role("slider")
    expect(slider).to_have_value("1")  # the bar is told a little after the line
    slider.focus()
    shop.press("ArrowRight")
    expect(field).to_have_value("2")  # a drag that may go on: the panels follow a little later
    shop.settle().row("if not rule.match").click()
    shop.press("Alt+]").settle()
    assert field.input_value() == "3"


def test_hovering_a_name_shows_its_value_as_a_tree(shop):
    inside(shop)
    box = shop.row("off += total").bounding_box()
    shop.page.mouse.move(box["x"] + 8 * 7.83 + 12, box["y"] + 10)
    expect(shop.page.locator(".hover")).to_contain_text("off")
    expect(shop.page.locator(".hover")).to_contain_text("float")


def select(shop, line, text):
    """Mark a piece of a line with the mouse, and rest on it."""
    middle, start, end = shop.row(line).evaluate(
        """(element, text) => {
            const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
            const at = element.textContent.indexOf(text);
            const place = (offset) => {
                walker.currentNode = element;
                for (let node, passed = 0; (node = walker.nextNode()); passed += node.data.length) {
                    if (passed + node.data.length < offset) continue;
                    const range = document.createRange();
                    range.setStart(node, offset - passed);
                    return range.getBoundingClientRect();
                }
            };
            const [from, to] = [place(at), place(at + text.length)];
            return [from.y + from.height / 2, from.x, to.x];
        }""",
        text,
    )
    mouse = shop.page.mouse
    mouse.move(start, middle)
    mouse.down()
    mouse.move(end, middle, steps=4)
    mouse.up()
    mouse.move(5, 5)
    mouse.move((start + end) / 2, middle)
    mouse.move((start + end) / 2 + 1, middle)


def test_hovering_an_expression_says_why_it_has_no_value(shop):
    inside(shop)
    select(shop, "off += total", "total * rule.rate")
    expect(shop.page.locator(".hover")).to_contain_text("total * rule.rate = ")
    expect(shop.page.locator(".hover .bad")).to_have_count(0)
    select(shop, "def discount", "discount(order, coupon)")
    expect(shop.page.locator(".hover .bad")).to_contain_text("no code of the program runs")
    shop.press("Escape")
    shop.page.mouse.move(5, 5)
    expect(shop.page.locator(".hover")).to_have_count(0)


def test_a_module_shows_its_own_names_first(shop):
    rows = shop.list("variables")
    expect(rows.first).to_contain_text("<module>")
    folded = rows.filter(has_text="names like __name__")
    expect(folded).to_be_visible()
    expect(rows.filter(has_text="__name__ = ")).to_have_count(0)
    folded.click()
    expect(rows.filter(has_text="__name__ = ")).to_contain_text("'__main__'")
    shop.press("F10").settle()
    expect(rows.filter(has_text="__name__ = ")).to_be_visible()


def test_variables_open_mark_changes_and_say_what_comes(shop):
    inside(shop)
    rows = shop.list("variables")
    expect(rows.first).to_contain_text("discount")
    off = rows.filter(has_text="off = ")
    expect(off).to_contain_text("will be")
    rows.filter(has_text="order = ").click()
    expect(rows.filter(has_text="customer = ")).to_contain_text("'bob'")
    rows.filter(has_text="items = ").click()
    expect(rows.filter(has_text=re.compile(r"^.?0 = Item|0 = Item"))).to_be_visible()
    shop.press("F10").settle()
    # what is open stays open; what the step changed is marked
    expect(rows.filter(has_text="customer = ")).to_be_visible()
    expect(rows.filter(has_text="off = ")).to_have_class(re.compile("changed"))


def test_variables_by_keyboard_copy_watch_and_history(shop):
    shop.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    inside(shop)
    shop.press("Alt+3", "ArrowDown", "ArrowRight")
    expect(shop.list("variables").filter(has_text="customer = ")).to_be_visible()
    shop.press("ArrowDown", "Control+c")
    expect(shop.page.locator(".notices")).to_contain_text("Copied.")
    assert shop.page.evaluate("navigator.clipboard.readText()") == "1"
    shop.press("w")
    expect(shop.list("watches")).to_contain_text("order.id = 1")
    shop.press("h")
    expect(shop.page.locator("#tab-history")).to_contain_text("order.id")


def test_redacted_values_say_so(shop):
    shop.find_line("stock = {}")
    expect(shop.list("variables").filter(has_text="password = ")).to_contain_text("redacted")
    expect(shop.page.locator("footer")).to_contain_text("1 redacted")
    shop.press("Alt+m")
    expect(shop.page.get_by_role("dialog")).to_contain_text("looks like that of a secret")


def test_watches_are_kept_evaluated_and_removed(shop):
    inside(shop)
    shop.add_watch("len(order.items)").add_watch("off / nothing")
    watches = shop.list("watches")
    expect(watches.first).to_contain_text("len(order.items) = 2")
    expect(watches.last.locator(".bad")).to_contain_text("NameError")
    shop.page.reload()
    expect(watches.first).to_contain_text("len(order.items) = 2")
    watches.first.click()
    shop.page.locator(".list[aria-label=Watches]").focus()
    shop.press("Delete")
    expect(watches).to_have_count(1)


def test_history_is_a_list_and_a_chart_and_a_click_goes_there(shop):
    inside(shop)
    shop.row("off += total").locator(".pill.changed").click()
    expect(shop.page.locator("#tab-history")).to_have_text("History of off")
    changes = shop.list("history")
    expect(changes.first).to_be_visible()
    expect(shop.panel("History and breakpoints")).to_contain_text("changes")
    expect(shop.page.locator(".chart canvas")).to_be_visible()
    expect(changes.locator("xpath=self::*[contains(@class, 'later')]").first).to_be_visible()
    before = int(shop.step())
    changes.nth(4).click()
    shop.settle()
    assert int(shop.step()) != before
    shop.page.get_by_label("this call only").check()
    expect(shop.panel("History and breakpoints")).to_contain_text(re.compile(r"[^\d,]\d changes"))
    shop.page.get_by_label("this call only").uncheck()
    shop.page.locator(".chart .u-over").click(position={"x": 250, "y": 40})
    shop.settle()
    assert int(shop.step()) > 300


def test_frames_are_selected_with_their_own_variables(shop):
    shop.find_line("return part / whole")
    shop.press("Alt+4")
    frames = shop.list("stack")
    assert [text.split("\n")[0] for text in frames.all_inner_texts()] == [
        "share",
        "discount",
        "settle",
        "main",
        "<module>",
    ]
    frames.nth(2).click()
    expect(shop.page.locator(".cm-line.site")).to_contain_text("off = discount(order, coupon)")
    shop.press("Alt+3")
    expect(shop.list("variables").filter(has_text="saved = ")).to_be_visible()
    shop.press("Control+ArrowDown").settle()
    expect(shop.page.locator(".cm-line.site")).to_contain_text("used = share(")
    shop.press("Alt+.").settle()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("return part / whole")


def test_a_line_shows_the_attributes_and_items_it_uses(open_window):
    window = open_window("expressions")
    window.find_line("points[i].y = seen[i] * 2")
    pills = window.pills("points[i].y = ")
    assert "points[i].y = 1 → 2" in pills
    assert "seen[i] = 1" in pills
    assert not any(pill.startswith(("seen = ", "points[i] = ")) for pill in pills)
    window.find_line("width = b.x - a.x")
    assert window.pills("width = b.x")[:3] == ["width = 2", "b.x = 2", "a.x = 0"]
    window.row("width = b.x").get_by_text("b.x = 2").click()
    expect(window.page.locator("#tab-history")).to_have_text("History of b.x")
    expect(window.list("history").first).to_be_visible()


def test_the_call_that_runs_is_marked_in_its_caller(open_window):
    window = open_window("expressions")
    window.find_line("width = b.x")
    marked = window.page.locator(".site-call")
    expect(marked).to_have_count(0)
    window.press("Control+ArrowUp").settle()
    expect(window.page.locator(".cm-line.site")).to_contain_text("both = area(")
    assert "".join(marked.all_inner_texts()) == "area(corner, corner.moved(2))"
    calls = window.page.locator("[aria-label=Calls] .row.now")
    expect(calls).to_contain_text("<module>")
    window.press("Alt+.").settle()
    expect(marked).to_have_count(0)
    expect(calls).to_contain_text("area (")
    footer = window.page.locator("footer")
    before = f"step {window.step()}"
    window.press("Alt+ArrowDown")
    expect(footer).not_to_contain_text(before)
    window.settle()
    window.press("Control+ArrowUp").settle()
    assert "".join(marked.all_inner_texts()) == "area(corner.moved(1), corner.moved(5))"


def test_calls_are_a_tree_that_leads_to_them(shop):
    rows = shop.list("calls")
    expect(rows.filter(has_text="main (")).to_be_visible()
    shop.find_line("return part / whole")
    expect(rows.filter(has_text="share (")).to_have_class(re.compile("now"))
    shop.press("Control+End").settle()
    expect(rows.filter(has_text="share (part=0.0")).to_have_class(re.compile("now"))
    shop.press("Alt+1", "ArrowUp", "Enter").settle()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("return coupon.lower()")


def test_calls_are_found_by_name(shop):
    shop.press("Control+Shift+f")
    shop.page.keyboard.type("share")
    shop.press("Enter")
    found = shop.page.get_by_role("listbox", name="Calls found").get_by_role("option")
    expect(found.first).to_have_attribute("aria-setsize", "35")
    found.nth(3).click()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("return part / whole")
    shop.press("Control+Shift+f", "Control+a")
    shop.page.keyboard.type("nothing like it")  # it is searched for as one types
    expect(shop.panel("Calls and files")).to_contain_text("No calls")


def test_files_tell_how_much_of_them_ran(shop):
    shop.press("Alt+2")
    row = shop.list("files")
    expect(row).to_contain_text("shop.py")
    expect(row).to_contain_text(re.compile(r"9\d %"))


def test_a_recording_without_sources_says_so_and_can_be_walked(open_window):
    window = open_window("without_source", ready=False)
    expect(window.panel("Code")).to_contain_text("the text of this file was not recorded")
    assert window.step() == "0"
    window.press("F11")
    expect(window.page.locator("footer")).to_contain_text("step 1")


def test_output_is_coloured_tells_past_from_future_and_leads_to_the_write(shop):
    shop.find_line("saved += off")
    lines = shop.list("output")
    expect(lines.first.locator("span").first).to_have_class(re.compile("past"))
    order = lines.filter(has_text="order 1:")
    expect(order.locator("span").first).to_have_class(re.compile("future"))
    assert order.locator(".fg-green").count() == 1
    lines.filter(has_text="order 4:").locator("span").first.click()
    expect(shop.page.locator(".cm-line.now")).to_contain_text("print(f")
    assert any("order.id" in pill or "order" in pill for pill in shop.pills("print(f"))
    shop.press("Alt+o").settle()
    assert int(shop.step()) > 0


def test_exceptions_are_listed_and_the_last_one_is_one_click_away(shop):
    shop.page.get_by_role("button", name="ZeroDivisionError").click()
    shop.settle()
    assert shop.line() == 51
    shop.press("Alt+6")
    expect(shop.list("exceptions")).to_contain_text("float division by zero")


def test_find_in_the_file(shop):
    shop.page.locator(".cm-content").focus()
    shop.press("Control+f")
    shop.page.keyboard.type("coupon")
    expect(shop.page.locator(".cm-searchMatch").first).to_be_visible()
    shop.press("Escape")
    expect(shop.page.locator(".cm-search")).to_have_count(0)


def test_big_lists_are_tables_of_pages(open_window):
    window = open_window("turns")
    window.press("Control+End").settle()
    rows = window.list("variables")
    rows.filter(has_text="cells = ").click()
    expect(rows.filter(has_text="cells = ")).to_have_attribute("aria-expanded", "true")
    expect(rows.nth(3)).to_be_attached()
    more = rows.filter(has_text="800 more")
    for _ in range(20):  # the elements come a little later
        window.press("Alt+3", "End", "PageUp")
        if more.is_visible():
            break
    expect(more).to_be_visible()


def test_a_loop_of_ten_thousand_turns(open_window):
    window = open_window("turns")
    window.find_line("square = turn * turn")
    field = window.page.get_by_label("Turn, of 10000")
    field.fill("5000")
    window.press("Enter").settle()
    expect(window.row("for turn in range").locator(".pill.changed")).to_contain_text("4999")
    window.press("F10").settle()
    assert any("24990001" in pill for pill in window.pills("square = turn"))
    window.press(*["F10"] * 8).settle()
    assert field.input_value() in ("5001", "5002", "5003")


def test_a_deep_recursion(open_window):
    window = open_window("turns")
    window.find_line("return 0")
    expect(window.panel("Variables and stack")).to_contain_text("902 frames")
    expect(window.page.locator(".cm-line.now .pill").first).to_contain_text("→ 0")
    window.press("Alt+4", "End")
    expect(window.list("stack").last).to_be_visible()
    deepest = window.list("calls").filter(has_text="deep (n=0)")
    expect(deepest).to_be_in_viewport()
    expect(deepest).to_have_class(re.compile("now"))
    expect(deepest).to_have_attribute("aria-level", "902")
    expect(deepest.locator(".name")).to_be_in_viewport()


def test_a_long_run(open_window):
    window = open_window("big", at=500_003)
    expect(window.list("variables").nth(1)).to_be_visible()
    window.press("Alt+8", "End")
    expect(window.list("output").last).to_contain_text("at 120000")


def test_of_many_threads_the_timeline_says_how_many_and_shows_the_chosen_one(open_window):
    window = open_window("crowd", viewport={"width": 1024, "height": 700})
    window.press("Control+End").settle()
    names = window.page.locator(".lane-name")
    expect(names).to_have_count(4)
    more = window.page.get_by_role("button", name="3 more threads")
    expect(more).to_have_text("+3")
    box = more.bounding_box()
    strip = window.page.get_by_role("slider", name="Moment in the run").bounding_box()
    assert box["x"] + box["width"] <= strip["x"]
    assert more.evaluate("element => element.scrollWidth <= element.clientWidth")
    expect(names.filter(has_text="name 3")).to_have_count(0)
    more.click()  # the tree of calls has all threads
    calls = window.panel("Calls and files").get_by_role("tree")
    expect(calls).to_be_focused()
    calls.get_by_text("a rather long name 3").click()
    calls.get_by_text("work (turns=3)").click()
    expect(names.filter(has_text="name 3")).to_be_visible()
    expect(names).to_have_count(4)


def test_names_and_lines_that_would_turn_the_writing_round_show_it(
    browser, record, serve, tmp_path
):
    program = tmp_path / "a\u202eb.py"
    program.write_text('text = "x\u202ey\u202bz"  # end\nprint(text)\n', "utf-8")
    context = browser.new_context()
    window = Window(context.new_page())
    with serve(record(program)) as (address, _):
        window.open(address, at=1)
        assert not {"\u202e", "\u202b"} & set(window.row("text = ").inner_text())
        expect(window.page.locator(".cm-specialChar")).to_have_count(2)
        for place in ("footer", ".program", ".tab.file"):
            text = window.page.locator(place).first.text_content()
            assert "a\\u202eb.py" in text, place
            assert "\u202e" not in text, place
    assert window.complaints == []
    context.close()
