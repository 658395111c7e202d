"""GET /: the review page. Its files are package data; it asks this service for codes and no other host for anything."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/")
def page() -> Response:
    """The review page itself."""
    return _answer(_folder() / "index.html")


@router.get("/page/{name}")
def part(name: str) -> Response:
    """A style sheet, script or picture of the review page. 404 for anything else."""
    for file in _folder().iterdir():  # compared, never joined: a name cannot lead out of the folder
        if file.name == name:
            return _answer(file)
    raise HTTPException(404)


def _folder() -> Traversable:
    return files("app") / "web"


def _answer(file: Traversable) -> Response:
    return Response(file.read_bytes(), headers=_HEADERS, media_type=_TYPES[PurePath(file.name).suffix])
