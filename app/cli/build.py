"""icd-cascade build: make, verify and publish the index of a code set, or the cross-walk between code sets.

Stopped or killed, the build of an index goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.progress import BuildClock, shown_progress
from app.evaluation.errors import EvaluationError
from app.version import VERSION
from index_builder.codesets.sources import NAMES, open_code_set
from index_builder.errors import ArtifactError, CodeSetError
from model.errors import ModelError
from model.nested import PREFIXES, WIDTH

if TYPE_CHECKING:
    from types import FrameType

    from app.evaluation.corpora import Label
    from index_builder.codesets.protocol import CodeSet, SurfaceForm
    from index_builder.crosswalk.artifact import GemFile
    from index_builder.embedding import ChunkPool
    from index_builder.manifest import Manifest
    from index_builder.processes import EncoderSource
    from model.encoder import Encoder

STOPPED = 130


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser("build", help="build and publish the index of a code set")
    parser.add_argument("--artifacts", type=Path, required=True, help="folder of the artifacts")
    parser.add_argument("--code-set", type=code_set_name, help="default: icd-10-cm; the corpus's name with --corpus")
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument("--labels", type=Path, help="code set of a file of lines `code<TAB>title`; needs --code-set")
    labels.add_argument("--corpus", help="code set of a corpus's own labels, e.g. mimic-iii-50; needs --path")
    parser.add_argument("--path", type=Path, help="folder of the corpus, as published")
    parser.add_argument("--source", type=Path, nargs="+", default=(), help="official files of the code set")
    parser.add_argument("--edition", help="their release, e.g. 2026-04, or 2014 for ICD-9-CM; of GEMs their year")
    parser.add_argument(
        "--lend", type=Path, help="for ICD-9-CM: GEM from ICD-10-CM; codes get the wordings of those mapped to them"
    )
    labels.add_argument(
        "--gem",
        type=gem_file,
        action="append",
        metavar="FROM:TO=FILE",
        help="build the cross-walk instead, e.g. icd-9-cm:icd-10-cm=2018_I9gem.txt; may be given several times",
    )
    parser.add_argument("--model", type=Path, help="checkpoint folder; the shipped default where not given")
    parser.add_argument("--backend", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--prefixes", type=_prefixes, default=(64,), help="stage-one dimensions, e.g. 64,128")
    parser.add_argument(
        "--processes",
        type=int,
        default=default_processes(),
        help="that encode; %(default)s here: one per core, at most 8",
    )
    parser.add_argument("--keep", type=int, choices=PREFIXES, default=WIDTH, help="dimensions stored of each wording")


def run(args: argparse.Namespace) -> int:
    """Build and publish. Exit code 0, 1 where it cannot be built, 2 where flags do not fit, 130 where stopped."""
    if args.gem:
        return _build_crosswalk(args)
    from index_builder.processes import EncoderSource
    from model.backends import open_encoder

    if max(args.prefixes) > args.keep:
        _say(f"--prefixes {max(args.prefixes)} is wider than --keep {args.keep}")
        return 2
    try:
        with _stopped_by_sigterm():
            code_set, encoder = _code_set(args), open_encoder(args.model, args.backend)
            source = EncoderSource(args.model, args.backend)
            build_index(
                code_set, encoder, args.artifacts, args.prefixes, args.keep, source=source, processes=args.processes
            )
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from the last finished chunk")
        return STOPPED
    except (ArtifactError, ModelError, EvaluationError) as error:
        _say(f"not built: {error}")
        return 1
    return 0


def build_index(
    code_set: CodeSet,
    encoder: Encoder,
    artifacts: Path,
    prefixes: Sequence[int] = (64,),
    keep: int = WIDTH,
    reuse: bool = False,
    source: EncoderSource | None = None,
    processes: int = 1,
) -> Path:
    """Build with progress on stderr and a closing line of counts, seconds and tokens per second.

    reuse: keep the current artifact where it has the same wordings by the same model
    source, processes: where other processes open the same encoder, and how many of them encode
    """
    from index_builder.build import build
    from index_builder.manifest import read_manifest

    started = time.monotonic()
    with shown_progress() as shown, _pool(source, processes) as pool:
        clock = BuildClock(shown)
        folder = build(
            code_set,
            encoder,
            artifacts,
            builder_version=VERSION,
            prefixes=prefixes,
            keep=keep,
            progress=clock,
            reuse=reuse,
            pool=pool,
        )
    if not clock.encoded:
        _say(f"{folder} has these wordings by this model already: nothing encoded")
        return folder
    _say(summary(read_manifest(folder), clock, time.monotonic() - started))
    _say(f"published {folder}")
    return folder


def default_processes() -> int:
    """One process per core, at most 8: each holds an encoder of its own."""
    return min(8, os.cpu_count() or 1)


def _pool(source: EncoderSource | None, processes: int) -> AbstractContextManager[ChunkPool | None]:
    if source is None or processes < 2:
        return nullcontext()
    from index_builder.processes import encoding_processes

    threads = max(1, (os.cpu_count() or 1) // processes)
    return encoding_processes(source, processes, threads=threads)


def _build_crosswalk(args: argparse.Namespace) -> int:
    from index_builder.crosswalk.artifact import Crosswalk, build_crosswalk

    if args.edition is None:
        _say("--gem needs --edition, the year of the mappings")
        return 2
    try:
        folder = build_crosswalk(args.gem, args.edition, args.artifacts, VERSION)
    except ArtifactError as error:
        _say(f"not built: {error}")
        return 1
    for pair in Crosswalk(folder).pairs:
        _say(f"{pair.source} -> {pair.target} {pair.edition}: {pair.sources:,} codes, {pair.mappings:,} mappings")
    _say(f"published {folder}")
    return 0


def summary(manifest: Manifest, clock: BuildClock, seconds: float) -> str:
    """The closing line of a build."""
    counts = manifest.counts
    encoded = counts.piece_tokens * clock.encoded_share
    rate = f"{encoded / clock.encode_seconds:,.0f} tokens/s" if clock.encode_seconds else "all chunks found finished"
    return (
        f"{counts.codes:,} codes, {counts.forms:,} forms from {counts.pieces:,} wordings; "
        f"{counts.piece_tokens:,} tokens encoded for {counts.form_tokens:,}; "
        f"{seconds:.1f} s, {clock.encode_seconds:.1f} s of it encoding, {rate}"
    )


def _code_set(args: argparse.Namespace) -> CodeSet:
    """The code set that the flags ask for. Raises CodeSetError or CorpusError."""
    if args.labels is None and args.corpus is None:
        return open_code_set(args.code_set or NAMES[0], args.source, args.edition, _lent(args))
    if args.source or args.edition or args.lend:
        raise CodeSetError(args.labels or args.corpus, "goes without --source, --edition and --lend")
    from index_builder.codesets.label_list import LabelList, read_labels
    from index_builder.crosswalk.artifact import FOLDER

    name = args.code_set or args.corpus
    if name is None or name in (*NAMES, FOLDER):
        raise CodeSetError(args.labels or args.corpus, "needs --code-set, a name of its own")
    return LabelList(name, read_labels(args.labels) if args.labels else _corpus_labels(args.corpus, args.path))


def _lent(args: argparse.Namespace) -> Sequence[SurfaceForm]:
    if args.lend is None:
        return ()
    from index_builder.codesets.icd10cm import ICD10CM
    from index_builder.codesets.lending import lent_forms

    return lent_forms(args.lend, ICD10CM())


def gem_file(text: str) -> GemFile:
    """The type of --gem: two code sets and a file."""
    from index_builder.crosswalk.artifact import GemFile

    match = re.fullmatch(r"([a-z0-9-]+):([a-z0-9-]+)=(.+)", text)
    if match is None:
        raise argparse.ArgumentTypeError("written as icd-9-cm:icd-10-cm=FILE")
    return GemFile(match[1], match[2], Path(match[3]))


def _corpus_labels(name: str, path: Path | None) -> Iterator[Label]:
    from app.evaluation.corpora import Labelled, open_corpus
    from app.evaluation.errors import CorpusError

    if path is None:
        raise CorpusError(f"--corpus {name} needs --path, the corpus's folder")
    corpus = open_corpus(name, path)
    if not isinstance(corpus, Labelled):
        raise CorpusError(f"{name} is coded in a code set of the product: build that one")
    return corpus.labels()


def code_set_name(text: str) -> str:
    """The type of --code-set: the name of a folder."""
    if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", text):
        raise argparse.ArgumentTypeError("a code set is named by a-z, 0-9, single dots and dashes: its folder")
    return text


def _prefixes(text: str) -> tuple[int, ...]:
    prefixes = tuple(int(part) for part in text.split(","))
    if not all(1 <= d <= 768 for d in prefixes):
        raise argparse.ArgumentTypeError("prefixes are within 1..768")
    return prefixes


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM stop the build as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
