"""The corpora by their names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.evaluation.corpora import mimic_iii, mimic_iv, xmc
from app.evaluation.corpora.coded_note import Corpus
from app.evaluation.corpora.codiesp import CodiEsp
from app.evaluation.corpora.folder import Folder
from app.evaluation.errors import CorpusError


def _us_notes(path: Path) -> Corpus:
    from app.evaluation.us_notes import UsNotes  # which is made of this package's pieces

    return UsNotes(path)


def _practice(path: Path) -> Corpus:
    from app.evaluation.practice_notes import PracticeNotes  # likewise

    return PracticeNotes(path)


def _transcripts(path: Path) -> Corpus:
    from app.evaluation.transcripts import Transcripts  # likewise

    return Transcripts(path)


OPENERS: dict[str, Callable[[Path], Corpus]] = {
    "codiesp": CodiEsp,
    **{name: partial(mimic_iii.MimicIII, name=name) for name in mimic_iii.SUFFIXES},
    "mimic-iii-few": mimic_iii.MimicIIIFew,
    **{name: partial(mimic_iv.MimicIV, name=name) for name in mimic_iv.NAMES},
    **{name: partial(xmc.Xmc, name=name) for name in xmc.NAMES},
    "us-notes": _us_notes,
    "practice": _practice,
    "transcripts": _transcripts,
    "folder": Folder,
}
NAMES = tuple(OPENERS)


def open_corpus(name: str, path: Path) -> Corpus:
    """The corpus of that name in a folder. Raises CorpusError when the name or the folder is unknown."""
    if name not in OPENERS:
        raise CorpusError(f"unknown corpus {name}: expected one of {', '.join(NAMES)}")
    if not path.is_dir():
        raise CorpusError(f"{path} is not a folder")
    return OPENERS[name](path)
