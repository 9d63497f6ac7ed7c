"""What a person does in the page, in a test's words."""

from __future__ import annotations

import re
from typing import Any

# No sandbox inside a container, and nothing that asks the network for anything.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ANSWER_MS = 20_000  # a question asked while the model loads waits for it
STEP_MS = 6_000


class Window:
    """One browser window; locators wait by themselves. `errors` is what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(STEP_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", self._dialog)

    def _console(self, message: Any) -> None:
        # A refused request is a person's business, and shown on the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.errors.append(f"a script opened a dialog: {dialog.message}")
        dialog.dismiss()

    # Going about

    def be(self, name: str) -> None:
        """Be Ada, Ben or Cleo."""
        self.page.get_by_role("radio", name=name).click()
        self.page.get_by_role("radio", name=name, checked=True).wait_for()

    def enter(self, channel: str) -> None:
        """Go to a channel by its name."""
        self.page.locator(f'nav a[data-channel="{channel}"]').click()
        self.main.get_by_role("region", name=channel, exact=True).wait_for()

    def type(self, text: str) -> None:
        """Type into the message box, without sending."""
        self.page.locator("#composer").fill(text)

    def send(self, text: str) -> None:
        """Type into the message box, and press Enter."""
        self.type(text)
        self.page.locator("#composer").press("Enter")

    # Looking

    @property
    def main(self) -> Any:
        return self.page.get_by_role("main")

    @property
    def thread(self) -> Any:
        return self.page.get_by_role("complementary", name="Thread")

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("dialog")

    def message(self, text: str | re.Pattern[str], where: Any = None) -> Any:
        """The newest message that holds the text."""
        return (where or self.main).get_by_role("article").filter(has_text=text).last

    def see(self, text: str | re.Pattern[str], where: Any = None) -> Any:
        """The same, once it is there."""
        found = self.message(text, where)
        found.wait_for(timeout=ANSWER_MS)
        return found

    def open_thread(self, text: str) -> None:
        """Open the thread of a message that has replies."""
        message = self.message(text)
        message.locator("a.replies").wait_for(timeout=ANSWER_MS)
        message.locator("a.replies").click()
        self.thread.wait_for()

    # Forms

    def form(self, command: str = "/failure") -> Any:
        """The form that a command opens."""
        self.send(command)
        self.dialog.wait_for()
        return self.dialog

    def field(self, label: str) -> Any:
        """An input of the open form, by its label."""
        return self.dialog.get_by_label(re.compile(f"^{re.escape(label)}"))

    def log(self, tried: str, happened: str) -> None:
        """Log a failure by the form, with its two mandatory inputs."""
        self.form()
        self.field("What we tried and expected").fill(tried)
        self.field("What happened instead").fill(happened)
        self.submit()
        self.dialog.wait_for(state="detached")

    def submit(self) -> None:
        """Press the form's submit button."""
        self.dialog.locator(".dialog-foot button[type=submit]").click()
