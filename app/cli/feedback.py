"""icd-cascade feedback: what reviewers decided, as a table and as training pairs."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.options import settings_of

if TYPE_CHECKING:
    from app.feedback.store import FeedbackStore


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("feedback", help="what reviewers decided: summary and training pairs")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("summary", help="acceptance per code and version, as tab-separated lines")
    exporting = actions.add_parser("export", help="accepted and added codes, marked in your own notes")
    exporting.add_argument("--notes", type=Path, required=True, help="folder of the notes: <note_id> or <note_id>.txt")
    exporting.add_argument("--out", type=Path, required=True, help="file of practice notes to write; holds note text")
    for action in actions.choices.values():
        action.add_argument("--feedback-folder", type=Path, help="folder of stored feedback (default: state/feedback)")


def run(args: argparse.Namespace) -> int:
    """Do one action."""
    from app.feedback.store import SqliteStore

    settings = settings_of(args)
    store = SqliteStore(settings.feedback_folder, settings.feedback_days, settings.feedback_reviews)
    return summarise(store) if args.action == "summary" else export_pairs(store, args.notes, args.out)


def summarise(store: FeedbackStore) -> int:
    """One line per code, index and calibration, the most decided codes first."""
    from app.feedback.review import Decision

    counts: dict[tuple[str, str, str], Counter[Decision]] = {}
    for tally in store.tallies():
        counts.setdefault((tally.code, tally.index, tally.calibration or "none"), Counter())[tally.decision] += (
            tally.count
        )
    print("\t".join(["code", "index", "calibration", *map(str, Decision), "acceptance"]))
    for key, by in counts.items():
        decided = by[Decision.ACCEPTED] + by[Decision.REJECTED]
        share = f"{by[Decision.ACCEPTED] / decided:.3f}" if decided else ""
        print("\t".join([*key, *(str(by[decision]) for decision in Decision), share]))
    return 0


def export_pairs(store: FeedbackStore, notes: Path, out: Path) -> int:
    """Write the file; what is left out is counted on stderr. 1 if no review could be laid over a note."""
    from app.feedback.export import export

    done = export(store.reviews(), notes)
    for reason, count in sorted(done.left_out.items()):
        print(f"left out, {count}: {reason}", file=sys.stderr)
    if not done.notes:
        print("icd-cascade: no review could be laid over a note", file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(done.text, encoding="utf-8")
    print(f"{done.notes} notes with {done.codes} codes: {out}")
    return 0
