"""What the last stage knows of a shortlisted code: how near its wordings are, which words agree, where, how often.

Everything is computed from the note and the code set alone; only `frequency` knows a corpus, and only calibrations
with a code-frequency prior read it. `attention` knows the notes that a label attention was trained on, and only
calibrations that name one read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.pipeline.cascade import Cascaded
from app.pipeline.encoding import EncodedNote
from app.pipeline.evidence import CLOSE
from app.pipeline.families import Families
from app.pipeline.named import named
from app.pipeline.section_kinds import ASSESSED, HISTORY, PLANNED, TECHNIQUE, WEAK
from app.pipeline.specifics import specifics
from app.pipeline.usage import tier
from app.pipeline.words import Run
from app.pipeline.wordstems import stems
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.codesets.sources import ICD10CM_NAME
from index_builder.index import CodeHits
from model.encoder import Integers
from model.nested import Floats

COSINES = frozenset(
    {
        "words_cosine",
        "clause_cosine",
        "cosine_256",
        "cosine_64",
        "clause_gap",
        "category_gap",
        "covered",
        "covering",
        "overlap_gap",
    }
)
NEAR = 0.03  # wordings that differ by less mean the words about as well
RIVAL = 0.06
GRAIN = 0.01  # of cosines: finer ones tell an int8 encoder from a float32 one, not a code from another

FEATURES = (
    "words_cosine",  # the nearest run of words and the code's best wording
    "clause_cosine",  # the whole clause and that wording
    "cosine_256",
    "cosine_64",
    "crowd",  # log2(1 + better codes of the same clause)
    "clause_gap",  # words_cosine less that of the clause's best code
    "category_crowd",  # log2(1 + better codes of the same category)
    "category_gap",  # words_cosine less that of the category's best code
    "covered",  # best words_cosine of a code whose words hold these and more; 0 = none
    "covering",  # best words_cosine of a code whose words these hold with more; 0 = none
    "overlap_crowd",  # log2(1 + better codes whose words share a place with these)
    "overlap_gap",  # words_cosine less that of the best code whose words share a place with these
    "rivals",  # log2(1 + other codes about as near or nearer whose words share a place with these)
    "usage",  # how ordinary the code is in practice, 0 to 4
    "usage_gap",  # usage less that of the most ordinary code nearly as near whose words share a place with these
    "wording_found",  # share of the wording's words that stand in the clause
    "words_named",  # share of the run's words that stand in the wording
    "literal",  # 1 when run and wording have the same words
    "run_length",  # log2(1 + words)
    "wording_length",
    "mentions",  # log2(1 + places of the note that are about as near)
    "clauses",  # log2(1 + wordings of clauses) of the note
    "position",  # of the first of them, 0 = beginning, 1 = end of the note
    "unassessed",  # 1 when the note has an assessment or a diagnosis and none of them stands there
    "weak_section",  # 1 when all stand in a review of systems, an examination, a list of drugs
    "history_section",  # 1 when one of them stands in a past medical or surgical history
    "technique_section",  # 1 when all stand in what was done and seen at an operation
    "plan_section",  # 1 when all stand in a plan or instructions
    "listed",  # log2(1 + clauses that share no word in the sentence of the best of them): of a list, many
    "symptom",  # 1 for a code of the chapter of symptoms and signs
    "status",  # 1 for a code of the chapter of factors influencing health status
    "header",  # 1 for a code that is not billable
    "code_length",
    "title",  # 1 when the best wording is the code's title
    "side",  # 1 the code's side is said, .5 within both, -.5 one of them has none, -1 another one
    "unspecified",  # 1 when the title says so
    "wording_in_note",  # share of the wording's words that stand anywhere in the note
    "title_in_note",  # the same of the title's words
    "named",  # log2(1 + telling words) of the longest run of words that is a wording of the code; 0 = there is none
    "named_share",  # its words over those of the clause around it
    "named_alike",  # log2 of the families that share the wording
    "named_assessed",  # 1 when the code is named in an assessment or a diagnosis, half where the note has none
    "outnamed",  # as "named", of another code's wording that shares words with those that this code was read from
    "prior",  # how often codes of this kind are used at all
    "frequency",  # how often this code was used in the corpus of the calibration
    "attention",  # logit of the calibration's label attention over the whole note; 0 without one
)


@dataclass(frozen=True, slots=True)
class Priors:
    """Per code of the catalog (C,): what does not depend on the note."""

    prior: Floats
    frequency: Floats

    @classmethod
    def none(cls, count: int) -> Priors:
        """Nothing is known of any code."""
        nothing = np.zeros(count, dtype=np.float32)
        return cls(nothing, nothing)


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Shortlisted codes of one note: positions (k,) in the catalog, columns (k, len(FEATURES))."""

    positions: Integers
    columns: Floats


def features(
    note: EncodedNote,
    stages: Cascaded,
    runs: Sequence[Run],
    forms: Floats,
    catalog: Catalog,
    families: Families,
    priors: Priors,
    attended: Floats | None = None,
) -> Floats:
    """(k, len(FEATURES)) float32 of the codes in stages.rescore768, in their order. runs (k), forms (k, 768).

    attended: (k,) logits of a label attention; None = there is none
    """
    hits = stages.rescore768
    count = len(hits)
    if not count:
        return np.zeros((0, len(FEATURES)), dtype=np.float32)
    words = np.array([run.cosine for run in runs], dtype=np.float32)
    categories = [catalog.code_names[p][:3] for p in hits.positions.tolist()]
    wordings = [catalog.form(row) for row in hits.forms.tolist()]
    worded = [stems(wording.text) for wording in wordings]
    columns: dict[str, object] = {
        "words_cosine": words,
        "clause_cosine": hits.scores,
        **_stage_cosines(stages),
        **_crowding("crowd", "clause_gap", words, hits.spans.tolist()),
        **_crowding("category_crowd", "category_gap", words, categories),
        **_overlaps(words, _stretches(note, hits, runs), _usage(hits, catalog)),
        **_wordings(note, hits, runs, wordings, worded),
        **specifics(note, hits, worded, catalog),
        **named(note, hits, runs, stages.names, families),
        **_places(note, hits, forms),
        **_chapters(hits, catalog),
        "clauses": np.full(count, np.log2(1 + len(note.uses)), dtype=np.float32),
        "header": [not catalog.billable[p] for p in hits.positions.tolist()],
        "code_length": [len(catalog.code_names[p].replace(".", "")) for p in hits.positions.tolist()],
        "prior": priors.prior[hits.positions],
        "frequency": priors.frequency[hits.positions],
        "attention": np.zeros(count, dtype=np.float32) if attended is None else attended,
    }
    return np.stack([_rounded(name, np.asarray(columns[name], dtype=np.float32)) for name in FEATURES], axis=1)


def _rounded(name: str, column: Floats) -> Floats:
    return np.round(column / GRAIN) * np.float32(GRAIN) if name in COSINES else column


def _stage_cosines(stages: Cascaded) -> dict[str, list[float]]:
    found = {}
    for name, hits in (("cosine_64", stages.search64), ("cosine_256", stages.rescore256)):
        score = dict(zip(hits.positions.tolist(), hits.scores.tolist(), strict=True))
        found[name] = [score[stages.stand_ins[p]] for p in stages.rescore768.positions.tolist()]
    return found


def _crowding(crowd: str, gap: str, words: Floats, groups: Sequence[object]) -> dict[str, Floats]:
    """How many codes of the same group are better, and by how much the best one is."""
    seen: dict[object, int] = defaultdict(int)
    best: dict[object, float] = {}
    better, behind = np.zeros(len(words), dtype=np.float32), np.zeros(len(words), dtype=np.float32)
    for row in np.argsort(-words, kind="stable").tolist():
        group = groups[row]
        better[row] = np.log2(1 + seen[group])
        behind[row] = words[row] - best.setdefault(group, float(words[row]))
        seen[group] += 1
    return {crowd: better, gap: behind}


def _stretches(note: EncodedNote, hits: CodeHits, runs: Sequence[Run]) -> Integers:
    """(k, 3) document, start and end of each code's words where the note first says them: clauses overlap."""
    first = [note.uses[span][0] for span in hits.spans.tolist()]
    return np.array([(c.document, c.start + r.start, c.start + r.end) for c, r in zip(first, runs, strict=True)])


def _usage(hits: CodeHits, catalog: Catalog) -> Floats:
    return np.array([tier(catalog.name, catalog.code_names[p]) for p in hits.positions.tolist()], dtype=np.float32)


def _overlaps(words: Floats, stretches: Integers, usage: Floats) -> dict[str, Floats]:
    """Of codes read from the same words: "neuropathy" stands inside "diabetes with neuropathy"."""
    document, starts, ends = stretches.T
    same = document[:, None] == document
    lengths = ends - starts
    holds = same & (starts[:, None] <= starts) & (ends[:, None] >= ends) & (lengths[:, None] > lengths)
    meets = same & (starts[:, None] < ends) & (ends[:, None] > starts)
    better = (meets & (words > words[:, None])).sum(axis=1)
    near = (meets & (words >= words[:, None] - NEAR)).sum(axis=1) - 1  # itself
    rivals = meets & (words >= words[:, None] - RIVAL)
    return {
        "covered": np.where(holds, words[:, None], 0).max(axis=0),
        "covering": np.where(holds, words[None, :], 0).max(axis=1),
        "overlap_crowd": np.log2(1 + better),
        "overlap_gap": words - np.where(meets, words[None, :], words[:, None]).max(axis=1),
        "rivals": np.log2(1 + near),
        "usage": usage,
        "usage_gap": usage - np.where(rivals, usage[None, :], 0).max(axis=1),
    }


def _wordings(
    note: EncodedNote,
    hits: CodeHits,
    runs: Sequence[Run],
    wordings: Sequence[SurfaceForm],
    stems_of: Sequence[frozenset[str]],
) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = defaultdict(list)
    clauses: dict[int, str] = {}
    for row, (span, wording, worded) in enumerate(zip(hits.spans.tolist(), wordings, stems_of, strict=True)):
        if span not in clauses:
            clauses[span] = note.segmented.text_of(note.uses[span][0])
        clause, run = clauses[span], runs[row]
        inside, said = stems(clause), stems(clause[run.start : run.end])
        columns["wording_found"].append(len(worded & inside) / max(1, len(worded)))
        columns["words_named"].append(len(worded & said) / max(1, len(said)))
        columns["literal"].append(float(bool(said) and said == worded))
        columns["run_length"].append(float(np.log2(1 + len(said))))
        columns["wording_length"].append(float(np.log2(1 + len(worded))))
        columns["title"].append(float(wording.source is FormSource.TITLE))
    return columns


def _chapters(hits: CodeHits, catalog: Catalog) -> dict[str, list[float]]:
    """A symptom is reported where nothing explains it, a status wherever it is said. Of ICD-10-CM alone."""
    initials = [catalog.code_names[p][0] if catalog.name == ICD10CM_NAME else "" for p in hits.positions.tolist()]
    return {
        "symptom": [float(initial == "R") for initial in initials],
        "status": [float(initial == "Z") for initial in initials],
    }


def _places(note: EncodedNote, hits: CodeHits, forms: Floats) -> dict[str, list[float]]:
    """Where else the note says about the same. Documents are counted as one text.

    Clauses that share words are one place: one of them is a piece of the other, or the other without its modifiers.
    """
    cut = note.segmented
    lengths = np.cumsum([0, *(len(document.text) for document in cut.note.documents)])
    total = max(1, int(lengths[-1]))
    where = [[(lengths[c.document] + c.start) / total for c in uses] for uses in note.uses]
    spans = [[(c.document, c.end, c.start) for c in uses] for uses in note.uses]
    labels = [[cut.section_of(c).label for c in uses] for uses in note.uses]
    assessed = any(section.label in ASSESSED for section in cut.sections)
    near = note.vectors @ forms.T  # (S, k)
    clauses: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for clause in cut.clauses:
        clauses[clause.sentence].append((clause.document, clause.end, clause.start))
    listed = {sentence: _apart(inside) for sentence, inside in clauses.items()}
    names = (
        "mentions",
        "position",
        "unassessed",
        "weak_section",
        "history_section",
        "technique_section",
        "plan_section",
        "listed",
    )
    columns: Mapping[str, list[float]] = {name: [] for name in names}
    for row, span in enumerate(hits.spans.tolist()):
        queries = {span, *np.flatnonzero(near[:, row] >= near[span, row] - CLOSE).tolist()}
        places = [place for q in queries for place in where[q]]
        sections = [label for q in queries for label in labels[q]]
        columns["mentions"].append(float(np.log2(1 + _apart(place for q in queries for place in spans[q]))))
        columns["position"].append(float(min(places)))
        columns["unassessed"].append(float(assessed and not any(label in ASSESSED for label in sections)))
        columns["weak_section"].append(float(all(label in WEAK for label in sections)))
        columns["history_section"].append(float(any(label in HISTORY for label in sections)))
        columns["technique_section"].append(float(all(label in TECHNIQUE for label in sections)))
        columns["plan_section"].append(float(all(label in PLANNED for label in sections)))
        columns["listed"].append(float(np.log2(1 + listed[note.uses[span][0].sentence])))
    return dict(columns)


def _apart(spans: Iterable[tuple[int, int, int]]) -> int:
    """The most of these spans (document, end, start) that share no character."""
    count, last = 0, (-1, 0)
    for document, end, start in sorted(spans):
        if (document, start) >= last:
            count, last = count + 1, (document, end)
    return count
