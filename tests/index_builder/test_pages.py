"""Pages of a mapped file are given back: part after part, or at once while memory is short."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pytest

from index_builder.pages import OFTEN, PARTS, SPARING, Pages


class Mapped:
    """As much of a mapped file as pages know."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.given_back: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return self.size

    def madvise(self, option: int, start: int = 0, length: int | None = None) -> None:
        assert option == mmap.MADV_DONTNEED
        self.given_back.append((start, self.size if length is None else length))


def pages_of(size: int) -> tuple[Pages, list[tuple[int, int]]]:
    mapped: Any = Mapped(size)
    return Pages(mapped), mapped.given_back


@pytest.mark.parametrize("size", [1, mmap.PAGESIZE, 3 * mmap.PAGESIZE + 5, 100 * mmap.PAGESIZE + 1])
def test_parts_in_turn_cover_the_file_once_and_begin_again(size: int) -> None:
    pages, given_back = pages_of(size)
    for _ in range(2 * PARTS):
        pages.count(OFTEN)
        pages.count(1)
    first = given_back[: given_back.index(given_back[0], 1)]
    assert all(start % mmap.PAGESIZE == 0 for start, _ in first)
    assert [start for start, _ in first] == [0, *(start + length for start, length in first[:-1])]
    assert sum(length for _, length in first) == size
    assert given_back == (first * 2 * PARTS)[: 2 * PARTS]


def test_sparing_gives_all_back_after_little() -> None:
    pages, given_back = pages_of(10 * mmap.PAGESIZE)
    pages.count(SPARING)
    assert not given_back
    pages.spare(True)
    pages.count(1)
    pages.count(SPARING)
    assert given_back == [(0, 10 * mmap.PAGESIZE)]
    pages.spare(False)
    pages.count(SPARING)
    assert len(given_back) == 1


def test_what_was_given_back_is_read_again(tmp_path: Path) -> None:
    content = bytes(range(256)) * 200
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    pages = Pages(mapped)
    for _ in range(PARTS + 1):
        pages.count(OFTEN + 1)
    pages.release()
    assert mapped[:] == content
