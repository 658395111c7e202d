"""How often codes of a kind are used at all: a prior that knows no corpus's coding habits.

A logistic regression (is a code ever given?) over what the code set says of a code and over how many notes that
nobody coded use one of its wordings word for word. It tells "hypertension" from "struck by a macaw".
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from index_builder.catalog import Catalog
from model.nested import Floats

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
LONGEST = 7  # words of a wording that is looked for
LIMIT = 4.0  # of the prior on either side: no code is out of reach
CHAPTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def literal_uses(catalog: Catalog, texts: Iterable[str]) -> Counter[int]:
    """In how many texts each code (by position) is named by one of its wordings, letter for letter."""
    owners: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for form in catalog.forms():
        words = folded(form.text)
        position = catalog.position(form.code)
        if 0 < len(words) <= LONGEST and position is not None:
            owners[words].add(position)
    uses: Counter[int] = Counter()
    for text in texts:
        words = folded(text)
        runs = {words[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1)}
        uses.update({position for run in runs & owners.keys() for position in owners[run]})
    return uses


def folded(text: str) -> tuple[str, ...]:
    """The words of a text, lower case."""
    return tuple(word.casefold() for word in _WORD.findall(text))


def describe(catalog: Catalog, uses: Mapping[int, int]) -> Floats:
    """(C, features) of every code: wordings, length, kind of title, literal uses, chapter."""
    counts = np.diff(np.asarray(catalog.offsets))
    rows = []
    for position, name in enumerate(catalog.code_names):
        title, plain = catalog.title(position).lower(), name.replace(".", "")
        rows.append(
            [
                np.log(counts[position]),
                np.log1p(uses.get(position, 0)),
                np.log1p(len(title)),
                "unspecified" in title,
                title.startswith("other"),
                "right" in title or "left" in title,
                "sequela" in title or "subsequent" in title,
                bool(catalog.billable[position]),
                *(len(plain) == n for n in (3, 4, 5, 6, 7)),
                *(name[0] == chapter for chapter in CHAPTERS),
            ]
        )
    return np.asarray(rows, dtype=np.float32)


def learn_prior(catalog: Catalog, given: AbstractSet[str], uses: Mapping[int, int]) -> dict[str, float]:
    """Log odds of being used at all, less their mean, by code; given: the codes that people gave."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rows = StandardScaler().fit_transform(describe(catalog, uses))
    labels = np.array([name in given for name in catalog.code_names])
    if not labels.any():
        raise ValueError("no code of the catalog was ever given")
    odds = LogisticRegression(C=0.3, max_iter=1000).fit(rows, labels).decision_function(rows)
    centred = np.clip(odds - np.quantile(odds, 0.99), -2 * LIMIT, LIMIT)
    return {name: round(float(value), 2) for name, value in zip(catalog.code_names, centred, strict=True)}


def frequency(counts: Mapping[str, int], notes: int, pseudo: float = 0.3) -> dict[str, float]:
    """Log of how often a code was given, over never: log((n + a) / a), a in notes; "" is never."""
    return {"": 0.0, **{code: round(float(np.log((n + pseudo) / pseudo)), 4) for code, n in counts.items() if n}}
