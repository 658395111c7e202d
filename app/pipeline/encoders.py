"""The encoders that are open: one that serves already is not opened again beside itself."""

from __future__ import annotations

import weakref
from pathlib import Path

from model.encoder import Encoder


class Encoders:
    """Opens encoders and knows those still in use, by checkpoint version, backend and threads. One caller at a time.

    An encoder has no state but its weights and is safe from many threads, so any number of coders may use it. It goes
    with the last of them: nothing here keeps it.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakValueDictionary[tuple[str, str, int], Encoder] = weakref.WeakValueDictionary()

    def open(self, model: Path | None, backend: str, *, threads: int = 0) -> Encoder:
        """As `model.backends.open_encoder`. Every file of the checkpoint is verified, also where nothing is opened."""
        # Slow to import: whoever makes Encoders should not wait for it.
        from model.backends import open_encoder
        from model.checkpoint import DEFAULT, Checkpoint

        if backend == "torch":  # takes folders without a manifest, too
            return open_encoder(model, backend, threads=threads)
        if self._open:
            version = Checkpoint.open(model or DEFAULT).version
            if (same := self._open.get((version, backend, threads))) is not None:
                return same
        encoder = open_encoder(model, backend, threads=threads)
        self._open[encoder.info.version, backend, threads] = encoder
        return encoder
