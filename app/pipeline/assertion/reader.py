"""The assertion stage: what the note says of any span of its words."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from app.pipeline.assertion.naming import is_unsaid, stem
from app.pipeline.assertion.phrases import AssertionLexicon, assertion_lexicon
from app.pipeline.assertion.scope import paint, scan, spoken_for
from app.pipeline.assertion.tokens import Tokens, tokenise
from app.pipeline.assertion.triggers import Trigger, find_triggers, holding
from app.pipeline.coding import Assertion, Evidence
from app.pipeline.modifiers import lifelong
from app.pipeline.spans import Segmented, Sentence

SUPPRESSED = frozenset({Assertion.NEGATED, Assertion.HYPOTHETICAL, Assertion.FAMILY})  # not the patient's finding
CARRYING = frozenset({Assertion.NEGATED, Assertion.HYPOTHETICAL, Assertion.FAMILY, Assertion.POSSIBLE})
FAMILY_SECTION = "family_history"
OWNERS = frozenset({"patient", "pt", "himself", "herself"})  # whose finding it is, in a section about the family


@dataclass(frozen=True, slots=True)
class Read:
    """A sentence with the assertion of each token; carried: what a heading or the line before says of all of it."""

    tokens: Tokens
    labels: tuple[Assertion, ...]
    triggers: tuple[Trigger, ...]
    heads: frozenset[int]  # tokens that are part of a trigger
    carried: Assertion | None


class AssertionReader:
    """Reads each sentence of a note once, then answers for any span. Linear in the length of the note."""

    def __init__(self, segmented: Segmented) -> None:
        self._segmented = segmented
        self._lexicon = assertion_lexicon()
        self._keys = [(sentence.document, sentence.start) for sentence in segmented.sentences]
        self._read: list[Read] = []
        self._places: dict[str, list[tuple[int, int]]] | None = None  # of a stem: sentence and token, made when asked
        self._heard: dict[str, frozenset[Assertion]] = {}
        for at, sentence in enumerate(segmented.sentences):
            self._read.append(self._read_sentence(at, sentence))

    def assess(self, document: int, start: int, end: int, named: frozenset[str] = frozenset()) -> Assertion:
        """What the note says of text[start:end] of a document. Words outside all sentences are PRESENT.

        named: stems of what a code names (naming.py). Where they stand in the sentence and are all denied, so is a span
        that says them, or says nothing but a place: "abdominal aorta normal in caliber, no aneurysm".
        """
        at = bisect_right(self._keys, (document, end - 1)) - 1
        if at < 0:
            return Assertion.PRESENT
        sentence = self._segmented.sentences[at]
        if sentence.document != document or sentence.end <= start:
            return Assertion.PRESENT
        read = self._read[at]
        place = self._head(read, start, end)
        words = self._segmented.note.documents[document].text[start:end]
        said = read.labels[place] if place < len(read.labels) else Assertion.PRESENT
        if named and said is Assertion.PRESENT and self._denies(read, start, end, named):
            return Assertion.NEGATED
        if said is Assertion.HISTORICAL and self._goes_on(words, sentence):
            said = Assertion.PRESENT
        return self._in_section(said, read, place, self._segmented.sections[sentence.section].label, words)

    def denies(self, stems: frozenset[str]) -> bool:
        """Whether words with these stems stand in the note, some denied, and none of them as the patient's finding."""
        said = {label for one in stems for label in self._said(one)}
        return Assertion.NEGATED in said and said <= SUPPRESSED

    def _said(self, one: str) -> frozenset[Assertion]:
        """What the note says of the words with a stem, wherever they stand."""
        if self._places is None:
            self._places = defaultdict(list)
            for at, read in enumerate(self._read):
                for place, word in enumerate(read.tokens.words):
                    self._places[stem(word)].append((at, place))
        if one not in self._heard:
            labels = set()
            for at, place in self._places.get(one, ()):
                tokens, document = self._read[at].tokens, self._segmented.sentences[at].document
                labels.add(self.assess(document, tokens.starts[place], tokens.ends[place]))
            self._heard[one] = frozenset(labels)
        return self._heard[one]

    def of_kin(self, evidence: Evidence) -> bool:
        """Whether a finding of the family is that of a relative by blood: not of a husband, a neighbour, a donor."""
        at = bisect_right(self._keys, (evidence.document, evidence.end - 1)) - 1
        sentence = self._segmented.sentences[at] if at >= 0 else None
        if sentence is None or self._segmented.sections[sentence.section].label == FAMILY_SECTION:
            return sentence is not None
        return self._lexicon.unrelated.isdisjoint(self._read[at].tokens.words)

    def _goes_on(self, words: str, sentence: Sentence) -> bool:
        """Whether a finding of the past is still there: "history of hypertension", a cancer that is being treated."""
        if (known := lifelong(words)) is not None:
            return known
        text = self._segmented.note.documents[sentence.document].text
        return self._lexicon.under_treatment.search(text, sentence.start, sentence.end) is not None

    def _in_section(self, said: Assertion, read: Read, place: int, section: str | None, words: str) -> Assertion:
        """What is said of a finding together with what its section says of all findings."""
        if said in (Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL):
            return said
        whole = read.carried or self._lexicon.whole_sections.get(section or "")
        if whole is Assertion.FAMILY and self._is_own(read.tokens.words, place, words):
            return said
        if section == "allergies" and whole is Assertion.HYPOTHETICAL and self._lexicon.allergic.search(words):
            return said
        return whole or said

    def _is_own(self, sentence: Sequence[str], place: int, words: str) -> bool:
        """Whether a finding in a section about the family is the patient's: the sentence names the patient before it,
        or it is a habit and the sentence names no relative. "She does smoke" runs on from a dictated family history."""
        if OWNERS.intersection(sentence[:place]):
            return True
        kin = any("@kin" in self._lexicon.classes.get(word, ()) for word in sentence)
        return not kin and self._lexicon.habits.search(words) is not None

    def _denies(self, read: Read, start: int, end: int, named: frozenset[str]) -> bool:
        """Whether what is named stands in the sentence, denied wherever, and the span claims nothing else."""
        if Assertion.NEGATED not in read.labels:
            return False
        words, inside = read.tokens.words, self._inside(read, start, end)
        if not is_unsaid([words[at] for at in inside if read.labels[at] is not Assertion.NEGATED]):
            return False
        shared = [at for at in inside if stem(words[at]) in named]
        if not shared:
            shared = [at for at, word in enumerate(words) if stem(word) in named]
        return bool(shared) and all(read.labels[at] is Assertion.NEGATED for at in shared)

    def _inside(self, read: Read, start: int, end: int) -> range:
        """The tokens of a span."""
        first = bisect_right(read.tokens.ends, start)
        return range(first, min(len(read.tokens), max(first + 1, bisect_right(read.tokens.starts, end - 1))))

    def _head(self, read: Read, start: int, end: int) -> int:
        """The token that decides for a span: its first word that is neither a trigger nor says only where.

        Its last word, when the span leads to it through a trigger: "the drug may cause diarrhea".
        """
        inside = self._inside(read, start, end)
        own = [at for at in inside if at not in read.heads]
        words, lexicon = read.tokens.words, self._lexicon
        telling = [at for at in own if words[at] not in lexicon.neutral]
        named = [at for at in telling if words[at] not in lexicon.denying]  # "atraumatic shoulder pain"
        if named and any(_leads(trigger, named[0], named[-1]) for trigger in read.triggers):
            return named[-1]
        return next(iter(named or telling), own[-1] if own else inside.start)

    def _read_sentence(self, at: int, sentence: Sentence) -> Read:
        text = self._segmented.note.documents[sentence.document].text
        tokens = tokenise(text, sentence.start, sentence.end)
        section = self._segmented.sections[sentence.section]
        triggers = holding(find_triggers(tokens, self._lexicon), tokens, section.label, self._lexicon)
        problems = section.label in self._lexicon.problem_sections
        labels = paint(scan(tokens, triggers), problems) if triggers else [Assertion.PRESENT] * len(tokens)
        for place in range(len(tokens)):
            if tokens.words[place] in self._lexicon.denying:
                labels[place] = Assertion.NEGATED
        for trigger in triggers:  # a finding that stands in the trigger itself: "no change in bowel habits"
            if trigger.cue.direction == "forward" and trigger.cue.assertion is Assertion.NEGATED:
                labels[trigger.start : trigger.end] = [Assertion.NEGATED] * (trigger.end - trigger.start)
        heads = frozenset(place for trigger in triggers for place in range(trigger.start, spoken_for(tokens, trigger)))
        return Read(tokens, tuple(labels), tuple(triggers), heads, self._carried(at, sentence, tokens))

    def _carried(self, at: int, sentence: Sentence, tokens: Tokens) -> Assertion | None:
        """What holds for the whole sentence: the heading's words, or "Denies:" on the line before a list."""
        section = self._segmented.sections[sentence.section]
        text = self._segmented.note.documents[sentence.document].text
        said = heading_says(text[section.start : section.heading_end], self._lexicon)
        if said is not None or at == 0:
            return said
        before, previous = self._segmented.sentences[at - 1], self._read[at - 1]
        if (before.document, before.section) != (sentence.document, sentence.section):
            return None
        between = text[before.end : sentence.start]
        if between.count("\n") != 1 and "\r" not in between:
            return None
        bulleted = tokens.word(0) in self._lexicon.bullets or _marked(between, self._lexicon)
        if opens_list(previous):
            return previous.labels[-1] if previous.labels[-1] in CARRYING else previous.triggers[-1].cue.assertion
        return previous.carried if bulleted else None


def _leads(trigger: Trigger, first: int, last: int) -> bool:
    """Whether a trigger between two words says of the second that it may come, or that it is a relative's."""
    cue = trigger.cue
    lists = cue.direction == "forward" and cue.reach == "list"  # not "pain if he walks"
    return lists and cue.assertion in (Assertion.HYPOTHETICAL, Assertion.FAMILY) and first < trigger.start <= last


def opens_list(read: Read) -> bool:
    """Whether a sentence ends with a colon and says something of what follows it: "Denies:"."""
    if not read.triggers or read.tokens.word(len(read.tokens) - 1) != ":":
        return False
    last = read.triggers[-1]
    ends = last.end >= len(read.tokens) - 1 and last.cue.direction == "forward" and last.cue.assertion in CARRYING
    return ends or read.labels[-1] in CARRYING


def heading_says(heading: str, lexicon: AssertionLexicon) -> Assertion | None:
    """What the words of a heading say of its section."""
    return lexicon.headings.get(" ".join(heading.lower().strip(" \t:-*#_\u2022").split()))


def _marked(between: str, lexicon: AssertionLexicon) -> bool:
    return any(mark in lexicon.bullets for mark in between.split())
