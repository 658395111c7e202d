"""The course of a run: stretches of steps, and the clauses of notes that each is trained with.

At the end of a stretch clauses or mistakes are mined anew with the model so far. Whatever was mined lies in the run
folder (clauses.jsonl of the start, clauses-<step>.jsonl of a mark), so a resumed run goes on with the same clauses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.corpora import CodiEsp
from app.pipeline.assemble import open_coder
from app.pipeline.note import Note
from app.pipeline.segment import segment
from app.training.clauses import coded_clauses, literal_clauses
from app.training.forms import LiveForms
from app.training.keeping import read_clauses, read_mistakes, read_notes, write_clauses, write_mistakes
from app.training.mentions import MarkedClause, lined_clauses, marked_clauses, practised_clauses
from app.training.names import MARK
from app.training.passages import passage_of
from index_builder.catalog import Catalog
from index_builder.embedding import Progress
from model.backends import open_encoder
from model.encoder import Encoder, ModelInfo
from model.nested import WIDTH
from model.torch_encoder import TorchEncoder
from model.training.confusions import confusions
from model.training.kinship import Asked, Kinship, Mistake
from model.training.loop import Trainer
from model.training.mining import CodedNote, mine_clauses
from model.training.pairs import Clause, Term
from model.training.sampling import PairSampler
from model.training.text import Piece

PRACTISED = 3  # times that each marked word of a practice note is there: they are few, and what users write


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the clauses come from.

    start:     checkpoint whose mistakes are mined first; codiesp: folder of coded notes; notes: CSV of uncoded ones
    practice:  folder of practice notes; their marked words are read where there is an index
    lines:     the marked lines that ship are read where there is an index
    artifacts: an index of the start model. With it mistakes on marked words are mined, without it the clause of each
               given code
    marks:     steps at which the model so far mines anew, ascending
    window:    clauses are trained inside their passages
    """

    start: Path
    codiesp: Path | None = None
    practice: Path | None = None
    lines: bool = False
    artifacts: Path | None = None
    notes: Path | None = None
    notes_limit: int = 400
    marks: tuple[int, ...] = ()
    floor: float = 0.45
    window: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """How pairs are drawn from the terms; the shares are the sampler's.

    mistakes_at: steps at which the codes that the model so far takes wordings for are mined, ascending
    asked:       how many wordings are asked then
    """

    bare_share: float = 0.0
    title_share: float = 0.5
    near_share: float = 0.0
    mistake_share: float = 0.0
    mistakes_at: tuple[int, ...] = ()
    asked: int = 80_000


@dataclass(frozen=True, slots=True)
class Course:
    """Trains a trainer over its stretches.

    partners: of the sampler
    progress: of forms that are encoded for mining
    """

    trainer: Trainer
    terms: Sequence[Term]
    sources: Sources
    say: Callable[[str], None]
    progress: Progress
    partners: Mapping[str, Sequence[str]] = field(default_factory=dict)
    drawing: Drawing = Drawing()

    def run(self) -> None:
        """Train to the last step; a resumed trainer goes on in the stretch that it stopped in."""
        trainer, options = self.trainer, self.trainer.options
        marks = {*self.sources.marks, *self.drawing.mistakes_at}
        starts = [0, *sorted(mark for mark in marks if 0 < mark < options.steps)]
        kinship = Kinship(self.terms) if self.drawing.near_share or self.drawing.mistakes_at else None
        for start, stop in zip(starts, [*starts[1:], options.steps], strict=True):
            if trainer.step >= stop:
                continue
            sampler = PairSampler(
                self.terms,
                self._clauses(max((mark for mark in self.sources.marks if mark <= start), default=0)),
                seed=options.seed + start,
                clause_share=options.clause_share,
                partners=self.partners,
                in_context=self.sources.window,
                bare_share=self.drawing.bare_share,
                title_share=self.drawing.title_share,
                kinship=kinship,
                near_share=self.drawing.near_share,
                mistaken=self._mistaken(start, kinship) if kinship else None,
                mistake_share=self.drawing.mistake_share,
            )
            trainer.train(sampler, until=stop)

    def _mistaken(self, start: int, kinship: Kinship) -> dict[Asked, tuple[Mistake, ...]]:
        """What wordings were mistaken for at the last mark; the first process mines, the others wait and read."""
        mark = max((mark for mark in self.drawing.mistakes_at if mark <= start), default=None)
        if mark is None:
            return {}
        kept = self.trainer.run / f"mistaken-{mark}.jsonl"
        if self.trainer.world.first and not kept.exists():
            network = self.trainer.network.eval()
            seed = self.trainer.options.seed + mark
            # Of a disease that stands as a pseudo-code no name is a mistake: it may be the code's own.
            coded = [term for term in self.terms if not term.code.startswith(MARK)]
            found = confusions(coded, kinship, self.trainer.embed, self.progress, queries=self.drawing.asked, seed=seed)
            write_mistakes(found, kept)
            network.train()
            self.say(f"step {mark}: {len(found)} wordings stand beside the codes that they are nearest to wrongly")
        self.trainer.world.wait()
        return read_mistakes(kept)

    def _clauses(self, start: int) -> list[Clause]:
        """The clauses of the stretch that begins at a step; the first process mines, the others wait and read."""
        if not self.sources.artifacts and (not self.sources.codiesp or not start):
            return []  # without an index the untrained model has no say in which clause a code belongs to
        kept = self._file(start)
        if self.trainer.world.first and not kept.exists():
            self.trainer.network.eval()
            write_clauses(self._mine(start), kept)
        self.trainer.world.wait()
        return read_clauses(kept)

    def _file(self, start: int) -> Path:
        return self.trainer.run / (f"clauses-{start}.jsonl" if start else "clauses.jsonl")

    def _mine(self, start: int) -> list[Clause]:
        if not self.sources.artifacts:
            return self._instances()
        return self._own_mistakes(start) if start else self._first_mistakes()

    def _instances(self) -> list[Clause]:
        """For each code of a note its nearest clause, by the model so far."""
        assert self.sources.codiesp is not None
        notes = coded_notes(self.sources.codiesp, window=self.sources.window)
        clauses = mine_clauses(notes, self.terms, self.trainer.embed, floor=self.sources.floor)
        self.say(f"mined {len(clauses)} clauses from {len(notes)} notes")
        return clauses

    def _first_mistakes(self) -> list[Clause]:
        """Clauses whose words were marked, with the start model's mistakes, and clauses of uncoded notes."""
        assert self.sources.artifacts is not None
        pipeline = open_coder(self.sources.artifacts, "icd-10-cm", self.sources.start, "onnx")
        clauses: list[Clause] = []
        if marked := self._marked(pipeline.catalog):
            encoder = open_encoder(self.sources.start, "onnx")
            clauses += coded_clauses(marked, encoder, pipeline.index, pipeline.catalog)
            self.say(f"{len(clauses)} queries from {len(marked)} marked mentions")
        if self.sources.notes:
            notes = read_notes(self.sources.notes, self.sources.notes_limit)
            literal = literal_clauses(notes, pipeline, least=0.93, longer=2)
            self.say(f"{len(literal)} clauses of uncoded notes name a code almost literally")
            clauses += literal
        return clauses

    def _marked(self, catalog: Catalog) -> list[MarkedClause]:
        """The words that people marked, of all sources."""
        coded = marked_clauses(self.sources.codiesp, "train", catalog) if self.sources.codiesp else []
        practised = practised_clauses(self.sources.practice, catalog) if self.sources.practice else []
        lined = lined_clauses(catalog) if self.sources.lines else []
        return coded + PRACTISED * practised + lined

    def _own_mistakes(self, start: int) -> list[Clause]:
        """The marked words with the mistakes of the model so far; the uncoded notes' clauses stay the start's."""
        assert self.sources.artifacts is not None
        if not (self.sources.codiesp or self.sources.practice or self.sources.lines):
            return read_clauses(self._file(0))
        pipeline = open_coder(self.sources.artifacts, "icd-10-cm", self.sources.start, "onnx")
        catalog, encoder = pipeline.catalog, live_encoder(self.trainer)  # the catalog is closed with its pipeline
        work = self.trainer.run / f"forms-{start}"
        forms = LiveForms.encode(encoder, catalog, work, self.progress)
        marked = self._marked(catalog)
        clauses = coded_clauses(marked, encoder, forms, catalog)
        self.say(
            f"step {start}: {len(clauses)} queries from {len(marked)} marked mentions, mistakes of the model so far"
        )
        coded = {(clause.code, clause.text) for clause in clauses}
        return clauses + [c for c in read_clauses(self._file(0)) if (c.code, c.text) not in coded]


def live_encoder(trainer: Trainer) -> Encoder:
    """The network in training as the encoder that serving would use, in the run's precision, in evaluation mode."""
    network, options = trainer.network, trainer.options
    info = ModelInfo("in-training", f"step-{trainer.step}", WIDTH, options.max_tokens + 2, "clause", "torch")
    projection = network.projection.weight.detach().float().cpu().numpy()
    half = options.precision == "bf16"
    return TorchEncoder(network.backbone, trainer.tokenizer, projection, network.layers, info, half=half)


def coded_notes(codiesp: Path, *, window: bool) -> list[CodedNote]:
    """The clauses and codes of CodiEsp's training notes; with `window` the clauses stand inside their passages."""
    notes = CodiEsp(codiesp).notes("train")
    return [CodedNote(_pieces(coded.note, window), tuple(sorted(coded.gold))) for coded in notes]


def _pieces(note: Note, window: bool) -> tuple[Piece, ...]:
    """The clauses of one note, as serving encodes them."""
    cut = segment(note)
    return tuple(passage_of(cut, clause) if window else cut.text_of(clause) for clause in cut.clauses)
