from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import pytest

from app.access.keys import digest_of, id_in, is_key, mint
from app.access.scopes import Scope

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_key_opens_its_own_entry_only() -> None:
    entry, text = mint("ehr", [Scope.CODE], NOW)
    other, other_text = mint("ehr", [Scope.CODE], NOW)
    assert id_in(text) == entry.id
    assert is_key(text, entry)
    assert not is_key(other_text, entry)
    assert not is_key(text[:-1] + ("A" if text[-1] != "A" else "B"), entry)
    assert not is_key(text, None)
    assert entry.id != other.id


def test_secret_is_not_kept() -> None:
    entry, text = mint("ehr", [Scope.CODE], NOW)
    assert text.split("_", 2)[2] not in repr(entry)
    assert entry.digest == digest_of(text)


@pytest.mark.parametrize(
    "text", ["", "icdc_", "icdc_0123456789ab_short", "ICDC_0123456789ab_" + "a" * 43, "icdc_0123456789ab_" + "é" * 43]
)
def test_other_words_hold_no_id(text: str) -> None:
    assert id_in(text) is None


def test_validity_ends_at_expiry_and_revocation() -> None:
    entry, _ = mint("ehr", [Scope.CODE], NOW, NOW + timedelta(days=1))
    assert entry.is_valid(NOW)
    assert not entry.is_valid(NOW + timedelta(days=1))
    unlimited, _ = mint("ehr", [Scope.CODE], NOW)
    assert unlimited.is_valid(NOW + timedelta(days=10_000))


def test_digests_are_compared_in_constant_time_also_for_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    true = hmac.compare_digest

    def watch(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return true(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watch)
    entry, text = mint("ehr", [Scope.CODE], NOW)
    is_key(text, entry)
    is_key(text, None)
    is_key("anything", None)
    assert compared == [(64, 64)] * 3
