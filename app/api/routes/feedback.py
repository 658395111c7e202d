"""POST /v1/feedback: what a reviewer accepted, rejected and added."""

from __future__ import annotations

import asyncio
from collections import Counter

from fastapi import APIRouter, Request

from app.access.scopes import Scope
from app.api.context import CoderHere
from app.api.problems import documented
from app.api.schemas.feedback import FeedbackIn, FeedbackOut
from app.api.security import CallerHere, require_scope
from app.errors import FieldError, InvalidField
from app.feedback.review import Decision, Review
from app.feedback.store import FeedbackStore
from app.pipeline.coder import Coder
from app.pipeline.shelved import catalogs_of

router = APIRouter(prefix="/v1/feedback", tags=["feedback"], dependencies=[require_scope(Scope.CODE)])
_PROBLEMS = documented(400, 401, 403, 413, 415, 422, 500, 503)


@router.post("", responses=_PROBLEMS, summary="Say what became of an answer")
async def feedback(request: Request, body: FeedbackIn, coder: CoderHere, caller: CallerHere) -> FeedbackOut:
    """Stores codes, decisions, offsets and versions of one review: no text. Sent again, it replaces the earlier one.

    A code that no loaded code set has is refused.
    """
    review = body.review()
    _check_codes(review, coder)
    store: FeedbackStore = request.app.state.feedback
    await asyncio.to_thread(store.put, caller.id, review)
    counts = Counter(decided.decision for decided in review.decisions)
    request.state.counts |= {str(decision): counts[decision] for decision in Decision}
    request.state.versions = {
        "model": review.versions.model,
        "index": review.versions.index,
        "code_set": review.versions.code_set,
        "calibration": review.versions.calibration,
    }
    return FeedbackOut(request_id=review.request_id, **{str(decision): counts[decision] for decision in Decision})


def _check_codes(review: Review, coder: Coder) -> None:
    catalogs = catalogs_of(coder)
    unknown = [
        FieldError(f"decisions.{place}.code", "Is in no loaded code set.")
        for place, decided in enumerate(review.decisions)
        if all(catalog.position(decided.code) is None for catalog in catalogs)
    ]
    if unknown:
        raise InvalidField(f"{len(unknown)} codes are in no loaded code set.", *unknown[:20])
