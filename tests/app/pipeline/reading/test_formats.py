"""What is read of the formats that systems send, and that every offset finds its way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pipeline.note import Document, Note
from app.pipeline.reading.edited import Edit, Edited
from app.pipeline.reading.read import read
from app.pipeline.segment import segment_read

PIECES = (
    *(
        "htn",
        "RA",
        "pnuemonia",
        "w/",
        "\\par",
        "\\'e9",
        "\\u233?",
        "{",
        "}",
        "\\bin7",
        "\\*",
        "\\v",
        "\\.br\\",
        "\\T\\",
    ),
    *("\\X41\\", "[**a**]", "&amp;", "<br>", "|", "~", "\n", "\f", "\0", "\ud800", "\u00e9"),
)
STARTS = ("", "{\\rtf1 ", "MSH|^~\\&|A\nOBX|1|TX|1||")


def _read(text: str) -> str:
    return read(Note((Document(text),))).documents[0].text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 Sep\\b sis\\b0\\par Gout}", "Sepsis\nGout"),
        ("{\\rtf1\\uc1 M\\u233?ni\\'e8re \\{x\\}}", "M\u00e9ni\u00e8re {x}"),
        ("{\\rtf1{\\*\\generator a;}{\\info{\\title b}}c\\v d\\v0 e}", "ce"),
        ("{\\rtf1 a\\bin5 {}\\xyb}", "ab"),
        ("{\\rtf1 \\u-10179?\\u-8704?}", "\ufffd\ufffd"),
        ("Cough.\\.br\\Fever \\T\\ chills", "Cough.\nFever & chills"),
        ("Urinary tract\\.br\\infection", "Urinary tract infection"),
        ("a\\.br\\b\\X2B\\\\E\\\\H\\c\\N\\", "a\nb+\\c"),
        ("[** Name 7 **] has gout &amp; pain", "  has gout & pain"),
        ("<p>Gout<br/>and <b>pain</b></p>", "\nGout\nand pain\n"),
        ("MSH|^~\\&|LAB\rPID|1||DM\rOBX|1|TX|2||Gout~Pain|||\rNTE|1||Cough", "Gout\nPain\nCough"),
    ],
)
def test_words_of_a_format_are_read(sent: str, text: str) -> None:
    assert _read(sent) == text


@pytest.mark.parametrize(
    "text", ["C:\\T\\E\\ has the scan", "WBC <5 and >3", "the \\rtf1 file", "a {b} c", "A&P: [x]", "note: MSH|^~\\&|"]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    note = Note((Document(text),))
    assert read(note) is note


@settings(deadline=None)  # the vocabulary is read with the first
@given(st.sampled_from(STARTS), st.lists(st.sampled_from(PIECES), max_size=40))
def test_every_clause_is_words_as_sent(start: str, pieces: list[str]) -> None:
    sent = start + " ".join(pieces)
    cut = segment_read(Note((Document(sent),)))
    document = cut.note.documents[0]
    for clause in cut.clauses:
        begin, end, text = document.as_sent(clause.start, clause.end)
        assert 0 <= begin < end <= len(sent) and sent[begin:end] == text
        sentence = cut.sentences[clause.sentence]
        assert sentence.start <= clause.start < clause.end <= sentence.end


@given(
    st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3), st.text(max_size=4)), max_size=6)
)
def test_offsets_go_over_and_back(source: str, wanted: list[tuple[int, int, str]]) -> None:
    edits, before = [], 0
    for start, length, new in sorted(wanted):
        if start >= before and start + length <= len(source):
            edits.append(Edit(start, start + length, new))
            before = start + length
    edited = Edited.of(source, edits)
    for start in range(len(edited.text)):
        begin, end = edited.back(start, start + 1)
        assert 0 <= begin < end <= len(source)
        if edited.text[start] != source[begin:end]:
            assert any((edit.start, edit.end) == (begin, end) for edit in edits)
        first, last = edited.forward(begin, end)
        assert first <= start < last


def test_evidence_never_ends_inside_an_escape() -> None:
    sent = "Nausea \\T\\ vomiting"
    edited = read(Note((Document(sent),))).documents[0]
    assert edited.as_sent(0, 8)[2] == "Nausea \\T\\"
