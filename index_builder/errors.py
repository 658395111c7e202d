"""Errors of index artifacts. Each names the file and what is wrong with it.

ArtifactError
 ├─ MissingFileError       a file, a folder or the `current` pointer is not there
 ├─ TruncatedFileError     a file is shorter than its manifest says
 ├─ ChangedFileError       a file has other bytes than its manifest says
 ├─ ManifestError          manifest.json or `current` cannot be read or is of another format
 ├─ InconsistentError      files are intact but do not fit together
 ├─ ModelMismatchError     the index was built by another model than the one that asks
 ├─ GoldenMismatchError    a golden query is answered differently than at build time
 ├─ CodeSetError           the code set cannot be indexed
 └─ BuildLockedError       another process builds in the same folder
"""

from __future__ import annotations

from pathlib import Path


class ArtifactError(Exception):
    """An artifact that must not be used, or cannot be made. `file` and `reason` say why."""

    def __init__(self, file: Path | str, reason: str) -> None:
        super().__init__(str(file), reason)
        self.file = str(file)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class MissingFileError(ArtifactError):
    """A file, a folder or the `current` pointer is not there."""


class TruncatedFileError(ArtifactError):
    """A file is shorter than its manifest says."""


class ChangedFileError(ArtifactError):
    """A file has other bytes than its manifest says."""


class ManifestError(ArtifactError):
    """A manifest or pointer that cannot be read, or is of a format this version does not know."""


class InconsistentError(ArtifactError):
    """Files that are intact but do not fit together."""


class ModelMismatchError(ArtifactError):
    """The index was built by another model than the one that asks."""


class GoldenMismatchError(ArtifactError):
    """A golden query is answered differently than at build time."""


class CodeSetError(ArtifactError):
    """A code set that cannot be indexed."""


class BuildLockedError(ArtifactError):
    """Another process builds in the same folder."""
