"""GET /v1/codes/{code} and GET /v1/codes?q=: look-up and text search in the loaded code set."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final

from fastapi import APIRouter, Query

from app.access.scopes import Scope
from app.api.context import CoderHere
from app.api.limits import QUERY_CHARACTERS, SEARCH_RESULTS
from app.api.problems import documented
from app.api.schemas.codes import CodeDetail, CodeName, CodeSearch
from app.api.schemas.text import NoteText
from app.api.security import require_scope
from app.errors import UnknownCode
from index_builder.catalog import Catalog

router = APIRouter(prefix="/v1/codes", tags=["codes"], dependencies=[require_scope(Scope.CODE)])
_WRITTEN: Final = re.compile(r"[A-Za-z0-9.]{1,16}")


@router.get("", responses=documented(401, 403, 422, 500, 503), summary="Search the code set")
async def search_codes(
    coder: CoderHere,
    q: Annotated[NoteText, Query(max_length=QUERY_CHARACTERS, description="Words of a title or another wording.")],
    limit: Annotated[int, Query(ge=1, le=SEARCH_RESULTS)] = 20,
) -> CodeSearch:
    """Codes whose wordings hold the words, best first. The query is not logged."""
    catalog = coder.catalog
    positions = await asyncio.to_thread(catalog.search, q, limit)
    names = [_name(catalog, position) for position in positions]
    return CodeSearch(system=catalog.system, edition=catalog.edition, codes=names)


@router.get("/{code}", responses=documented(401, 403, 404, 422, 500, 503), summary="Look a code up")
async def read_code(coder: CoderHere, code: str) -> CodeDetail:
    """One code with its place in the code set, its notes and its wordings. With or without the dot, in any case."""
    position = coder.catalog.position(code) if _WRITTEN.fullmatch(code) else None
    if position is None:
        raise UnknownCode(f"No such code in {coder.versions.code_set}.")
    return _detail(coder.catalog, position)


def _detail(catalog: Catalog, position: int) -> CodeDetail:
    entry = catalog.entry(position)
    return CodeDetail(
        code=entry.code,
        display=entry.title,
        billable=entry.billable,
        system=catalog.system,
        edition=catalog.edition,
        parent=entry.parent,
        ancestors=[_name(catalog, ancestor) for ancestor in catalog.ancestors(position)],
        children=[_name(catalog, child) for child in catalog.children(position)],
        notes={kind: list(lines) for kind, lines in entry.notes.items() if lines},
        surface_forms=_wordings(catalog, position),
    )


def _wordings(catalog: Catalog, position: int) -> list[str]:
    first, last = (int(offset) for offset in catalog.offsets[position : position + 2])
    return [form.text for form in catalog.forms(first, last)]


def _name(catalog: Catalog, position: int) -> CodeName:
    entry = catalog.entry(position)
    return CodeName(code=entry.code, display=entry.title, billable=entry.billable)
