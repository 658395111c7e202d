"""Windows cover every token once; batches keep their budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from model.tokenization import TextTokenizer, token_budget_batches, windows


@given(st.lists(st.integers(0, 200), min_size=1, max_size=6), st.integers(4, 60), st.integers(0, 3))
def test_kept_parts_cover_every_token_once_and_in_order(lengths: list[int], room: int, overlap: int) -> None:
    rows = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    cut = windows(rows, room, overlap)
    kept = [token for w in cut for token in range(w.keep_start, w.keep_end)]
    assert kept == list(range(int(rows[-1])))
    assert all(w.end - w.start <= room and w.start <= w.keep_start <= w.keep_end <= w.end for w in cut)


def test_a_token_inside_an_overlap_is_read_where_it_has_context_on_both_sides() -> None:
    first, second = windows(np.array([0, 15], dtype=np.int64), room=10, overlap=4)
    assert (first.start, first.end, second.start, second.end) == (0, 10, 6, 15)
    assert first.keep_end == second.keep_start == 8


@pytest.mark.parametrize("overlap", [-1, 10])
def test_an_overlap_that_cannot_work_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        windows(np.array([0, 5], dtype=np.int64), 10, overlap)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(10, 100))
def test_batches_hold_everything_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = token_budget_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in batch) <= budget or len(batch) == 1 for batch in batches)


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    """Byte-level BPE as ModernBERT has it: the space before a word belongs to the word's token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["no fever, no cough, fever and cough"] * 9, trainer)
    file = tmp_path_factory.mktemp("bpe") / "tokenizer.json"
    tokenizer.save(str(file))
    return TextTokenizer(file, first=0, last=1)


def test_a_byte_level_token_begins_at_its_word(byte_level: TextTokenizer) -> None:
    text = "no fever,  no cough"
    tokens = byte_level.tokenize([text, " fever"])
    words = [text[a:b] for a, b in tokens.offsets[: tokens.rows[1]].tolist()]
    assert words == ["no", "fever", ",", " ", "no", "cough"]
    assert tokens.offsets[tokens.rows[1] :].tolist() == [[1, 6]]


@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_byte_level_offsets_stay_in_order_inside_their_text(byte_level: TextTokenizer, texts: list[str]) -> None:
    clean = [text.encode("utf-8", "ignore").decode() for text in texts]
    tokens = byte_level.tokenize(clean)
    for text, begin, end in zip(clean, tokens.rows[:-1], tokens.rows[1:], strict=True):
        offsets = tokens.offsets[begin:end]
        assert (np.diff(offsets[:, 0]) >= 0).all() and ((offsets >= 0) & (offsets <= len(text))).all()


def test_wordpiece_offsets_are_left_as_they_are(tmp_path: Path) -> None:
    from tests.model.tiny import write_tokenizer

    write_tokenizer(tmp_path)
    tokens = TextTokenizer(tmp_path / "tokenizer.json", first=2, last=3).tokenize(["no  fever"])
    assert tokens.offsets.tolist() == [[0, 2], [4, 9]]
