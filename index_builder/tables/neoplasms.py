"""The table of neoplasms: one line per site, six columns of behaviour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.official_xml import read_entries
from index_builder.tables.phrase import Phrase
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import holds_connector, is_adjective, parse

# Column of the table -> wordings; {of} is "of right breast", {site} the same without "of".
_COLUMNS = {
    2: ("malignant neoplasm {of}", "{site} cancer"),
    3: ("secondary malignant neoplasm {of}", "metastasis to {site}"),
    4: ("carcinoma in situ {of}",),
    5: ("benign neoplasm {of}",),
    6: ("neoplasm of uncertain behavior {of}",),
    7: ("neoplasm of unspecified behavior {of}",),
}
_TUMOURS = ("carcinoma", "melanoma", "sarcoma", "tumor", "lymphoma", "leukemia")


def read_neoplasms(path: Path) -> Iterator[TermRow]:
    """The wordings of every filled cell."""
    sites = body_sites(path)
    for entry in read_entries(path):
        if len(entry.path) == 1:
            continue
        site = site_wording(entry.path[1:], sites)
        for column, cell in entry.cells.items():
            if code := read_code(cell):
                for text in _cell(entry.path[-1], site, column):
                    yield TermRow(code, text, FormSource.NEOPLASM)


def _cell(line: str, site: str, column: int) -> list[str]:
    """A line that names a tumour ("basal cell carcinoma") is its own wording of the primary column."""
    if line.split(" (")[0].endswith(_TUMOURS):
        return [site] if column == 2 else []
    templates = _COLUMNS[column] if len(site.split()) <= 4 else _COLUMNS[column][:1]
    return [template.format(of=f"of {site}", site=site) for template in templates]


def site_wording(path: Sequence[str], sites: frozenset[str]) -> str:
    """'abdomen, abdominal' > 'wall' -> 'abdominal wall'; 'femur' > 'head' -> 'head of femur'."""
    terms = [parse(line) for line in path]
    first, *rest = terms
    attributive = bool(first.adjective and rest and not rest[0].lead and not is_adjective(rest[0].text))
    built = Phrase(first.adjective if attributive else first.text, sites)
    for term in rest:
        built.add(term)
    tumour = path[-1].split(" (")[0].endswith(_TUMOURS)
    return f"{terms[-1].text} of {site_wording(path[:-1], sites)}" if tumour and rest else built.render(compound=False)


def body_sites(path: Path) -> frozenset[str]:
    """Names of body parts, as far as the table of neoplasms knows them, lower-case."""
    found: set[str] = set()
    for entry in read_entries(path):
        for line in entry.path[1:]:
            term = parse(line)
            text = term.text.casefold()
            plain = not term.lead and not term.trail and not holds_connector(text) and not is_adjective(text)
            if plain and "specified" not in text and not text.endswith(_TUMOURS):
                found.add(text)
    return frozenset(found | _MORE_SITES)


_MORE_SITES = frozenset(
    "abdomen ankle arm artery back bladder bone brain breast calf carpus cartilage chest clavicle elbow eye eyelid face "
    "fibula finger flank foot forearm hand head heart heel hip humerus jaw joint kidney knee leg ligament limb lip "
    "liver lung metacarpus metatarsus muscle nail neck nerve nose ovary patella pelvis phalanx radius rib sacrum "
    "scapula scalp shaft shin shoulder skin skull spine spleen sternum stomach tarsus tendon thigh thorax throat thumb "
    "tibia toe tongue tooth trunk ulna ureter urethra uterus vagina valve vein vertebra vulva wrist region extremity "
    "condyle epicondyle malleolus tuberosity trochanter acetabulum cornea retina conjunctiva orbit iris lens".split()
)
