"""GET /v1/codes/{code} and GET /v1/codes?q=: look-up and text search in the loaded code sets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query

from app.access.scopes import Scope
from app.api.codemaps import maps_of
from app.api.context import CoderHere
from app.api.editions import Asked, chosen
from app.api.limits import QUERY_CHARACTERS, SEARCH_RESULTS
from app.api.problems import documented
from app.api.schemas.codes import CodeDetail, CodeName, CodeSearch
from app.api.schemas.text import Label, NoteText
from app.api.security import require_scope
from app.errors import UnknownCode
from app.pipeline.coder import Coder
from app.pipeline.shelved import catalogs_of, name_of
from index_builder.catalog import Catalog

router = APIRouter(prefix="/v1/codes", tags=["codes"], dependencies=[require_scope(Scope.CODE)])
CodeSetAsked = Annotated[Label | None, Query(description="A loaded code set; the default where it is left out.")]
EditionAsked = Annotated[Label | None, Query(description="A loaded edition of it; its first where it is left out.")]
_WRITTEN: Final = re.compile(r"[A-Za-z0-9.]{1,16}")


@router.get("", responses=documented(401, 403, 422, 500, 503), summary="Search a code set")
async def search_codes(
    coder: CoderHere,
    q: Annotated[NoteText, Query(max_length=QUERY_CHARACTERS, description="Words of a title or another wording.")],
    limit: Annotated[int, Query(ge=1, le=SEARCH_RESULTS)] = 20,
    code_set: CodeSetAsked = None,
    edition: EditionAsked = None,
) -> CodeSearch:
    """Codes whose wordings hold the words, best first; of the default code set unless another is named.

    The query is not logged.
    """
    catalog = _asked(coder, code_set, edition)[0]
    positions = await asyncio.to_thread(catalog.search, q, limit)
    names = [_name(catalog, position) for position in positions]
    return CodeSearch(code_set=catalog.name, system=catalog.system, edition=catalog.edition, codes=names)


@router.get("/{code}", responses=documented(401, 403, 404, 422, 500, 503), summary="Look a code up")
async def read_code(
    coder: CoderHere, code: str, code_set: CodeSetAsked = None, edition: EditionAsked = None
) -> CodeDetail:
    """One code with its place in the code set, its notes, its wordings and its maps to other code sets.

    With or without the dot, in any case. Without `code_set` the first loaded one that has the code answers.
    """
    for catalog in _asked(coder, code_set, edition):
        position = catalog.position(code) if _WRITTEN.fullmatch(code) else None
        if position is not None:
            return _detail(coder, catalog, position)
    raise UnknownCode(f"No such code in {', '.join(map(name_of, _asked(coder, code_set, edition)))}.")


def _asked(coder: Coder, code_set: str | None, edition: str | None) -> Sequence[Catalog]:
    """The loaded editions that a look-up is in, the default first; raises NotLoaded."""
    loaded = catalogs_of(coder)
    if code_set is None and edition is None:
        return loaded
    named = edition.rpartition(" ")[0] if edition else ""  # of "icd-10-cm 2025-10"
    return chosen(Asked((code_set or named or loaded[0].name,), edition), coder)


def _detail(coder: Coder, catalog: Catalog, position: int) -> CodeDetail:
    entry = catalog.entry(position)
    return CodeDetail(
        code=entry.code,
        display=entry.title,
        billable=entry.billable,
        code_set=catalog.name,
        system=catalog.system,
        edition=catalog.edition,
        parent=entry.parent,
        ancestors=[_name(catalog, ancestor) for ancestor in catalog.ancestors(position)],
        children=[_name(catalog, child) for child in catalog.children(position)],
        notes={kind: list(lines) for kind, lines in entry.notes.items() if lines},
        surface_forms=_wordings(catalog, position),
        maps=maps_of(coder, catalog.name, entry.code),
    )


def _wordings(catalog: Catalog, position: int) -> list[str]:
    first, last = (int(offset) for offset in catalog.offsets[position : position + 2])
    return [form.text for form in catalog.forms(first, last)]


def _name(catalog: Catalog, position: int) -> CodeName:
    entry = catalog.entry(position)
    return CodeName(code=entry.code, display=entry.title, billable=entry.billable)
