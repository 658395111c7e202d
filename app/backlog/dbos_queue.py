"""Shards in the queue of DBOS Transact: SQLite for one process, PostgreSQL for several.

One workflow per shard; its arguments are ids. The workflow itself checkpoints nothing: answers are written once
(app/backlog/archive.py), so a workflow that runs twice changes nothing. A workflow that is stopped raises Stopped,
which DBOS does not record: it stays pending and is queued again, by this process when it stops, by another one when
this one dies.

DBOS keeps one instance and one registry of workflows per process, so there is one DbosQueue at a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Final

from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from sqlalchemy.exc import SQLAlchemyError

from app.backlog.batch import BatchKey, Job
from app.backlog.queue import Work
from app.backlog.replicas import Replicas
from app.errors import BacklogUnavailable

QUEUE: Final = "icd-cascade-shards"
_APP: Final = "icd-cascade"
_VERSION: Final = "backlog-1"  # of the jobs, not of the service: an upgrade must find what is queued
_WAITING: Final = ["ENQUEUED", "PENDING", "DELAYED"]
_handler: Callable[[Job], None] | None = None


class Stopped(BaseException):
    """The shard was put back. A BaseException: DBOS records Exceptions as the end of a workflow."""


@DBOS.workflow(name="code_shard", max_recovery_attempts=None)
def code_shard(key: str, shard: int) -> None:
    """The workflow of one shard, in a thread of DBOS."""
    if _handler is None:
        raise Stopped
    _handler(Job(BatchKey.parse(key), shard))


class DbosQueue:
    """url: of the database of DBOS. replicas: tells which other processes live; None: there is no other."""

    def __init__(
        self, url: str, loop: asyncio.AbstractEventLoop, concurrency: int, replicas: Replicas | None, poll: float = 1.0
    ) -> None:
        self._url = url
        self._loop = loop
        self._replicas = replicas
        self._executor = "local" if replicas is None else replicas.own
        self._running: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._concurrency = concurrency
        self._poll = poll

    def start(self, work: Work) -> None:
        """Create or migrate the tables, take back what a dead process of this name had, begin to take jobs."""
        global _handler
        if _handler is not None:
            raise RuntimeError("A process has one queue of shards.")
        _quiet()
        _handler = partial(self._run, work)
        try:
            DBOS(config=self._configuration())
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=self._poll)
        except Exception as error:
            _handler = None
            DBOS.destroy()
            raise BacklogUnavailable("The database of the queue cannot be opened now.") from error

    def submit(self, jobs: Iterable[Job]) -> None:
        """Queue jobs; DBOS passes over ids that it knows."""
        for job in jobs:
            with SetWorkflowID(job.id):
                _asked(partial(DBOS.enqueue_workflow, QUEUE, code_shard, str(job.key), job.shard))

    def resubmit(self, jobs: Iterable[Job]) -> None:
        """Forget how the jobs ended and queue them anew."""
        jobs = list(jobs)
        _asked(lambda: DBOS.delete_workflows([job.id for job in jobs]))
        self.submit(jobs)

    def waiting(self, key: BatchKey) -> set[int]:
        """Shards that are queued or pending."""
        found = _asked(
            lambda: DBOS.list_workflows(
                workflow_id_prefix=f"{key.upload}.", status=_WAITING, load_input=False, load_output=False
            )
        )
        return {int(workflow.workflow_id.rpartition(".")[2]) for workflow in found}

    def forget(self, key: BatchKey) -> None:
        """Delete a batch's workflows that are not in work."""
        listed = _asked(
            lambda: DBOS.list_workflows(workflow_id_prefix=f"{key.upload}.", load_input=False, load_output=False)
        )
        idle = [workflow.workflow_id for workflow in listed if workflow.status != "PENDING"]
        if idle:
            _asked(lambda: DBOS.delete_workflows(idle))

    def sweep(self) -> None:
        """Queue again what processes had that no longer beat."""
        if self._replicas is None:
            return
        pending = _asked(lambda: DBOS.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False))
        dead = self._replicas.dead({str(workflow.executor_id) for workflow in pending})
        stranded = [workflow.workflow_id for workflow in pending if workflow.executor_id in dead]
        if stranded:
            _asked(lambda: DBOS.resume_workflows(stranded, queue_name=QUEUE))

    async def stop(self, timeout: float) -> None:
        """Cancel what runs, leave DBOS, and put back what this process had."""
        self._stopping = True
        with self._lock:
            running = set(self._running)
        for future in running:
            future.cancel()
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        global _handler
        DBOS.destroy()
        _handler = None
        try:
            client = DBOSClient(system_database_url=self._url)
            try:
                pending = client.list_workflows(status="PENDING", executor_id=self._executor, load_input=False)
                if pending:
                    client.resume_workflows([workflow.workflow_id for workflow in pending], queue_name=QUEUE)
            finally:
                client.destroy()
        except SQLAlchemyError:
            return  # whoever starts next, or another replica's sweep, takes them
        if self._replicas is not None:
            self._replicas.leave()

    def _run(self, work: Work, job: Job) -> None:
        """Run the coroutine on the loop of the service and wait, in a thread of DBOS."""

        async def coroutine() -> None:
            await work(job)

        if self._stopping:
            raise Stopped
        # A fresh context: the loop's task must not look like a part of the workflow to DBOS.
        future = contextvars.Context().run(asyncio.run_coroutine_threadsafe, coroutine(), self._loop)
        with self._lock:
            self._running.add(future)
        try:
            if self._stopping:
                future.cancel()
            future.result()
        except CancelledError:
            raise Stopped from None
        finally:
            with self._lock:
                self._running.discard(future)

    def _configuration(self) -> DBOSConfig:
        return {
            "name": _APP,
            "system_database_url": self._url,
            "application_version": _VERSION,
            "executor_id": self._executor,
            "log_level": "WARNING",
            "enable_otlp": False,
        }


def _asked(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except SQLAlchemyError as error:
        raise BacklogUnavailable("The database of the queue cannot be reached now.") from error


def _quiet() -> None:
    """Let the records of DBOS go where those of the service go; without a handler it would make one of its own."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
