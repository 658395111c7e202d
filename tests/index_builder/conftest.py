from __future__ import annotations

from collections.abc import Iterator

import pytest

from index_builder.catalog import Catalog
from index_builder.codesets.icd10cm import ICD10CM


@pytest.fixture(scope="session")
def icd10cm() -> ICD10CM:
    """The whole code set; its XML is read once for all tests."""
    code_set = ICD10CM()
    code_set.codes()
    return code_set


@pytest.fixture(scope="session")
def icd10cm_catalog(icd10cm: ICD10CM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """The catalog of the whole code set."""
    catalog = Catalog.write(icd10cm, tmp_path_factory.mktemp("catalog") / "catalog.sqlite")
    yield catalog
    catalog.close()
