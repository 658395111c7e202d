"""What the cross-walk says of a code, with the titles of the loaded code sets."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.schemas.codes import CodeMap, MappedCode
from app.pipeline.coder import Coder
from app.pipeline.shelved import catalogs_of, crosswalk_of
from index_builder.catalog import Catalog
from index_builder.crosswalk.artifact import Pair
from index_builder.crosswalk.gem import Mapping


def maps_of(coder: Coder, code_set: str, code: str) -> list[CodeMap]:
    """The maps of a code, written with its dot, to other code sets; none without a cross-walk."""
    crosswalk = crosswalk_of(coder)
    return [] if crosswalk is None else [_map(catalogs_of(coder), *found) for found in crosswalk.of(code_set, code)]


def _map(catalogs: Sequence[Catalog], pair: Pair, mappings: Sequence[Mapping]) -> CodeMap:
    titled = [catalog for catalog in catalogs if catalog.name == pair.target]
    return CodeMap(
        code_set=pair.target,
        edition=pair.edition,
        no_map=all(one.target is None for one in mappings),
        codes=[_mapped(titled, one, one.target) for one in mappings if one.target is not None],
    )


def _mapped(catalogs: Sequence[Catalog], one: Mapping, target: str) -> MappedCode:
    return MappedCode(
        code=target,
        display=_title(catalogs, target),
        approximate=one.approximate,
        combination=one.combination,
        scenario=one.scenario or None,
        choice=one.choice or None,
    )


def _title(catalogs: Sequence[Catalog], code: str) -> str | None:
    for catalog in catalogs:
        position = catalog.position(code)
        if position is not None and catalog.code_names[position] == code:
            return catalog.title(position)
    return None
