"""Clauses of coded notes as training queries: multiple-instance learning with the current model as the judge.

A coder gives codes to a note, not to its words. For each given code the clause nearest to any of the code's terms is
taken as its instance, as in multiple-instance learning (Dietterich et al. 1997): the best span carries the gradient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.training.pairs import Clause, Term
from model.training.text import Inside, Piece, Text

Embed = Callable[[Sequence[Text]], Tensor]


@dataclass(frozen=True, slots=True)
class CodedNote:
    """The clauses of one note, alone or inside their passages, and the codes that its coder gave."""

    clauses: tuple[Piece, ...]
    codes: tuple[str, ...]


def mine_clauses(
    notes: Sequence[CodedNote], terms: Sequence[Term], embed: Embed, *, floor: float, chunk: int = 512
) -> list[Clause]:
    """For every note and code the clause that fits best, where its cosine is at least `floor`."""
    wanted = {code for note in notes for code in note.codes}
    by_code: dict[str, list[Text]] = defaultdict(list)
    for term in terms:
        if term.code in wanted:
            by_code[term.code].append(term.pieces)
    texts = [pieces for code in sorted(by_code) for pieces in by_code[code]]
    rows = {code: i for i, code in enumerate(sorted(by_code))}
    owner = torch.tensor([rows[code] for code in sorted(by_code) for _ in by_code[code]], dtype=torch.int64)
    table = _vectors(texts, embed, chunk)
    mined: list[Clause] = []
    for note in notes:
        codes = [c for c in note.codes if c in rows]
        if not codes or not note.clauses:
            continue
        distinct = list(dict.fromkeys(note.clauses))
        clauses = _vectors([(c,) for c in distinct], embed, chunk)
        for code in codes:
            scores = (clauses @ table[owner == rows[code]].T).amax(dim=1)
            best = int(scores.argmax())
            if float(scores[best]) >= floor:
                piece = distinct[best]
                mined.append(Clause(code, str(piece), context=piece if isinstance(piece, Inside) else None))
    return mined


def _vectors(texts: Sequence[Text], embed: Embed, chunk: int) -> Tensor:
    with torch.inference_mode():
        parts = [functional.normalize(embed(texts[i : i + chunk]), dim=-1) for i in range(0, len(texts), chunk)]
    return torch.cat(parts)
