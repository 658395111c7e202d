"""A real browser and a real service in this process. Without Chromium these tests are skipped."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.api.application import create_app
from app.pipeline.shelf import Shelf
from app.settings import Settings
from index_builder.catalog import Catalog
from tests.app.fakes import few_codes
from tests.app.web.desk import Desk
from tests.app.web.suggesting import SuggestingCoder

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    catalog = few_codes(tmp_path_factory.mktemp("catalog"))
    yield catalog
    catalog.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: extra [dev]")
    binary = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    chrome.downloads = downloads
    yield chrome
    chrome.quit()


class Served:
    """A running service; url ends with a slash."""

    def __init__(self, settings: Settings, catalog: Catalog, shelf: Shelf | None = None) -> None:
        """shelf: what codes instead of a stand-in over the catalog."""
        self.coder = SuggestingCoder(catalog)
        self.app = create_app(settings, lambda: shelf or self.coder)
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="error", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Served:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started or self.app.state.service.lifecycle.coder is None:
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.05)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(feedback_folder=folder / "feedback", backlog_folder=folder / "backlog", **more)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, few: Catalog) -> Iterator[Served]:
    with Served(settings(tmp_path_factory.mktemp("state")), few) as served:
        yield served


@pytest.fixture
def desk(browser: Any, served: Served) -> Desk:
    desk = Desk(browser)
    desk.open(served.url)
    return desk


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core (MPL-2.0, not shipped here): from AXE_CORE or from node_modules."""
    candidates = [os.environ.get("AXE_CORE", ""), "node_modules/axe-core/axe.min.js"]
    found = next((Path(name) for name in candidates if name and Path(name).is_file()), None)
    if found is None:
        pytest.skip("axe-core is not there: npm install --no-save axe-core, or AXE_CORE=axe.min.js")
    return found.read_text(encoding="utf-8")
