"""Find what the lexicon knows in a sentence: the longest phrase at each place, values after a colon, plus and minus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.pipeline.assertion.phrases import ADJECTIVES, ALL, AssertionLexicon, Cue, Node
from app.pipeline.assertion.tokens import Tokens
from app.pipeline.coding import Assertion
from app.pipeline.lexicon import read_lexicon

STOPS = frozenset(",;.)|/")
LEADING = frozenset(read_lexicon("assertion")["leading"])
FORWARD = Cue("forward", Assertion.NEGATED, "near")
BACKWARD = Cue("backward", Assertion.NEGATED, "near")
VALUE = Cue("backward", Assertion.NEGATED, "list")
END = Cue("end", ends=ALL)
DASHES = frozenset("-\u2013\u2014")
VALUED = DASHES.union(":=")  # marks between a label and its value: "fever: none", "fever - no"
LABEL_WORDS = 3  # "Shortness of breath:" is the next label of a table
GAP = 2  # blanks between two cells of a table
DATED = 8  # words before a date that may say what happened then
PAST = "past_medical_history"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A phrase at tokens [start, end) and one thing that it does."""

    start: int
    end: int
    cue: Cue


def find_triggers(tokens: Tokens, lexicon: AssertionLexicon) -> list[Trigger]:
    """The triggers of one sentence in order; they do not overlap. Linear in the number of tokens."""
    found: list[Trigger] = []
    at, signed = 0, _has_signs(tokens)
    while at < len(tokens):
        if tokens.words[at] not in lexicon.openers and not signed:
            at += 1
            continue
        end, cues = (
            _value(tokens, at, lexicon)
            or (_sign(tokens, at) if signed else None)
            or _longest(tokens, at, lexicon)
            or _negative(tokens, at)
            or (at + 1, ())
        )
        found.extend(Trigger(at, end, cue) for cue in _looking(tokens, at, end, cues))
        at = end
    return found


def holding(
    triggers: Sequence[Trigger], tokens: Tokens, section: str | None, lexicon: AssertionLexicon
) -> list[Trigger]:
    """The triggers that hold in a section.

    What is resolved was treated where a stay is told, so it counts there. A year without "in" dates in the past
    history only, and the year in which a disease was found says nothing of its end.
    """
    return [trigger for trigger in triggers if _holds(trigger, tokens, section, lexicon)]


def _holds(trigger: Trigger, tokens: Tokens, section: str | None, lexicon: AssertionLexicon) -> bool:
    words = tokens.words[trigger.start : trigger.end]
    if trigger.cue.reach == "dated":
        before = tokens.words[max(0, trigger.start - DATED) : trigger.start]
        return (section == PAST or words[0] == "in") and lexicon.dating.isdisjoint(before)
    return not ("resolved" in words and section in lexicon.stay_sections)


def _longest(tokens: Tokens, at: int, lexicon: AssertionLexicon) -> tuple[int, tuple[Cue, ...]] | None:
    """The longest phrase that begins here and all that it does."""
    best: tuple[int, tuple[Cue, ...]] | None = None
    nodes, place = [lexicon.tree], at
    while nodes and place < len(tokens):
        word = tokens.words[place]
        nodes = list(_step(nodes, (word, *lexicon.classes.get(word, ()))))
        place += 1
        cues = tuple(dict.fromkeys(cue for node in nodes for cue in node.cues))
        if cues:
            best = place, cues
    return best


def _step(nodes: list[Node], words: tuple[str, ...]) -> Iterator[Node]:
    for node in nodes:
        for word in words:
            if word in node.following:
                yield node.following[word]


def _looking(tokens: Tokens, start: int, end: int, cues: tuple[Cue, ...]) -> Iterator[Cue]:
    """The cues that hold here, of a phrase that can look both ways: "possible gout", "gout possible"."""
    if {cue.direction for cue in cues} != {"forward", "backward"}:
        yield from cues
        return
    leads = start == 0 or tokens.words[start - 1] in LEADING
    past = cues[0].assertion is Assertion.HISTORICAL
    back = closes(tokens, end) or (past and not leads)
    wanted = "backward" if back else "forward"
    yield from (cue for cue in cues if cue.direction == wanted or cue.reach == "touch")


def _value(tokens: Tokens, at: int, lexicon: AssertionLexicon) -> tuple[int, tuple[Cue, ...]] | None:
    """ "Fever: none", "Cough: yes": a value that fills its cell. "Lungs: no wheezes" is none."""
    if tokens.words[at : at + 3] == ("(", "-", ")") and closes(tokens, at + 3):
        return at + 3, (BACKWARD,)
    if at == 0 or tokens.words[at] not in VALUED:
        return None
    assertion = lexicon.values.get(tokens.word(at + 1))
    if assertion is None or not closes(tokens, at + 2):
        return None
    if tokens.words[at] in DASHES and (tokens.joined(at) or tokens.joined(at + 1)):
        return None
    return at + 2, (VALUE if assertion is Assertion.NEGATED else END,)


def closes(tokens: Tokens, at: int) -> bool:
    """Whether an item or a cell of a table ends before a place."""
    if at >= len(tokens) or tokens.words[at] in STOPS:
        return True
    if tokens.starts[at] - tokens.ends[at - 1] >= GAP:
        return True
    return ":" in tokens.words[at + 1 : at + 1 + LABEL_WORDS] and "," not in tokens.words[at : at + LABEL_WORDS]


def _has_signs(tokens: Tokens) -> bool:
    """Whether plus or minus stand as signs before words; a dash alone may be a bullet."""
    return any(
        word == "+" and not tokens.joined(at) and tokens.joined(at + 1) for at, word in enumerate(tokens.words)
    ) or any(
        word == "-" and at and tokens.words[at - 1] in ",;" and not tokens.joined(at) and tokens.joined(at + 1)
        for at, word in enumerate(tokens.words)
    )


def _sign(tokens: Tokens, at: int) -> tuple[int, tuple[Cue, ...]] | None:
    """ "+cough, -fever"."""
    word = tokens.words[at]
    if word not in ("+", "-") or tokens.joined(at) or not tokens.joined(at + 1):
        return None
    return at + 1, (END if word == "+" else FORWARD,)


def _negative(tokens: Tokens, at: int) -> tuple[int, tuple[Cue, ...]] | None:
    """ "Negative Homans sign" looks forward, "rapid strep negative" back."""
    if tokens.words[at] not in ADJECTIVES:
        return None
    leads = at == 0 or tokens.words[at - 1] in LEADING
    return at + 1, (FORWARD if leads else BACKWARD,)
