"""The window as such: sizes, keyboard, screen readers, and what it shows where something is not."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ct_path
from playwright.sync_api import expect
from window import Window

ROOT = Path(__file__).resolve().parent.parent.parent
ENDLESS = """\
import time
n = 0
while True:
    n += 1
    if n % 1000 == 0:
        time.sleep(0.01)
"""
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


def violations(page):
    """What axe complains about. It is handed in by the test: the page itself lets no script in."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    found = session.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run().then(result => JSON.stringify(result.violations.map("
            "found => [found.id, ...found.nodes.map(node => node.html.slice(0, 160))])))",
            "awaitPromise": True,
        },
    )
    return found["result"]["value"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_window, scheme):
    window = open_window("shop", color_scheme=scheme)
    window.find_line("off += total * rule.rate")
    window.row("off += total").locator(".pill.changed").click()
    window.add_watch("off").settle()
    window.page.wait_for_timeout(300)
    assert violations(window.page) == "[]"
    for key in ("Alt+4", "Alt+6", "Alt+2"):
        window.press(key).settle()
    assert violations(window.page) == "[]"
    for key in ("Control+k", "F1", "Shift+F9"):
        window.press(key)
        expect(window.page.get_by_role("dialog")).to_be_visible()
        assert violations(window.page) == "[]", key
        window.press("Escape")
    window.press("Control+o")
    expect(window.page.get_by_role("table")).to_be_visible()
    assert violations(window.page) == "[]"


def overflow(page):
    """By how much the page is larger than what is seen of it."""
    return page.evaluate("""() => [document.documentElement.scrollWidth - innerWidth,
        document.body.scrollHeight - innerHeight]""")


@pytest.mark.parametrize(
    ("width", "height", "scale"), [(1024, 700, 1), (720, 450, 2), (1440, 900, 1), (3840, 2160, 1)]
)
def test_it_fits(open_window, width, height, scale):
    """720x450 at scale 2 is 1440x900 at 200 % zoom."""
    window = open_window(
        "shop", viewport={"width": width, "height": height}, device_scale_factor=scale
    )
    window.find_line("off += total * rule.rate")
    assert overflow(window.page) == [0, 0]
    boxes = [
        button.bounding_box()
        for button in window.page.get_by_role("toolbar").get_by_role("button").all()
    ]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    for panel in (
        "Calls and files",
        "Code",
        "Variables and stack",
        "History and breakpoints",
        "Output",
    ):
        box = window.panel(panel).bounding_box()
        assert box["width"] >= 100, panel
        assert box["height"] >= 60, panel
        assert box["x"] + box["width"] <= width + 1, panel
        assert box["y"] + box["height"] <= height + 1, panel


def boxes_of(locator):
    return [element.bounding_box() for element in locator.all() if element.is_visible()]


def overlap(one, other):
    return (
        one["x"] + one["width"] > other["x"] + 1
        and other["x"] + other["width"] > one["x"] + 1
        and one["y"] + one["height"] > other["y"] + 1
        and other["y"] + other["height"] > one["y"] + 1
    )


@pytest.mark.parametrize(("width", "height"), [(512, 350), (640, 400)])
def test_a_small_window_shows_one_panel_at_a_time(open_window, width, height):
    """1024x700 and 1280x800 at 200 % zoom."""
    window = open_window("shop", viewport={"width": width, "height": height}, device_scale_factor=2)
    window.find_line("off += total * rule.rate")
    assert overflow(window.page) == [0, 0]
    buttons = boxes_of(window.page.locator("header button"))
    assert len(buttons) >= 13
    assert not any(
        overlap(one, other) for at, one in enumerate(buttons) for other in buttons[at + 1 :]
    )
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in buttons)
    code = window.page.locator(".cm-scroller").bounding_box()
    assert code["width"] >= width - 1
    assert code["height"] >= 7 * 22
    assert len(window.pills("off += total")) > 0
    first = window.page.locator("footer .moment").first
    assert first.inner_text().startswith("step ")
    parts = boxes_of(window.page.locator("footer span"))
    assert first.bounding_box()["x"] == min(box["x"] for box in parts)
    for text in ("shop.py:", "step "):
        part = window.page.locator("footer > span", has_text=text).first
        assert part.evaluate("element => element.scrollWidth <= element.clientWidth"), text
    places = {
        "Alt+1": "Calls and files",
        "Alt+4": "Variables and stack",
        "Alt+6": "History and breakpoints",
        "Alt+8": "Output",
        "Alt+0": "Code",
    }
    for key, panel in places.items():
        window.press(key)
        box = window.panel(panel).bounding_box()
        assert box["width"] >= width - 1, panel
        assert box["height"] >= 150, panel
        assert violations(window.page) == "[]", panel


def test_in_a_small_window_what_is_chosen_comes_to_the_front(open_window):
    window = open_window("shop", viewport={"width": 640, "height": 400})
    window.page.get_by_role("tab", name="Calls").click()
    window.list("calls").filter(has_text="main (").click()
    window.settle()
    expect(window.page.locator(".cm-line.now")).to_be_in_viewport()
    window.find_line("off += total * rule.rate")
    window.row("off += total").locator(".pill.changed").click()
    expect(window.list("history").first).to_be_visible()
    window.list("history").first.click()
    expect(window.page.locator(".cm-line.now")).to_be_in_viewport()
    window.press("Alt+2")
    window.list("files").first.click()
    expect(window.panel("Code")).to_be_visible()


def test_every_place_is_reached_by_keyboard_and_shows_it(shop):
    shop.find_line("off += total * rule.rate")
    seen = set()
    for _ in range(70):
        shop.press("Tab")
        name, shown = shop.page.evaluate("""() => {
            const element = document.activeElement;
            if (element === document.body) return ["", true];  // once around
            const style = getComputedStyle(element);
            const row = element.querySelector(".row.active");
            const ringed = row && getComputedStyle(row).outlineStyle !== "none";
            const inEditor = element.closest(".cm-editor");
            return [element.getAttribute("aria-label") || element.textContent.trim().slice(0, 30),
                style.outlineStyle !== "none" || ringed || Boolean(inEditor)];
        }""")
        seen.add(name)
        assert shown, name
    wanted = {
        "Step over",
        "Moment in the run",
        "Calls",
        "Variables",
        "Expression to watch",
        "Output",
        "Source",
        "Width of calls",
    }
    assert wanted <= seen


def test_sizes_and_colours_are_remembered(shop):
    bar = shop.page.get_by_role("separator", name="Width of calls")
    before = shop.panel("Calls and files").bounding_box()["width"]
    bar.focus()
    shop.press("ArrowRight", "ArrowRight", "ArrowRight")
    box = shop.page.get_by_role("separator", name="Height of history and output").bounding_box()
    shop.page.mouse.move(box["x"] + 300, box["y"] + 4)
    shop.page.mouse.down()
    shop.page.mouse.move(box["x"] + 300, box["y"] - 56)
    shop.page.mouse.up()
    shop.press("Alt+t", "Alt+t")
    expect(shop.page.locator("html")).to_have_attribute("data-theme", "dark")
    shop.page.reload()
    expect(shop.page.locator(".cm-line.now")).to_be_visible()
    expect(shop.page.locator("html")).to_have_attribute("data-theme", "dark")
    assert shop.panel("Calls and files").bounding_box()["width"] == pytest.approx(
        before + 48, abs=2
    )
    assert shop.panel("Output").bounding_box()["height"] > 270


def test_it_says_so_where_there_is_nothing(open_window):
    window = open_window("silent")
    expect(window.panel("Output")).to_contain_text("No output")
    window.press("Alt+6")
    expect(window.panel("History and breakpoints")).to_contain_text("No exceptions")
    window.press("Alt+7")
    expect(window.panel("History and breakpoints")).to_contain_text("No breakpoints")
    window.press("Alt+5")
    expect(window.panel("History and breakpoints")).to_contain_text("No value chosen")
    expect(window.page.locator("footer")).to_contain_text("recorded")


def test_without_the_key_there_is_a_page_that_says_what_to_do(browser, addresses):
    address = addresses(ROOT / "examples/shop.py").split("/#")[0]
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/#/some-recording/17")
    expect(page.get_by_role("heading")).to_have_text("Open it with ct replay")
    page.goto(f"{address}/#token=wrong")
    expect(page.get_by_role("heading")).to_have_text("Open it with ct replay")
    assert violations(page) == "[]"
    context.close()


def test_a_deep_tree_of_calls_is_accessible(open_window):
    window = open_window("turns")
    window.find_line("return 0")
    now = window.page.locator("[aria-label=Calls] .row.now")
    expect(now).to_have_attribute("aria-level", "902")
    assert violations(window.page) == "[]"
    window.press("Alt+1", "ArrowUp", "ArrowUp")
    expect(window.page.locator("[aria-label=Calls] .row.active")).to_have_attribute(
        "aria-level", "900"
    )
    window.press("Alt+4")
    assert violations(window.page) == "[]"


def test_a_recording_that_is_not_there(shop):
    shop.page.goto(shop.page.url.split("#")[0] + "#/nobody-knows-it/5")
    expect(shop.page.get_by_role("heading")).to_have_text("This recording cannot be opened")
    shop.page.get_by_role("button", name="All recordings").click()
    expect(shop.page.get_by_role("table")).to_be_visible()
    shop.complaints.clear()  # the browser tells of the 404


def test_a_program_that_never_ran_a_line_says_why_at_once(browser, record, serve, tmp_path):
    record(ROOT / "examples/shop.py")  # the list has others
    program = tmp_path / "it's broken.py"
    program.write_text("def f(:\n")
    context = browser.new_context()
    window = Window(context.new_page())
    with serve(record(program)) as (address, _):
        window.open(address, ready=False)
        page = window.page
        expect(page.get_by_role("heading")).to_have_text("No line was recorded")
        expect(page.get_by_role("main")).to_contain_text("'\\''s broken.py' ran no line")
        expect(page.get_by_role("main")).to_contain_text("exit status 1")
        expect(page.get_by_role("main")).to_contain_text("syntax error")
        assert violations(page) == "[]"
        page.reload()
        expect(page.get_by_role("heading")).to_have_text("No line was recorded")
        page.get_by_role("button", name="All recordings").click()
        page.get_by_role("table").get_by_role("link", name="broken.py").click()
        expect(page.get_by_role("heading")).to_have_text("No line was recorded")
    assert window.complaints == []
    context.close()


def test_a_program_whose_code_is_left_out_says_so(browser, environment, serve, tmp_path):
    command = [ct_path(), "record", "-o", str(tmp_path / "one"), "-m", "json.tool", "--help"]
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    context = browser.new_context()
    page = context.new_page()
    with serve(tmp_path / "one") as (address, _):
        page.goto(address)
        expect(page.get_by_role("main")).to_contain_text("exit status 0")
        expect(page.get_by_role("main")).to_contain_text("that the filters leave out")
        expect(page.get_by_role("main")).to_contain_text(f"ct print {tmp_path / 'one'} shows it")
        expect(page.get_by_role("main")).not_to_contain_text("syntax error")
    context.close()


def test_a_moved_recording_is_listed_as_one_that_can_be_opened(
    browser, record, serve, environment, tmp_path
):
    program = tmp_path / "mover.py"
    program.write_text("import sys\nprint(sys.argv)\n")
    command = [ct_path(), "record", "-o", str(tmp_path / "here"), str(program), "a b", "c"]
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True)
    (tmp_path / "here").rename(tmp_path / "there")
    context = browser.new_context()
    page = context.new_page()
    with serve(record(ROOT / "examples/shop.py")) as (address, _):
        page.goto(address)
        expect(page.locator(".cm-line.now")).to_be_visible()
        page.keyboard.press("Control+o")
        row = page.get_by_role("row").filter(has_text="mover.py")
        expect(row).to_contain_text("moved")
        expect(row).to_contain_text("B")  # its size
        row.get_by_role("link", name="mover.py 'a b' c").click()
        expect(page.locator(".cm-line.now")).to_contain_text("import sys")
        expect(page.locator(".args")).to_have_text("'a b' c")
    context.close()


def test_recordings_are_listed_and_opened(shop):
    shop.press("Control+o")
    link = shop.page.get_by_role("table").get_by_role("link", name="shop.py").first
    link.click()
    expect(shop.page.locator(".cm-line.now")).to_be_visible()
    shop.page.go_back()
    expect(shop.page.get_by_role("table")).to_be_visible()


def test_what_is_remembered_is_there_with_the_next_server(browser, record, serve, tmp_path):
    window = Window(browser.new_context().new_page())
    for turn in range(2):
        with serve(record(ROOT / "examples/shop.py"), XDG_STATE_HOME=str(tmp_path)) as (address, _):
            window.open(address, "", True)
            if turn == 0:
                window.add_watch("1 + 1")
            expect(window.list("watches").first).to_contain_text("1 + 1 = 2")
    window.page.context.close()


def test_a_killed_server_is_told_and_what_is_shown_stays(browser, record, serve):
    context = browser.new_context()
    page = context.new_page()
    with serve(record(ROOT / "examples/shop.py")) as (address, process):
        page.goto(address)
        expect(page.locator(".cm-line.now")).to_be_visible()
        process.kill()
        page.keyboard.press("F10")
        expect(page.get_by_role("alert")).to_contain_text("Disconnected.")
        expect(page.locator(".cm-line.now")).to_be_visible()
    context.close()


def test_a_part_whose_code_does_not_come_says_so(browser, record, serve):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/assets/editor-*.js", lambda route: route.abort())
    with serve(record(ROOT / "examples/shop.py")) as (address, _):
        page.goto(address)
        expect(page.get_by_role("alert")).to_contain_text("This part of the window did not come.")
        page.unroute_all()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".cm-line.now")).to_be_visible()
        context.close()


def test_until_the_editor_has_come_there_is_plain_code_to_step_in(browser, record, serve):
    held = []
    context = browser.new_context()
    page = context.new_page()
    page.route("**/assets/editor-*.js", lambda route: held.append(route))
    with serve(record(ROOT / "examples/shop.py")) as (address, _):
        page.goto(address)
        now = page.locator(".plain-line.now")
        expect(now).to_be_in_viewport()
        expect(page.locator("#panel-variables .row").first).to_be_visible()
        expect(page.locator("[aria-label=Calls] .row.call").first).to_be_visible()
        before = now.inner_text()
        page.keyboard.press("F10")
        expect(now).not_to_have_text(before)
        page.locator(".plain-line", has_text="LIMIT = 0.2").click()
        page.keyboard.press("F9")
        points = page.locator(".plain-gutter .point.set")
        expect(points).to_have_count(1)
        points.click()
        expect(points).to_have_count(0)
        page.locator(".plain-row", has_text="LIMIT = 0.2").locator(".plain-gutter").click()
        expect(points).to_have_count(1)
        there = now.inner_text()
        for route in held:
            route.continue_()
        expect(page.locator(".cm-line.now")).to_contain_text(there.strip())
        expect(page.locator(".g-points .set")).to_have_count(1)
        expect(page.locator(".plain-line")).to_have_count(0)
        context.close()


def test_a_session_that_the_server_ended_is_opened_again_where_it_was(shop):
    shop.find_line("off += total * rule.rate")
    there = shop.step()
    shop.page.evaluate("""async () => {
        const requests = performance.getEntriesByType("resource").map(entry => entry.name);
        const session = requests.find(name => name.endsWith("/dap")).replace(/[/]dap$/, "");
        const headers = {"X-CT-Token": sessionStorage.getItem("ct-token")};
        await fetch(session, {method: "DELETE", headers});
    }""")
    shop.press("F10")
    expect(shop.page.get_by_role("alert")).to_have_count(0)
    shop.settle()
    expect(shop.page.locator("footer")).to_contain_text(f"step {int(there):,}")
    shop.press("F10").settle()
    assert shop.step() != there
    shop.complaints.clear()  # the browser tells of the 404s


def test_a_recording_that_is_still_written(browser, serve, environment, tmp_path):
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS)
    recorder = subprocess.Popen(
        [ct_path(), "record", "-o", str(tmp_path / "live"), str(program)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    context = browser.new_context()
    try:
        deadline = time.monotonic() + 10
        while not (tmp_path / "live/trace.ctr").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        with serve(tmp_path / "live") as (address, _):
            page = context.new_page()
            page.goto(address)
            expect(page.locator(".cm-line.now")).to_be_visible()
            expect(page.locator("footer .bad")).to_be_visible()
    finally:
        context.close()
        recorder.terminate()
        recorder.wait(20)


def test_the_interpreter_of_the_tests_is_the_recorded_one(shop):
    shop.page.locator(".program").hover()
    title = shop.page.locator(".program").get_attribute("title")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in title


def test_the_code_shows_that_it_has_the_keyboard_unless_it_was_clicked(shop):
    def wait_for_ring(width):
        shop.page.wait_for_function(
            "width => getComputedStyle(document.querySelector('.cm-editor'), '::after')"
            ".borderTopWidth === width",
            arg=width,
        )

    shop.press("Alt+0")
    wait_for_ring("2px")
    shop.press("Alt+3")
    wait_for_ring("0px")
    shop.row("def discount").click(position={"x": 5, "y": 5})
    expect(shop.page.locator(".cm-content")).to_be_focused()
    wait_for_ring("0px")
