"""The table of neoplasms: one line per site, six columns of behaviour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.anatomy import TUMOURS
from index_builder.tables.official_xml import read_entries
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import Term, clean, is_adjective, parse

# Column of the table -> wordings; {of} is "of right breast", {site} the same without "of".
_COLUMNS = {
    2: ("malignant neoplasm {of}", "{site} cancer"),
    3: ("secondary malignant neoplasm {of}", "metastasis to {site}"),
    4: ("carcinoma in situ {of}",),
    5: ("benign neoplasm {of}",),
    6: ("neoplasm of uncertain behavior {of}",),
    7: ("neoplasm of unspecified behavior {of}",),
}
# "lymph, lymphatic channel" > "gland" is what everybody calls a lymph node.
_RENAMED = {("lymph, lymphatic channel", "gland"): "lymph node"}
_TISSUES = frozenset(
    {"skin", "bone", "connective tissue", "nerve", "lymph node", "muscle", "blood vessel", "cartilage"}
)


def read_neoplasms(path: Path) -> Iterator[TermRow]:
    """The wordings of every filled cell."""
    for entry in read_entries(path):
        if len(entry.path) == 1:
            continue
        site = site_wording(entry.path[1:])
        for column, cell in entry.cells.items():
            if code := read_code(cell):
                for text in _cell(entry.path[-1], site, column):
                    yield TermRow(code, text, FormSource.NEOPLASM)


def _cell(line: str, site: str, column: int) -> list[str]:
    """A line that names a tumour ("basal cell carcinoma") is its own wording of the primary column."""
    if line.split(" (")[0].endswith(TUMOURS):
        return [site] if column == 2 else []
    templates = _COLUMNS[column] if len(site.split()) <= 4 else _COLUMNS[column][:1]
    return [_fill(template, site) for template in templates]


def _fill(template: str, site: str) -> str:
    """ "renal" goes before the neoplasm, "kidney" behind it."""
    if template == "{site} cancer" and " of " in site:
        return f"cancer of {site}"
    if "{of}" in template and is_adjective(site) and " " not in site:
        return f"{site} {template.replace(' {of}', '')}"
    return template.format(of=f"of {site}", site=site)


def site_wording(path: Sequence[str]) -> str:
    """'abdomen, abdominal' > 'wall' -> 'abdominal wall'; 'lip' > 'skin' -> 'skin of lip'; 'skin' > 'lip' likewise."""
    if renamed := _RENAMED.get((clean(path[0]), clean(path[1])) if len(path) > 1 else ("", "")):
        path = (renamed, *path[2:])
    first, *rest = [parse(line) for line in path]
    attributive = first.adjective and rest and not rest[0].lead and not is_adjective(rest[0].text)
    wording = first.adjective if attributive else first.text
    for term in rest:
        wording = _narrow(wording, term, tissue=first.text in _TISSUES)
    return wording


def _narrow(wording: str, term: Term, tissue: bool) -> str:
    text = term.text
    if not text:
        return f"{wording} {term.trail}".strip()
    if term.lead:
        return f"{wording} {term.lead} {text}"
    if text.startswith("specified"):
        return f"other {wording}"
    if is_adjective(text):
        return f"{text} {wording}"
    if is_adjective(wording):
        return f"{wording} {text}"
    return f"{wording} of {text}" if tissue and not text.endswith(TUMOURS) else f"{text} of {wording}"
