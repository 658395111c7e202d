"""The file of a rule for early exits, bound to a calibration. None ships: `icd-cascade exits` learns one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.pipeline.calibration import Calibration, CalibrationError
from model.retrieval.early_exit import EarlyExit


def save_rule(rule: EarlyExit, file: Path) -> None:
    """Write the rule as JSON, in one step."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(rule.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(file)


def open_rule(file: Path) -> EarlyExit:
    """Raises CalibrationError, which names the file and what is wrong with it."""
    try:
        return EarlyExit.from_json(json.loads(file.read_bytes()))
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise CalibrationError(file, f"is no rule for early exits: {reason}") from error


def with_rule(
    file: Path, loaded: Mapping[str, Calibration], fitted: Mapping[str, Calibration]
) -> dict[str, Calibration]:
    """The fitted calibrations; the one that the file's rule was learned with stops by it and says so in its version.

    fitted: the loaded ones as a code set uses them; one that is carried over to another code set never stops early.
    Raises CalibrationError for a broken file, and where that calibration, in that version, is not loaded.
    """
    rule = open_rule(file)
    if not any(one.label == rule.learned_with for one in loaded.values()):
        raise CalibrationError(file, f"was learned with the calibration {rule.learned_with!r}, which is not loaded")
    named = hashlib.sha256(json.dumps(rule.to_json(), sort_keys=True).encode()).hexdigest()[:8]
    return {
        name: replace(one, early_exit=rule, version=f"{one.version} early exit {named}")
        if one.label == rule.learned_with
        else one
        for name, one in fitted.items()
    }
