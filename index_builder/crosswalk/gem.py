"""General equivalence mappings as CMS publishes them: lines of source, target and five flag digits, codes undotted.

The flags (CMS, "Diagnosis code set general equivalence mappings: documentation and user's guide"): approximate, no map,
combination, scenario, choice list. A combination maps to several targets together: one scenario is one way to write
the source, and of each of its choice lists one target is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from index_builder.errors import CodeSetError

_LINE = re.compile(r"([0-9A-Z]{3,7})\s+([0-9A-Za-z]{2,7})\s+([01])([01])([01])(\d)(\d)\s*")
_ICD9, _PCS = "icd-9-cm", "icd-10-pcs"
KNOWN: Final = frozenset({(_ICD9, "icd-10-cm"), ("icd-10-cm", _ICD9), (_ICD9, _PCS), (_PCS, _ICD9)})


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line. target None: no code of the other set says it. scenario and choice are 0 outside combinations."""

    source: str
    target: str | None
    approximate: bool
    combination: bool
    scenario: int
    choice: int


def read_gem(file: Path, source: str, target: str) -> Iterator[Mapping]:
    """The lines of a file between these code sets, codes with their dots. Raises CodeSetError naming the line."""
    if (source, target) not in KNOWN:
        raise CodeSetError(file, f"there is no mapping between {source} and {target}")
    procedures = _PCS in (source, target)
    number = 0
    try:
        with file.open(encoding="ascii") as lines:
            for number, line in enumerate(lines, start=1):
                match = _LINE.fullmatch(line.rstrip("\n"))
                if match is None:
                    raise CodeSetError(file, f"line {number}: expected source, target and five flag digits")
                begin, end, approximate, no_map, combination, scenario, choice = match.groups()
                yield Mapping(
                    source=_written(source, begin, procedures),
                    target=None if no_map == "1" else _written(target, end, procedures),
                    approximate=approximate == "1",
                    combination=combination == "1",
                    scenario=int(scenario),
                    choice=int(choice),
                )
    except FileNotFoundError:
        raise CodeSetError(file, "missing") from None
    except UnicodeDecodeError:
        raise CodeSetError(file, f"not ASCII after line {number}") from None


def _written(code_set: str, code: str, procedures: bool) -> str:
    """A code with its dot: ICD-9-CM has it after two digits of a procedure and after four characters of an E code."""
    if code_set == _PCS:
        return code
    short = code_set == _ICD9
    head = 2 if short and procedures else 4 if short and code.startswith("E") else 3
    return code if len(code) <= head else f"{code[:head]}.{code[head:]}"
