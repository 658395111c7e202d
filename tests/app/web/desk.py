"""The page as a reviewer uses it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds: the machines that test are slow


class Desk:
    """Drives one browser; elements are found by selectors."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def open(self, url: str, width: int = 1280, dark: bool = False) -> None:
        self.run("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.run("Emulation.setEmulatedMedia", features=[scheme])
        self.browser.get(url)
        self.wait(lambda: self.browser.switch_to.active_element.get_attribute("id") in ("text", "key"))

    def run(self, command: str, **arguments: Any) -> None:
        self.browser.execute_cdp_cmd(command, arguments)

    def all(self, selector: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", selector))

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return str(self.one(selector).text)

    def texts(self, selector: str) -> list[str]:
        return [str(element.text) for element in self.all(selector)]

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE} s: {self.texts('#alert')}"
            time.sleep(0.05)

    def code(self, text: str) -> None:
        """Paste a note and send it by keyboard."""
        self.browser.execute_script(
            "const field = document.getElementById('text'); field.value = ''; field.focus();"
            "document.execCommand('insertText', false, arguments[0]);",
            text,
        )
        self.one("#text").send_keys("\ue009\ue007")  # Ctrl + Enter
        self.wait(lambda: self.one("#words").is_displayed())

    def press(self, keys: str) -> None:
        self.browser.switch_to.active_element.send_keys(keys)

    def lit(self) -> list[str]:
        return self.texts("mark.lit")

    def current(self) -> str:
        return self.text(".pick[aria-current='true'] .code")

    def select_words(self, words: str) -> None:
        self.browser.execute_script(
            "const walk = document.createTreeWalker(document.getElementById('words'), NodeFilter.SHOW_TEXT);"
            "while (walk.nextNode()) { const at = walk.currentNode.data.indexOf(arguments[0]); if (at >= 0) {"
            "document.getSelection().setBaseAndExtent(walk.currentNode, at, walk.currentNode,"
            " at + arguments[0].length); } }",
            words,
        )

    def add(self, query: str) -> None:
        self.one("#query").send_keys(query)
        self.wait(lambda: self.all("#found [aria-selected='true']"))
        self.one("#query").send_keys("\ue007")

    def upload(self, *files: Path) -> None:
        self.one("#file").send_keys("\n".join(map(str, files)))

    def downloaded(self, ending: str) -> Path:
        folder: Path = self.browser.downloads
        self.wait(lambda: list(folder.glob(f"*{ending}")))
        return max(folder.glob(f"*{ending}"), key=lambda file: file.stat().st_mtime)
