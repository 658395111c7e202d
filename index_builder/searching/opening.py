"""Chooses the search by its name in the settings. torch is imported only when it is asked for."""

from __future__ import annotations

from typing import Final

from index_builder.searching.neighbours import NeighbourSearch
from index_builder.searching.port import CodeSearch, Storage
from index_builder.searching.product import ProductSearch
from index_builder.searching.screened import ScreenedSearch
from model.errors import BackendError

DEFAULT: Final = "screened"
SEARCHES: Final = (DEFAULT, "numpy", "torch", "faiss")


def open_search(name: str, storage: Storage) -> CodeSearch:
    """One of SEARCHES over the vectors of an artifact. Raises BackendError, which names what to install."""
    if name == DEFAULT:
        return ScreenedSearch(storage)
    if name == "numpy":
        return ProductSearch(storage)
    if name == "faiss":
        return NeighbourSearch(storage)
    if name == "torch":
        try:
            from index_builder.searching.device import DeviceSearch
        except ImportError as error:
            raise BackendError("the torch search needs the extra: pip install 'icd-cascade[torch]'") from error
        return DeviceSearch(storage)
    raise BackendError(f"search must be one of {', '.join(SEARCHES)}, not {name!r}")
