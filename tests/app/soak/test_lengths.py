"""Long notes made of short ones."""

from __future__ import annotations

import pytest

from app.pipeline.note import Document, Note
from app.soak.lengths import BREAK, of_length

NOTES = [Note((Document("Gout of the toe."), Document("Asthma."))), Note((Document("No fever, no cough."),))]


@pytest.mark.parametrize("characters", [1, 7, 20, 46])
def test_each_has_the_length_and_together_they_are_the_text(characters: int) -> None:
    whole = BREAK.join(["Gout of the toe.", "Asthma.", "No fever, no cough."])
    made = of_length(NOTES, characters)
    texts = [document.text for note in made for document in note.documents]
    assert {len(text) for text in texts} == {characters}
    assert whole.startswith("".join(texts))
    assert len(whole) - len("".join(texts)) < characters


def test_a_length_that_cannot_be_had_is_named() -> None:
    with pytest.raises(ValueError, match="46 characters, fewer than 47"):
        of_length(NOTES, 47)
