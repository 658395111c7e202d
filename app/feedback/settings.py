"""Where feedback is kept and for how long: the part of the settings that docs/feedback.md explains."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field

FOLDER: Final = Path("state") / "feedback"


class FeedbackSettings(BaseModel):
    """Settings of feedback.

    feedback_folder:  folder of the SQLite file
    feedback_days:    a review is kept so long
    feedback_reviews: at most so many are kept; the oldest go first
    """

    feedback_folder: Path = FOLDER
    feedback_days: float = Field(default=365.0, gt=0, le=3_660)
    feedback_reviews: int = Field(default=100_000, ge=1, le=10_000_000)
