"""Which metrics an expression reads, and by which labels. promtool checks the grammar; this only looks for names."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTED = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}")
_LABELS = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")
_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.$])([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "inf", "nan"})


def metrics_of(expression: str) -> set[str]:
    """Names of the metrics that an expression reads."""
    bare = _CLAUSE.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", _STRING.sub('""', expression)))
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}


def selections(expression: str) -> Iterator[tuple[str, str]]:
    """Every metric with a label that it is selected by."""
    for name, inside in _SELECTED.findall(_STRING.sub('""', expression)):
        yield from ((name, label) for label in _LABELS.findall(inside))
