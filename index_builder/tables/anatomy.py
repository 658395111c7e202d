"""Names of body parts: what the table of neoplasms knows, and the parts that only injuries have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from index_builder.tables.official_xml import read_entries
from index_builder.tables.term import Term, holds_connector, is_adjective, parse

# Lower-case noun -> its adjective ("retina" -> "retinal"), or "" where the tables give none.
BodySites = Mapping[str, str]

TUMOURS = ("carcinoma", "melanoma", "sarcoma", "tumor", "lymphoma", "leukemia")

_MORE = """
abdomen ankle apex arm artery back base bladder bone border brain breast calf carpus cartilage chest clavicle condyle
conjunctiva cornea ear elbow end epicondyle extremity eye eyelid face fibula finger flank floor foot forearm hand head
heart heel hip humerus iris jaw joint kidney knee leg lens level ligament limb lip liver lobe lung malleolus metacarpus
metatarsus muscle nail neck nerve nose orbit ovary part patella pelvis phalanx radius region retina rib root sacrum
scalp scapula segment shaft shin shoulder skin skull spine spleen sternum stomach surface tarsus tendon thigh thorax
throat thumb tibia tip toe tongue tooth trochanter trunk tuberosity ulna ureter urethra uterus vagina valve vein
vertebra vulva wall wrist
"""
_NOT_PARTS = frozenset({"cavernosum", "specified", "lymph", "channel", "unknown site", "disseminated"})


def read_body_sites(neoplasms: Path) -> BodySites:
    """Body parts from the sites of the table of neoplasms."""
    found = dict.fromkeys(_MORE.split(), "")
    for entry in read_entries(neoplasms):
        for line in entry.path[1:]:
            term = parse(line)
            text = term.text.casefold()
            if _is_part(term, text):
                found[text] = found.get(text) or term.adjective
    return found


def _is_part(term: Term, text: str) -> bool:
    plain = bool(text) and not (term.lead or term.trail or holds_connector(text) or is_adjective(text))
    return plain and text not in _NOT_PARTS and "specified" not in text and not text.endswith(TUMOURS)
