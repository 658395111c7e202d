"""A CodiEsp folder of a few sentences in its published layout, Spanish beside English, over the tiny code set."""

from __future__ import annotations

from pathlib import Path

SPANISH = "Mujer con migraña con aura. Niega zóster. Anemia ferropénica tratada."
ENGLISH = "Woman with migraine with aura. Denies shingles. Low iron was treated, stable."
NOTES = 4


def write_corpus(folder: Path) -> Path:
    """Four notes; in each the migraine (G43) and the iron (D50) are marked, and one procedure that is no diagnosis."""
    split = folder / "train"
    for name, text in (("text_files", SPANISH), ("text_files_en", ENGLISH)):
        (split / name).mkdir(parents=True)
        for number in range(NOTES):
            (split / name / f"n{number}.txt").write_text(text, encoding="utf-8")
    gold = [f"n{n}\t{code}" for n in range(NOTES) for code in ("g43", "d50")]
    (split / "trainD.tsv").write_text("\n".join(gold) + "\n")
    marks = []
    for n in range(NOTES):
        for kind, code, words in (
            ("DIAGNOSTICO", "g43", "migraña con aura"),
            ("DIAGNOSTICO", "d50", "Anemia ferropénica"),
            ("PROCEDIMIENTO", "x12", "tratada"),
        ):
            start = SPANISH.index(words)
            marks.append(f"n{n}\t{kind}\t{code}\t{words}\t{start} {start + len(words)}")
    (split / "trainX.tsv").write_text("\n".join(marks) + "\n", encoding="utf-8")
    return folder
