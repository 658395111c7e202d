"""Every wording of ours is found in a note that says it, shorthand or not."""

from __future__ import annotations

from tests.app.pipeline.reading.written_out import as_read, known_forms, stored, written_out


def test_wordings_stand_in_the_index_as_notes_are_read() -> None:
    rows = stored()
    assert len(rows) > 1000
    assert written_out(known_forms(frozenset(rows))) == rows


def test_shorthand_is_written_out() -> None:
    assert as_read("CAD s/p PCI") == "coronary artery disease status post percutaneous coronary intervention"
