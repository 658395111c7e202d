"""Pages of a mapped file: what of it counts as the process's memory, and is given back as more is read."""

from __future__ import annotations

import mmap
from typing import Final

OFTEN: Final = 2048  # rows asked for before the next part is given back; each maps 64 KB around it (Linux)
SPARING: Final = 512  # the same of the whole file, while memory is short
PARTS: Final = 8


class Pages:
    """Gives back part after part in turn, so that a file of any size takes about as much memory at any time.

    Nothing is lost: a page that is read again comes from the system's cache of the file, 16 at a time in about a
    microsecond. Without this all of a file that is read here and there becomes the process's memory within minutes.
    Safe from many threads: two that count at once may miscount, which does no harm.
    """

    def __init__(self, mapped: mmap.mmap) -> None:
        self._mapped = mapped
        pages = -(-len(mapped) // mmap.PAGESIZE)
        self._step = -(-pages // PARTS) * mmap.PAGESIZE
        self._next = 0
        self._read = 0
        self._sparing = False

    def spare(self, sparing: bool) -> None:
        """Whether the whole file is to be given back after little reading: slower, and for a short time."""
        self._sparing = sparing

    def count(self, rows: int) -> None:
        """So many rows were read, anywhere."""
        self._read += rows
        if self._sparing:
            if self._read > SPARING:
                self.release()
        elif self._read > OFTEN:
            self._read = 0
            self._mapped.madvise(mmap.MADV_DONTNEED, self._next, min(self._step, len(self._mapped) - self._next))
            self._next = self._next + self._step if self._next + self._step < len(self._mapped) else 0

    def release(self) -> None:
        """Give all of it back now."""
        self._read = 0
        self._mapped.madvise(mmap.MADV_DONTNEED)
