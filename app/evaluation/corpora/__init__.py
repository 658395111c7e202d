"""Coded corpora: notes with the codes that people gave them. The user brings the folder; nothing is downloaded.

One file per corpus, each naming the layout that it reads; docs/corpora.md says where that layout is published.
"""

from app.evaluation.corpora.coded_note import CodedNote, Corpus, Label, Labelled, count_codes, match
from app.evaluation.corpora.codiesp import CodiEsp
from app.evaluation.corpora.registry import NAMES, open_corpus

__all__ = ["NAMES", "CodedNote", "CodiEsp", "Corpus", "Label", "Labelled", "count_codes", "match", "open_corpus"]
