"""A backlog in files with the engine of this process: what is read, what is written, what is refused, what resumes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from app.api.backlog_lines import LineTranslator
from app.api.schemas.request import CodeRequest
from app.backlog.coding import Translator
from app.backlog.files import answers, worker
from app.backlog.files.engine import LocalEngine
from app.backlog.files.parts import Part, PartReport
from app.backlog.files.run import Order, Outcome, run
from app.backlog.files.worker import Job, Opening, PartWorker, versions_of
from app.backlog.limits import LINE_BYTES
from app.errors import RunRefused
from app.pipeline.coder import Coder
from app.pipeline.holding import Holding
from tests.app.backlog.files.notes import read_answers, write_lines, write_table
from tests.app.fakes import POISON, FakeCoder, few_codes

CANARY = "Kanarienvogel"


class FakeEngine:
    """Works on the parts with a coder of five codes; `kills`: parts whose worker dies."""

    def __init__(self, coder: Coder, kills: Sequence[int] = ()) -> None:
        self._coder = coder
        self._kills = kills
        self.worked: list[int] = []

    def look(
        self, opening: Opening, translator: Translator, defaults: Mapping[str, Any]
    ) -> tuple[dict[str, Any], ...] | str:
        return versions_of(self._coder)

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
        with closing(PartWorker(job, self._coder)) as one:
            for part in parts:
                if part.number not in self._kills:
                    self.worked.append(part.number)
                    yield one.work(part)


@pytest.fixture
def coder(tmp_path: Path) -> Iterator[FakeCoder]:
    catalog = few_codes(tmp_path)
    yield FakeCoder(catalog, "general 1")
    catalog.close()


@pytest.fixture
def engine(coder: FakeCoder) -> FakeEngine:
    return FakeEngine(coder)


def order(tmp_path: Path, *inputs: Path, **fields: Any) -> Order:
    opening = Opening(tmp_path, (Holding("icd-10-cm"),), None, "onnx")
    known = frozenset(CodeRequest.model_fields)
    return Order(inputs=inputs, output=tmp_path / "coded", opening=opening, fields=known, **fields)


def code(order: Order, engine: FakeEngine) -> Outcome:
    return run(order, engine, LineTranslator(), lambda *_: None)


def codes_of(row: dict[str, Any]) -> list[str]:
    return [one["code"] for one in row["codes"]]


def test_rows_of_a_table_are_answered_as_the_service_would(tmp_path: Path, engine: FakeEngine) -> None:
    rows: list[dict[str, Any]] = [
        {"note_id": 7, "text": "Asthma.", "top_k": None, "documents": None, "service_date": None},
        {"note_id": 8, "text": None, "top_k": 1, "documents": [{"id": None, "text": "Gout and asthma."}]},
        {"note_id": 9, "text": " ", "top_k": None, "documents": None},
        {"note_id": 10, "text": "Gout.", "top_k": 201, "documents": None},
    ]
    outcome = code(order(tmp_path, write_table(tmp_path / "notes.parquet", rows)), engine)
    assert outcome.counts == {"notes": 4, "coded": 2, "status 422": 2}
    one, two, blank, many = read_answers(tmp_path / "coded")
    assert (one["input"], one["row"], one["note_id"], one["status"], one["error"]) == (
        "notes.parquet",
        0,
        "7",
        200,
        None,
    )
    assert one["codes"][0] | {"evidence": one["codes"][0]["evidence"][0]} == one["codes"][0] | {
        "list": "codes",
        "rank": 1,
        "code": "J45.20",
        "billable": True,
        "evidence": {"document": 0, "start": 0, "end": 6, "text": "Asthma"},
    }
    answer = json.loads(one["answer"])
    assert answer["note_id"] == "7"
    assert answer["timings_ms"] == {}
    assert answer["versions"] == one["versions"]
    assert codes_of(two) == ["J45.20"]  # its own top_k
    assert (blank["status"], blank["error"]) == (422, "1 field breaks the contract. text: Must not be empty or blank.")
    assert many["error"] == "1 field breaks the contract. top_k: Must be at most 200."
    assert many["note_id"] == "10"
    assert json.loads(many["answer"])["type"] == "urn:icd-cascade:problem:invalid-field"


@pytest.mark.parametrize("name", ["notes.ndjson", "notes.jsonl.gz"])
def test_every_line_has_a_row_and_a_bad_one_says_why(
    tmp_path: Path, engine: FakeEngine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backlog.files.ndjson.LINE_BYTES", 500)
    lines: list[Any] = [
        {"custom_id": "a", "body": {"text": "Asthma."}},
        b"\n",
        {"text": "Gout.", "note_id": "mine"},
        b'{"text": "' + b"x" * 600 + b'"}\n',
        b"{not json\n",
        {"custom_id": "", "body": {"text": "Gout."}},
        {"text": "Gout.", CANARY: 1},
        {"text": f"{POISON} {CANARY}"},
        b'"podagra"\n',
        b"[" * 400 + b"\n",
        b'{"text": "Podagra."}',
    ]
    outcome = code(order(tmp_path, write_lines(tmp_path / name, lines), part_notes=3), engine)
    rows = read_answers(tmp_path / "coded")
    assert [row["row"] for row in rows] == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert [row["status"] for row in rows] == [200, 200, 400, 400, 400, 422, 500, 400, 400, 200]
    assert outcome.counts == {"notes": 10, "coded": 3, "status 400": 5, "status 422": 1, "status 500": 1}
    assert (rows[0]["custom_id"], rows[1]["note_id"]) == ("a", "mine")
    assert rows[2]["error"] == f"The line may have at most {LINE_BYTES:,} bytes."
    assert CANARY not in json.dumps([(row["error"], row["answer"]) for row in rows])
    assert len({json.loads(row["answer"]).get("request_id") for row in rows if row["status"] == 200}) == 3


def test_parts_of_a_table_do_not_care_for_its_row_groups(tmp_path: Path, engine: FakeEngine) -> None:
    rows = [{"note_id": str(n), "text": f"{'Gout' if n % 3 else 'Asthma'} {n}."} for n in range(40)]
    source = write_table(tmp_path / "notes.parquet", rows, group=7)
    code(order(tmp_path, source, part_notes=6), engine)
    found = read_answers(tmp_path / "coded")
    assert [row["note_id"] for row in found] == [row["note_id"] for row in rows]
    assert [codes_of(row) for row in found] == [["M10.9"] if n % 3 else ["J45.20"] for n in range(40)]
    # The same parts from the back: nothing depends on the order in which a worker is handed them.
    other = replace(order(tmp_path, source, part_notes=6), output=tmp_path / "backwards")
    engine.run = lambda job, parts: FakeEngine.run(engine, job, parts[::-1])  # type: ignore[method-assign]
    code(other, engine)
    assert read_answers(tmp_path / "backwards") == found


def test_values_that_cannot_be_read_fail_alone(tmp_path: Path, engine: FakeEngine) -> None:
    texts = pyarrow.array([b"Gout.", b"\xff\xfe", b"Asthma."]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "notes.parquet")
    code(order(tmp_path, tmp_path / "notes.parquet"), engine)
    assert [row["status"] for row in read_answers(tmp_path / "coded")] == [200, 400, 200]


def test_columns_of_another_name_are_read_and_others_refused(tmp_path: Path, engine: FakeEngine) -> None:
    source = write_table(tmp_path / "notes.parquet", [{"ROW_ID": 1, "NOTE": "Gout.", "SSN": CANARY}])
    with pytest.raises(RunRefused, match="no fields of /v1/code: NOTE, ROW_ID, SSN"):
        code(order(tmp_path, source), engine)
    with pytest.raises(RunRefused, match="has no column TEXT"):
        code(order(tmp_path, source, columns={"text": "TEXT"}), engine)
    code(order(tmp_path, source, columns={"text": "NOTE", "custom_id": "ROW_ID"}), engine)
    [row] = read_answers(tmp_path / "coded")
    assert (row["custom_id"], codes_of(row)) == ("1", ["M10.9"])


def test_defaults_hold_for_notes_that_do_not_say(tmp_path: Path, engine: FakeEngine) -> None:
    text = "Asthma and gout."
    source = write_lines(tmp_path / "notes.ndjson", [{"text": text}, {"text": text, "top_k": 2}])
    code(order(tmp_path, source, defaults={"top_k": 1}), engine)
    assert [len(row["codes"]) for row in read_answers(tmp_path / "coded")] == [1, 2]


def test_folders_are_read_below_and_what_is_hidden_is_not(tmp_path: Path, engine: FakeEngine) -> None:
    folder = tmp_path / "in" / "2026"
    folder.mkdir(parents=True)
    for name in ("b.ndjson", "a.ndjson", "_SUCCESS", ".a.ndjson.crc", "_tmp.ndjson", "readme.txt"):
        write_lines(folder / name, [{"text": f"Gout in {name}."}])
    outcome = code(order(tmp_path, tmp_path / "in"), engine)
    assert outcome.others == 1
    assert [row["input"] for row in read_answers(tmp_path / "coded")] == ["2026/a.ndjson", "2026/b.ndjson"]


def test_missing_doubled_and_damaged_inputs_are_refused(tmp_path: Path, engine: FakeEngine) -> None:
    (tmp_path / "other").mkdir()
    good = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])
    twin = write_lines(tmp_path / "other" / "notes.ndjson", [{"text": "Gout."}])
    cut_short = tmp_path / "cut.ndjson.gz"
    cut_short.write_bytes(gzip.compress(good.read_bytes() * 1000)[:-20])
    fake = tmp_path / "fake.parquet"
    fake.write_bytes(b"PAR1 no table PAR1")
    for inputs, reason in (
        ([tmp_path / "none.ndjson"], "There is no input"),
        ([good, twin], "Two input files would both be called notes.ndjson"),
        ([cut_short], "cut.ndjson.gz cannot be read: EOFError"),
        ([fake], "fake.parquet is not Parquet"),
        ([tmp_path / "other" / ".."], "columns|Parquet|EOFError"),
    ):
        with pytest.raises(RunRefused, match=reason):
            code(order(tmp_path, *inputs), engine)
    assert not (tmp_path / "coded").exists()


def test_resumed_run_codes_what_is_missing_and_ends_as_an_undisturbed_one(
    tmp_path: Path, engine: FakeEngine, coder: FakeCoder
) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": f"Gout {n}."} for n in range(10)])
    whole = order(tmp_path, source, part_notes=3)
    broken = code(whole, FakeEngine(coder, kills=[1, 3]))
    assert broken.counts is None
    assert broken.failures == dict.fromkeys((1, 3), "Its worker did not answer.")
    (tmp_path / "coded" / "part-000002.parquet").write_bytes(b"torn")
    (tmp_path / "coded" / f"{answers.TEMPORARY}part-000001-x").write_bytes(b"left by a kill")
    resumed = code(whole, engine)
    assert engine.worked == [1, 2, 3]
    assert resumed.counts == {"notes": 10, "coded": 10}
    assert resumed.coded == 7
    again = code(whole, engine)
    assert (again.coded, engine.worked) == (0, [1, 2, 3])
    code(replace(whole, output=tmp_path / "undisturbed"), FakeEngine(coder))
    assert contents(tmp_path / "coded") == contents(tmp_path / "undisturbed")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_other_inputs_options_or_versions_are_not_mixed(tmp_path: Path, engine: FakeEngine, coder: FakeCoder) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])
    first = order(tmp_path, source)
    code(first, engine)
    with pytest.raises(RunRefused, match="other defaults and part_notes"):
        code(replace(first, part_notes=5, defaults={"top_k": 3}), engine)
    coder.versions = replace(coder.versions, index="index-2")
    with pytest.raises(RunRefused, match="other versions"):
        code(first, engine)
    write_lines(source, [{"text": "Asthma."}])
    coder.versions = replace(coder.versions, index="index-1")
    with pytest.raises(RunRefused, match="other inputs"):
        code(first, engine)
    foreign = replace(first, output=tmp_path / "foreign")
    foreign.output.mkdir()
    (tmp_path / "coded" / "part-000000.parquet").rename(foreign.output / "part-000000.parquet")
    with pytest.raises(RunRefused, match="holds answers and no _manifest"):
        code(foreign, engine)


def test_input_that_changes_under_the_run_is_not_answered(tmp_path: Path, coder: FakeCoder) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])

    class Late(FakeEngine):
        def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
            write_lines(source, [{"text": "Gouty."}])
            yield from super().run(job, parts)

    outcome = code(order(tmp_path, source), Late(coder))
    assert outcome.failures == {0: "The input file is not as it was when the run was planned."}


def test_worker_with_other_versions_answers_nothing(tmp_path: Path, coder: FakeCoder) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])

    class Swapped(FakeEngine):
        def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
            coder.versions = replace(coder.versions, model="model-2")
            yield from super().run(job, parts)

    [reason] = code(order(tmp_path, source), Swapped(coder)).failures.values()
    assert reason.startswith("The worker opened another model")


def test_part_that_takes_its_worker_down_is_given_up_and_tried_again_by_the_next_run(
    tmp_path: Path, engine: FakeEngine, coder: FakeCoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": f"{CANARY} gout."}])

    class Deadly(FakeEngine):
        def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
            monkeypatch.setattr(worker, "write_part", fall)
            for _ in range(worker.BEGINS):
                with closing(PartWorker(job, coder)) as one, pytest.raises(Death):
                    one.work(parts[0])
            monkeypatch.setattr(worker, "write_part", answers.write_part)
            yield from super().run(job, parts)

    assert code(order(tmp_path, source), Deadly(coder)).failures == {0: "Its worker died 3 times."}
    assert code(order(tmp_path, source), engine).counts == {"notes": 1, "coded": 1}


class Death(BaseException):
    pass


def fall(*_: Any) -> None:
    raise Death


def test_failure_to_write_is_told_by_type_and_place_without_text(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": f"{CANARY} gout."}])

    def full(*given: Any) -> None:
        raise OSError(f"no space for {given}")

    monkeypatch.setattr(worker, "write_part", full)
    [reason] = code(order(tmp_path, source), engine).failures.values()
    assert reason.startswith("OSError at test_run.py:")
    assert CANARY not in reason + "".join(capfd.readouterr())


def test_pipeline_that_cannot_be_opened_refuses_the_run_by_the_file_at_fault(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "notes.ndjson", [{"text": "Gout."}])
    with pytest.raises(RunRefused, match="icd-10-cm"):
        run(order(tmp_path, source), LocalEngine(1), LineTranslator(), lambda *_: None)
