"""What a service holds, as /v1/info lists it."""

from __future__ import annotations

from app.api.schemas.operations import CodeSetOut, CrosswalkOut
from app.api.validity import validity
from app.pipeline.coder import Coder, Versions
from app.pipeline.shelved import all_versions, catalogs_of, crosswalk_of
from index_builder.catalog import Catalog


def code_sets_out(coder: Coder) -> list[CodeSetOut]:
    """Every loaded code set and edition, the default first."""
    return [_out(*one) for one in zip(catalogs_of(coder), all_versions(coder), strict=True)]


def crosswalk_out(coder: Coder) -> list[CrosswalkOut]:
    """The directions of the loaded cross-walk; none without one."""
    crosswalk = crosswalk_of(coder)
    pairs = () if crosswalk is None else crosswalk.pairs
    return [
        CrosswalkOut(source=pair.source, target=pair.target, edition=pair.edition, mappings=pair.mappings)
        for pair in pairs
    ]


def _out(catalog: Catalog, versions: Versions) -> CodeSetOut:
    period = validity(catalog.name, catalog.edition)
    return CodeSetOut(
        code_set=catalog.name,
        edition=catalog.edition,
        system=catalog.system,
        codes=catalog.code_count,
        billable=int(catalog.billable.sum()),
        valid_from=None if period is None else period.first,
        valid_to=None if period is None else period.last,
        index=versions.index,
        calibration=versions.calibration,
    )
