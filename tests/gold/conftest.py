from __future__ import annotations

import pytest

from index_builder.codesets.icd10cm import ICD10CM


@pytest.fixture(scope="session")
def icd10cm() -> ICD10CM:
    """The whole code set; its XML and term tables are read once for all tests of the suite."""
    return ICD10CM()
