"""Wordings of ICD-10-CM for the codes of ICD-9-CM: its titles are long-winded, and it has no synonyms in any table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from index_builder.codesets.protocol import CodeSet, FormSource, SurfaceForm
from index_builder.crosswalk.gem import Mapping, read_gem

_TO: Final = "icd-9-cm"
# Titles say what ICD-10-CM tells apart and ICD-9-CM does not; drugs, neoplasms and external causes have tables of both.
_LENT: Final = frozenset(FormSource) - {FormSource.TITLE, FormSource.DRUG, FormSource.NEOPLASM, FormSource.EXTERNAL}


def lent_forms(gem: Path, lender: CodeSet) -> list[SurfaceForm]:
    """The lender's other wordings under the ICD-9-CM codes that its codes map to, in the lender's order.

    gem: mappings from the lender to ICD-9-CM. A code that maps to several, or to a combination, lends nothing.
    Raises CodeSetError.
    """
    only = _single(read_gem(gem, lender.name, _TO))
    forms = (form for form in lender.forms() if form.source in _LENT and form.code in only)
    return [SurfaceForm(only[form.code], form.text, form.source) for form in forms]


def _single(mappings: Iterable[Mapping]) -> dict[str, str]:
    found: dict[str, set[str | None]] = defaultdict(set)
    for one in mappings:
        found[one.source].add(None if one.combination else one.target)
    return {code: target for code, (target, *more) in found.items() if target is not None and not more}
