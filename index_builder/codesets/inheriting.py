"""Wordings of headers for the codes below them that can be billed.

The Alphabetic Index stops where the tabular list asks for a side or a 7th character: "open-angle glaucoma" is H40.10-,
"femoral neuralgia" G57.2-. A note says just that, and asks for codes that can be billed. So what names a header also
names the code below it that adds nothing, and with the side those that add a side (docs/decisions/0040).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from index_builder.codesets.protocol import Code, FormSource, SurfaceForm

# Drugs and external causes have tables that go down to the code; titles go to the code that adds nothing alone.
HEIRLOOMS: Final = frozenset(FormSource) - {FormSource.DRUG, FormSource.EXTERNAL}
SIDE: Final = re.compile(r"\b(right|left|bilateral)\b", re.IGNORECASE)
PLAIN: Final = re.compile(r"\b(?:unspecified|without complications?|uncomplicated|not specified)\b", re.IGNORECASE)
FULL_LENGTH: Final = 7


def inherited_forms(codes: Sequence[Code], forms: Iterable[SurfaceForm]) -> Iterator[SurfaceForm]:
    """What codes that can be billed inherit from the headers above them, in the order of the headers.

    codes: headers before what is below them
    """
    below: Mapping[str, list[Code]] = defaultdict(list)
    for code in codes:
        if code.parent is not None:
            below[code.parent].append(code)
    owned: Mapping[str, list[SurfaceForm]] = defaultdict(list)
    for form in forms:
        if form.source in HEIRLOOMS and not form.extension:
            owned[form.code].append(form)
    for header in codes:
        if header.billable or not (heirlooms := owned[header.code]):
            continue
        for heir, side in _heirs(header, below[header.code]):
            whole = side or len(heir.code.replace(".", "")) == FULL_LENGTH  # its own title says what the header's does
            fit = (form for form in heirlooms if not (whole and form.source is FormSource.TITLE))
            taken = [_taken(form, heir.code, side) for form in fit]
            if heir.billable:
                yield from taken
            else:
                owned[heir.code].extend(taken)


def _heirs(header: Code, children: Sequence[Code]) -> Iterator[tuple[Code, str]]:
    """The children that add nothing or a side, and that side."""
    if children and all(len(child.code.replace(".", "")) == FULL_LENGTH for child in children):
        yield children[0], ""  # the first of a family stands for it (app/pipeline/families.py)
        return
    vague, sided = len(PLAIN.findall(header.title)), SIDE.search(header.title)
    sides = {child.code: SIDE.search(child.title) for child in children}
    plain = [child for child in children if len(PLAIN.findall(child.title)) > vague and not sides[child.code]]
    if plain:
        yield min(plain, key=lambda child: len(child.title)), ""  # E11.9, not E11.8 "with unspecified complications"
    for child in children:
        found = sides[child.code]
        if found and not sided and len(PLAIN.findall(child.title)) == vague:
            yield child, found[1].lower()


def _taken(form: SurfaceForm, code: str, side: str) -> SurfaceForm:
    """The form as the heir's: a title is none of the heir's own. A side is encoded apart, the sides share the rest."""
    source = FormSource.INCLUSION if form.source is FormSource.TITLE else form.source
    if not side or form.extension:
        return SurfaceForm(code, form.text, source, form.extension)
    return SurfaceForm(code, f"{form.text}, {side}", source, len(form.text))
