"""Word lists of the pipeline, as JSON beside this file; read once, at import of the module that uses them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def read_lexicon(name: str) -> dict[str, Any]:
    """The word list `name`.json. Raises FileNotFoundError when there is none."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return content
