"""A checkpoint folder: what stands in it and how it is verified.

manifest.json            sha256 and size of every file; their hash is the model's version
cascade.json             name, layers read, tokens per window, encoding unit, how it was trained
config.json, model.safetensors, tokenizer.json      as Hugging Face has them (weights fp16)
2_Dense/model.safetensors                           the projection, (768, R), key linear.weight
modules.json, 1_Layers, 2_Dense, 3_Normalize        so that SentenceTransformer(path) opens the folder
encoder.onnx             the graph, whose weights are the bytes of model.safetensors
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from model.encoder import ModelInfo
from model.errors import CheckpointError
from model.nested import WIDTH, Floats

DEFAULT = Path(__file__).parent / "checkpoints" / "default"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened checkpoint folder; its files are verified."""

    path: Path
    version: str
    card: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Checkpoint:
        """Open and verify. Raises CheckpointError that names the file which is missing, changed or unreadable."""
        version = verify_files(path)
        return cls(path, version, _read_json(path / "cascade.json"))

    @property
    def tokenizer_path(self) -> Path:
        """The fast tokenizer's file."""
        return self.path / "tokenizer.json"

    @property
    def graph_path(self) -> Path:
        """The ONNX graph; raises CheckpointError when the checkpoint has none."""
        graph = self.path / "encoder.onnx"
        if not graph.exists():
            raise CheckpointError(f"{graph}: missing; this checkpoint can only be served by the torch backend")
        return graph

    @property
    def layers(self) -> tuple[int, ...]:
        """Hidden states that the projection reads, as Hugging Face counts them."""
        return tuple(int(layer) for layer in self.card["layers"])

    @property
    def max_tokens(self) -> int:
        """Tokens per window, special tokens included."""
        return int(self.card["max_tokens"])

    @property
    def first(self) -> int:
        """Id of the token that opens every window."""
        return int(self.card["special_tokens"]["first"])

    @property
    def last(self) -> int:
        """Id of the token that closes every window."""
        return int(self.card["special_tokens"]["last"])

    @property
    def read_width(self) -> int:
        """R: hidden size times the number of layers read."""
        return int(self.card["hidden_size"]) * len(self.layers)

    def projection(self) -> Floats:
        """The projection's weight, (768, R) float32."""
        file = self.path / "2_Dense" / "model.safetensors"
        weight = np.asarray(load_file(file)["linear.weight"], dtype=np.float32)
        if weight.shape != (WIDTH, self.read_width):
            raise CheckpointError(f"{file}: projection is {weight.shape}, not {(WIDTH, self.read_width)}")
        return weight

    def info(self, backend: str) -> ModelInfo:
        """What manifests and answers say of this model."""
        return ModelInfo(
            name=str(self.card["name"]),
            version=self.version,
            width=WIDTH,
            max_tokens=self.max_tokens,
            encoding_unit=str(self.card["encoding_unit"]),
            backend=backend,
        )


def write_manifest(path: Path) -> str:
    """Write manifest.json over every other file of the folder; returns the version."""
    files = {
        str(file.relative_to(path)): {"sha256": sha256_of(file), "bytes": file.stat().st_size}
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }
    version = _version(files)
    manifest = {"format": 1, "version": version, "files": files}
    (path / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return version


def verify_files(path: Path) -> str:
    """Check every file of the folder against its manifest; returns the version. Raises CheckpointError."""
    manifest = _read_json(path / MANIFEST)
    files = manifest.get("files", {})
    for name, entry in files.items():
        file = path / name
        if not file.is_file():
            raise CheckpointError(f"{file}: missing")
        if file.stat().st_size != entry["bytes"]:
            raise CheckpointError(f"{file}: {file.stat().st_size} bytes instead of {entry['bytes']} (truncated?)")
        if sha256_of(file) != entry["sha256"]:
            raise CheckpointError(f"{file}: content differs from its manifest")
    if _version(files) != manifest.get("version"):
        raise CheckpointError(f"{path / MANIFEST}: version does not fit its own list of files")
    return str(manifest["version"])


def sha256_of(file: Path) -> str:
    """Hex digest of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version(files: dict[str, Any]) -> str:
    listing = "".join(f"{name} {files[name]['sha256']}\n" for name in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{file}: missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise CheckpointError(f"{file}: not readable as JSON") from None
    return loaded
