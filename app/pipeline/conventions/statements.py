"""What a note states in plain words: "smokes half a pack a day" is F17.210, "Tdap given today" is Z23.

Such words name no finding as a title does, so the search finds their codes late. The rows of lexicon/statements.json
say by which words a code is stated; the probability of a row is how often that was right in practice notes. Words that
are denied, a relative's or only thought of state nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, Caution, Evidence
from app.pipeline.conventions.answering import Answering, Prefixes, literal
from app.pipeline.conventions.newborns import is_newborn_chart
from app.pipeline.conventions.pieces import NOTHING, any_of, around
from app.pipeline.lexicon import read_lexicon
from app.pipeline.spans import Segmented, Sentence


@dataclass(frozen=True, slots=True)
class Statement:
    """code: stated by what `says` finds, unless the piece has `unless` or the sentence `nowhere`.

    said:    what the note may say of the words
    without: codes of the topic after which the row is not looked at
    against: codes that step back from this one
    """

    code: str
    says: re.Pattern[str]
    unless: re.Pattern[str]
    nowhere: re.Pattern[str]
    said: frozenset[Assertion]
    without: Prefixes
    against: Prefixes
    probability: float
    because: str


@dataclass(frozen=True, slots=True)
class Unnamed:
    """plain: what is stated in place of `code` where no line names what it asks for: a smoker's cigarettes."""

    code: str
    names: re.Pattern[str]
    plain: str

    def stated(self, rows: Sequence[Statement], lines: Iterable[str]) -> Sequence[Statement]:
        """The rows as these lines state them."""
        if any(self.names.search(line) for line in lines):
            return rows
        return [self._plainly(row) if row.code == self.code else row for row in rows]

    def _plainly(self, row: Statement) -> Statement:
        against = tuple(self.code if code == self.plain else code for code in row.against)
        return replace(row, code=self.plain, without=(*row.without, self.plain), against=against)


@dataclass(frozen=True, slots=True)
class Topic:
    """Statements about one thing, the strongest first.

    guard:    what every sentence about it has
    others:   who it is said of in a sentence, unless an owner follows
    newborns: whether the chart of a newborn states it of the patient
    unnamed:  the code that names less, where there is one
    """

    rule: str
    guard: re.Pattern[str]
    others: re.Pattern[str]
    owners: re.Pattern[str]
    newborns: bool
    unnamed: Unnamed | None
    statements: tuple[Statement, ...]


@cache
def topics() -> tuple[Topic, ...]:
    """The topics of the lexicon, in its order."""
    lexicon = read_lexicon("statements")
    words = lexicon["words"]
    owners = any_of(lexicon["owners"])
    return tuple(
        Topic(
            topic["rule"],
            re.compile(topic["guard"], re.IGNORECASE),
            any_of(lexicon["others"]) if topic["own"] else NOTHING,
            owners,
            topic["newborns"],
            _unnamed(topic["unnamed"]) if "unnamed" in topic else None,
            tuple(
                Statement(
                    row["code"],
                    any_of(row["says"], words),
                    any_of(row["unless"], words),
                    any_of(row["nowhere"], words),
                    frozenset(Assertion(said) for said in row["said"]),
                    tuple(row["without"]),
                    tuple(row["against"]),
                    row["probability"],
                    row["because"],
                )
                for row in topic["statements"]
            ),
        )
        for topic in lexicon["topics"]
    )


def _unnamed(entry: Mapping[str, str]) -> Unnamed:
    return Unnamed(entry["code"], re.compile(entry["names"], re.IGNORECASE), entry["plain"])


def report_statements(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report what the note states of each topic."""
    for topic in topics():
        lines = [sentence for sentence in note.sentences if topic.guard.search(note.text_of(sentence))]
        if lines and (topic.newborns or not is_newborn_chart(note, age_years)):
            _report(answer, topic, lines, note, reader)


def _report(
    answer: Answering, topic: Topic, lines: Sequence[Sentence], note: Segmented, reader: AssertionReader
) -> None:
    stated: set[str] = set()
    rows: Sequence[Statement] = topic.statements
    if topic.unnamed:
        rows = topic.unnamed.stated(rows, map(note.text_of, lines))
    for row in rows:
        if any(code.startswith(row.without) for code in stated):
            continue
        if (words := _first(topic, row, lines, note, reader)) is None:
            continue
        told = Caution(topic.rule, f"{row.code}: the note states it in plain words ({row.because}).")
        probability = answer.report(row.code, row.probability, [[words]], told)
        if probability is None:
            continue
        stated.add(row.code)
        why = Caution(topic.rule, f"the note states {row.code}.", (row.code,))
        answer.step_back(row.against, stated, probability, why)


def _first(
    topic: Topic, row: Statement, lines: Sequence[Sentence], note: Segmented, reader: AssertionReader
) -> Evidence | None:
    """The first words of the lines that state a row of the patient."""
    for sentence in lines:
        text = note.text_of(sentence)
        if row.nowhere.search(text):
            continue
        for found in row.says.finditer(text):
            if row.unless.search(around(text, found)) or _is_of_another(topic, text, found):
                continue
            words = literal(note, sentence, found)
            if reader.assess(words.document, words.start, words.end) in row.said:
                return words
    return None


def _is_of_another(topic: Topic, text: str, found: re.Match[str]) -> bool:
    """Whether the last one named before the words, in their sentence, is not the patient."""
    last = max((one.end() for one in topic.others.finditer(text, 0, found.end())), default=0)
    return bool(last) and topic.owners.search(text, last, found.start()) is None
