"""Workers as actors of Ray Data, on this machine or on a cluster. Needs ray (extra [ray]).

What passes through Ray are numbers: of parts to the actors, of answers back. Notes and answers go from file to file,
so that Ray's object store, its spill folder and its logs never hold any.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.backlog.coding import Translator
from app.backlog.files.parts import Part, PartReport
from app.backlog.files.worker import Job, Opening, PartWorker, look
from app.errors import RunRefused
from app.serving.logs import configure_logging, place_of

LOCAL: Final = "local"
_STORE_BYTES: Final = 100 * 2**20  # of Ray's own bookkeeping: no note lies there
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many actors, and what each is given.

    actors:  None = as many as the cluster has room for
    cpus:    of each actor; its encoder takes as many threads
    gpus:    of each actor; a half lets two share one
    address: of a running cluster, "auto" for the one of this machine; "local" starts one and ends it
    """

    actors: int | None = None
    cpus: float = 1
    gpus: float = 0
    address: str = LOCAL

    @property
    def threads(self) -> int:
        """Of an actor's encoder."""
        return max(1, int(self.cpus))


class RayActor:
    """A worker as Ray Data calls it: a batch of one part, as columns."""

    def __init__(self, job: Job, threads: int) -> None:
        configure_logging()  # what an actor writes lands in Ray's logs
        self._worker = PartWorker.open(job, threads)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Answer one part; never raises, so that no traceback travels."""
        report = self._worker.work(Part(**{name: int(column[0]) for name, column in batch.items()}))
        return {name: [value] for name, value in asdict(report).items()}


class RayEngine:
    """Use within `started`."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    @contextmanager
    def started(self) -> Iterator[RayEngine]:
        """Connected to the cluster, or with one of its own. Raises RunRefused."""
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        local = self._fleet.address == LOCAL
        if local:  # its ports are open to the network: nobody without this run's token may talk to them
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        try:
            import ray
        except ImportError:
            raise RunRefused("The engine needs the extra: pip install 'icd-cascade[ray]'.") from None
        own: dict[str, Any] = {"object_store_memory": _STORE_BYTES, "include_dashboard": False} if local else {}
        try:
            ray.init(address=self._fleet.address, log_to_driver=False, logging_level=logging.ERROR, **own)
        except Exception as error:
            what = "started on this machine" if local else f"reached at {self._fleet.address}"
            raise RunRefused(f"Ray cannot be {what}: {type(error).__name__}.") from None
        try:
            yield self
        finally:
            ray.shutdown()

    def look(
        self, opening: Opening, translator: Translator, defaults: Mapping[str, Any]
    ) -> tuple[dict[str, Any], ...] | str:
        """As `worker.look`, in a process of the cluster with what an actor is given."""
        import ray

        self._check_room()
        remote = ray.remote(num_cpus=self._fleet.cpus, num_gpus=self._fleet.gpus, max_retries=0)(look)
        try:
            found: tuple[dict[str, Any], ...] | str = ray.get(remote.remote(opening, translator, defaults))
        except ray.exceptions.RayError as error:
            return f"A worker of Ray could not open the pipeline: {type(error).__name__}."
        return found

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[PartReport]:
        """One report a part, as they are ended."""
        import ray
        from ray.data import ActorPoolStrategy, DataContext

        context = DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        actors = min(self._check_room(), len(parts))
        asked = ray.data.from_items([asdict(part) for part in parts], override_num_blocks=len(parts))
        reports = asked.map_batches(
            RayActor,
            fn_constructor_args=(job, self._fleet.threads),
            batch_size=1,
            compute=ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
            num_cpus=self._fleet.cpus,
            num_gpus=self._fleet.gpus,
        )
        try:
            for row in reports.iter_rows():
                yield PartReport(**row)
        except ray.exceptions.RayError as error:
            raise RunRefused(f"Ray ended the run: {type(error).__name__} at {place_of(error)}.") from None

    def _check_room(self) -> int:
        """Actors that the cluster has room for, at most those wanted. Raises RunRefused if there is none for one."""
        import ray

        there, fleet = ray.cluster_resources(), self._fleet  # type: ignore[no-untyped-call]
        room = min(there.get("CPU", 0) // fleet.cpus, there.get("GPU", 0) // fleet.gpus if fleet.gpus else float("inf"))
        if room < 1:
            raise RunRefused(
                f"An actor wants {fleet.cpus:g} CPUs and {fleet.gpus:g} GPUs; "
                f"Ray has {there.get('CPU', 0):g} and {there.get('GPU', 0):g}."
            )
        return int(min(room, fleet.actors or room))
