"""How one service is set up: from flags, or from ICD_CASCADE_* in the environment. Passed on, never a global."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from pydantic import ConfigDict, Field, field_validator

from app.access.settings import AccessSettings, Words
from app.backlog.settings import BacklogSettings
from app.feedback.settings import FeedbackSettings
from app.pipeline.holding import Holding

PREFIX = "ICD_CASCADE_"


class Settings(AccessSettings, BacklogSettings, FeedbackSettings):
    """Settings of one service process. What a client may make it take on is explained in app/serving/limits.py.

    code_set is what a service answers with by default, also the code sets and editions that it serves beside it:
    "icd-10-pcs,icd-10-cm@2025-10" in the environment.

    >>> Settings.from_environment({"ICD_CASCADE_PORT": "9000"}).port
    9000
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifacts: Path = Path("artifacts")
    code_set: str = "icd-10-cm"
    also: Words = ()
    model: Path | None = None
    models: Path | None = None
    calibrations: Path | None = None
    early_exit: Path | None = None
    backend: str = "onnx"
    search: str = "screened"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    batch_tokens: int = Field(default=16_384, ge=1, le=1_000_000)
    bulk_seconds: float = Field(default=0.1, gt=0, le=60)
    queue_tokens: int = Field(default=400_000, ge=1, le=100_000_000)
    key_concurrency: int = Field(default=64, ge=1, le=100_000)
    deadline_seconds: float = Field(default=60.0, gt=0, le=3_600)
    stall_seconds: float = Field(default=120.0, gt=0, le=3_600)
    drain_seconds: float = Field(default=5.0, ge=0, le=600)
    shadow_share: float = Field(default=0.01, ge=0, le=1)
    traces: bool = False

    @field_validator("also")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            Holding.parse(text)
        return value

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """The code sets to serve, the default first."""
        return (Holding(self.code_set), *map(Holding.parse, self.also))

    @property
    def calibration_folders(self) -> tuple[Path, ...]:
        """Where calibrations are looked for beside those that ship."""
        return () if self.calibrations is None else (self.calibrations,)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ICD_CASCADE_<FIELD> for every field; what is not set keeps its default."""
        names = {name: PREFIX + name.upper() for name in cls.model_fields}
        return cls.model_validate({name: environment[key] for name, key in names.items() if key in environment})


def is_loopback(host: str) -> bool:
    """Whether a bind address can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
