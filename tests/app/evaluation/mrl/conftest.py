"""A code set in which wordings of a code share words, codes of a category fewer, and an index of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from index_builder.build import build
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.index import CodeIndex
from index_builder.loader import load
from tests.index_builder.fakes import FakeEncoder

CATEGORIES = [*(f"J{n}" for n in range(12, 19)), *(f"I{n}" for n in range(20, 26)), *(f"B{n}" for n in range(10, 16))]
CODES = [f"{category}.{leaf}" for category in CATEGORIES for leaf in range(3)]


class Wordy:
    """Every wording names its chapter, category and code, and adds a word of its own."""

    name = "wordy"
    edition = "2001-01"
    system = "urn:example:wordy"

    def codes(self) -> Sequence[Code]:
        codes = [Code(c, f"chapter{c[0]} category{c}", None, False, {}) for c in CATEGORIES]
        codes += [Code(c, f"{self._words(c)} title", c[:3], True, {}) for c in CODES]
        return sorted(codes, key=lambda code: code.code)

    def forms(self) -> Iterator[SurfaceForm]:
        for code in self.codes():
            yield SurfaceForm(code.code, code.title, FormSource.TITLE)
        for name in CODES:
            for number in range(4):
                yield SurfaceForm(name, f"{self._words(name)} other{name[4:]}{number}", FormSource.INDEX)

    def _words(self, code: str) -> str:
        return f"chapter{code[0]} category{code[:3]} code{code.replace('.', '')}"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def wordy_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("wordy")
    build(Wordy(), FakeEncoder(), artifacts, builder_version="test")
    return artifacts


@pytest.fixture(scope="session")
def index(wordy_artifacts: Path) -> Iterator[CodeIndex]:
    opened = load(wordy_artifacts, "wordy", FakeEncoder())
    yield opened
    opened.close()
