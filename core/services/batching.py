"""Batching: ask a judge by the file, at the price of a batch, and be answered within a day.

It is another way to ask: prompts, reading and storing are those of judging. Requests are stored
before they are handed over, under a token that the remote batch carries too: whatever happens on
the way, what the endpoint has is found again and not handed over twice. What a batch leaves
unanswered is outstanding again, and so is a reply that can't be read: its one second question goes
into a following batch.
"""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from core.domain.addresses import OPENAI, server_of
from core.domain.pricing import guessed_tokens
from core.engines.batch_files import MOST_REQUESTS, Answer, BatchEndpoint, RemoteBatch
from core.engines.catalogue import batch_endpoint
from core.engines.completions import FORMS
from core.errors import CallFailed, EngineStopped, LeaseLost, Refused
from core.services.batching_requests import Filling
from core.services.batching_terms import LIMITS, Terms
from core.services.budgeting import purse_of
from core.services.exchanging import Reading, Said, exchange_of
from core.services.judging import check_ready, plan_of
from core.services.ordering import subject_of
from core.services.permitting import require
from core.services.queueing import Lease, begin, ended, writing_for
from core.services.releasing import check_may_send
from core.store import assessments, batches, exchanges, jobs, judges
from core.store.batches import Batch
from core.store.database import Store, opened
from core.store.jobs import Job
from core.store.judges import Judge
from core.store.studies import Study

#: Seconds between looks at the endpoint: at first, and at most.
_FIRST_LOOK, _LONGEST_LOOK = 0.5, 60.0
#: Seconds between looks at the lease.
_LOOK = 0.2
#: Calls to the endpoint that may fail in a row.
_MOST_FAILURES = 8
#: Seconds that an endpoint may take to cancel what it was asked to.
_CANCELLING = 900.0
#: Seconds after which a batch that was created stands in the endpoint's list.
_LISTED = 2.0
#: Answers that are stored at once.
_AT_ONCE = 500


def run_batches(path: Path, job: Job, lease: Lease) -> None:
    """Ask by the file for all that a job's plan lacks; end the job as done, cancelled or failed.

    Raises:
        LeaseLost: another worker has the job; nothing was written after that.
    """
    with opened(path) as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        with ended(store, job, lease):
            check_ready(store, job, judge)
            asyncio.run(_BatchRun(store, job, judge, lease).run())


def forget_batches(store: Store, study: Study, judge: Judge) -> int:
    """Give up a judge's batches, wherever they are; how many verdicts are outstanding again.

    What the endpoint answers after all is paid for and lost: this is for batches that can't be
    reached any more.

    Raises:
        Refused: `still_running`: a job is at work on them.
        NotAllowed: `needs_right`.
    """
    require(store, "lead")
    with store.writing():
        working = jobs.unfinished_job_of(store, subject_of(judge, study.id))
        if working is not None:
            raise Refused("still_running", job=working)
        count = batches.pending_count(store, study.id, judge.id)
        for batch in batches.open_batches(store, study.id, judge.id):
            batches.end(store, batch.id)
    return count


class _BatchRun:
    """Hands over what is outstanding, waits, and collects, until nothing is outstanding."""

    def __init__(self, store: Store, job: Job, judge: Judge, lease: Lease) -> None:
        self.store = store
        self.job = job
        self.judge = judge
        self.lease = lease
        self.plan = plan_of(store, job)
        self.address: str = (*job.plan["addresses"], OPENAI)[0]
        self.reading = Reading(store, job, judge)
        self.engines: dict[str, BatchEndpoint] = {}
        self.purse = purse_of(
            store, job, judge.parameters,
            outstanding=lambda: assessments.outstanding(store, self.plan).total,
        )  # fmt: skip
        dialect = batches.last_dialect(store, judge.id, self.address) or (FORMS[0], LIMITS[0])
        self.terms = Terms(judge, *dialect, MOST_REQUESTS)
        self.filling = Filling(store, job, judge, self.plan, self.address, self.terms, self.purse)

    async def run(self) -> None:
        total = assessments.outstanding(self.store, self.plan).total
        limit: int | None = self.job.plan["limit"]
        if limit is not None:
            total = min(total, max(0, limit - self.job.done))
        begin(self.store, self.job, total=total)
        try:
            self._engine(self.address)  # without a key it can't be built
            await self._work()
        finally:
            for engine in self.engines.values():
                await engine.close()
        if self.terms.stopped_by is not None:
            raise self.terms.stopped_by
        if self.lease.is_cancel_asked:
            return
        if self.filling.is_money_out and self.purse is not None:
            raise self.purse.reached()
        if self.filling.given_up:
            raise CallFailed("calls_failed", count=self.filling.given_up)

    # --- the loop -----------------------------------------------------------------------------

    async def _work(self) -> None:
        is_any_ended, pause, failures, cancelled_for = True, _FIRST_LOOK, 0, 0.0
        while True:
            opened_batches = self._open()
            if is_any_ended and not self._is_stopping():
                if not (self.terms.is_queue_full and opened_batches):
                    self.filling.fill(self._is_stopping)
                opened_batches = self._open()
            if not opened_batches or cancelled_for > _CANCELLING:
                return
            try:
                is_any_ended = False
                for batch in opened_batches:
                    is_any_ended |= await self._advanced(batch)
            except CallFailed:
                failures += 1
                if failures >= _MOST_FAILURES:
                    raise
            else:
                failures = 0
            if is_any_ended:
                pause = _FIRST_LOOK
                continue
            cancelled_for += pause if self._is_stopping() else 0.0
            await self._rest(pause)
            pause = min(_LONGEST_LOOK, 1.5 * pause)

    def _open(self) -> list[Batch]:
        return batches.open_batches(self.store, self.plan.study_id, self.judge.id)

    def _is_stopping(self) -> bool:
        return self.lease.is_cancel_asked or self.terms.stopped_by is not None

    async def _rest(self, seconds: float) -> None:
        """Wait, but not when somebody has just asked to stop."""
        was_cancelled = self.lease.is_cancel_asked
        for _ in range(max(1, round(seconds / _LOOK))):
            self._check_lease()
            if self.lease.is_cancel_asked and not was_cancelled:
                return
            await asyncio.sleep(_LOOK)

    def _check_lease(self) -> None:
        if self.lease.is_lost:
            raise LeaseLost("lease_lost")

    async def _advanced(self, batch: Batch) -> bool:
        """Hand a batch over, or see how far it is; whether it has ended."""
        self._check_lease()
        engine = self._engine(batch.address)
        if batch.remote_id is None:
            return await self._handed_over(engine, batch)
        if self._is_stopping():
            await engine.cancel(batch.remote_id)
        remote = await engine.look(batch.remote_id)
        if remote is None:
            raise EngineStopped("batch_unknown", host=server_of(batch.address), id=batch.remote_id)
        self._note(batch, remote)
        if not remote.is_ended:
            return False
        await self._collect(engine, batch, remote)
        return True

    def _engine(self, address: str) -> BatchEndpoint:
        if address not in self.engines:
            self.engines[address] = batch_endpoint(self.judge.engine, address)
        return self.engines[address]

    # --- handing over -------------------------------------------------------------------------

    async def _handed_over(self, engine: BatchEndpoint, batch: Batch) -> bool:
        """Make sure that the endpoint has a batch; whether the batch is given up instead."""
        remote = await self._found(engine, batch) if batch.is_tried else None
        if remote is None:
            if self._is_stopping() or batch.total == 0:
                self._end(batch)
                return True
            check_may_send(self.store, self.plan.study_id, self.judge.engine, (batch.address,))
            file_id = batch.file_id or await self._uploaded(engine, batch)
            with writing_for(self.store, self.job):
                batches.set_tried(self.store, batch.id)
            remote = await engine.create(file_id, batch.token)
        self._note(batch, remote)
        return False

    async def _found(self, engine: BatchEndpoint, batch: Batch) -> RemoteBatch | None:
        """The batch at the endpoint, if it was created before somebody was interrupted."""
        found = await engine.find(batch.token)
        if found is None:
            await asyncio.sleep(_LISTED)
            found = await engine.find(batch.token)
        return found

    async def _uploaded(self, engine: BatchEndpoint, batch: Batch) -> str:
        with tempfile.TemporaryFile() as file:
            file.writelines(self.filling.lines_of(batch))
            file.seek(0)
            file_id = await engine.upload(file, f"attending-{batch.token}.jsonl")
        with writing_for(self.store, self.job):
            batches.set_file(self.store, batch.id, file_id)
        return file_id

    def _note(self, batch: Batch, remote: RemoteBatch) -> None:
        with writing_for(self.store, self.job):
            batches.set_remote(
                self.store, batch.id, remote.id, remote.state,
                completed=remote.completed, failed=remote.failed,
            )  # fmt: skip

    # --- collecting ---------------------------------------------------------------------------

    async def _collect(self, engine: BatchEndpoint, batch: Batch, remote: RemoteBatch) -> None:
        """Store and read what a batch that has ended was answered, then forget the batch."""
        answered: list[tuple[int, Said]] = []
        for file_id in filter(None, (remote.output_file_id, remote.error_file_id)):
            async for answer in engine.answers(file_id):
                found = self._said(batch, answer)
                if found is not None:
                    answered.append(found)
                if len(answered) >= _AT_ONCE:
                    self._store(batch, answered)
                    answered = []
        self._store(batch, answered)
        if remote.state != "cancelled" or not self._is_stopping():
            self.terms.learn_from_end(batch, remote, is_alone=len(self._open()) == 1)
        if remote.state != "failed" and self.terms.are_those_of(batch):
            left = batches.requests_of(self.store, batch.id)
            self.filling.unanswered.update(one.key for one in left)
        self._end(batch)

    def _said(self, batch: Batch, answer: Answer) -> tuple[int, Said] | None:
        """The request that an answer belongs to, with the answer; None where there is none."""
        token, _, number = answer.custom_id.rpartition("-")
        if token != batch.token or not number.isdecimal():
            return None
        request = batches.request_of(self.store, batch.id, int(number))
        reply = answer.reply
        if reply is None and answer.complaint is not None:
            reply = self.terms.reply_of(answer.complaint, batch)
        if request is None or reply is None:
            return None
        stored = exchanges.exchanges_of_key(self.store, request.key)
        if any(one.ask == request.ask for one in stored):  # before an interruption
            with self.store.writing():
                batches.remove_requests(self.store, batch.id, [request.number])
            return None
        if self.purse is not None:
            texts = [message.content for message in self.filling.messages_of(request)]
            self.purse.note(guessed_tokens(texts), reply)
        exchange = exchange_of(
            request.key, request.prompt, replace(reply, seconds=batch.age),
            marker=request.marker, ticket=request.ticket, ask=request.ask,
            reask_version=request.reask_version,
        )  # fmt: skip
        material = exchanges.material_of(self.store, request.key)
        return request.number, Said(exchange, material, is_stored=False)

    def _store(self, batch: Batch, answered: list[tuple[int, Said]]) -> None:
        """Store answers and read them; a kill between the two steps is noticed by `_said`."""
        if not answered:
            return
        self.reading.commit([said for _, said in answered], asked_in=batch.job_id)
        with writing_for(self.store, self.job):
            batches.remove_requests(self.store, batch.id, [number for number, _ in answered])

    def _end(self, batch: Batch) -> None:
        with writing_for(self.store, self.job):
            batches.end(self.store, batch.id)
