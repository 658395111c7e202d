"""From triggers to scopes: which words of a sentence each trigger speaks of. Linear in the number of tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from app.pipeline.assertion.phrases import Cue
from app.pipeline.assertion.tokens import Tokens
from app.pipeline.assertion.triggers import DASHES, Trigger, closes
from app.pipeline.coding import Assertion
from app.pipeline.lexicon import read_lexicon
from app.pipeline.word_sets import BARE_WORDS

LEXICON = read_lexicon("assertion")
RANKED = (
    Assertion.PRESENT,
    Assertion.HISTORICAL,
    Assertion.POSSIBLE,
    Assertion.HYPOTHETICAL,
    Assertion.FAMILY,
    Assertion.NEGATED,
)  # of two scopes over one word the later counts: "no family history of" is a negation
RELATIVE = frozenset({"that", "which"})
AS_WELL = ("as", "well", "as")
COMMAS, OR, JOINING = frozenset(",;"), frozenset({"or", "nor", "/"}), frozenset({"and", "or", "nor", "&"})
PREPOSITIONS = frozenset(LEXICON["prepositions"])
DETERMINERS = frozenset(LEXICON["determiners"])
NO = frozenset({"no", "without"})
ARTICLES = frozenset({"a", "an"})
BEFORE_VALUE = frozenset({":", "=", "("})  # "wheezing: not present", "stroke (2012)"
BREAKS = frozenset({",", ";", ":", "(", "[", "|"})
SEEKING = frozenset(LEXICON["sets"]["seek"])
TOUCHED = 4  # words before "prophylaxis", "screening"
LONG_ITEM = 8  # words before "no" in one item of a list
ALLERGIC = frozenset({"allergy", "allergies", "allergic"})
EXAMINED = frozenset(LEXICON["examined"])
SHORT_ITEM = 4  # words of one item in "nausea, vomiting, flank pain: none"


@dataclass(slots=True)
class Scan:
    """A sentence with the places that its scopes end at."""

    tokens: Tokens
    triggers: list[Trigger]
    commas: list[int]
    semicolons: list[int]
    ors: list[int]
    prepositions: list[int]
    closers: list[int]
    others: list[int]  # "and" before an article
    means: list[int]  # "on", after which stands how it was seen or what is taken
    joints: list[int]  # "and", "or", commas
    seeking: list[int]  # "call", "return"
    cells: list[int]  # where the next label of a table begins: "fever: no  cough: yes"
    ends: dict[Assertion, list[int]] = field(default_factory=dict)


def next_of(places: list[int], at: int, otherwise: int) -> int:
    """The first of sorted places that is not before `at`."""
    found = bisect_left(places, at)
    return places[found] if found < len(places) else otherwise


def last_of(places: list[int], before: int, otherwise: int) -> int:
    """The last of sorted places that is before `before`."""
    found = bisect_left(places, before)
    return places[found - 1] if found else otherwise


def scan(tokens: Tokens, triggers: list[Trigger]) -> Scan:
    """The sentence with all places that end a scope."""
    words = tokens.words
    result = Scan(
        tokens,
        triggers,
        commas=[at for at, word in enumerate(words) if word in COMMAS],
        semicolons=[at for at, word in enumerate(words) if word == ";"],
        ors=[at for at, word in enumerate(words) if word in OR],
        prepositions=[at for at, word in enumerate(words) if word in PREPOSITIONS],
        closers=[at for at, word in enumerate(words) if word in ")]"],
        others=[at for at, word in enumerate(words) if word == "and" and tokens.word(at + 1) in ARTICLES],
        means=[at for at, word in enumerate(words) if word == "on"],
        joints=[at for at, word in enumerate(words) if word in JOINING or word in COMMAS],
        seeking=[at for at, word in enumerate(words) if word in SEEKING],
        cells=[at for at, word in enumerate(words) if word == ":"],
    )
    for assertion in RANKED:
        stops = [trigger.start for trigger in triggers if assertion in trigger.cue.ends]
        stops += [at for trigger in triggers if (at := _turn(result, trigger, assertion)) is not None]
        result.ends[assertion] = sorted(set(stops))
    return result


def _turn(scan: Scan, trigger: Trigger, assertion: Assertion) -> int | None:
    """Where a trigger that says something else ends a scope of `assertion`: the comma that opens its own item."""
    cue, words = trigger.cue, scan.tokens.words
    if cue.assertion is assertion or cue.direction not in ("forward", "backward"):
        return None
    if cue.direction == "forward":
        before = trigger.start - 1
        opens = scan.tokens.word(before)
        if opens in COMMAS or opens in (".", ":"):
            return before
        joined = opens in ("and", "&") and cue.assertion is not Assertion.POSSIBLE
        return before if joined and assertion is not Assertion.FAMILY else None
    comma = last_of(scan.commas, trigger.start, -1)
    if comma < 0 or words[comma + 1] in JOINING or next_of(scan.ors, comma, trigger.start) < trigger.start:
        return None
    return comma


def paint(scan: Scan, problems: bool) -> list[Assertion]:
    """One assertion per token, PRESENT where no scope reaches. problems: the sentence stands in a list of problems."""
    ranks = [0] * len(scan.tokens)
    painted = dict.fromkeys(RANKED, 0)
    starts = [trigger.start for trigger in scan.triggers]
    for trigger in scan.triggers:
        assertion, direction = trigger.cue.assertion, trigger.cue.direction
        rank = RANKED.index(assertion)
        if direction == "forward":
            first, last = max(trigger.end, painted[assertion]), _forward_end(scan, trigger, problems)
            painted[assertion] = max(painted[assertion], last)
        elif direction == "backward":
            first, last = _backward_start(scan, trigger, starts), trigger.start
        else:
            continue
        spared = _means(scan, trigger, last) if direction == "forward" else range(0)
        for at in range(first, last):
            if at not in spared:
                ranks[at] = max(ranks[at], rank)
    return [RANKED[rank] for rank in ranks]


def _forward_end(scan: Scan, trigger: Trigger, problems: bool) -> int:
    cue, count = trigger.cue, len(scan.tokens)
    if cue.reach in ("own", "word"):
        return spoken_for(scan.tokens, trigger)
    end = next_of(scan.ends[cue.assertion], trigger.end, count)
    opened = trigger.start and scan.tokens.words[trigger.start - 1] == "("
    if opened:
        end = min(end, next_of(scan.closers, trigger.end, count))
    comma = next_of(scan.commas, trigger.end + 1, count)
    if cue.reach == "short":
        return min(end, comma, next_of(scan.prepositions, trigger.end + 1, count))
    if cue.reach == "near":
        return min(end, comma)
    if scan.tokens.words[trigger.start] == "if" and next_of(scan.seeking, 0, trigger.start) < trigger.start:
        return end  # "call the office if fever, rash, vomiting": no main clause follows
    fronted = trigger.start == 0  # "Without shock, sepsis was found"
    if cue.reach == "attached" and (problems or fronted or cue.assertion is not Assertion.NEGATED):
        return min(end, _list_end(scan, trigger.end, end))
    if scan.tokens.words[trigger.start] in NO:
        if _inside_an_item(scan, trigger, problems):
            return min(end, _list_end(scan, trigger.end, end))
        end = min(end, _another(scan, trigger.end, end))
    end = min(end, _semicolon(scan, trigger, end))
    treated = _means(scan, trigger, end)
    if problems and treated and next_of(scan.ors, treated.stop, end) == end:
        return treated.stop  # "no fractures on alendronate, macular degeneration": the list of problems goes on
    return min(end, _next_cell(scan, trigger.end, end))


def spoken_for(tokens: Tokens, trigger: Trigger) -> int:
    """The end of a trigger, with the word that it is a prefix of: "non tender", "non-tender"."""
    if trigger.cue.reach != "word":
        return trigger.end
    at = trigger.end
    while tokens.word(at) in DASHES:
        at += 1
    return min(at + 1, len(tokens))


def _means(scan: Scan, trigger: Trigger, end: int) -> range:
    """What "no" does not deny: "no complications on metformin, fever or rash" denies neither metformin nor its use."""
    if scan.tokens.words[trigger.start] not in NO or trigger.cue.assertion is not Assertion.NEGATED:
        return range(0)
    on = next_of(scan.means, trigger.end + 1, end)
    return range(on, min(end, next_of(scan.joints, on, end)))


def _inside_an_item(scan: Scan, trigger: Trigger, problems: bool) -> bool:
    """Whether "no" says more of a finding in a list: "CAD, stroke in 2017 no deficits, HTN" denies the deficits alone.

    Its first item counts where the sentence is known for a list. Of an examination the denial goes on: "abdomen soft
    no masses, organomegaly".
    """
    comma = last_of(scan.commas, trigger.start, -1)
    item = scan.tokens.words[comma + 1 : trigger.start]
    listed = (comma >= 0 or problems) and 0 < len(item) <= LONG_ITEM and EXAMINED.isdisjoint(item)
    return listed and any(word not in BARE_WORDS and word.isalpha() for word in item)


def _list_end(scan: Scan, start: int, end: int) -> int:
    """The end of "a, b, or c": the comma after its last or; without an or, the first comma."""
    last_or = last_of(scan.ors, end, -1)
    return next_of(scan.commas, max(last_or, start) + 1, end)


def _another(scan: Scan, start: int, end: int) -> int:
    """Where "and a" begins another statement: "no pneumonia and a rib fracture", unless the list had an article."""
    return end if scan.tokens.word(start) in ARTICLES else next_of(scan.others, start + 1, end)


def _semicolon(scan: Scan, trigger: Trigger, end: int) -> int:
    """The semicolon that ends a list of "no": after an or, or before more than a few words. "Denies a; b" goes on."""
    words = scan.tokens.words
    if trigger.cue.assertion is not Assertion.NEGATED or words[trigger.start].startswith("den"):
        return end
    at = next_of(scan.semicolons, trigger.end, end)
    while at < end:
        following = next_of(scan.commas, at + 1, end)
        listed = next_of(scan.ors, trigger.end, end) < at
        allergic = not ALLERGIC.isdisjoint(words[at:following])  # nobody lists an allergy among what is denied
        if listed or allergic or following - at > SHORT_ITEM or scan.tokens.word(at + 1) in DETERMINERS:
            return at
        at = next_of(scan.semicolons, at + 1, end)
    return end


def _next_cell(scan: Scan, start: int, end: int) -> int:
    """Where a label and its colon begin, when they stand within the scope: at the comma before them."""
    colon = next_of(scan.cells, start + 2, end)
    if colon >= end:
        return end
    comma = last_of(scan.commas, colon, -1)
    return comma if comma > start else end


def _backward_start(scan: Scan, trigger: Trigger, starts: list[int]) -> int:
    found = bisect_left(starts, trigger.start)
    if trigger.cue.reach == "list":  # "colon cancer s/p resection, NED": what says the same is passed over
        while found and _passes(scan.triggers[found - 1].cue, trigger.cue.assertion):
            found -= 1
    floor = scan.triggers[found - 1].end if found else 0
    if trigger.cue.reach == "touch":
        floor = max(floor, trigger.start - TOUCHED, last_of(scan.prepositions, trigger.start, -1) + 1)
        floor = max(floor, last_of(scan.cells, trigger.start, -1) + 1, last_of(scan.commas, trigger.start, -1) + 1)
        return _after_joining(scan, floor, trigger.start)
    start = trigger.start
    if scan.tokens.word(start - 1) in RELATIVE:  # "a fracture as well as numbness that was not present before"
        floor = _after_joining(scan, floor, start)
    if scan.tokens.word(start - 1) in COMMAS and closes(scan.tokens, trigger.end):
        start = max(start - 1, floor)  # "pneumonia, resolved": of the item before it
    elif scan.tokens.word(start - 1) in BEFORE_VALUE:
        start = max(start - 1, floor)
    while start > floor and scan.tokens.words[start - 1] not in BREAKS:
        start -= 1
    while trigger.cue.reach == "list" and start > floor and scan.tokens.words[start - 1] in COMMAS:
        item = max(bisect_right(scan.commas, start - 2) - 1, -1)
        before = max(floor, scan.commas[item] + 1 if item >= 0 else 0)
        if start - 1 - before > SHORT_ITEM:
            break
        start = before
    return start


def _passes(cue: Cue, said: Assertion) -> bool:
    """Whether a phrase says the same, or ends what is said otherwise alone."""
    return said not in cue.ends if cue.direction == "end" else cue.assertion is said


def _after_joining(scan: Scan, floor: int, end: int) -> int:
    words = scan.tokens.words
    joints = [at + 1 for at in range(floor, end) if words[at] in JOINING or words[at - 2 : at + 1] == AS_WELL]
    return joints[-1] if joints else floor
