"""The manifest of an index artifact: what it holds, who made it, and the hash that names its folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from index_builder.errors import ManifestError, MissingFileError

M = TypeVar("M")
FORMAT = 1
MANIFEST = "manifest.json"
OUTSIDE = ("created", "inputs")  # of the content hash: how an artifact came about, not what it holds
CATALOG = "catalog.sqlite"
FORMS = "forms.f16"


def search_file(dimensions: int) -> str:
    """Name of the stage-one index over the prefix of that many dimensions."""
    return f"search{dimensions}.faiss"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Size in bytes and SHA-256 (hex) of one file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """The encoder that made the vectors; `tokenizer` is its SHA-256 where the encoder gives one."""

    name: str
    version: str
    width: int
    encoding_unit: str
    backend: str
    tokenizer: str | None


@dataclass(frozen=True, slots=True)
class CodeSetEntry:
    """The code set and its release."""

    name: str
    edition: str
    system: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an artifact holds. Pieces are the unique wordings encoded; form_tokens counts them per form."""

    codes: int
    forms: int
    pieces: int
    form_tokens: int
    piece_tokens: int


@dataclass(frozen=True, slots=True)
class Golden:
    """A query with the code that the finished index puts first and its score by all stored dimensions."""

    text: str
    code: str
    score: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that identifies an index. `created` (ISO 8601, UTC) and `inputs` are outside the content hash.

    dimensions: how many of the model's dimensions are stored of each form, 1..model.width
    prefixes:   the dimensions of the stage-one indexes, none wider than that
    inputs:     hash of what the code set was read from; None where it cannot tell, or was not asked
    """

    format: int
    code_set: CodeSetEntry
    model: ModelEntry
    dimensions: int
    prefixes: tuple[int, ...]
    counts: Counts
    builder: str
    files: dict[str, FileEntry]
    golden: tuple[Golden, ...]
    created: str
    inputs: str | None = None

    def content_hash(self) -> str:
        """16 hex digits over everything that is not `OUTSIDE`; the name of the artifact's folder."""
        return hash_of(dataclasses.asdict(self))

    def to_json(self) -> str:
        """The text of manifest.json."""
        return text_of(dataclasses.asdict(self))


def hash_of(content: dict[str, Any]) -> str:
    """16 hex digits over the content of a manifest, without how it came about."""
    kept = {name: value for name, value in content.items() if name not in OUTSIDE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def text_of(content: dict[str, Any]) -> str:
    """The text of manifest.json."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an artifact folder. Raises MissingFileError, or ManifestError naming the field."""
    return read_as(Manifest, folder, FORMAT)


def read_as(kind: type[M], folder: Path, form: int) -> M:
    """As `read_manifest`, for any dataclass of a manifest in the format of that number."""
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MissingFileError(path, "missing") from None
    except ValueError as error:
        raise ManifestError(path, f"not readable as JSON ({type(error).__name__})") from None
    found = content.get("format") if isinstance(content, dict) else None
    if found != form:
        raise ManifestError(path, f"format {found!r}, this version reads format {form}")
    try:
        return typing.cast(M, _parse(kind, content, ""))
    except ValueError as error:
        raise ManifestError(path, str(error)) from None


def _parse(expected: Any, value: Any, where: str) -> Any:
    """`value` from JSON as the annotated type; ValueError names the field that does not fit."""
    if dataclasses.is_dataclass(expected):
        return _parse_fields(expected, value, where)
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if origin is tuple and isinstance(value, list):
        return tuple(_parse(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _parse(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    allowed = arguments if origin is types.UnionType else (expected,)
    if type(value) in allowed:  # `type`, since a bool is an instance of int
        return value
    raise ValueError(f"field {where or 'manifest'} is missing or of the wrong type")


def _parse_fields(expected: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"field {where or 'manifest'} is missing or of the wrong type")
    hints = typing.get_type_hints(expected)
    unknown = sorted(value.keys() - hints.keys())
    if unknown:
        raise ValueError(f"unknown field {where}.{unknown[0]}".replace(" .", " "))
    return expected(**{n: _parse(h, value.get(n), f"{where}.{n}".lstrip(".")) for n, h in hints.items()})
