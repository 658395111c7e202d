"""One line of an official table: connectors cut off, alternatives resolved, NEC and NOS gone."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONNECTOR = (
    r"(?:due to|because of|associated with|complicated by|affected by|resulting (?:from|in)|secondary to|caused by"
    r"|attributed to|related to|leading to|exposed to|concerning|complicating|affecting|involving|causing|following"
    r"|requiring|during|without|within|between|before|after|while|under|with|from|into|onto|upon|for|not|of|by|to|on"
    r"|at|as|in(?! situ\b))"
)
_JOINED = rf"{_CONNECTOR}(?:\s*(?:,|or|and|,\s*or)?\s*{_CONNECTOR})*"
_LEAD = re.compile(rf"^({_JOINED})(?![\w-])\s*(.*)$", re.IGNORECASE)
_TRAIL = re.compile(rf"^(.+?)\s+({_JOINED})$", re.IGNORECASE)
_INSIDE = re.compile(rf"\s(?:{_CONNECTOR}|or|and)\s", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*-+\s*(?:code|see|omit)\b.*$|\s*-{2,}\s*$", re.IGNORECASE)
_DROPPED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\bN[EO][CS]\b")
_UNTOLD = re.compile(r"^(?:unspecified(?: \w+)?|as (?:the )?cause of .*|type|site|by site|by type)$", re.IGNORECASE)
_JUNCTION = re.compile(r"^(and|or)\s+(.+)$", re.IGNORECASE)
_COMMA = re.compile(r",(?!\d)\s*")
_ADJECTIVE = re.compile(r"(?:ic|al|ar|ary|ory|ous|ive|[^es]ed|oid|genic|less|like|able|ible|ile|related|induced)$")
_NOUN_WORDS = """
animal antibiotic approval arousal arrival arsenic betrayal bipolar burial cable canal capillary carcinoid cereal colic
disposal ear history hospital keloid material memory metal molar ovary panic pterygoid referral refusal removal renewal
reversal scar seed steroid survival table thyroid tic topic traffic trial vegetable withdrawal
"""
_ADJECTIVE_WORDS = """
abnormal absent accessory acute adult anterior benign bilateral chronic closed congenital decreased deep delayed
double early elevated excess excessive false female floating high increased inferior inner juvenile large late latent
left long low lower male mild mixed moderate multiple newborn open outer persistent poor posterior premature primary
rapid recurrent right secondary severe short single slow small snapping superior tertiary thin unilateral upper weak
"""
_NOUNS = frozenset(_NOUN_WORDS.split())
_ADJECTIVES = frozenset(_ADJECTIVE_WORDS.split())
_SAME_WORD = frozenset(
    frozenset(pair.split())
    for pair in ("heart cardiac", "kidney renal", "lung pulmonary", "liver hepatic", "brain cerebral")
)
_EVERYDAY_WORDS = "ALL ALPS ARC COLD DISH HIT IRIS KIN PAPA PAT PIN PLAID POTS TAD TRAPS WED WEE"
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())


@dataclass(frozen=True, slots=True)
class Term:
    """A cleaned table line: `lead` text `trail`, where lead and trail are connectors ("with", "due to") or empty.

    adjective is the alternative that reads well before a noun ("abdominal" of "abdomen, abdominal"), or empty.
    """

    text: str
    adjective: str = ""
    lead: str = ""
    trail: str = ""


def clean(text: str) -> str:
    """The line without nonessential modifiers, NEC, NOS, coding instructions and doubled blanks."""
    bare = _DROPPED.sub(" ", _INSTRUCTION.sub("", text))
    return re.sub(r"\s+,", ",", re.sub(r"\s+", " ", bare)).strip(" ,;-")


def is_adjective(text: str) -> bool:
    """Whether the last word reads as an adjective."""
    word = text.rsplit(" ", 1)[-1].casefold()
    return word in _ADJECTIVES or (word not in _NOUNS and _ADJECTIVE.search(word) is not None)


def is_everyday(text: str) -> bool:
    """Whether an abbreviation is an everyday word to an uncased model ("ALL", "HIT") and would match every note."""
    return text in _EVERYDAY


def holds_connector(text: str) -> bool:
    """Whether a connector stands inside the wording, so that it cannot go before a noun."""
    return _INSIDE.search(text) is not None


def parse(text: str) -> Term:
    """Read one table line."""
    body, lead, trail = clean(text), "", ""
    if _UNTOLD.match(body):
        return Term("")
    if match := _JUNCTION.match(body) or _LEAD.match(body):
        lead, body = match[1], match[2]
    if match := _TRAIL.match(body):
        body, trail = match[1], match[2]
    noun, adjective = _resolve(body)
    return Term(noun, adjective, lead.replace(",", " or").replace("or or", "or"), trail)


def _resolve(body: str) -> tuple[str, str]:
    """Comma alternatives: "abdomen, abdominal" are one word twice, "cystitis, interstitial" is an inversion."""
    parts = [part for part in _COMMA.split(body) if part and not _UNTOLD.match(part)]
    if len(parts) < 2:
        return "".join(parts).strip(), ""
    if any(re.match(r"(?:or|and)\b", part) or re.search(r"\s(?:or|and)\s", part) for part in parts[1:]):
        return ", ".join(parts), ""
    same = [part for part in parts[1:] if _one_word(parts[0], part)]
    others = [part for part in parts[1:] if part not in same]
    head = _invert(parts[0], others)
    return head, "" if others else next((part for part in same if is_adjective(part)), "")


def _one_word(first: str, second: str) -> bool:
    if frozenset((first.casefold(), second.casefold())) in _SAME_WORD:
        return True
    start = first.split(" ")[-1][:4].casefold()
    return " " not in second and len(start) >= 3 and second.casefold().startswith(start[: max(3, len(start) - 1)])


def _invert(head: str, modifiers: list[str]) -> str:
    before = [part for part in modifiers if not _LEAD.match(part) and not holds_connector(part)]
    after = [part for part in modifiers if part not in before]
    return " ".join([*reversed(before), head, *after])
