"""From a path of table lines to a wording: "Fracture" > "femur" > "shaft" -> "fracture of shaft of femur"."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, field

from index_builder.tables.term import Term, holds_connector, is_adjective

_POSITIONS = frozenset(
    "right left upper lower anterior posterior proximal distal lateral medial middle great lesser little index ring "
    "inner outer superior inferior first second third fourth fifth sixth seventh eighth external internal".split()
)
_LINKS = {
    "history": "of", "encounter": "for", "admission": "for", "screening": "for", "presence": "of", "absence": "of",
    "sequelae": "of", "problem": "with", "exposure": "to", "lack": "of", "loss": "of", "adverse effect": "of",
    "foreign body": "in", "complication": "of", "supervision": "of", "explanation": "of", "change": "of",
    "removal": "of", "counseling": "for", "contact": "with", "examination": "for", "observation": "for",
    "vaccination": "for", "carrier": "of", "fitting": "of", "aftercare": "following", "long-term": "use of",
    "abnormal findings": "of", "prophylactic": "use of", "donor": "of", "replacement": "by", "test": "for",
    "immunization": "for", "attention": "to", "checking": "of", "consultation": "for", "difficulty": "with",
    "inability": "to", "need": "for", "risk": "of", "fear": "of", "underimmunization": "for", "suspected": "of",
}  # fmt: skip
_KINDS = frozenset({"personal", "family"})
_INJURIES = frozenset(
    "laceration contusion rupture strain sprain dislocation fracture abrasion puncture hematoma tear".split()
)
_OTHER = re.compile(r"^(?:other )?specified(?: (?:type|form|site|cause|organism|part|condition|kind))?$", re.IGNORECASE)
_SILENT = re.compile(r"^(?:unspecified(?: \w+)?|type|by type|site|as cause of .*|cause of .*)$", re.IGNORECASE)
_GENERIC = frozenset({"drug", "psychoactive substance", "psychoactive", "substance"})


@dataclass(slots=True)
class Phrase:
    """A wording under construction. sites are (noun, adjective) pairs from the larger to the smaller part."""

    noun: str = ""
    body_sites: Set[str] = frozenset()
    before: list[str] = field(default_factory=list)
    sites: list[tuple[str, str]] = field(default_factory=list)
    tails: list[tuple[str, Phrase]] = field(default_factory=list)

    def add(self, term: Term) -> None:
        """Put the next line of the path in its place."""
        if self.tails:
            self.tails[-1][1].add(term)
            return
        if term.lead:
            self._tail(term.lead, term.text)
        elif term.text:
            self._place(term)
        if term.trail:
            self._tail_end().tails.append((term.trail, Phrase(body_sites=self.body_sites)))

    def _tail_end(self) -> Phrase:
        return self.tails[-1][1]._tail_end() if self.tails else self

    def _tail(self, link: str, text: str) -> None:
        self.tails.append((link, Phrase(text, self.body_sites)))

    def _place(self, term: Term) -> None:
        text = term.text
        link = _LINKS.get(self.noun.casefold(), "")
        if _SILENT.match(text):
            return
        if _OTHER.match(text):
            self.before.insert(0, "other")
        elif not self.noun:
            self.noun = text
        elif link and text.casefold() not in _KINDS and not (self.before and is_adjective(text)):
            self._tail(link, text)
        elif self.sites and text.casefold() in _POSITIONS:
            noun, adjective = self.sites[-1]
            self.sites[-1] = (f"{text} {noun}", adjective and f"{text} {adjective}")
        elif is_adjective(self.noun):
            self.noun = f"{self.noun} {text}"
        elif self.noun == "injury" and text.casefold() in _INJURIES:
            self.noun = text
        else:
            self._modify(term)

    def _modify(self, term: Term) -> None:
        if self._is_site(term.text):
            self.sites.append((term.text, term.adjective))
        elif holds_connector(term.text):
            self._tail(",", term.text)
        else:
            if self.before and self.before[0].casefold() in _GENERIC:
                self.before.pop(0)
            self.before.insert(0, term.adjective or term.text)

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
