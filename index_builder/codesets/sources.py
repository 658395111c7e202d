"""From names and paths to code sets: which file is what is told by its name, as CMS and NCHS give it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from index_builder.codesets.protocol import CodeSet, SurfaceForm
from index_builder.errors import CodeSetError

ICD10CM_NAME: Final = "icd-10-cm"
NAMES: Final = (ICD10CM_NAME, "icd-10-pcs", "icd-9-cm")
_HALF_YEAR = re.compile(r"\d{4}-(04|10)")
_YEAR = re.compile(r"\d{4}")


def open_code_set(
    name: str, sources: Sequence[Path] = (), edition: str | None = None, lent: Sequence[SurfaceForm] = ()
) -> CodeSet:
    """The code set of that name. Without sources only ICD-10-CM, whose default edition comes with a package.

    sources: its official files; edition: which release they are, which they do not say
    lent: wordings of its codes beside those of the files (ICD-9-CM)
    Raises CodeSetError for an unknown name, files that are missing or not known, and an edition that does not fit.
    """
    if name not in NAMES:
        raise CodeSetError(name, f"unknown; {', '.join(NAMES)} are built in, others need --labels or --corpus")
    if lent and name != "icd-9-cm":
        raise CodeSetError(name, "goes without --lend, which is for icd-9-cm")
    if not sources:
        return _packaged(name, edition)
    opened: dict[str, Callable[[], CodeSet]] = {
        "icd-10-cm": lambda: _icd10cm(sources, _checked(name, edition, _HALF_YEAR, "2025-10")),
        "icd-10-pcs": lambda: _icd10pcs(sources, _checked(name, edition, _HALF_YEAR, "2025-10")),
        "icd-9-cm": lambda: _icd9cm(sources, _checked(name, edition, _YEAR, "2014"), lent),
    }
    return opened[name]()


def _packaged(name: str, edition: str | None) -> CodeSet:
    if name != ICD10CM_NAME:
        raise CodeSetError(name, "needs --source, the official files, and --edition")
    from index_builder.codesets.icd10cm import ICD10CM  # reads the whole tabular list

    if edition not in (None, ICD10CM.edition):
        raise CodeSetError(name, f"edition {edition} needs --source, its order file; {ICD10CM.edition} is built in")
    return ICD10CM()


def _icd10cm(sources: Sequence[Path], edition: str) -> CodeSet:
    from index_builder.codesets.icd10cm_order import ICD10CMOrder

    return ICD10CMOrder(_one(ICD10CM_NAME, sources, "order", ".txt"), edition)


def _icd10pcs(sources: Sequence[Path], edition: str) -> CodeSet:
    from index_builder.codesets.icd10pcs import ICD10PCS

    index = [file for file in sources if "index" in file.name and file.suffix in (".xml", ".gz")]
    order = [file for file in sources if file not in index]
    return ICD10PCS(_one("icd-10-pcs", order, "order", ".txt"), edition, index[0] if index else None)


def _icd9cm(sources: Sequence[Path], edition: str, lent: Sequence[SurfaceForm]) -> CodeSet:
    from index_builder.codesets.icd9cm import ICD9CM

    return ICD9CM(sources, edition, lent)


def _one(name: str, sources: Sequence[Path], word: str, suffix: str) -> Path:
    if len(sources) != 1 or word not in sources[0].name or sources[0].suffix != suffix:
        given = ", ".join(file.name for file in sources) or "none"
        raise CodeSetError(name, f"--source must name one {word} file (*{word}*{suffix}); given: {given}")
    return sources[0]


def _checked(name: str, edition: str | None, pattern: re.Pattern[str], example: str) -> str:
    if edition is None or not pattern.fullmatch(edition):
        raise CodeSetError(name, f"needs --edition, written as {example}: the files do not name theirs")
    return edition
