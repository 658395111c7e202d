"""A calibration: how stage scores become a probability, and from which probability on a code is answered.

It is a small artifact, learned by `icd-cascade calibrate` and named in every answer. `general` carries no corpus's
habits; others may know how often a site uses each code.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.pipeline.features import FEATURES, Priors
from app.pipeline.note import CodingOptions
from index_builder.errors import ArtifactError
from model.attention.label_attention import LabelAttention
from model.attention.placing import placed
from model.encoder import Encoder
from model.errors import CheckpointError
from model.last_stage import Doubles, LastStage
from model.nested import Floats
from model.retrieval.early_exit import EarlyExit

FORMAT = 1
SHIPPED = Path(__file__).parents[1] / "calibrations"
ATTENTION = "attention"  # the feature that needs a label attention beside the calibration


class CalibrationError(ArtifactError):
    """A calibration that cannot be used."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Least probability of `codes`, by what they are to be good at, and of `candidates`."""

    best_f1: float
    precision_first: float
    recall_first: float
    candidates: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the last stage, thresholds and priors.

    model:     version of the encoder whose scores it was learned on
    features:  columns of app/pipeline/features.py that the last stage reads
    search_weight: what one unit of prior + frequency adds to a cosine when the candidates are chosen
    usage_weight:  what one tier of how ordinary a code is (app/pipeline/usage.py) adds to it
    combine:   whether combination codes take the place of their parts (app/pipeline/conventions/combinations.py)
    prior, frequency: by code; a code that is not named has the value under ""
    attention: content hash of the label attention beside it, "" = it reads none; planted: that attention, opened
    early_exit: where the search stages may stop (app/pipeline/early_exit.py), None = nowhere; no part of the artifact
    """

    name: str
    model: str
    features: tuple[str, ...]
    last_stage: LastStage
    thresholds: Thresholds
    search_weight: float
    prior: Mapping[str, float] = field(repr=False)
    frequency: Mapping[str, float] = field(repr=False)
    learned: Mapping[str, Any] = field(default_factory=dict)
    combine: bool = False
    attention: str = ""
    usage_weight: float = 0.0
    version: str = ""
    planted: LabelAttention | None = field(default=None, repr=False, compare=False)
    early_exit: EarlyExit | None = field(default=None, repr=False)

    def priors(self, names: Sequence[str]) -> Priors:
        """The priors of a catalog's codes, in its order."""
        return Priors(_column(self.prior, names), _column(self.frequency, names))

    def bias_of(self, priors: Priors, usage: Callable[[], Floats]) -> Floats | None:
        """What is added to each code's cosine when candidates are chosen (C,), None = nothing. usage: the tiers."""
        if not (self.search_weight or self.usage_weight):
            return None
        known = self.search_weight * (priors.prior + priors.frequency)
        return np.asarray(known + self.usage_weight * usage() if self.usage_weight else known, dtype=np.float32)

    def placed(self, encoder: Encoder) -> Calibration:
        """Its label attention where the encoder keeps its token states."""
        return self if self.planted is None else replace(self, planted=placed(self.planted, encoder))

    def logits(self, columns: Floats) -> Doubles:
        """(k, len(FEATURES)) -> (k,) float64, not yet calibrated."""
        return self.last_stage.logits(columns[:, [FEATURES.index(name) for name in self.features]])

    def rule(self, options: CodingOptions) -> EarlyExit | None:
        """The early exits that hold for what is asked: those of balanced widths and of the top_k that was learned."""
        learned = self.early_exit
        fits = learned is not None and options.widths == "balanced" and options.top_k == learned.top_k
        return learned if fits else None

    @property
    def label(self) -> str:
        """Name and version, as answers give it."""
        return f"{self.name} {self.version}"


def _column(values: Mapping[str, float], names: Sequence[str]) -> Floats:
    default = values.get("", 0.0)
    return np.array([values.get(name, default) for name in names], dtype=np.float32)


def save(calibration: Calibration, file: Path) -> str:
    """Write the artifact, gzipped JSON with the same bytes for the same content; returns its version."""
    content = _content(calibration)
    version = _version(content)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream:
        stream.write(_encoded({**content, "version": version}))
    part = file.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    part.replace(file)
    return version


def load(file: Path) -> Calibration:
    """Read and verify an artifact. Raises CalibrationError, which names the file and what is wrong."""
    try:
        raw = gzip.decompress(file.read_bytes())
        content = json.loads(raw)
        version = content.pop("version")
        if content["format"] != FORMAT:
            raise CalibrationError(file, f"format {content['format']}, expected {FORMAT}")
        if not (_saved_as(raw, version) or version == _version(content)):
            raise CalibrationError(file, "its content does not match its version")
        unknown = sorted(set(content["features"]) - set(FEATURES))
        if unknown:
            raise CalibrationError(file, f"reads the unknown feature {unknown[0]}")
        if (ATTENTION in content["features"]) != bool(content.get("attention")):
            raise CalibrationError(
                file, "reads a label attention that it does not name, or names one that it never reads"
            )
        return Calibration(
            name=content["name"],
            model=content["model"],
            features=tuple(content["features"]),
            last_stage=LastStage.from_dict(content["last_stage"]),
            thresholds=Thresholds(**content["thresholds"]),
            search_weight=content["search_weight"],
            prior=content["prior"],
            frequency=content["frequency"],
            learned=content["learned"],
            combine=content.get("combine", False),
            attention=content.get("attention", ""),
            usage_weight=content.get("usage_weight", 0.0),
            version=version,
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(file, f"cannot be read as a calibration ({type(error).__name__})") from error


def load_all(folders: Sequence[Path], model: str) -> dict[str, Calibration]:
    """Every calibration in these folders that was learned on this model, by name; later folders win.

    Their label attentions are opened. Raises CalibrationError, which names the file and what is wrong.
    """
    return of_model(read_all(folders), model)


def read_all(folders: Sequence[Path]) -> list[tuple[Calibration, Path]]:
    """Every calibration in these folders, with its folder. Raises CalibrationError."""
    files = [file for folder in folders for file in sorted(folder.glob("*.calibration.json.gz"))]
    return [(load(file), file.parent) for file in files]


def of_model(read: Sequence[tuple[Calibration, Path]], model: str) -> dict[str, Calibration]:
    """Those of them that were learned on this model, as `load_all` gives them. Raises CalibrationError."""
    found = {one.name: (one, folder) for one, folder in read if one.model == model}
    return {name: _planted(one, folder) if one.attention else one for name, (one, folder) in found.items()}


def attention_file(folder: Path, name: str) -> Path:
    """Where the label attention of the calibration `name` stands."""
    return folder / f"{name}.attention.safetensors"


def open_attention(file: Path, model: str) -> tuple[LabelAttention, str]:
    """The label attention of a file and its content hash.

    Raises CalibrationError for a file that is missing or broken, or was trained with another encoder version.
    """
    try:
        version = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        attention = LabelAttention.open(file)
    except OSError as error:
        raise CalibrationError(file, f"cannot be read ({type(error).__name__})") from error
    except CheckpointError as error:
        raise CalibrationError(file, f"is no label attention: {error}") from error
    if attention.config.encoder != model:
        raise CalibrationError(file, f"was trained with the encoder {attention.config.encoder!r}, not {model!r}")
    return attention, version


def _planted(calibration: Calibration, folder: Path) -> Calibration:
    file = attention_file(folder, calibration.name)
    attention, version = open_attention(file, calibration.model)
    if version != calibration.attention:
        raise CalibrationError(file, f"has the version {version}, {calibration.name} was learned with another")
    return replace(calibration, planted=attention)


def _content(calibration: Calibration) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": calibration.name,
        "model": calibration.model,
        "features": list(calibration.features),
        "last_stage": calibration.last_stage.to_dict(),
        "thresholds": asdict(calibration.thresholds),
        "search_weight": calibration.search_weight,
        "prior": dict(sorted(calibration.prior.items())),
        "frequency": dict(sorted(calibration.frequency.items())),
        "learned": dict(calibration.learned),
        **({"combine": True} if calibration.combine else {}),
        **({"attention": calibration.attention} if calibration.attention else {}),
        **({"usage_weight": calibration.usage_weight} if calibration.usage_weight else {}),
    }


def _encoded(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _saved_as(raw: bytes, version: str) -> bool:
    """Whether these bytes are what `save` writes under this version, which stands last in them.

    Encoding the content again, to hash it, takes longer than reading it.
    """
    ending = b"," + _encoded({"version": version})[1:]
    return raw.endswith(ending) and _hash(raw[: -len(ending)] + b"}") == version


def _version(content: Mapping[str, Any]) -> str:
    return _hash(_encoded(content))


def _hash(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()[:12]
