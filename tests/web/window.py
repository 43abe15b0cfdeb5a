"""What the tests do with the window, in its own words."""

import re

from playwright.sync_api import expect


class Window:
    """A page with the debugger's window in it."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, address, at="", ready=True):
        self.page.goto(address)
        if ready:
            expect(self.page.locator(".cm-line.now")).to_be_visible()
        if at != "":
            self.go(at)

    # ---- what is seen ----

    def step(self):
        """The moment, as the footer tells it."""
        text = self.page.locator("footer").inner_text()
        return re.search(r"step ([\d,.]+)", text)[1].replace(",", "")

    def line(self):
        """The number of the line one is on."""
        return int(self.page.locator(".g-numbers .current").inner_text())

    def pills(self, line):
        """What stands behind a line."""
        return self.row(line).locator(".pill").all_inner_texts()

    def row(self, line):
        """A line of the code, by what is in it."""
        return self.page.locator(".cm-line", has_text=line).first

    def list(self, name):
        return self.page.locator(f"[id^='{name}-'][role]")

    def panel(self, label):
        return self.page.get_by_role("region", name=label, exact=True)

    # ---- what is done ----

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def palette(self, key):
        """Open one of the lists that one types into."""
        self.press(key)
        expect(self.page.locator("input[role=combobox]")).to_be_focused()
        return self

    def settle(self):
        """Wait until nothing is asked of the server, and what it answered is drawn."""
        self.page.wait_for_function("() => !document.documentElement.hasAttribute('data-busy')")
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
        )
        return self

    def go(self, moment):
        self.palette("Control+g")
        self.page.keyboard.type(str(moment))
        self.press("Enter")
        expect(self.page.locator("footer")).to_contain_text(f"step {int(float(moment)):,}")
        return self.settle()

    def find_line(self, text):
        """Run to the first visit of a line, from the start."""
        self.press("Control+Home").settle()
        self.row(text).click(modifiers=["Control"])
        expect(self.page.locator(".cm-line.now")).to_contain_text(text)
        return self.settle()

    def add_watch(self, expression):
        self.press("Alt+w")
        self.page.keyboard.type(expression)
        self.press("Enter")
        return self
