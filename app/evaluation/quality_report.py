"""The quality report that ships beside the weights: several evaluations in one Markdown and one JSON file.

Each evaluation adds its section, or replaces the one of the same name, so that one command is run per section and the
report keeps the commands that made it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.evaluation import report
from app.evaluation.errors import EvaluationError

_PREFACE = """# Quality report

Written by `icd-cascade evaluate --report`. Each section stands with its command; folders are named by their last part,
and seconds are of the two-core machine. What label attention and planting are worth, beside none
and beside plain linking: [plant.md](plant.md); parts and loss weights left out: [ablations.md](ablations.md).
How the model was made: [the model card](../model-card.md).
"""


def add_section(found: report.Report, command: Sequence[str], path: Path) -> None:
    """Write `path` (Markdown) and its .json with this evaluation in them. Raises EvaluationError for other files."""
    data = path.with_suffix(".json")
    sections = _read(data) if data.exists() else {}
    sections[_name(found["parameters"])] = {"command": tell(command), **found}
    report.write(dict(sorted(sections.items())), data)
    path.write_text(_markdown(_read(data)), encoding="utf-8")


def tell(command: Sequence[str]) -> str:
    """The command as another person would type it: without the report's own option, folders by their last part."""
    words = list(command)
    if "--report" in words:
        at = words.index("--report")
        del words[at : at + 2]
    return shlex.join(Path(word).name if word.startswith(("/", "./", "../")) else word for word in words)


def _name(parameters: Mapping[str, Any]) -> str:
    folder, corpus = parameters.get("folder"), parameters["corpus"]
    told = [corpus if folder in (None, corpus) else f"{corpus} {folder}"]
    told += [str(parameters[name]) for name in ("split", "calibration") if parameters.get(name)]
    if "top_k" in parameters:
        told += [f"top_k {parameters['top_k']}", str(parameters["widths"])]
        told += ["as served"] if parameters["billable_only"] else []
    told += ["evidence"] if parameters.get("evidence") else []
    return ", ".join(told)


def _markdown(sections: Mapping[str, Mapping[str, Any]]) -> str:
    parts = [_PREFACE]
    for name, section in sections.items():
        parts += [f"## {name}\n", f"```sh\nicd-cascade {section['command']}\n```\n", report.markdown(section), ""]
    return "\n".join(parts)


def _read(data: Path) -> dict[str, Any]:
    try:
        content = json.loads(data.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(one, dict) and "command" in one for one in content.values()):
        raise EvaluationError(f"{data} is no quality report; name another file")
    return content
