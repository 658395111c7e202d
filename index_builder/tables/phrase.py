"""From a path of table lines to a wording: "Fracture" > "femur" > "shaft" -> "fracture of shaft of femur"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from index_builder.tables.anatomy import BodySites
from index_builder.tables.term import Term, holds_connector, is_adjective

_POSITION_WORDS = """
anterior distal eighth external fifth first fourth great index inferior inner internal lateral left lesser little lower
medial middle outer posterior proximal right ring second seventh sixth superior third upper
"""
# Adjectives that name a nerve, vessel, valve or vertebra, and so belong to it and not to the disease.
_NAMING_WORDS = """
abducent aortic axillary brachial carotid cervical coronary cranial digital dorsal facial femoral hepatic iliac jugular
lumbar lumbosacral median mesenteric mitral oculomotor optic palmar peroneal plantar popliteal portal pulmonary radial
renal sacral saphenous sciatic splenic subclavian thoracic tibial tricuspid trigeminal ulnar vertebral
"""
_POSITIONS = frozenset(_POSITION_WORDS.split())
_NAMING = frozenset(_NAMING_WORDS.split())
_NAMED = frozenset({"nerve", "artery", "vein", "vertebra", "spine", "valve", "muscle", "tendon", "vessel", "plexus"})
_LINKS = {
    "history": "of", "encounter": "for", "admission": "for", "screening": "for", "presence": "of", "absence": "of",
    "sequelae": "of", "problem": "with", "exposure": "to", "lack": "of", "loss": "of", "adverse effect": "of",
    "persistence": "of", "foreign body": "in", "supervision": "of", "explanation": "of", "change": "of",
    "removal": "of", "counseling": "for", "contact": "with", "examination": "for", "observation": "for",
    "vaccination": "for", "carrier": "of", "fitting": "of", "aftercare": "following", "long-term": "use of",
    "abnormal findings": "of", "prophylactic": "use of", "donor": "of", "replacement": "by", "test": "for",
    "immunization": "for", "attention": "to", "checking": "of", "consultation": "for", "difficulty": "with",
    "inability": "to", "need": "for", "risk": "of", "fear": "of", "underimmunization": "for", "suspected": "of",
}  # fmt: skip
_KINDS = frozenset({"personal", "family"})
_INJURY_WORDS = "laceration contusion rupture strain sprain dislocation fracture abrasion puncture hematoma tear"
_INJURIES = frozenset(_INJURY_WORDS.split())
# Sub-terms of these read in the order of the path: heart valve > prosthesis > obstruction.
_ORDERED = frozenset({"complication"})
_OTHER = re.compile(r"^(?:other )?specified(?: (?:type|form|site|cause|organism|part|condition|kind))?$", re.IGNORECASE)
# What is done with a substance goes behind its name: alcohol > use.
_USES = frozenset({"use", "abuse", "dependence", "withdrawal", "intoxication", "disease", "syndrome", "disorder"})
_GENERIC = frozenset({"drug", "psychoactive substance", "psychoactive", "substance"})


@dataclass(slots=True)
class Phrase:
    """A wording under construction. sites are (noun, adjective) pairs from the larger to the smaller part."""

    noun: str = ""
    body_sites: BodySites = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    sites: list[tuple[str, str]] = field(default_factory=list)
    tails: list[tuple[str, Phrase]] = field(default_factory=list)

    def add(self, term: Term) -> None:
        """Put the next line of the path in its place."""
        if self.tails:
            self.tails[-1][1].add(term)
            return
        if term.lead == "and" and self.before and is_adjective(term.text):
            self.before[0] += f" and {term.text}"
        elif term.lead:
            self._tail(term.lead, term.text)
        elif term.text:
            self._place(term)
        if term.trail:
            self._end().tails.append((term.trail, Phrase(body_sites=self.body_sites)))

    def _end(self) -> Phrase:
        return self.tails[-1][1]._end() if self.tails else self

    def _tail(self, link: str, text: str) -> None:
        self.tails.append((link, Phrase(text, self.body_sites)))

    def _place(self, term: Term) -> None:
        text, noun = term.text, self.noun.casefold()
        link = _LINKS.get(noun, "")
        if _OTHER.match(text):
            self.before.insert(0, "other")
        elif not noun:
            self.noun = text
        elif noun in _ORDERED:
            self.before.append(text)
        elif link and text.casefold() not in _KINDS and not (self.before and is_adjective(text)):
            self._tail(link, text)
        elif self._names_last_site(text):
            site, adjective = self.sites[-1]
            self.sites[-1] = (f"{text} {site}", adjective and f"{text} {adjective}")
        elif self._takes_behind(term):
            self.noun = f"{self.noun} {text}"
        elif noun == "injury" and text.casefold() in _INJURIES:
            self.noun = text
        else:
            self._modify(term)

    def _names_last_site(self, text: str) -> bool:
        low = text.casefold()
        if not self.sites:
            return False
        return low in _POSITIONS or (low in _NAMING and self.sites[-1][0].rsplit(" ", 1)[-1] in _NAMED)

    def _takes_behind(self, term: Term) -> bool:
        """Whether the line goes behind the noun: "cystic" > "kidney", "Pick's" > "disease", "coma due to" ..."""
        if term.trail or term.text.casefold() in _USES:
            return True
        return is_adjective(self.noun) or self.noun.endswith(("'s", "s'"))

    def _modify(self, term: Term) -> None:
        if self._is_site(term.text):
            self._add_site(term)
        elif holds_connector(term.text):
            self._tail(",", term.text)
        else:
            if self.before and self.before[0].casefold() in _GENERIC:
                self.before.pop(0)
            self.before.insert(0, term.adjective or term.text)

    def _add_site(self, term: Term) -> None:
        if not self.sites or self.sites[-1][0] != term.text:
            self.sites.append((term.text, term.adjective or self.body_sites.get(term.text.casefold(), "")))

    def _is_site(self, text: str) -> bool:
        low = text.casefold()
        return low in self.body_sites or (low.rsplit(" ", 1)[-1] in self.body_sites and not is_adjective(low))

    def wordings(self) -> list[str]:
        """One wording, or two when a single body part reads well on either side of the noun."""
        if not self.sites:
            return [self.render(compound=False)]
        if len(self.sites) > 1:
            return [self.render(compound=False)]
        if self.tails:
            return [self.render(compound=True)]
        return [self.render(compound=True), self.render(compound=False)]

    def render(self, compound: bool) -> str:
        """The wording with its body parts before the noun (compound) or behind it."""
        parts = list(self.before)
        if compound:
            parts += [adjective or noun for noun, adjective in self.sites]
        parts.append(self.noun)
        if not compound:
            parts += [f"of {noun}" for noun, _ in reversed(self.sites)]
        for link, tail in self.tails:
            parts += [link, tail.render(compound=bool(len(tail.sites) == 1))]
        return re.sub(r"\s+,", ",", " ".join(part for part in parts if part))
