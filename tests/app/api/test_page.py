from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

from tests.app.api.client import Client

FOLDER = files("app") / "web"
PARTS = sorted((file for file in FOLDER.iterdir()), key=lambda file: file.name)
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def policy(header: str) -> dict[str, str]:
    return dict(directive.strip().split(" ", 1) for directive in header.split(";"))


def test_root_answers_the_page(shared: Client) -> None:
    page = shared.get("/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == TYPES["html"]
    assert page.content == (FOLDER / "index.html").read_bytes()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_part_is_served_with_its_type(shared: Client, part: Traversable) -> None:
    answer = shared.get(f"/page/{part.name}")
    assert (answer.status_code, answer.content) == (200, part.read_bytes())
    assert answer.headers["Content-Type"] == TYPES[part.name.rsplit(".", 1)[1]]


@pytest.mark.parametrize("path", ["/", "/page/page.js"])
def test_only_this_service_may_be_loaded_from(shared: Client, path: str) -> None:
    headers = shared.get(path).headers
    allowed = policy(headers["Content-Security-Policy"])
    assert allowed["default-src"] == allowed["frame-ancestors"] == allowed["base-uri"] == "'none'"
    assert set(allowed.values()) == {"'none'", "'self'"}
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fsettings.py", "%2E%2E", "page.js%00"])
def test_other_names_are_not_found(shared: Client, name: str) -> None:
    answer = shared.get(f"/page/{name}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:icd-cascade:problem:no-such-path"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_part_names_no_other_host(part: Traversable) -> None:
    text = part.read_text(encoding="utf-8").replace(SVG_NAMESPACE, "")
    assert not re.search(r"""https?:|["'(]//|@import""", text)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_part_makes_no_markup_of_data_and_stores_nothing(part: Traversable) -> None:
    text = part.read_text(encoding="utf-8")
    unsafe = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|localStorage|sessionStorage|indexedDB|cookie"
    )
    assert not re.search(unsafe, text)


def test_page_holds_no_inline_script_or_style() -> None:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert "<style" not in text
    assert not re.search(r"""<script(?![^>]*\ssrc=)|\son[a-z]+=|\sstyle=|javascript:""", text)


def test_whatever_the_page_refers_to_is_there(shared: Client) -> None:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    scripts = "".join(part.read_text(encoding="utf-8") for part in PARTS if part.name.endswith(".js"))
    references = re.findall(r"""(?:src|href)="([^"]+)\"""", text)
    modules = [f"page/{name}" for name in re.findall(r"""from "\./([^"]+)";""", scripts)]
    assert len(modules) > 1
    missing = [path for path in {*references, *modules} if shared.get(f"/{path}").status_code != 200]
    assert missing == []
    named = set(re.findall(r"""byId\("([^"]+)"\)""", scripts))
    assert named <= set(re.findall(r"""\sid="([^"]+)\"""", text))
