"""A tiny deterministic encoder and a code set of thirty-odd codes. Neither knows medicine; both are quick."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from model.encoder import ModelInfo, TokenStates
from model.nested import WIDTH, Floats

READ = 48


def _nothing() -> None:
    return None


class FakeEncoder:
    """Each word has a fixed random state (its hash is the seed); a fixed random matrix projects to 768."""

    def __init__(self, version: str = "fake-1", before: Callable[[], None] = _nothing) -> None:
        self.version = version
        self.calls: list[list[str]] = []
        self._before = before
        self._projection = np.random.default_rng(7).normal(size=(READ, WIDTH)).astype(np.float32)

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("fake", self.version, WIDTH, 512, "clause", "fake")

    def encode(self, texts: Sequence[str]) -> TokenStates:
        self._before()
        self.calls.append(list(texts))
        words = [list(re.finditer(r"\w+", text)) for text in texts]
        flat = [word for found in words for word in found]
        states = np.stack([_state(w.group().lower()) for w in flat]) if flat else np.zeros((0, READ), np.float32)
        offsets = np.array([w.span() for w in flat], dtype=np.int64).reshape(-1, 2)
        return TokenStates(states, offsets, np.cumsum([0, *map(len, words)], dtype=np.int64))

    def project(self, states: Floats) -> Floats:
        return np.asarray(states @ self._projection, dtype=np.float32)


def _state(word: str) -> Floats:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=READ).astype(np.float32)


SITES = ("foot", "hand", "knee", "skull", "spine")
EXTENSIONS = {"A": "initial encounter for closed fracture", "D": "subsequent encounter"}
DISEASES = {
    "A01": ("typhoid fever", ("enteric fever", "salmonella typhi infection")),
    "B02": ("zoster without complication", ("shingles",)),
    "D50": ("iron deficiency anemia", ("low iron", "asiderotic anemia")),
    "E11": ("type 2 diabetes mellitus", ("adult onset diabetes", "diabetes type II")),
    "G43": ("migraine with aura", ()),
    "I10": ("essential hypertension", ("high blood pressure",)),
    "I48": ("atrial fibrillation", ("af", "fibrillation of the atrium")),
    "J18": ("pneumonia, unspecified organism", ("community acquired pneumonia",)),
    "J30": ("allergic rhinitis due to pollen", ("hay fever",)),
    "K21": ("gastroesophageal reflux disease", ("reflux",)),
    "K35": ("acute appendicitis", ("appendicitis with rupture",)),
    "L89": ("pressure ulcer of sacral region", ("bed sore",)),
    "M54": ("low back pain", ("lumbago",)),
    "N39": ("urinary tract infection, site not specified", ("uti",)),
    "W11": ("fall on and from ladder", ()),
}


class FakeCodeSet:
    """Fifteen diseases, and fractures of five sites with their encounters."""

    name = "fake"
    edition = "2001-01"
    system = "urn:example:fake"

    def codes(self) -> Sequence[Code]:
        codes = [Code(code, title, None, True, {}) for code, (title, _) in DISEASES.items()]
        codes.append(Code("S02", "fracture", None, False, {}))
        for number, site in enumerate(SITES):
            parent = f"S02.{number}XX"
            codes.append(Code(parent, f"fracture of {site}", "S02", False, {}))
            codes += [
                Code(f"{parent}{letter}", f"fracture of {site}, {wording}", parent, True, {})
                for letter, wording in EXTENSIONS.items()
            ]
        return sorted(codes, key=lambda code: code.code)

    def forms(self) -> Iterator[SurfaceForm]:
        for code in self.codes():
            head = code.title.split(", ")[0] if code.code.startswith("S") else ""
            extension = len(head) if head != code.title else 0
            yield SurfaceForm(code.code, code.title, FormSource.TITLE, extension)
        for name, (_, others) in DISEASES.items():
            yield from (SurfaceForm(name, other, FormSource.INCLUSION) for other in others)
