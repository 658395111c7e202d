"""Flags that commands share. What is not given comes from ICD_CASCADE_* in the environment, then from the defaults."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.settings import Settings


def add_artifact_flags(parser: argparse.ArgumentParser) -> None:
    """Where the index is and which model reads notes."""
    parser.add_argument("--artifacts", type=Path, help="folder of built indexes (default: artifacts)")
    parser.add_argument("--code-set", help="code set to answer with (default: icd-10-cm)")
    parser.add_argument("--model", type=Path, help="checkpoint folder (default: the model that ships)")
    parser.add_argument("--calibrations", type=Path, help="folder of calibrations beside those that ship")
    parser.add_argument("--early-exit", type=Path, help="rule by which the search stages may stop (default: never)")
    parser.add_argument("--backend", help="auto, onnx, onnx-int8 or torch (default: onnx; docs/operations.md)")
    parser.add_argument("--search", help="index search: screened (default), numpy, torch or faiss (docs/gpu.md)")


def settings_of(args: argparse.Namespace) -> Settings:
    """The settings that flags and environment give together; flags win. Raises InvalidField."""
    from pydantic import ValidationError

    from app.errors import FieldError, InvalidField
    from app.settings import Settings

    given = {name: value for name, value in vars(args).items() if name in Settings.model_fields and value is not None}
    try:
        settings = Settings.from_environment(os.environ)
        return Settings.model_validate({**settings.model_dump(), **given})
    except ValidationError as error:
        fields = [FieldError(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise InvalidField("The settings do not fit.", *fields) from None


def count(text: str) -> int:
    """The type of a flag that counts: 0 or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is negative")
    return number


def positive(text: str) -> int:
    """The type of a flag that is 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number
