"""Sections by what a mention in them says of its being reported."""

from __future__ import annotations

ASSESSED = frozenset({"assessment", "impression", "diagnoses", "discharge_diagnosis", "postoperative_diagnosis"})
HISTORY = frozenset({"past_medical_history", "past_surgical_history"})
WEAK = frozenset({"review_of_systems", "physical_exam", "vital_signs", "laboratory", "medications", "social_history"})
TECHNIQUE = frozenset({"procedure", "findings", "complications"})
PLANNED = frozenset({"plan", "instructions", "follow_up", "disposition"})
