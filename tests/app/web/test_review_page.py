"""Chromium drives the page against a running service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.access.scopes import Scope
from index_builder.catalog import Catalog
from tests.app.api.guarded import Keys
from tests.app.shelves import build_shelf
from tests.app.web.conftest import Served, settings
from tests.app.web.desk import Desk
from tests.app.web.suggesting import TEXT
from tests.index_builder.fakes import FakeEncoder

SIZES = [(1280, False), (1280, True), (390, False), (390, True)]


def test_paste_shows_codes_with_bars_reasons_and_warnings(desk: Desk) -> None:
    desk.code(TEXT)
    assert desk.texts("#groups h3") == ["Codes (1)", "Ruled out by the note (1)"]
    assert desk.text(".row .sureness") == "probability 72%"
    assert desk.one(".row .fill").size["width"] > 0.7 * desk.one(".row .bar").size["width"]
    assert desk.text(".row .quote") == "“Podagra” +1 more"
    assert desk.text(".row .rule") == "Unspecified"
    assert "Which joint is not said." in desk.text(".row .warnings")
    assert "The note says it is absent." in desk.text(".row .reason")


def test_code_lights_its_words_and_words_show_their_code(desk: Desk) -> None:
    desk.code(TEXT)
    desk.all(".pick")[0].click()
    assert desk.lit() == ["Podagra", "gout"]
    [asthma] = [mark for mark in desk.all("mark") if mark.text == "asthma"]
    asthma.click()
    assert desk.current() == "J45.20"
    assert desk.lit() == ["asthma"]


def test_whole_review_by_keyboard(desk: Desk, served: Served) -> None:
    desk.code(TEXT)
    desk.press("a")
    desk.press("\ue015")  # down
    assert desk.current() == "J45.20"
    desk.press("r")
    desk.press("\ue007")  # enter: to the words
    assert desk.browser.switch_to.active_element.text == "asthma"
    desk.press("\ue00c")  # escape: back to the code
    desk.press("/")
    desk.add("mild intermittent")
    desk.wait(lambda: desk.all("#groups h3")[0].text == "Added by you (1)")
    assert desk.text(".row .reason").startswith("No words of the note.")
    assert desk.text("#counts") == "3 shown · 2 accepted · 1 rejected"
    desk.press("f")
    desk.wait(lambda: desk.text("#finished") == "Sent: 1 accepted, 1 rejected, 1 added.")
    *_, review = served.app.state.feedback.reviews()
    assert {decided.code: str(decided.decision) for decided in review.decisions} == {
        "M10.9": "accepted",
        "J45.20": "rejected",
        "J45.2": "added",
    }


def test_selected_words_become_the_evidence_of_an_added_code(desk: Desk, served: Served) -> None:
    desk.code(TEXT)
    desk.select_words("foot")
    desk.add("asthma")
    desk.wait(lambda: desk.lit() == ["foot"])
    desk.one("#finish").click()
    desk.wait(lambda: desk.text("#finished"))
    *_, review = served.app.state.feedback.reviews()
    [place] = review.decisions[0].evidence
    units = TEXT.encode("utf-16-le")[2 * place.start : 2 * place.end]
    assert units.decode("utf-16-le") == "foot"


def test_alternative_takes_the_place_of_a_code(desk: Desk) -> None:
    desk.code(TEXT)
    desk.one("summary").click()
    desk.one("details button").click()
    assert desk.texts("#groups h3")[0] == "Added by you (1)"
    assert desk.current() == "M10"
    assert desk.lit() == ["Podagra", "gout"]
    assert desk.one(".row[data-decision='rejected'] .code").text == "M10.9"


def test_decisions_are_exported_as_json(desk: Desk) -> None:
    desk.code(TEXT)
    desk.press("a")
    desk.one("#export").click()
    exported = json.loads(desk.downloaded("[0-9a-f].json").read_text(encoding="utf-8"))
    [code] = exported["codes"]
    assert (code["code"], code["decision"]) == ("M10.9", "accepted")
    assert "Podagra" not in json.dumps(exported)


def test_suggestions_are_exported_as_fhir(desk: Desk) -> None:
    desk.code(TEXT)
    desk.one("#patient").send_keys("Patient/17")
    desk.one("#export-fhir").click()
    bundle = json.loads(desk.downloaded(".fhir.json").read_text(encoding="utf-8"))
    assert bundle["resourceType"] == "Bundle"
    assert "Patient/17" in json.dumps(bundle)


def test_batch_shows_progress_and_opens_its_notes(desk: Desk, served: Served, tmp_path: Path) -> None:
    files = []
    for number, text in enumerate(["gout", "asthma and gout", "podagra"]):
        files.append(tmp_path / f"visit-{number}.txt")
        files[-1].write_text(text, encoding="utf-8")
    served.coder.gate.clear()
    desk.upload(*files)
    desk.wait(lambda: "0 of 3 notes" in desk.text("#batch-state") and "sending" not in desk.text("#batch-state"))
    assert desk.one("#batch-bar").get_attribute("value") == "0"
    served.coder.gate.set()
    desk.wait(lambda: desk.text("#batch-state") == "completed: 3 of 3 notes")
    desk.wait(lambda: len(desk.all("#batch-notes li")) == 3)
    desk.all("#batch-notes button")[1].click()
    desk.wait(lambda: desk.texts("#groups h3") == ["Codes (1)", "Ruled out by the note (1)"])
    desk.press("a")
    desk.press("f")
    desk.wait(lambda: desk.text("#finished"))
    *_, review = served.app.state.feedback.reviews()
    assert review.note_id == "visit-1.txt"
    desk.all("#batch-notes button")[0].click()
    desk.wait(lambda: desk.texts("#groups h3") == ["Codes (1)"])
    assert desk.text("#counts") == "1 shown · 0 accepted · 0 rejected"
    desk.all("#batch-notes button")[1].click()
    desk.wait(lambda: desk.text("#counts") == "2 shown · 1 accepted · 0 rejected")
    assert desk.text("#finished") == "Sent: 1 accepted, 0 rejected, 0 added."
    desk.press("r")
    assert desk.text("#finished") == ""
    desk.one("#batch-delete").click()
    desk.wait(lambda: not desk.one("#batch").is_displayed())


def test_page_asks_for_a_key_and_goes_on_with_it(browser: Any, few: Catalog, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.add(Scope.CODE)
    with Served(settings(tmp_path, keys=keys.path), few) as served:
        desk = Desk(browser)
        desk.open(served.url)
        assert desk.one("#access").is_displayed()
        desk.one("#key").send_keys("icdc_wrong\ue007")
        desk.wait(lambda: desk.one("#alert").is_displayed())
        desk.one("#key").send_keys(key + "\ue007")
        desk.wait(lambda: not desk.one("#access").is_displayed())
        desk.code(TEXT)
        assert desk.current() == "M10.9"


def test_a_note_is_coded_in_the_code_sets_that_are_ticked(browser: Any, few: Catalog, tmp_path: Path) -> None:
    shelf = build_shelf(tmp_path / "artifacts", FakeEncoder())
    with Served(settings(tmp_path), few, shelf) as served:
        desk = Desk(browser)
        desk.open(served.url)
        desk.wait(lambda: desk.one("#code-sets").is_displayed())
        assert desk.texts("#code-sets label") == ["ICD-10-CM", "ICD-10-PCS", "ICD-9-CM"]
        ticked = [box.get_attribute("value") for box in desk.all("#code-sets input") if box.is_selected()]
        assert ticked == ["icd-10-cm"]
        desk.one("#code-sets [value='icd-10-cm']").click()
        desk.one("#code-sets [value='icd-10-pcs']").click()
        desk.code("laparoscopic appendectomy")
        assert "0DTJ4ZZ" in desk.texts(".row .code")
        assert {row.text for row in desk.all(".row .tag") if row.text.startswith("ICD")} == {"ICD-10-PCS"}
        desk.add("colonoscopy")
        desk.wait(lambda: desk.current() == "0DJD8ZZ")


def test_nothing_is_asked_of_another_host_and_nothing_fails(desk: Desk, served: Served) -> None:
    desk.code(TEXT)
    asked = desk.browser.execute_script("return performance.getEntries().map((one) => one.name)")
    assert all(name.startswith(served.url) for name in asked if "://" in name)
    severe = [line["message"] for line in desk.browser.get_log("browser") if served.url in line["message"]]
    assert severe == []


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_page_fits_its_window(desk: Desk, served: Served, width: int, dark: bool) -> None:
    desk.open(served.url, width, dark)
    desk.code(TEXT)
    assert desk.browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_axe_finds_no_serious_problem(desk: Desk, served: Served, axe: str, width: int, dark: bool) -> None:
    desk.open(served.url, width, dark)
    found = problems(desk, axe)
    desk.code(TEXT)
    desk.press("a")
    desk.one("summary").click()
    found += problems(desk, axe)
    desk.one("#query").send_keys("asthma")
    desk.wait(lambda: desk.all("#found [aria-selected='true']"))
    found += problems(desk, axe)
    assert found == []


def problems(desk: Desk, axe: str) -> list[str]:
    desk.browser.execute_script(f"if (!window.axe) {{ {axe} }}")
    report = desk.browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    return [
        f"{one['id']}: {[node['html'] for node in one['nodes']]}"
        for one in report["violations"]
        if one["impact"] in ("serious", "critical")
    ]
