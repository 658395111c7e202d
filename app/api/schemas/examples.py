"""Examples in openapi.json, invented for it. Offsets are those of the text."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = "Assessment: gouty arthritis of the left knee, started colchicine."
WORDS: Final = "gouty arthritis of the left knee"

CODE_REQUEST: Final[dict[str, Any]] = {"text": TEXT, "top_k": 5}

CODE_RESPONSE: Final[dict[str, Any]] = {
    "request_id": "3f0d2c1e-7b4a-4c57-9a53-6a1de3b0c9aa",
    "note_id": None,
    "codes": [
        {
            "code": "M10.062",
            "display": "Idiopathic gout, left knee",
            "system": "http://hl7.org/fhir/sid/icd-10-cm",
            "edition": "2026-04",
            "rank": 1,
            "score": 0.8121,
            "probability": None,
            "billable": True,
            "assertion": None,
            "hcc": None,
            "poa_exempt": None,
            "evidence": [
                {
                    "document": 0,
                    "start": TEXT.index(WORDS),
                    "end": TEXT.index(WORDS) + len(WORDS),
                    "text": WORDS,
                    "weight": 1.0,
                    "section": "assessment",
                    "assertion": None,
                }
            ],
            "stage_scores": {"64": 0.8402, "256": 0.8195, "768": 0.8121},
            "alternatives": [],
            "warnings": [],
        }
    ],
    "candidates": [],
    "suppressed": [],
    "versions": {
        "service": "0.1.0",
        "model": "5c1f0e8a",
        "index": "9d27b3c4",
        "code_set": "icd-10-cm 2026-04",
        "calibration": None,
    },
    "timings_ms": {"queue": 0.05, "segment": 0.21, "encode": 11.8, "search64": 0.52},
    "warnings": [],
    "truncated": False,
}
