"""The codes that carry no present-on-admission indicator: the official list, as shipped."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import cache
from pathlib import Path

POA_EXEMPT = Path(__file__).with_name("icd-10-cm.poa-exempt.txt.gz")


def read_official(path: Path) -> list[str]:
    """The codes of the list as CMS publishes it: tab-separated order number, code, title, one header line.

    Raises ValueError for a line without a code.
    """
    lines = path.read_text(encoding="latin-1").splitlines()[1:]
    rows = [line.split("\t") for line in lines if line.strip()]
    if any(len(row) < 2 or not row[1].strip() for row in rows):
        raise ValueError(f"{path.name}: a line has no code")
    return sorted(row[1].strip() for row in rows)


def write_exempt(path: Path, source: str, codes: Iterable[str]) -> None:
    """Write a comment line with the source, then one code a line, gzipped; the same input gives the same bytes."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write("".join([f"# {source}\n", *(f"{code}\n" for code in codes)]).encode())


@cache
def load_exempt(path: Path = POA_EXEMPT) -> frozenset[str]:
    """The exempt codes, with their dots."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return frozenset(line.rstrip("\n") for line in file if not line.startswith("# "))
